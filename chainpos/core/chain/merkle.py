"""Merkle trees as in RFC 6962 and CometBFT's crypto/merkle: roots, inclusion proofs, their verification.

It refuses proofs whose shape does not fit their position, and sizes beyond CometBFT's limit of aunts.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

import msgspec

from chainpos.core.chain.protobuf import Reader, put_bytes, put_message, put_uint
from chainpos.core.values.hashes import HASH_BYTES
from chainpos.errors import MalformedBytes

EMPTY_ROOT: Final = sha256(b"").digest()
# CometBFT crypto/merkle/proof.go MaxAunts: enough for any tree, few enough to bound the work.
MAX_AUNTS: Final = 100


class MerkleProof(msgspec.Struct, frozen=True):
    """That an item is the `index`-th of `total`. Hashes are 32 bytes; `aunts` go from the leaf's sibling upwards."""

    total: int
    index: int
    leaf_hash: bytes
    aunts: tuple[bytes, ...] = ()

    def encode(self) -> bytes:
        """CometBFT's tendermint.crypto.Proof."""
        aunts = b"".join(put_message(4, aunt) for aunt in self.aunts)
        return put_uint(1, self.total) + put_uint(2, self.index) + put_bytes(3, self.leaf_hash) + aunts

    @classmethod
    def read(cls, reader: Reader) -> MerkleProof:
        """The proof in a message's field. Raises MalformedBytes."""
        total, index = reader.int64(1), reader.int64(2)
        leaf_hash = reader.bytes_(3, HASH_BYTES)
        aunts = tuple(reader.repeated_bytes(4, MAX_AUNTS, HASH_BYTES))
        reader.end()
        if total < 0 or index < 0 or len(leaf_hash) != HASH_BYTES or any(len(aunt) != HASH_BYTES for aunt in aunts):
            raise MalformedBytes("not a Merkle proof")
        return cls(total, index, leaf_hash, aunts)

    @classmethod
    def decode(cls, data: bytes) -> MerkleProof:
        """The inverse of `encode`. Raises MalformedBytes."""
        return cls.read(Reader(data))


def leaf_hash(item: bytes) -> bytes:
    """32 bytes; a leaf can never pass for an inner node."""
    return sha256(b"\x00" + item).digest()


def inner_hash(left: bytes, right: bytes) -> bytes:
    """32 bytes."""
    return sha256(b"\x01" + left + right).digest()


def root(items: Sequence[bytes]) -> bytes:
    """The 32-byte root over `items` in order. Source: CometBFT crypto/merkle/tree.go `HashFromByteSlices`."""
    return root_of_leaf_hashes([sha256(b"\x00" + item).digest() for item in items])


def root_of_leaf_hashes(leaf_hashes: Sequence[bytes]) -> bytes:
    """The 32-byte root over leaves that are already hashed; sha256("") over none."""
    if not leaf_hashes:
        return EMPTY_ROOT
    level: Sequence[bytes] = leaf_hashes
    while len(level) > 1:
        level = _level_above(level)
    return level[0]


def _level_above(level: Sequence[bytes]) -> list[bytes]:
    # Level by level, an odd node moving up alone, gives the same tree as splitting at the largest power of two.
    join = b"".join
    pairs = iter(level)
    above = [sha256(join((b"\x01", left, right))).digest() for left, right in zip(pairs, pairs, strict=False)]
    if len(level) & 1:
        above.append(level[-1])
    return above


def proof(items: Sequence[bytes], index: int) -> MerkleProof:
    """That `items[index]` is in `root(items)`. Raises IndexError."""
    return proof_of_leaf_hashes([leaf_hash(item) for item in items], index)


def proof_of_leaf_hashes(leaf_hashes: Sequence[bytes], index: int) -> MerkleProof:
    """The same over leaves that are already hashed. Raises IndexError."""
    if not 0 <= index < len(leaf_hashes):
        raise IndexError(f"no leaf {index} in a tree of {len(leaf_hashes)}")
    level: Sequence[bytes] = leaf_hashes
    aunts: list[bytes] = []
    at = index
    while len(level) > 1:
        sibling = at ^ 1
        if sibling < len(level):
            aunts.append(level[sibling])
        level = _level_above(level)
        at >>= 1
    return MerkleProof(len(leaf_hashes), index, leaf_hashes[index], tuple(aunts))


def root_from_proof(given: MerkleProof) -> bytes | None:
    """The root that `given` leads to, or None where its aunts do not fit its position.

    Source: CometBFT crypto/merkle/proof.go `computeHashFromAunts`.
    """
    at, width = given.index, given.total
    if not 0 <= at < width or len(given.aunts) > MAX_AUNTS:
        return None
    found = given.leaf_hash
    used = 0
    while width > 1:
        if at ^ 1 < width:
            if used == len(given.aunts):
                return None
            aunt = given.aunts[used]
            used += 1
            found = inner_hash(aunt, found) if at & 1 else inner_hash(found, aunt)
        at >>= 1
        width = (width + 1) >> 1
    return found if used == len(given.aunts) else None


def verify(expected_root: bytes, item: bytes, given: MerkleProof) -> bool:
    """Whether `given` proves that `item` is in the tree of `expected_root`."""
    return given.leaf_hash == leaf_hash(item) and root_from_proof(given) == expected_root
