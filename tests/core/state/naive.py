"""The state's root from the records alone, as wire.md describes it and as slowly as that reads; imports no chainpos."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import sha256


def split_point(count: int) -> int:
    """The largest power of two below `count`."""
    power = 1
    while power * 2 < count:
        power *= 2
    return power


def tree_root(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962 by its own recursion."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    at = split_point(len(leaves))
    return sha256(b"\x01" + tree_root(leaves[:at]) + tree_root(leaves[at:])).digest()


def uvarint(value: int) -> bytes:
    return bytes((value,)) if value < 128 else bytes((value % 128 + 128,)) + uvarint(value // 128)


def map_entry(key: bytes, value: bytes) -> bytes:
    return uvarint(len(key)) + key + uvarint(32) + sha256(value).digest()


def upper_entry(bucket: int, records: Mapping[bytes, bytes]) -> bytes:
    root = tree_root([map_entry(key, records[key]) for key in sorted(records)])
    return map_entry(f"{bucket:04x}".encode(), root)


@cache
def empty_root(low: int, high: int) -> bytes:
    """The subtree over empty buckets `low` to `high`, the latter excluded; kept, as most of the tree is that."""
    if high - low == 1:
        return sha256(b"\x00" + upper_entry(low, {})).digest()
    middle = low + split_point(high - low)
    return sha256(b"\x01" + empty_root(low, middle) + empty_root(middle, high)).digest()


def subtree_root(buckets: Mapping[int, Mapping[bytes, bytes]], order: Sequence[int], low: int, high: int) -> bytes:
    """`order` are the buckets with records, ascending."""
    if bisect_left(order, low) == bisect_left(order, high):
        return empty_root(low, high)
    if high - low == 1:
        return sha256(b"\x00" + upper_entry(low, buckets[low])).digest()
    middle = low + split_point(high - low)
    left, right = subtree_root(buckets, order, low, middle), subtree_root(buckets, order, middle, high)
    return sha256(b"\x01" + left + right).digest()


def state_root(records: Mapping[bytes, bytes]) -> bytes:
    """The app hash of these records."""
    buckets: dict[int, dict[bytes, bytes]] = {}
    for key, value in records.items():
        digest = sha256(key).digest()
        buckets.setdefault(digest[0] * 256 + digest[1], {})[key] = value
    return subtree_root(buckets, sorted(buckets), 0, 65536)
