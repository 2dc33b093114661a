"""Consensus parameters: limits on blocks, evidence and keys. Values outside CometBFT's ranges are refused."""

from __future__ import annotations

from typing import Final

import msgspec

from chainpos.core.chain.protobuf import Reader, put_message, put_text, put_uint
from chainpos.core.values.hashes import sha256
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.errors import MalformedBytes

# CometBFT types/params.go.
MAX_BLOCK_BYTES: Final = 104_857_600
PART_BYTES: Final = 65_536
_KEY_TYPES: Final = ("ed25519", "secp256k1")
_MAX_KEY_TYPES: Final = 16
_MAX_KEY_TYPE_BYTES: Final = 32


class ConsensusParams(msgspec.Struct, frozen=True):
    """`max_gas` -1 is no limit, `max_bytes` -1 is 100 MiB; the evidence age is in blocks and nanoseconds."""

    max_bytes: int
    max_gas: int
    evidence_max_age_blocks: int
    evidence_max_age_ns: int
    evidence_max_bytes: int
    pub_key_types: tuple[str, ...] = ("ed25519",)
    app_version: int = 0
    vote_extensions_enable_height: int = 0

    def hash(self) -> bytes:
        """32 bytes, of the two block limits only. Source: CometBFT types/params.go `ConsensusParams.Hash`."""
        return sha256(put_uint(1, self.max_bytes) + put_uint(2, self.max_gas))

    def encode(self) -> bytes:
        """CometBFT's tendermint.types.ConsensusParams, all five parts present."""
        seconds, nanos = divmod(self.evidence_max_age_ns, SECOND_NS)
        evidence = (
            put_uint(1, self.evidence_max_age_blocks)
            + put_message(2, put_uint(1, seconds) + put_uint(2, nanos))
            + put_uint(3, self.evidence_max_bytes)
        )
        return (
            put_message(1, put_uint(1, self.max_bytes) + put_uint(2, self.max_gas))
            + put_message(2, evidence)
            + put_message(3, b"".join(put_text(1, kind) for kind in self.pub_key_types))
            + put_message(4, put_uint(1, self.app_version))
            + put_message(5, put_uint(1, self.vote_extensions_enable_height))
        )

    @classmethod
    def decode(cls, data: bytes) -> ConsensusParams:
        """The inverse of `encode`. Raises MalformedBytes, also for values out of range."""
        reader = Reader(data)
        block, evidence, keys = reader.message(1), reader.message(2), reader.message(3)
        version, abci = reader.message(4), reader.message(5)
        reader.end()
        max_bytes, max_gas = block.int64(1), block.int64(2)
        age_blocks, duration, evidence_bytes = evidence.int64(1), evidence.message(2), evidence.int64(3)
        seconds, nanos = duration.int64(1), duration.int64(2)
        kinds = keys.repeated_bytes(1, _MAX_KEY_TYPES, _MAX_KEY_TYPE_BYTES)
        app_version, extensions = version.uint(1), abci.int64(1)
        for part in (block, evidence, duration, keys, version, abci):
            part.end()
        if not 0 <= nanos < SECOND_NS or any(kind.decode("ascii", "replace") not in _KEY_TYPES for kind in kinds):
            raise MalformedBytes("not consensus parameters")
        found = cls(
            max_bytes=max_bytes,
            max_gas=max_gas,
            evidence_max_age_blocks=age_blocks,
            evidence_max_age_ns=seconds * SECOND_NS + nanos,
            evidence_max_bytes=evidence_bytes,
            pub_key_types=tuple(kind.decode("ascii") for kind in kinds),
            app_version=app_version,
            vote_extensions_enable_height=extensions,
        )
        if fault := params_fault(found):
            raise MalformedBytes(fault)
        return found


# Written out, and always written into the genesis file: the defaults of CometBFT's lines differ.
DEFAULT: Final = ConsensusParams(
    max_bytes=22_020_096,
    max_gas=-1,
    evidence_max_age_blocks=100_000,
    evidence_max_age_ns=48 * 3600 * SECOND_NS,
    evidence_max_bytes=1_048_576,
    pub_key_types=("ed25519",),
    app_version=1,
    vote_extensions_enable_height=0,
)


def params_fault(params: ConsensusParams) -> str:
    """What is wrong with the parameters, or "". Source: CometBFT types/params.go `ValidateBasic`."""
    if params.max_bytes == 0 or not -1 <= params.max_bytes <= MAX_BLOCK_BYTES:
        return "malformed_max_bytes"
    if params.max_gas < -1:
        return "malformed_max_gas"
    if params.evidence_max_age_blocks <= 0 or params.evidence_max_age_ns <= 0:
        return "malformed_evidence_age"
    limit = MAX_BLOCK_BYTES if params.max_bytes == -1 else params.max_bytes
    if not 0 <= params.evidence_max_bytes <= limit:
        return "malformed_evidence_bytes"
    if params.vote_extensions_enable_height < 0:
        return "malformed_vote_extensions"
    if not params.pub_key_types or any(kind not in _KEY_TYPES for kind in params.pub_key_types):
        return "malformed_key_types"
    return ""
