"""A verifier of `simple:v` proofs after CometBFT's crypto/merkle, apart from ours: it imports no chainpos.

Source: proof_op.go `ProofOperators.Verify`, proof_value.go `ValueOp.Run`, proof.go `computeHashFromAunts`.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from tests.core.state.naive import map_entry, split_point
from tests.core.state.wire_reader import one, read_fields


def computed_root(index: int, total: int, leaf: bytes, aunts: Sequence[bytes]) -> bytes:
    """By recursion from the root downwards, the last aunt being the topmost. Raises ValueError."""
    if index < 0 or index >= total or total <= 0:
        raise ValueError("no such leaf")
    if total == 1:
        if aunts:
            raise ValueError("aunts left over")
        return leaf
    if not aunts:
        raise ValueError("an aunt is missing")
    at = split_point(total)
    if index < at:
        return sha256(b"\x01" + computed_root(index, at, leaf, aunts[:-1]) + aunts[-1]).digest()
    return sha256(b"\x01" + aunts[-1] + computed_root(index - at, total - at, leaf, aunts[:-1])).digest()


def run_value_op(op_key: bytes, op_data: bytes, value: bytes) -> bytes:
    """The root above `value`. Raises ValueError."""
    fields = read_fields(op_data)
    if one(fields, 1, b"") != op_key:
        raise ValueError("two keys")
    proof = read_fields(one(fields, 2, b""))
    leaf = sha256(b"\x00" + map_entry(op_key, value)).digest()
    if one(proof, 3, b"") != leaf:
        raise ValueError("the leaf is of another value")
    return computed_root(one(proof, 2, 0), one(proof, 1, 0), leaf, proof.get(4, []))


def verifies(app_hash: bytes, key_path: Sequence[bytes], value: bytes, proof_ops: bytes) -> bool:
    """Whether encoded tendermint.crypto.ProofOps prove `value` at `key_path`, its outermost key first."""
    remaining = list(key_path)
    current = value
    try:
        for raw in read_fields(proof_ops).get(1, []):
            op = read_fields(raw)
            if one(op, 1, b"") != b"simple:v" or not remaining or remaining.pop() != one(op, 2, b""):
                return False
            current = run_value_op(one(op, 2, b""), one(op, 3, b""), current)
    except (ValueError, IndexError):
        return False
    return current == app_hash and not remaining
