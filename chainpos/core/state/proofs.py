"""Proofs that a record is in the committed state, or that it is not, and their verification against an app hash.

They travel as CometBFT's ProofOps: presence as two `simple:v` operations that any of its clients can verify, absence as
the whole bucket disclosed and one `simple:v` above it. It refuses proofs over MAX_PROOF_BYTES and any other operation.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Final, TypeAlias

import msgspec

from chainpos.core.chain import merkle
from chainpos.core.chain.merkle import MerkleProof
from chainpos.core.chain.protobuf import Reader, put_bytes, put_message, put_text
from chainpos.core.state.commitment import BUCKETS, LEVELS, MAX_KEY_BYTES, bucket_name, bucket_of, map_leaf
from chainpos.core.values.hashes import HASH_BYTES
from chainpos.errors import MalformedBytes

SIMPLE_VALUE: Final = "simple:v"
WHOLE_BUCKET: Final = "chainpos:bucket"
# A bucket beyond the cap on transactions still fits: records that no transaction makes are few.
MAX_DISCLOSED_RECORDS: Final = 4_096
MAX_PROOF_BYTES: Final = 2 * 1024 * 1024
_MAX_OPS: Final = 2


class ProofOp(msgspec.Struct, frozen=True):
    """One step of a proof, from a value to the root above it. Source: CometBFT proto/tendermint/crypto/proof.proto."""

    type: str
    key: bytes
    data: bytes

    def encode(self) -> bytes:
        """tendermint.crypto.ProofOp."""
        return put_text(1, self.type) + put_bytes(2, self.key) + put_bytes(3, self.data)


class PresenceProof(msgspec.Struct, frozen=True):
    """That a record has a value: the record in its bucket, and the bucket in the upper map."""

    key: bytes
    record: MerkleProof
    bucket: MerkleProof

    def ops(self) -> tuple[ProofOp, ...]:
        """The steps, the record's first. Source: CometBFT crypto/merkle/proof_value.go `ValueOp.ProofOp`."""
        return (
            _simple_value(self.key, self.record),
            _simple_value(bucket_name(bucket_of(self.key)), self.bucket),
        )


class AbsenceProof(msgspec.Struct, frozen=True):
    """That there is no such record: all (key, value's hash) of its bucket, ascending, and that bucket's own proof."""

    key: bytes
    entries: tuple[tuple[bytes, bytes], ...]
    bucket: MerkleProof

    def ops(self) -> tuple[ProofOp, ...]:
        """The steps, the disclosed bucket first; `chainpos:bucket` is an operation of our own."""
        disclosed = b"".join(
            put_message(1, put_bytes(1, key) + put_bytes(2, value_hash)) for key, value_hash in self.entries
        )
        return (
            ProofOp(WHOLE_BUCKET, self.key, disclosed),
            _simple_value(bucket_name(bucket_of(self.key)), self.bucket),
        )


RecordProof: TypeAlias = PresenceProof | AbsenceProof


def make_absence_proof(key: bytes, records: Sequence[tuple[bytes, bytes]], bucket: MerkleProof) -> AbsenceProof:
    """That `key` is in none of `records`, which are its whole bucket as (key, value), ascending."""
    entries = tuple((other, sha256(value).digest()) for other, value in records)
    return AbsenceProof(key, entries, bucket)


def encode_proof(proof: RecordProof) -> bytes:
    """tendermint.crypto.ProofOps."""
    return b"".join(put_message(1, op.encode()) for op in proof.ops())


def decode_proof(encoded: bytes) -> RecordProof:
    """The inverse of `encode_proof`. Raises MalformedBytes."""
    if len(encoded) > MAX_PROOF_BYTES:
        raise MalformedBytes(f"a proof of {len(encoded)} bytes")
    reader = Reader(encoded)
    ops = [_read_op(each) for each in reader.repeated_messages(1, _MAX_OPS)]
    reader.end()
    return proof_from_ops(ops)


def proof_from_ops(ops: Sequence[ProofOp]) -> RecordProof:
    """A proof from its steps, as an RPC answer lists them. Raises MalformedBytes."""
    if len(ops) != _MAX_OPS or ops[1].type != SIMPLE_VALUE:
        raise MalformedBytes("not the two steps of a record's proof")
    record, upper = ops
    if not 0 < len(record.key) <= MAX_KEY_BYTES or upper.key != bucket_name(bucket_of(record.key)):
        raise MalformedBytes("the record's key does not belong to the bucket")
    if max(len(record.data), len(upper.data)) > MAX_PROOF_BYTES:
        raise MalformedBytes("a step over the size of a proof")
    bucket = _read_simple_value(upper)
    if record.type == SIMPLE_VALUE:
        return PresenceProof(record.key, _read_simple_value(record), bucket)
    if record.type == WHOLE_BUCKET:
        return AbsenceProof(record.key, _read_entries(record.data), bucket)
    raise MalformedBytes(f"a step of unknown type {record.type!r}")


def verify_presence(app_hash: bytes, key: bytes, value: bytes, proof: RecordProof) -> bool:
    """Whether `proof` proves that the record `key` has exactly this value in the state of `app_hash`."""
    if not isinstance(proof, PresenceProof) or proof.key != key:
        return False
    if proof.record.leaf_hash != merkle.leaf_hash(map_leaf(key, sha256(value).digest())):
        return False
    bucket_root = merkle.root_from_proof(proof.record)
    return bucket_root is not None and _verify_bucket(app_hash, key, bucket_root, proof.bucket)


def verify_absence(app_hash: bytes, key: bytes, proof: RecordProof) -> bool:
    """Whether `proof` proves that the state of `app_hash` has no record `key`."""
    if not isinstance(proof, AbsenceProof) or proof.key != key:
        return False
    if any(other == key for other, _ in proof.entries):
        return False
    # The root binds the entries, their number and their order: it is that of the whole bucket, or of nothing.
    bucket_root = merkle.root([map_leaf(other, value_hash) for other, value_hash in proof.entries])
    return _verify_bucket(app_hash, key, bucket_root, proof.bucket)


def _verify_bucket(app_hash: bytes, key: bytes, bucket_root: bytes, proof: MerkleProof) -> bool:
    bucket = bucket_of(key)
    # The tree's shape is fixed, so a proof of another shape is refused even though only its hashes bind.
    if (proof.total, proof.index, len(proof.aunts)) != (BUCKETS, bucket, LEVELS):
        return False
    return merkle.verify(app_hash, map_leaf(bucket_name(bucket), sha256(bucket_root).digest()), proof)


def _simple_value(key: bytes, proof: MerkleProof) -> ProofOp:
    return ProofOp(SIMPLE_VALUE, key, put_bytes(1, key) + put_message(2, proof.encode()))


def _read_op(reader: Reader) -> ProofOp:
    op = ProofOp(reader.text(1, 32), reader.bytes_(2, MAX_KEY_BYTES), reader.bytes_(3, MAX_PROOF_BYTES))
    reader.end()
    return op


def _read_simple_value(op: ProofOp) -> MerkleProof:
    reader = Reader(op.data)
    if reader.bytes_(1, MAX_KEY_BYTES) != op.key:
        raise MalformedBytes("a step names two keys")
    proof = MerkleProof.read(reader.message(2))
    reader.end()
    return proof


def _read_entries(data: bytes) -> tuple[tuple[bytes, bytes], ...]:
    reader = Reader(data)
    entries: list[tuple[bytes, bytes]] = []
    for each in reader.repeated_messages(1, MAX_DISCLOSED_RECORDS):
        key, value_hash = each.bytes_(1, MAX_KEY_BYTES), each.bytes_(2, HASH_BYTES)
        each.end()
        if not key or len(value_hash) != HASH_BYTES:
            raise MalformedBytes("not an entry of a bucket")
        entries.append((key, value_hash))
    reader.end()
    return tuple(entries)
