"""Block headers and the IDs of blocks, as CometBFT encodes and hashes them.

Decoding refuses bytes that are not canonical; `header_fault` names what is wrong with a header on its own.
"""

from __future__ import annotations

from typing import Final

import msgspec

from chainpos.core.chain import merkle
from chainpos.core.chain.protobuf import Reader, put_bytes, put_message, put_text, put_uint, read_timestamp, timestamp
from chainpos.core.values.hashes import ADDRESS_BYTES, HASH_BYTES

# CometBFT version/version.go BlockProtocol, on every line that speaks ABCI 2.0.
BLOCK_PROTOCOL: Final = 11
MAX_CHAIN_ID_BYTES: Final = 50
# CometBFT leaves the length of the app hash open; ours is 32.
MAX_APP_HASH_BYTES: Final = 128
_MAX_UINT32: Final = 2**32 - 1


class PartSetHeader(msgspec.Struct, frozen=True):
    """How many parts a block is cut in (uint32), and the Merkle root over them (32 bytes, or empty)."""

    total: int = 0
    hash: bytes = b""

    def encode(self) -> bytes:
        """CometBFT's tendermint.types.PartSetHeader."""
        return put_uint(1, self.total) + put_bytes(2, self.hash)

    @classmethod
    def read(cls, reader: Reader) -> PartSetHeader:
        """The part set header in a message's field. Raises MalformedBytes."""
        found = cls(reader.uint(1, max_value=_MAX_UINT32), reader.bytes_(2, HASH_BYTES))
        reader.end()
        return found


class BlockId(msgspec.Struct, frozen=True):
    """What a vote is for: the header's hash and the block's parts."""

    hash: bytes = b""
    parts: PartSetHeader = PartSetHeader()

    @property
    def is_zero(self) -> bool:
        """Whether it stands for no block (a vote for nil)."""
        return not self.hash and not self.parts.total and not self.parts.hash

    @property
    def is_complete(self) -> bool:
        """Whether it can be the ID of a block."""
        return len(self.hash) == HASH_BYTES and self.parts.total > 0 and len(self.parts.hash) == HASH_BYTES

    def encode(self) -> bytes:
        """CometBFT's tendermint.types.BlockID."""
        return put_bytes(1, self.hash) + put_message(2, self.parts.encode())

    @classmethod
    def read(cls, reader: Reader) -> BlockId:
        """The block ID in a message's field. Raises MalformedBytes."""
        hash_ = reader.bytes_(1, HASH_BYTES)
        found = cls(hash_, PartSetHeader.read(reader.message(2)))
        reader.end()
        return found

    @classmethod
    def decode(cls, data: bytes) -> BlockId:
        """The inverse of `encode`. Raises MalformedBytes."""
        return cls.read(Reader(data))


ZERO_BLOCK_ID: Final = BlockId()


class Header(msgspec.Struct, frozen=True):
    """One block's header. Hashes are 32 bytes (the app hash: any length), the address 20, time in ns since 1970."""

    version_block: int
    version_app: int
    chain_id: str
    height: int
    time_ns: int
    last_block_id: BlockId
    last_commit_hash: bytes
    data_hash: bytes
    validators_hash: bytes
    next_validators_hash: bytes
    consensus_hash: bytes
    app_hash: bytes
    last_results_hash: bytes
    evidence_hash: bytes
    proposer_address: bytes

    def hash(self) -> bytes:
        """The block's hash: 32 bytes, or empty where the validators' hash is missing.

        Source: CometBFT types/block.go `Header.Hash`.
        """
        if not self.validators_hash:
            return b""
        return merkle.root(
            (
                self._version(),
                put_text(1, self.chain_id),
                put_uint(1, self.height),
                timestamp(self.time_ns),
                self.last_block_id.encode(),
                put_bytes(1, self.last_commit_hash),
                put_bytes(1, self.data_hash),
                put_bytes(1, self.validators_hash),
                put_bytes(1, self.next_validators_hash),
                put_bytes(1, self.consensus_hash),
                put_bytes(1, self.app_hash),
                put_bytes(1, self.last_results_hash),
                put_bytes(1, self.evidence_hash),
                put_bytes(1, self.proposer_address),
            )
        )

    def _version(self) -> bytes:
        return put_uint(1, self.version_block) + put_uint(2, self.version_app)

    def encode(self) -> bytes:
        """CometBFT's tendermint.types.Header."""
        return b"".join(
            (
                put_message(1, self._version()),
                put_text(2, self.chain_id),
                put_uint(3, self.height),
                put_message(4, timestamp(self.time_ns)),
                put_message(5, self.last_block_id.encode()),
                put_bytes(6, self.last_commit_hash),
                put_bytes(7, self.data_hash),
                put_bytes(8, self.validators_hash),
                put_bytes(9, self.next_validators_hash),
                put_bytes(10, self.consensus_hash),
                put_bytes(11, self.app_hash),
                put_bytes(12, self.last_results_hash),
                put_bytes(13, self.evidence_hash),
                put_bytes(14, self.proposer_address),
            )
        )

    @classmethod
    def read(cls, reader: Reader) -> Header:
        """The header in a message's field. Raises MalformedBytes."""
        version = reader.message(1)
        version_block, version_app = version.uint(1), version.uint(2)
        version.end()
        found = cls(
            version_block=version_block,
            version_app=version_app,
            chain_id=reader.text(2, MAX_CHAIN_ID_BYTES),
            height=reader.int64(3),
            time_ns=read_timestamp(reader.message(4)),
            last_block_id=BlockId.read(reader.message(5)),
            last_commit_hash=reader.bytes_(6, HASH_BYTES),
            data_hash=reader.bytes_(7, HASH_BYTES),
            validators_hash=reader.bytes_(8, HASH_BYTES),
            next_validators_hash=reader.bytes_(9, HASH_BYTES),
            consensus_hash=reader.bytes_(10, HASH_BYTES),
            app_hash=reader.bytes_(11, MAX_APP_HASH_BYTES),
            last_results_hash=reader.bytes_(12, HASH_BYTES),
            evidence_hash=reader.bytes_(13, HASH_BYTES),
            proposer_address=reader.bytes_(14, ADDRESS_BYTES),
        )
        reader.end()
        return found

    @classmethod
    def decode(cls, data: bytes) -> Header:
        """The inverse of `encode`. Raises MalformedBytes."""
        return cls.read(Reader(data))


def block_id_fault(block_id: BlockId) -> str:
    """What is wrong with a block ID on its own, or "". Source: CometBFT types/block.go `BlockID.ValidateBasic`."""
    if len(block_id.hash) not in (0, HASH_BYTES) or len(block_id.parts.hash) not in (0, HASH_BYTES):
        return "malformed_block_id"
    return ""


def header_fault(header: Header) -> str:
    """What is wrong with a header on its own, as a code, or "".

    Source: CometBFT types/block.go `Header.ValidateBasic`. Time is checked where there is something to compare it with.
    """
    if header.version_block != BLOCK_PROTOCOL:
        return "wrong_block_version"
    if len(header.chain_id.encode()) > MAX_CHAIN_ID_BYTES:
        return "malformed_chain_id"
    if header.height <= 0:
        return "malformed_height"
    hashes = (
        header.last_commit_hash,
        header.data_hash,
        header.evidence_hash,
        header.validators_hash,
        header.next_validators_hash,
        header.consensus_hash,
        header.last_results_hash,
    )
    if any(len(value) not in (0, HASH_BYTES) for value in hashes):
        return "malformed_hash"
    if len(header.proposer_address) != ADDRESS_BYTES:
        return "malformed_proposer"
    return block_id_fault(header.last_block_id)
