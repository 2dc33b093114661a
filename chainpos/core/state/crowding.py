"""Keeps transactions from crowding a bucket with keys that were ground to fall into it.

It refuses a transaction's new records once their bucket is full. It never refuses what the ledger writes by itself: see
README.md, "Crowded buckets".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from chainpos.core.state.commitment import MAX_BUCKET_RECORDS, bucket_of


class BucketSizes(Protocol):
    """The committed state, as far as crowding goes."""

    def records_in(self, bucket: int) -> int:
        """How many committed records a bucket holds."""


class Growth:
    """What the transactions of one block have added to each bucket so far."""

    __slots__ = ("_added", "_sizes")

    def __init__(self, sizes: BucketSizes) -> None:
        self._sizes = sizes
        self._added: dict[int, int] = {}

    def admit(self, created: Iterable[bytes]) -> bool:
        """Whether all these new full keys find room; they are counted then, and none of them otherwise.

        Deletions within the block free no room before the next one, so that the order of writes cannot matter.
        """
        wanted: dict[int, int] = {}
        for full_key in created:
            bucket = bucket_of(full_key)
            wanted[bucket] = wanted.get(bucket, 0) + 1
        for bucket, count in wanted.items():
            if self._sizes.records_in(bucket) + self._added.get(bucket, 0) + count > MAX_BUCKET_RECORDS:
                return False
        for bucket, count in wanted.items():
            self._added[bucket] = self._added.get(bucket, 0) + count
        return True
