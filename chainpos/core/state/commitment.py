"""The state commitment: 65,536 buckets of records, each a simple Merkle map, under one more map of the buckets.

It refuses nothing: it says how full a bucket is, and whoever runs transactions refuses those that would crowd one.
Nothing changes until a staged update is committed. Source: CometBFT crypto/merkle/proof_value.go, tree.go.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from functools import cache
from hashlib import sha256
from typing import Final, NamedTuple, TypeAlias

from chainpos.core.chain.merkle import EMPTY_ROOT, MerkleProof, proof_of_leaf_hashes
from chainpos.core.chain.protobuf import varint
from chainpos.core.values.hashes import HASH_BYTES
from chainpos.errors import StateMismatch

BUCKETS: Final = 65_536
LEVELS: Final = 16
MAX_KEY_BYTES: Final = 256
# Keys can be ground so that they share a bucket, and a touched bucket is hashed whole. At this size that costs about as
# much as twenty signatures. It bounds transactions, not the tree: see README.md, "Crowded buckets".
MAX_BUCKET_RECORDS: Final = 1_024

_PAIR_BYTES: Final = 2 * HASH_BYTES
_LEAF_PREFIX: Final = tuple(b"\x00" + varint(length) for length in range(MAX_KEY_BYTES + 1))
_VALUE_PREFIX: Final = varint(HASH_BYTES)

# The sorted keys of a bucket, and their leaf hashes in a row. Plain tuples: the garbage collector need not visit them.
_Bucket: TypeAlias = tuple[tuple[bytes, ...], bytes]
_NO_RECORDS: Final[_Bucket] = ((), b"")


def bucket_of(key: bytes) -> int:
    """The bucket of a record, 0..65,535: the first two bytes of its key's hash."""
    return int.from_bytes(sha256(key).digest()[:2], "big")


def bucket_name(bucket: int) -> bytes:
    """The bucket's key in the upper map: four lower-case hex digits."""
    return b"%04x" % bucket


def map_leaf(key: bytes, value_hash: bytes) -> bytes:
    """The bytes of a simple map's entry before they are hashed as a leaf. Source: CometBFT `KVPair.Bytes`."""
    return varint(len(key)) + key + _VALUE_PREFIX + value_hash


def record_leaf_hash(key: bytes, value: bytes) -> bytes:
    """The leaf hash of a record in its bucket. Raises ValueError for a key over MAX_KEY_BYTES."""
    if len(key) > MAX_KEY_BYTES:
        raise ValueError(f"a key of {len(key)} bytes; {MAX_KEY_BYTES} are allowed")
    return sha256(_LEAF_PREFIX[len(key)] + key + _VALUE_PREFIX + sha256(value).digest()).digest()


class StagedTree(NamedTuple):
    """An update that has not happened yet: the root it leads to, and what it replaces."""

    root: bytes
    base: int
    buckets: dict[int, _Bucket]
    nodes: dict[int, bytes]


class Commitment:
    """The tree in memory: 4 MiB for the upper map, about 50 bytes for each record beside its key.

    The upper map is a perfect binary tree in one array: node 1 is the root, node n has the children 2n and 2n + 1, and
    bucket b is the leaf 65,536 + b.
    """

    __slots__ = ("_buckets", "_nodes", "_version")

    def __init__(self, values: Mapping[bytes, bytes] | None = None) -> None:
        self._buckets: list[_Bucket] = [_NO_RECORDS] * BUCKETS
        self._nodes = bytearray(_empty_nodes())
        self._version = 0
        if values:
            self._load(values)

    @property
    def root(self) -> bytes:
        """The 32-byte root over all records."""
        return self._node(1)

    def records_in(self, bucket: int) -> int:
        """How many records the bucket holds."""
        return len(self._buckets[bucket][0])

    def keys_in(self, bucket: int) -> tuple[bytes, ...]:
        """The bucket's keys, ascending."""
        return self._buckets[bucket][0]

    def stage(self, changes: Iterable[tuple[bytes, bytes | None]]) -> StagedTree:
        """What the tree becomes if each key gets its value, or is removed where that is None. Changes nothing."""
        touched: dict[int, list[tuple[bytes, bytes | None]]] = {}
        for change in changes:
            touched.setdefault(int.from_bytes(sha256(change[0]).digest()[:2], "big"), []).append(change)
        buckets: dict[int, _Bucket] = {}
        leaves: dict[int, bytes] = {}
        for bucket, entries in touched.items():
            changed = _changed_bucket(self._buckets[bucket], entries)
            buckets[bucket] = changed
            leaves[BUCKETS + bucket] = _upper_leaf_hash(bucket, _root_of_packed(changed[1]))
        nodes = self._staged_nodes(leaves)
        return StagedTree(nodes.get(1, self.root), self._version, buckets, nodes)

    def commit(self, staged: StagedTree) -> None:
        """Make a staged update the tree. Raises StateMismatch if the tree has moved since it was staged."""
        if staged.base != self._version:
            raise StateMismatch("an update was staged on another state than the one it is committed to")
        self._version += 1
        for bucket, changed in staged.buckets.items():
            self._buckets[bucket] = changed
        nodes = self._nodes
        for at, digest in staged.nodes.items():
            begin = at * HASH_BYTES
            nodes[begin : begin + HASH_BYTES] = digest

    def record_proof(self, key: bytes) -> MerkleProof:
        """That the record is in its bucket. Raises KeyError where it is not."""
        keys, packed = self._buckets[bucket_of(key)]
        at = bisect_left(keys, key)
        if at == len(keys) or keys[at] != key:
            raise KeyError(key)
        return proof_of_leaf_hashes(_unpacked(packed), at)

    def bucket_proof(self, bucket: int) -> MerkleProof:
        """That the bucket's root is in the upper map."""
        at = BUCKETS + bucket
        aunts = tuple(self._node((at >> level) ^ 1) for level in range(LEVELS))
        return MerkleProof(BUCKETS, bucket, self._node(at), aunts)

    def _node(self, at: int) -> bytes:
        begin = at * HASH_BYTES
        return bytes(self._nodes[begin : begin + HASH_BYTES])

    def _staged_nodes(self, leaves: dict[int, bytes]) -> dict[int, bytes]:
        # Level by level, so that a node above several changes is hashed once.
        nodes = self._nodes
        staged = dict(leaves)
        level = leaves
        while level and 1 not in level:
            above: dict[int, bytes] = {}
            for at, digest in level.items():
                parent = at >> 1
                if parent in above:
                    continue
                sibling: bytes | bytearray | None = level.get(at ^ 1)
                if sibling is None:
                    begin = (at ^ 1) << 5
                    sibling = nodes[begin : begin + HASH_BYTES]
                above[parent] = sha256(b"\x01" + sibling + digest if at & 1 else b"\x01" + digest + sibling).digest()
            staged.update(above)
            level = above
        return staged

    def _load(self, values: Mapping[bytes, bytes]) -> None:
        # Only keys are gathered by bucket: with a million records, hashes kept as objects would take twice the tree.
        keys_of: dict[int, list[bytes]] = {}
        for key in values:
            keys_of.setdefault(bucket_of(key), []).append(key)
        leaves: dict[int, bytes] = {}
        for bucket, unsorted in keys_of.items():
            keys = tuple(sorted(unsorted))
            packed = b"".join([record_leaf_hash(key, values[key]) for key in keys])
            self._buckets[bucket] = (keys, packed)
            leaves[BUCKETS + bucket] = _upper_leaf_hash(bucket, _root_of_packed(packed))
        nodes = self._nodes
        for at, digest in self._staged_nodes(leaves).items():
            nodes[at * HASH_BYTES : (at + 1) * HASH_BYTES] = digest


def _changed_bucket(bucket: _Bucket, entries: list[tuple[bytes, bytes | None]]) -> _Bucket:
    keys, packed = bucket
    for key, value in entries:
        at = bisect_left(keys, key)
        present = at < len(keys) and keys[at] == key
        begin = at * HASH_BYTES
        if value is not None:
            leaf = record_leaf_hash(key, value)
            if present:
                packed = packed[:begin] + leaf + packed[begin + HASH_BYTES :]
            else:
                packed = packed[:begin] + leaf + packed[begin:]
                keys = (*keys[:at], key, *keys[at:])
        elif present:
            packed = packed[:begin] + packed[begin + HASH_BYTES :]
            keys = keys[:at] + keys[at + 1 :]
    return keys, packed


def _upper_leaf_hash(bucket: int, root: bytes) -> bytes:
    return sha256(b"\x00\x04%04x\x20" % bucket + sha256(root).digest()).digest()


def _unpacked(packed: bytes) -> list[bytes]:
    return [packed[begin : begin + HASH_BYTES] for begin in range(0, len(packed), HASH_BYTES)]


def _level_above(level: bytes) -> bytes:
    # Two hashes side by side are already the input of the hash above them; an odd one moves up alone.
    pairs = [
        sha256(b"\x01" + level[begin : begin + _PAIR_BYTES]).digest()
        for begin in range(0, len(level) - HASH_BYTES, _PAIR_BYTES)
    ]
    if len(level) % _PAIR_BYTES:
        pairs.append(level[-HASH_BYTES:])
    return b"".join(pairs)


def _root_of_packed(level: bytes) -> bytes:
    if len(level) == _PAIR_BYTES:  # at a hundred thousand records, buckets of one and two are the many
        return sha256(b"\x01" + level).digest()
    if not level:
        return EMPTY_ROOT
    while len(level) > HASH_BYTES:
        level = _level_above(level)
    return level


@cache
def _empty_nodes() -> bytes:
    # Once a process: 131,071 hashes take a tenth of a second, a copy of 4 MiB a thousandth.
    level = b"".join([_upper_leaf_hash(bucket, EMPTY_ROOT) for bucket in range(BUCKETS)])
    levels = [level]
    while len(level) > HASH_BYTES:
        level = _level_above(level)
        levels.append(level)
    levels.append(bytes(HASH_BYTES))  # there is no node 0
    return b"".join(reversed(levels))
