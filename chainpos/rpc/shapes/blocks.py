"""Blocks, headers, commits and validators in CometBFT's JSON. Whether they are valid is not asked here."""

from __future__ import annotations

from typing import Final

import msgspec

from chainpos.core.chain.block import Block
from chainpos.core.chain.commit import Commit, CommitSig
from chainpos.core.chain.header import BlockId, Header, PartSetHeader
from chainpos.core.chain.validators import MAX_TOTAL_POWER, MAX_VALIDATORS, Validator, ValidatorSet
from chainpos.errors import MalformedBytes
from chainpos.rpc.backend import BlockMeta, SignedHeader
from chainpos.rpc.shapes.scalars import (
    ZERO,
    Int32,
    UInt32,
    hex_text,
    nil_if_empty,
    read_address,
    read_app_hash,
    read_count,
    read_hash,
    read_int64,
    read_time,
    read_uint64,
    text_or_zero,
    time_text,
)

KEY_TYPE: Final = "tendermint/PubKeyEd25519"
_KEY_BYTES: Final = 32
_SIGNATURE_BYTES: Final = 64


class PartsJson(msgspec.Struct):
    """PartSetHeader."""

    total: UInt32
    hash: str


class BlockIdJson(msgspec.Struct):
    """BlockID; in JSON its second field is `parts`."""

    hash: str
    parts: PartsJson


class VersionJson(msgspec.Struct, omit_defaults=True):
    """version.Consensus; a zero is left out."""

    block: str = ZERO
    app: str = ZERO


class HeaderJson(msgspec.Struct):
    """Header."""

    version: VersionJson
    chain_id: str
    height: str
    time: str
    last_block_id: BlockIdJson
    last_commit_hash: str
    data_hash: str
    validators_hash: str
    next_validators_hash: str
    consensus_hash: str
    app_hash: str
    last_results_hash: str
    evidence_hash: str
    proposer_address: str


class CommitSigJson(msgspec.Struct):
    """CommitSig."""

    block_id_flag: UInt32
    validator_address: str
    timestamp: str
    signature: bytes | None


class CommitJson(msgspec.Struct):
    """Commit."""

    height: str
    round: Int32
    block_id: BlockIdJson
    signatures: tuple[CommitSigJson, ...] | None


class TxsJson(msgspec.Struct):
    """Data."""

    txs: tuple[bytes, ...] | None


class TypedJson(msgspec.Struct):
    """A value that names its type, as CometBFT writes interfaces."""

    type: str
    value: msgspec.Raw


class EvidenceListJson(msgspec.Struct):
    """EvidenceData."""

    evidence: tuple[TypedJson, ...] | None


class BlockJson(msgspec.Struct):
    """Block."""

    header: HeaderJson
    data: TxsJson
    evidence: EvidenceListJson
    last_commit: CommitJson | None


class StoredBlockJson(msgspec.Struct):
    """ResultBlock. Where there is no such block CometBFT answers with an empty ID and null."""

    block_id: BlockIdJson
    block: BlockJson | None


class BlockMetaJson(msgspec.Struct):
    """BlockMeta."""

    block_id: BlockIdJson
    block_size: str
    header: HeaderJson
    num_txs: str


class BlockchainJson(msgspec.Struct):
    """ResultBlockchainInfo."""

    last_height: str
    block_metas: tuple[BlockMetaJson, ...]


class BlockSearchJson(msgspec.Struct):
    """ResultBlockSearch."""

    blocks: tuple[StoredBlockJson, ...]
    total_count: str


class SignedHeaderJson(msgspec.Struct):
    """SignedHeader."""

    header: HeaderJson
    commit: CommitJson


class CommitAnswerJson(msgspec.Struct):
    """ResultCommit."""

    signed_header: SignedHeaderJson
    canonical: bool


class HeaderAnswerJson(msgspec.Struct):
    """ResultHeader."""

    header: HeaderJson | None


class PublicKeyJson(msgspec.Struct):
    """PubKey, an interface."""

    type: str
    value: bytes


class ValidatorJson(msgspec.Struct):
    """Validator."""

    address: str
    pub_key: PublicKeyJson
    voting_power: str
    proposer_priority: str


class ValidatorsJson(msgspec.Struct):
    """ResultValidators: one page."""

    block_height: str
    validators: tuple[ValidatorJson, ...] | None
    count: str
    total: str


def block_id_json(value: BlockId) -> BlockIdJson:
    """A block ID, which may be empty."""
    return BlockIdJson(hex_text(value.hash), PartsJson(value.parts.total, hex_text(value.parts.hash)))


def read_block_id(shape: BlockIdJson) -> BlockId:
    """The inverse of `block_id_json`. Raises MalformedBytes."""
    return BlockId(read_hash(shape.hash), PartSetHeader(shape.parts.total, read_hash(shape.parts.hash)))


def header_json(value: Header) -> HeaderJson:
    """A header."""
    return HeaderJson(
        version=VersionJson(text_or_zero(value.version_block), text_or_zero(value.version_app)),
        chain_id=value.chain_id,
        height=str(value.height),
        time=time_text(value.time_ns),
        last_block_id=block_id_json(value.last_block_id),
        last_commit_hash=hex_text(value.last_commit_hash),
        data_hash=hex_text(value.data_hash),
        validators_hash=hex_text(value.validators_hash),
        next_validators_hash=hex_text(value.next_validators_hash),
        consensus_hash=hex_text(value.consensus_hash),
        app_hash=hex_text(value.app_hash),
        last_results_hash=hex_text(value.last_results_hash),
        evidence_hash=hex_text(value.evidence_hash),
        proposer_address=hex_text(value.proposer_address),
    )


def read_header(shape: HeaderJson) -> Header:
    """The inverse of `header_json`. Raises MalformedBytes."""
    return Header(
        version_block=read_uint64(shape.version.block),
        version_app=read_uint64(shape.version.app),
        chain_id=shape.chain_id,
        height=read_int64(shape.height),
        time_ns=read_time(shape.time),
        last_block_id=read_block_id(shape.last_block_id),
        last_commit_hash=read_hash(shape.last_commit_hash),
        data_hash=read_hash(shape.data_hash),
        validators_hash=read_hash(shape.validators_hash),
        next_validators_hash=read_hash(shape.next_validators_hash),
        consensus_hash=read_hash(shape.consensus_hash),
        app_hash=read_app_hash(shape.app_hash),
        last_results_hash=read_hash(shape.last_results_hash),
        evidence_hash=read_hash(shape.evidence_hash),
        proposer_address=read_address(shape.proposer_address),
    )


def commit_json(value: Commit) -> CommitJson:
    """A commit; the initial block's empty one too."""
    return CommitJson(
        str(value.height),
        value.round,
        block_id_json(value.block_id),
        tuple(
            CommitSigJson(vote.flag, hex_text(vote.address), time_text(vote.time_ns), nil_if_empty(vote.signature))
            for vote in value.signatures
        ),
    )


def read_commit(shape: CommitJson) -> Commit:
    """The inverse of `commit_json`. Raises MalformedBytes."""
    return Commit(
        read_int64(shape.height),
        shape.round,
        read_block_id(shape.block_id),
        tuple(_read_vote(vote) for vote in shape.signatures or ()),
    )


def _read_vote(shape: CommitSigJson) -> CommitSig:
    signature = shape.signature or b""
    if len(signature) > _SIGNATURE_BYTES:
        raise MalformedBytes("a signature over 64 bytes")
    return CommitSig(shape.block_id_flag, read_address(shape.validator_address), read_time(shape.timestamp), signature)


def validator_json(value: Validator) -> ValidatorJson:
    """A validator with its priority."""
    return ValidatorJson(
        hex_text(value.address), PublicKeyJson(KEY_TYPE, value.public_key), str(value.power), str(value.priority)
    )


def read_validator(shape: ValidatorJson) -> Validator:
    """The inverse of `validator_json`. Raises MalformedBytes, also where address and key do not belong together."""
    if shape.pub_key.type != KEY_TYPE or len(shape.pub_key.value) != _KEY_BYTES:
        raise MalformedBytes("not an Ed25519 public key")
    found = Validator(shape.pub_key.value, read_count(shape.voting_power), read_int64(shape.proposer_priority))
    if read_address(shape.address) != found.address:
        raise MalformedBytes("a validator's address is not that of its key")
    return found


def validator_set(members: list[Validator]) -> ValidatorSet:
    """The set of all pages' validators in their order. Raises MalformedBytes beyond CometBFT's limits."""
    if len(members) > MAX_VALIDATORS or sum(member.power for member in members) > MAX_TOTAL_POWER:
        raise MalformedBytes("a validator set beyond CometBFT's limits")
    return ValidatorSet(tuple(members))


def block_meta_json(value: BlockMeta) -> BlockMetaJson:
    """A block without its body."""
    return BlockMetaJson(
        block_id_json(value.block_id), str(value.size_bytes), header_json(value.header), str(value.transactions)
    )


def read_block_meta(shape: BlockMetaJson) -> BlockMeta:
    """The inverse of `block_meta_json`. Raises MalformedBytes."""
    return BlockMeta(
        read_block_id(shape.block_id),
        read_count(shape.block_size),
        read_header(shape.header),
        read_count(shape.num_txs),
    )


def commit_answer_json(value: SignedHeader) -> CommitAnswerJson:
    """A header with its commit."""
    return CommitAnswerJson(SignedHeaderJson(header_json(value.header), commit_json(value.commit)), value.canonical)


def read_commit_answer(shape: CommitAnswerJson) -> SignedHeader:
    """The inverse of `commit_answer_json`. Raises MalformedBytes."""
    return SignedHeader(
        read_header(shape.signed_header.header), read_commit(shape.signed_header.commit), shape.canonical
    )


def block_json(value: Block, evidence: tuple[TypedJson, ...]) -> BlockJson:
    """A block whose evidence is in JSON already."""
    return BlockJson(
        header_json(value.header), TxsJson(value.txs), EvidenceListJson(evidence), commit_json(value.last_commit)
    )


def read_block(shape: BlockJson, evidence: tuple[bytes, ...]) -> Block:
    """The inverse of `block_json`. Raises MalformedBytes."""
    last_commit = Commit() if shape.last_commit is None else read_commit(shape.last_commit)
    return Block(read_header(shape.header), shape.data.txs or (), evidence, last_commit)


def no_block_json() -> StoredBlockJson:
    """What CometBFT answers where there is no such block."""
    return StoredBlockJson(block_id_json(BlockId()), None)
