"""Evidence that a validator misbehaved: conflicting votes, and attacks on light clients, as blocks carry it.

Decoding refuses malformed bytes and what CometBFT's `ValidateBasic` refuses. Whether evidence is true, recent and new
is asked of the state and history that only a consensus engine keeps: the embedded engine makes none.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from chainpos.core.chain.block import unwrapped_evidence
from chainpos.core.chain.commit import MAX_VOTES, PRECOMMIT, PREVOTE, Commit, commit_fault
from chainpos.core.chain.header import BlockId, Header, block_id_fault, header_fault
from chainpos.core.chain.protobuf import Reader, put_bytes, put_message, put_uint, read_timestamp, timestamp
from chainpos.core.chain.validators import Validator, ValidatorSet, read_members
from chainpos.core.values.hashes import ADDRESS_BYTES, SIGNATURE_BYTES
from chainpos.errors import MalformedBytes

_MAX_EXTENSION_BYTES: Final = 1024 * 1024
_DUPLICATE_VOTE: Final = 1
DUPLICATE_VOTE: Final = "duplicate_vote"
LIGHT_CLIENT_ATTACK: Final = "light_client_attack"


class Vote(msgspec.Struct, frozen=True):
    """One validator's vote as gossiped: kind (prevote 1, precommit 2), its place in the set, and extensions."""

    kind: int
    height: int
    round: int
    block_id: BlockId
    time_ns: int
    address: bytes
    index: int
    signature: bytes
    extension: bytes = b""
    extension_signature: bytes = b""

    def encode(self) -> bytes:
        """CometBFT's tendermint.types.Vote."""
        return (
            put_uint(1, self.kind)
            + put_uint(2, self.height)
            + put_uint(3, self.round)
            + put_message(4, self.block_id.encode())
            + put_message(5, timestamp(self.time_ns))
            + put_bytes(6, self.address)
            + put_uint(7, self.index)
            + put_bytes(8, self.signature)
            + put_bytes(9, self.extension)
            + put_bytes(10, self.extension_signature)
        )

    @classmethod
    def read(cls, reader: Reader) -> Vote:
        """The vote in a message's field. Raises MalformedBytes."""
        found = cls(
            kind=reader.uint(1, max_value=PRECOMMIT),
            height=reader.int64(2),
            round=reader.int32(3),
            block_id=BlockId.read(reader.message(4)),
            time_ns=read_timestamp(reader.message(5)),
            address=reader.bytes_(6, ADDRESS_BYTES),
            index=reader.int32(7),
            signature=reader.bytes_(8, SIGNATURE_BYTES),
            extension=reader.bytes_(9, _MAX_EXTENSION_BYTES),
            extension_signature=reader.bytes_(10, SIGNATURE_BYTES),
        )
        reader.end()
        return found


class DuplicateVote(msgspec.Struct, frozen=True):
    """Two votes of one validator that exclude each other, and the powers and block time at that height."""

    vote_a: Vote
    vote_b: Vote
    total_power: int
    validator_power: int
    time_ns: int


class LightClientAttack(msgspec.Struct, frozen=True):
    """A signed header that conflicts with the chain's, from validators of `common_height`."""

    header: Header
    commit: Commit
    validators: ValidatorSet
    common_height: int
    byzantine: tuple[Validator, ...]
    total_power: int
    time_ns: int


class Misdeed(msgspec.Struct, frozen=True):
    """What a validator is proved to have done: one of the kinds below, at a height. `power` is what it had there."""

    kind: str
    address: bytes
    height: int
    power: int


def misdeeds_of(evidence: Iterable[bytes]) -> tuple[Misdeed, ...]:
    """Whom a block's evidence accuses of what; evidence of a form that we do not know accuses nobody.

    Source: CometBFT types/evidence.go `DuplicateVoteEvidence.ABCI`, `LightClientAttackEvidence.ABCI`.
    """
    return tuple(misdeed for encoded in evidence for misdeed in _misdeeds_in(encoded))


def _misdeeds_in(encoded: bytes) -> tuple[Misdeed, ...]:
    try:
        found = decode_evidence(encoded)
    except MalformedBytes:
        return ()
    if isinstance(found, DuplicateVote):
        return (Misdeed(DUPLICATE_VOTE, found.vote_a.address, found.vote_a.height, found.validator_power),)
    return tuple(
        Misdeed(LIGHT_CLIENT_ATTACK, each.address, found.common_height, each.power) for each in found.byzantine
    )


def encode_duplicate_vote(evidence: DuplicateVote) -> bytes:
    """CometBFT's tendermint.types.Evidence, as a block carries it."""
    return put_message(
        _DUPLICATE_VOTE,
        put_message(1, evidence.vote_a.encode())
        + put_message(2, evidence.vote_b.encode())
        + put_uint(3, evidence.total_power)
        + put_uint(4, evidence.validator_power)
        + put_message(5, timestamp(evidence.time_ns)),
    )


def decode_evidence(encoded: bytes) -> DuplicateVote | LightClientAttack:
    """The evidence in an encoded tendermint.types.Evidence. Raises MalformedBytes."""
    kind, inner = unwrapped_evidence(encoded)
    reader = Reader(inner)
    return _read_duplicate_vote(reader) if kind == _DUPLICATE_VOTE else _read_attack(reader)


def _read_duplicate_vote(reader: Reader) -> DuplicateVote:
    found = DuplicateVote(
        vote_a=Vote.read(reader.message(1)),
        vote_b=Vote.read(reader.message(2)),
        total_power=reader.int64(3),
        validator_power=reader.int64(4),
        time_ns=read_timestamp(reader.message(5)),
    )
    reader.end()
    if not _is_sound(found.vote_a) or not _is_sound(found.vote_b):
        raise MalformedBytes("evidence with a malformed vote")
    if _key(found.vote_a.block_id) >= _key(found.vote_b.block_id):
        raise MalformedBytes("evidence whose votes are not in order")
    return found


def _key(block_id: BlockId) -> bytes:
    return block_id.hash + block_id.parts.encode()


def _is_sound(vote: Vote) -> bool:
    # CometBFT types/vote.go `Vote.ValidateBasic`.
    extended = bool(vote.extension or vote.extension_signature)
    return (
        vote.kind in (PREVOTE, PRECOMMIT)
        and vote.height > 0
        and vote.round >= 0
        and vote.index >= 0
        and not block_id_fault(vote.block_id)
        and (vote.block_id.is_zero or vote.block_id.is_complete)
        and len(vote.address) == ADDRESS_BYTES
        and bool(vote.signature)
        and not (extended and (vote.kind != PRECOMMIT or vote.block_id.is_zero))
        and not (vote.extension and not vote.extension_signature)
    )


def _read_attack(reader: Reader) -> LightClientAttack:
    block = reader.message(1)
    signed = block.message(1)
    header, commit = Header.read(signed.message(1)), Commit.read(signed.message(2))
    signed.end()
    members, proposer = read_members(block.message(2))
    block.end()
    # Nothing ties the proposer's power and priority to the set's here, as CometBFT has it: its address must be there.
    validators = ValidatorSet(members, b"" if proposer is None else proposer.address)
    common_height = reader.int64(2)
    byzantine = tuple(Validator.read(member) for member in reader.repeated_messages(3, MAX_VOTES))
    found = LightClientAttack(
        header, commit, validators, common_height, byzantine, reader.int64(4), read_timestamp(reader.message(5))
    )
    reader.end()
    if (
        found.total_power <= 0
        or not 0 < common_height <= header.height
        or header_fault(header)
        or commit_fault(commit)
        or commit.height != header.height
        or commit.block_id.hash != header.hash()
        or proposer is None
        or validators.by_address(proposer.address) is None
        or validators.hash() != header.validators_hash
    ):
        raise MalformedBytes("evidence of an attack that could not have been one")
    return found
