"""Evidence of misbehaviour in CometBFT's JSON, and blocks, whose evidence it is. It is kept encoded inside a Block.

It writes the names of CometBFT v0.38 and reads those of v1 as well. Source: CometBFT types/evidence.go.
"""

from __future__ import annotations

from typing import Final

import msgspec

from chainpos.core.chain.block import unwrapped_evidence
from chainpos.core.chain.commit import Commit
from chainpos.core.chain.evidence import DuplicateVote, Vote, decode_evidence, encode_duplicate_vote
from chainpos.core.chain.header import Header
from chainpos.core.chain.protobuf import (
    Reader,
    put_message,
    put_uint,
    read_timestamp,
    timestamp,
)
from chainpos.core.chain.validators import MAX_VALIDATORS, Validator, read_members
from chainpos.errors import MalformedBytes
from chainpos.rpc.backend import StoredBlock
from chainpos.rpc.shapes.blocks import (
    BlockIdJson,
    SignedHeaderJson,
    StoredBlockJson,
    TypedJson,
    ValidatorJson,
    block_id_json,
    block_json,
    commit_json,
    header_json,
    read_block,
    read_block_id,
    read_commit,
    read_header,
    read_validator,
    validator_json,
)
from chainpos.rpc.shapes.scalars import (
    Int32,
    decode,
    hex_text,
    nil_if_empty,
    read_address,
    read_int64,
    read_time,
    time_text,
)

DUPLICATE_VOTE: Final = "tendermint/DuplicateVoteEvidence"
LIGHT_CLIENT_ATTACK: Final = "tendermint/LightClientAttackEvidence"
# CometBFT v1 spells the same fields in snake case.
_V1_NAMES: Final = {
    "TotalVotingPower": "total_voting_power",
    "ValidatorPower": "validator_power",
    "Timestamp": "timestamp",
    "ConflictingBlock": "conflicting_block",
    "CommonHeight": "common_height",
    "ByzantineValidators": "byzantine_validators",
}


class VoteJson(msgspec.Struct):
    """Vote."""

    type: Int32
    height: str
    round: Int32
    block_id: BlockIdJson
    timestamp: str
    validator_address: str
    validator_index: Int32
    signature: bytes | None = None
    extension: bytes | None = None
    extension_signature: bytes | None = None


class DuplicateVoteJson(msgspec.Struct, rename="pascal"):
    """DuplicateVoteEvidence."""

    vote_a: VoteJson = msgspec.field(name="vote_a")
    vote_b: VoteJson = msgspec.field(name="vote_b")
    total_voting_power: str
    validator_power: str
    timestamp: str


class ValidatorSetJson(msgspec.Struct):
    """ValidatorSet."""

    validators: tuple[ValidatorJson, ...]
    proposer: ValidatorJson | None


class LightBlockJson(msgspec.Struct):
    """LightBlock."""

    signed_header: SignedHeaderJson
    validator_set: ValidatorSetJson


class AttackJson(msgspec.Struct, rename="pascal"):
    """LightClientAttackEvidence."""

    conflicting_block: LightBlockJson
    common_height: str
    byzantine_validators: tuple[ValidatorJson, ...] | None
    total_voting_power: str
    timestamp: str


def stored_block_json(value: StoredBlock) -> StoredBlockJson:
    """A block and its ID. Raises MalformedBytes if its evidence is not what was once checked."""
    evidence = tuple(evidence_json(item) for item in value.block.evidence)
    return StoredBlockJson(block_id_json(value.block_id), block_json(value.block, evidence))


def read_stored_block(shape: StoredBlockJson) -> StoredBlock | None:
    """The inverse of `stored_block_json`; None where there is no such block. Raises MalformedBytes."""
    if shape.block is None:
        return None
    evidence = tuple(read_evidence(item) for item in shape.block.evidence.evidence or ())
    return StoredBlock(read_block(shape.block, evidence), read_block_id(shape.block_id))


def evidence_json(encoded: bytes) -> TypedJson:
    """One encoded Evidence message. Raises MalformedBytes."""
    found = decode_evidence(encoded)
    if isinstance(found, DuplicateVote):
        return TypedJson(DUPLICATE_VOTE, msgspec.Raw(msgspec.json.encode(_duplicate_vote_json(found))))
    # The proposer's priority is no part of core's type, and yet of the bytes.
    attack = _attack(Reader(unwrapped_evidence(encoded)[1]))
    return TypedJson(LIGHT_CLIENT_ATTACK, msgspec.Raw(msgspec.json.encode(attack)))


def read_evidence(shape: TypedJson) -> bytes:
    """The inverse of `evidence_json`. Raises MalformedBytes."""
    named = _with_v038_names(bytes(shape.value))
    if shape.type == DUPLICATE_VOTE:
        return _read_duplicate_vote(decode(named, DuplicateVoteJson))
    if shape.type == LIGHT_CLIENT_ATTACK:
        return put_message(2, _encode_attack(decode(named, AttackJson)))
    raise MalformedBytes("evidence of no known kind")


def _with_v038_names(value: bytes) -> bytes:
    fields = decode(value, dict[str, msgspec.Raw])
    for name, v1_name in _V1_NAMES.items():
        if name not in fields and v1_name in fields:
            fields[name] = fields.pop(v1_name)
    return msgspec.json.encode(fields)


def _vote_json(value: Vote) -> VoteJson:
    return VoteJson(
        type=value.kind,
        height=str(value.height),
        round=value.round,
        block_id=block_id_json(value.block_id),
        timestamp=time_text(value.time_ns),
        validator_address=hex_text(value.address),
        validator_index=value.index,
        signature=nil_if_empty(value.signature),
        extension=nil_if_empty(value.extension),
        extension_signature=nil_if_empty(value.extension_signature),
    )


def _read_vote(shape: VoteJson) -> Vote:
    return Vote(
        kind=shape.type,
        height=read_int64(shape.height),
        round=shape.round,
        block_id=read_block_id(shape.block_id),
        time_ns=read_time(shape.timestamp),
        address=read_address(shape.validator_address),
        index=shape.validator_index,
        signature=shape.signature or b"",
        extension=shape.extension or b"",
        extension_signature=shape.extension_signature or b"",
    )


def _duplicate_vote_json(value: DuplicateVote) -> DuplicateVoteJson:
    return DuplicateVoteJson(
        vote_a=_vote_json(value.vote_a),
        vote_b=_vote_json(value.vote_b),
        total_voting_power=str(value.total_power),
        validator_power=str(value.validator_power),
        timestamp=time_text(value.time_ns),
    )


def _read_duplicate_vote(shape: DuplicateVoteJson) -> bytes:
    return encode_duplicate_vote(
        DuplicateVote(
            vote_a=_read_vote(shape.vote_a),
            vote_b=_read_vote(shape.vote_b),
            total_power=read_int64(shape.total_voting_power),
            validator_power=read_int64(shape.validator_power),
            time_ns=read_time(shape.timestamp),
        )
    )


def _attack(reader: Reader) -> AttackJson:
    light_block = reader.message(1)
    signed_header = light_block.message(1)
    header, commit = Header.read(signed_header.message(1)), Commit.read(signed_header.message(2))
    signed_header.end()
    members = _read_set(light_block.message(2))
    light_block.end()
    common_height = reader.int64(2)
    byzantine = tuple(Validator.read(one) for one in reader.repeated_messages(3, MAX_VALIDATORS))
    total, time_ns = reader.int64(4), read_timestamp(reader.message(5))
    reader.end()
    return AttackJson(
        conflicting_block=LightBlockJson(SignedHeaderJson(header_json(header), commit_json(commit)), members),
        common_height=str(common_height),
        byzantine_validators=tuple(validator_json(one) for one in byzantine) or None,
        total_voting_power=str(total),
        timestamp=time_text(time_ns),
    )


def _encode_attack(shape: AttackJson) -> bytes:
    signed_header = shape.conflicting_block.signed_header
    header, commit = read_header(signed_header.header), read_commit(signed_header.commit)
    light_block = put_message(1, put_message(1, header.encode()) + put_message(2, commit.encode()))
    light_block += put_message(2, _encode_set(shape.conflicting_block.validator_set))
    byzantine = b"".join(put_message(3, read_validator(one).encode()) for one in shape.byzantine_validators or ())
    return b"".join(
        (
            put_message(1, light_block),
            put_uint(2, read_int64(shape.common_height)),
            byzantine,
            put_uint(4, read_int64(shape.total_voting_power)),
            put_message(5, timestamp(read_time(shape.timestamp))),
        )
    )


def _read_set(reader: Reader) -> ValidatorSetJson:
    members, proposer = read_members(reader)
    return ValidatorSetJson(
        tuple(validator_json(one) for one in members), None if proposer is None else validator_json(proposer)
    )


def _encode_set(shape: ValidatorSetJson) -> bytes:
    members = b"".join(put_message(1, read_validator(one).encode()) for one in shape.validators)
    return members + (b"" if shape.proposer is None else put_message(2, read_validator(shape.proposer).encode()))
