"""The state that a block ran on, read record by record from history: nothing is replayed, nothing is loaded whole.

It refuses nothing. Marks that the block forgot before its first transaction are absent here, as they were then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Protocol, TypeVar

import msgspec

from chainpos.core.contracts import codes
from chainpos.core.contracts.registry import TABLES_BY_PREFIX
from chainpos.core.state.commitment import bucket_of
from chainpos.core.state.tables import PREFIX_BYTES, Table
from chainpos.inspect.source import ChainSource, Found

R = TypeVar("R", bound=msgspec.Struct)
_UNREAD: Final = object()


class RecordSource(Protocol):
    """Where past records come from."""

    def record_at(self, key: bytes, height: int) -> bytes | None:
        """A record's bytes after a block."""

    def records_of(self, keys: Sequence[bytes], height: int) -> dict[bytes, bytes | None]:
        """Many records' bytes after a block, in one go."""

    def records_at(self, height: int) -> dict[bytes, bytes]:
        """All records after a block."""


class PastState:
    """The records after block `height` - 1, as the transactions of block `height` at `time_s` found them.

    `changed` replaces records, None for one that is taken away. History tells which expired marks the block forgot; in
    a hypothetical one, all that expired are taken as forgotten.
    """

    def __init__(
        self,
        source: RecordSource,
        height: int,
        time_s: int,
        *,
        changed: Mapping[bytes, bytes | None] | None = None,
        hypothetical: bool = False,
        exact_buckets: bool = False,
    ) -> None:
        self._source = source
        self._height = height
        self._time_s = time_s
        self._changed = changed or {}
        self._hypothetical = hypothetical
        self._exact = exact_buckets
        self._values: dict[bytes, bytes | None] = {}
        self._buckets: dict[int, int] | None = None

    def foresee(self, keys: Sequence[bytes]) -> None:
        """Read these records now, together: each of them would cost many times as much by itself later."""
        self._values.update(self._source.records_of(keys, self._height - 1))

    def get(self, table: Table[R], key: bytes) -> R | None:
        """The record, or None."""
        value = self.value(table.full_key(key))
        return None if value is None else table.decode(value)

    def value(self, full_key: bytes) -> bytes | None:
        """The record's bytes, or None."""
        if self._changed and full_key in self._changed:
            return self._changed[full_key]
        value = self.committed(full_key)
        return None if value is None or self._forgotten(full_key, value) else value

    def committed(self, full_key: bytes) -> bytes | None:
        """The record's bytes after the block before, whatever the block forgot of it."""
        found = self._values.get(full_key, _UNREAD)
        if found is _UNREAD:
            found = self._values[full_key] = self._source.record_at(full_key, self._height - 1)
        return found if isinstance(found, bytes) else None

    def records_in(self, bucket: int) -> int:
        """How many records a bucket held; 0 where the recorded block refused nobody for lack of room.

        Then every answer was "there is room", and counting a million keys to hear it again would be for nothing.
        """
        if not self._exact:
            return 0
        if self._buckets is None:
            self._buckets = {}
            for key in self._source.records_at(self._height - 1):
                place = bucket_of(key)
                self._buckets[place] = self._buckets.get(place, 0) + 1
        return self._buckets.get(bucket, 0)

    def _forgotten(self, full_key: bytes, value: bytes) -> bool:
        table = TABLES_BY_PREFIX.get(full_key[:PREFIX_BYTES])
        if table is None or table.expires is None or table.expires(table.decode(value)) >= self._time_s:
            return False
        # A block forgets a bounded number. What it did not forget, it cannot have written either: see README.md.
        return self._hypothetical or self._source.record_at(full_key, self._height) != value


def past_state(source: ChainSource, found: Found) -> PastState:
    """The state that a recorded block ran on."""
    crowded = any(result.code == codes.LEDGER_CROWDED.number for result in found.results)
    time_s = found.block.header.time_ns // 1_000_000_000
    return PastState(source, found.height, time_s, exact_buckets=crowded)
