"""Blocks and the parts they are cut in, as CometBFT encodes and hashes them.

Decoding refuses what is not canonical or larger than the largest block; `validation.py` judges the content.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

import msgspec

from chainpos.core.chain import merkle
from chainpos.core.chain.commit import Commit
from chainpos.core.chain.header import BlockId, Header, PartSetHeader
from chainpos.core.chain.merkle import MerkleProof
from chainpos.core.chain.params import MAX_BLOCK_BYTES, PART_BYTES
from chainpos.core.chain.protobuf import LENGTH, Reader, put_message, varint
from chainpos.errors import MalformedBytes

MAX_BLOCK_TXS: Final = 1_000_000
MAX_EVIDENCE: Final = 10_000
_TX_TAG: Final = bytes((1 << 3 | LENGTH,))


class PartSet(msgspec.Struct, frozen=True):
    """A block's encoding, cut: every part but the last is 65,536 bytes. `header` is what votes are for."""

    header: PartSetHeader
    parts: tuple[bytes, ...]


class Block(msgspec.Struct, frozen=True):
    """`txs` are raw transactions; `evidence` are encoded tendermint.types.Evidence messages."""

    header: Header
    txs: tuple[bytes, ...]
    evidence: tuple[bytes, ...]
    last_commit: Commit

    def encode(self) -> bytes:
        """CometBFT's tendermint.types.Block; data and evidence are written even when empty."""
        join = b"".join
        return join(
            (
                put_message(1, self.header.encode()),
                put_message(2, join([join((_TX_TAG, varint(len(tx)), tx)) for tx in self.txs])),
                put_message(3, join([put_message(1, evidence) for evidence in self.evidence])),
                put_message(4, self.last_commit.encode()),
            )
        )

    @classmethod
    def decode(cls, data: bytes) -> Block:
        """The inverse of `encode`. Raises MalformedBytes."""
        if len(data) > MAX_BLOCK_BYTES:
            raise MalformedBytes("larger than the largest block")
        reader = Reader(data)
        header = Header.read(reader.message(1))
        body, evidence_reader = reader.message(2), reader.message(3)
        txs = body.repeated_bytes(1, MAX_BLOCK_TXS, len(data))
        body.end()
        evidence = evidence_reader.repeated_bytes(1, MAX_EVIDENCE, len(data))
        evidence_reader.end()
        last_commit = Commit.read(reader.message(4))
        reader.end()
        return cls(header, tuple(txs), tuple(evidence), last_commit)

    def part_set(self) -> PartSet:
        """The block's parts and the header over them."""
        return part_set_of(self.encode())

    def block_id(self) -> BlockId:
        """What votes for this block are for."""
        return BlockId(self.header.hash(), self.part_set().header)


def part_set_of(encoded: bytes) -> PartSet:
    """The parts of an encoded block. Source: CometBFT types/part_set.go `NewPartSetFromData`."""
    parts = tuple(encoded[at : at + PART_BYTES] for at in range(0, len(encoded), PART_BYTES))
    return PartSet(PartSetHeader(len(parts), merkle.root(parts)), parts)


def data_hash(txs: Sequence[bytes]) -> bytes:
    """32 bytes over the transactions' hashes. Source: CometBFT types/tx.go `Txs.Hash`."""
    return merkle.root([sha256(tx).digest() for tx in txs])


def tx_proof(txs: Sequence[bytes], index: int) -> MerkleProof:
    """That the transaction at `index` is in `data_hash(txs)`; the proof's leaf is its hash. Raises IndexError."""
    return merkle.proof([sha256(tx).digest() for tx in txs], index)


def verify_tx(expected_data_hash: bytes, tx: bytes, proof: MerkleProof) -> bool:
    """Whether `proof` shows that the block of `expected_data_hash` holds `tx`."""
    return merkle.verify(expected_data_hash, sha256(tx).digest(), proof)


def evidence_hash(evidence: Sequence[bytes]) -> bytes:
    """32 bytes over encoded Evidence messages: each leaf is what is inside the wrapper.

    Raises MalformedBytes for one that has no wrapper. Source: CometBFT types/evidence.go `EvidenceList.Hash`.
    """
    return merkle.root([unwrapped_evidence(item)[1] for item in evidence])


def unwrapped_evidence(encoded: bytes) -> tuple[int, bytes]:
    """Which kind an encoded Evidence is (1 duplicate vote, 2 light client attack), and what it holds.

    Raises MalformedBytes.
    """
    reader = Reader(encoded)
    for kind in (1, 2):
        inner = reader.optional_message(kind)
        if inner is not None:
            reader.end()
            return kind, inner.rest()
    raise MalformedBytes("evidence of no known kind")
