"""A verifier of ICS-23 proofs for the Tendermint spec, written from the specification; it imports no chainpos.

Source: cosmos/ics23 proto/cosmos/ics23/v1/proofs.proto, go/proof.go, go/ops.go (the rules, not the code).
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple

from tests.core.state.naive import split_point, uvarint
from tests.core.state.wire_reader import one, read_fields

SHA256 = 1
NO_HASH = 0
VAR_PROTO = 1
CHILD_BYTES = 32
TENDERMINT_LEAF = (SHA256, NO_HASH, SHA256, VAR_PROTO, b"\x00")


class Inner(NamedTuple):
    hash: int
    prefix: bytes
    suffix: bytes

    @property
    def branch(self) -> int:
        """0 where the path comes from the left child, 1 from the right. Raises ValueError for another shape."""
        if self.hash != SHA256 or self.prefix[:1] != b"\x01":
            raise ValueError("not an inner node of the Tendermint spec")
        shape = (len(self.prefix), len(self.suffix))
        if shape not in ((1, CHILD_BYTES), (1 + CHILD_BYTES, 0)):
            raise ValueError("not an inner node of the Tendermint spec")
        return 0 if self.suffix else 1


class Existence(NamedTuple):
    key: bytes
    value: bytes
    leaf: tuple[int, int, int, int, bytes]
    path: tuple[Inner, ...]

    def root(self) -> bytes:
        """Raises ValueError where the proof does not follow the Tendermint spec."""
        if self.leaf != TENDERMINT_LEAF or not self.key or not self.value:
            raise ValueError("not a leaf of the Tendermint spec")
        hashed = sha256(self.value).digest()
        current = sha256(b"\x00" + uvarint(len(self.key)) + self.key + uvarint(len(hashed)) + hashed).digest()
        for inner in self.path:
            if inner.branch in (0, 1):
                current = sha256(inner.prefix + current + inner.suffix).digest()
        return current


class NonExistence(NamedTuple):
    key: bytes
    left: Existence | None
    right: Existence | None


def read_existence(raw: bytes) -> Existence:
    fields = read_fields(raw)
    leaf = read_fields(one(fields, 3, b""))
    leaf_op = (one(leaf, 1, 0), one(leaf, 2, 0), one(leaf, 3, 0), one(leaf, 4, 0), one(leaf, 5, b""))
    inners = (read_fields(each) for each in fields.get(4, []))
    path = tuple(Inner(one(inner, 1, 0), one(inner, 2, b""), one(inner, 3, b"")) for inner in inners)
    return Existence(one(fields, 1, b""), one(fields, 2, b""), leaf_op, path)


def read_commitment_proof(raw: bytes) -> Existence | NonExistence:
    fields = read_fields(raw)
    if 1 in fields:
        return read_existence(fields[1][-1])
    outside = read_fields(fields[2][-1])
    left, right = one(outside, 2, None), one(outside, 3, None)
    return NonExistence(
        one(outside, 1, b""),
        None if left is None else read_existence(left),
        None if right is None else read_existence(right),
    )


def exists(root: bytes, key: bytes, value: bytes, proof: Existence) -> bool:
    try:
        return proof.root() == root and proof.key == key and proof.value == value
    except ValueError:
        return False


def is_absent(root: bytes, key: bytes, proof: NonExistence) -> bool:
    """Whether the proof's neighbours are in the tree, next to each other, and around `key`."""
    left, right = proof.left, proof.right
    if left is None and right is None:
        return False
    for side in (left, right):
        if side is not None and not exists(root, side.key, side.value, side):
            return False
    if (left is not None and left.key >= key) or (right is not None and right.key <= key):
        return False
    if left is None:
        return right is not None and all(inner.branch == 0 for inner in right.path)
    if right is None:
        return all(inner.branch == 1 for inner in left.path)
    return are_neighbours(left.path, right.path)


def are_neighbours(left: tuple[Inner, ...], right: tuple[Inner, ...]) -> bool:
    """Whether two paths part at one node, the left going on along its right edge, the right along its left edge."""
    while left and right and left[-1] == right[-1]:
        left, right = left[:-1], right[:-1]
    if not left or not right or (left[-1].branch, right[-1].branch) != (0, 1):
        return False
    return all(inner.branch == 1 for inner in left[:-1]) and all(inner.branch == 0 for inner in right[:-1])


def as_existence(key: bytes, value: bytes, index: int, total: int, aunts: Sequence[bytes]) -> Existence:
    """A Merkle proof of CometBFT's as an existence proof: each aunt becomes an inner node around the path."""

    def inners(index: int, total: int, aunts: Sequence[bytes]) -> list[Inner]:
        if total == 1:
            return []
        at = split_point(total)
        if index < at:
            return [*inners(index, at, aunts[:-1]), Inner(SHA256, b"\x01", aunts[-1])]
        return [*inners(index - at, total - at, aunts[:-1]), Inner(SHA256, b"\x01" + aunts[-1], b"")]

    return Existence(key, value, TENDERMINT_LEAF, tuple(inners(index, total, aunts)))


def write_commitment_proof(proof: Existence) -> bytes:
    """CommitmentProof with an existence proof in it."""
    hash_op, prehash_key, prehash_value, length, prefix = proof.leaf
    leaf = b"".join(
        field(number, value)
        for number, value in ((1, hash_op), (2, prehash_key), (3, prehash_value), (4, length), (5, prefix))
    )
    path = b"".join(
        field(4, field(1, inner.hash) + field(2, inner.prefix) + field(3, inner.suffix)) for inner in proof.path
    )
    return field(1, field(1, proof.key) + field(2, proof.value) + field(3, leaf) + path)


def field(number: int, value: int | bytes) -> bytes:
    """One protobuf field; nothing for a zero value."""
    if isinstance(value, int):
        return bytes((number * 8,)) + uvarint(value) if value else b""
    return bytes((number * 8 + 2,)) + uvarint(len(value)) + value if value else b""
