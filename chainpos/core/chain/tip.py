"""The tip: all that must be known of a chain to judge its next block, to build it, and to move on from it.

It refuses changes of validators and parameters that CometBFT would refuse: those come from our own rules, so that
they are our own mistake, and the chain halts.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from chainpos.core.chain import merkle
from chainpos.core.chain.block import Block, data_hash, evidence_hash
from chainpos.core.chain.commit import EMPTY_COMMIT, Commit, median_time
from chainpos.core.chain.genesis import GenesisDoc
from chainpos.core.chain.header import BLOCK_PROTOCOL, ZERO_BLOCK_ID, BlockId, Header
from chainpos.core.chain.params import ConsensusParams, params_fault
from chainpos.core.chain.results import TxResult, results_hash
from chainpos.core.chain.validators import InvalidValidators, ValidatorSet
from chainpos.errors import MalformedBytes, StateMismatch


class ChainTip(msgspec.Struct, frozen=True):
    """The chain after block `height`; before the first block, `height` is the initial height less one.

    `app_hash` and `last_results_hash` are what the next header must carry. `validators` sign the next block,
    `next_validators` the one after, `last_validators` signed the last. `time_ns` is the last block's, or genesis
    time. `commit` is a commit for the last block whose every signature was verified, where one is at hand.
    """

    chain_id: str
    initial_height: int
    height: int
    block_id: BlockId
    time_ns: int
    app_hash: bytes
    last_results_hash: bytes
    last_validators: ValidatorSet
    validators: ValidatorSet
    next_validators: ValidatorSet
    params: ConsensusParams
    app_version: int
    commit: Commit | None = None

    @property
    def next_height(self) -> int:
        """The height that the next block must have."""
        return self.height + 1

    @property
    def is_genesis(self) -> bool:
        """Whether there is no block yet."""
        return self.height < self.initial_height


def make_genesis_tip(doc: GenesisDoc, app_hash: bytes, *, app_version: int | None = None) -> ChainTip:
    """The tip before the first block. `app_hash` is the application's after reading the genesis file.

    `app_version` is the application's own where it differs from the genesis parameters'.
    Source: CometBFT state/state.go `MakeGenesisState`, consensus/replay.go `ReplayBlocks`.
    """
    validators = doc.validator_set()
    return ChainTip(
        chain_id=doc.chain_id,
        initial_height=doc.initial_height,
        height=doc.initial_height - 1,
        block_id=ZERO_BLOCK_ID,
        time_ns=doc.genesis_time_ns,
        app_hash=app_hash,
        last_results_hash=merkle.EMPTY_ROOT,
        last_validators=ValidatorSet(),
        validators=validators,
        next_validators=validators.advanced(),
        params=doc.params,
        app_version=doc.params.app_version if app_version is None else app_version,
    )


def joined_tip(
    doc: GenesisDoc, header: Header, following: Header, commit: Commit, sets: Sequence[ValidatorSet]
) -> ChainTip:
    """The tip after `header`, told by the header that follows it: for who did not execute what led there.

    Both headers must be believed already, and `commit` be verified. `sets` are the validators of `header`'s height and
    of the next two. Raises MalformedBytes for what the headers do not vouch for.
    """
    last, present, after = sets
    # Nothing but an upgrade changes the parameters, and only the application's version.
    params = msgspec.structs.replace(doc.params, app_version=following.version_app)
    for what, same in (
        ("block", following.last_block_id.hash == header.hash() and following.height == header.height + 1),
        ("commit", commit.block_id == following.last_block_id and commit.height == header.height),
        ("validators", last.hash() == header.validators_hash and present.hash() == following.validators_hash),
        ("next validators", after.hash() == following.next_validators_hash),
        ("parameters", params.hash() == following.consensus_hash),
        ("chain", header.chain_id == following.chain_id == doc.chain_id),
    ):
        if not same:
            raise MalformedBytes(f"not the {what} that the header after height {header.height} names")
    return ChainTip(
        chain_id=doc.chain_id,
        initial_height=doc.initial_height,
        height=header.height,
        block_id=following.last_block_id,
        time_ns=header.time_ns,
        app_hash=following.app_hash,
        last_results_hash=following.last_results_hash,
        last_validators=last,
        validators=present,
        next_validators=after,
        params=params,
        app_version=params.app_version,
        commit=commit,
    )


def build_block(
    tip: ChainTip, txs: Sequence[bytes], last_commit: Commit, proposer_address: bytes, evidence: Sequence[bytes] = ()
) -> Block:
    """The next block, its time given by `last_commit` (EMPTY_COMMIT for the first block).

    Raises KeyError for a vote of a stranger. Source: CometBFT state/state.go `MakeBlock`.
    """
    commit = EMPTY_COMMIT if tip.is_genesis else last_commit
    header = Header(
        version_block=BLOCK_PROTOCOL,
        version_app=tip.app_version,
        chain_id=tip.chain_id,
        height=tip.next_height,
        time_ns=tip.time_ns if tip.is_genesis else median_time(commit, tip.last_validators),
        last_block_id=tip.block_id,
        last_commit_hash=commit.hash(),
        data_hash=data_hash(txs),
        validators_hash=tip.validators.hash(),
        next_validators_hash=tip.next_validators.hash(),
        consensus_hash=tip.params.hash(),
        app_hash=tip.app_hash,
        last_results_hash=tip.last_results_hash,
        evidence_hash=evidence_hash(evidence),
        proposer_address=proposer_address,
    )
    return Block(header, tuple(txs), tuple(evidence), commit)


def next_tip(
    tip: ChainTip,
    block: Block,
    block_id: BlockId,
    app_hash_after: bytes,
    results: Sequence[TxResult],
    validator_updates: Sequence[tuple[bytes, int]] = (),
    param_updates: ConsensusParams | None = None,
    *,
    commit: Commit | None = None,
) -> ChainTip:
    """The tip after a block that `check_block` passed and the application executed.

    `validator_updates` are (public key, power), in force two heights later; `param_updates`, one later. `commit`,
    if given, must have passed `verify_commit`. Raises StateMismatch for updates that may not be made.
    Source: CometBFT state/execution.go `updateState`.
    """
    if len(results) != len(block.txs):
        raise StateMismatch(f"{len(results)} results for {len(block.txs)} transactions")
    try:
        next_validators = tip.next_validators.updated(validator_updates).advanced()
    except InvalidValidators as error:
        raise StateMismatch(f"the application changed the validators wrongly: {error}") from error
    params = tip.params
    if param_updates is not None:
        fault = params_fault(param_updates)
        if fault or param_updates.vote_extensions_enable_height != params.vote_extensions_enable_height:
            raise StateMismatch(f"the application changed the parameters wrongly: {fault or 'vote extensions'}")
        params = param_updates
    return ChainTip(
        chain_id=tip.chain_id,
        initial_height=tip.initial_height,
        height=block.header.height,
        block_id=block_id,
        time_ns=block.header.time_ns,
        app_hash=app_hash_after,
        last_results_hash=results_hash(results),
        last_validators=tip.validators,
        validators=tip.next_validators,
        next_validators=next_validators,
        params=params,
        app_version=tip.app_version if param_updates is None else params.app_version,
        commit=commit,
    )


class _TipRecord(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    chain_id: str
    initial_height: int
    height: int
    block_id: bytes
    time_ns: int
    app_hash: bytes
    last_results_hash: bytes
    last_validators: bytes
    validators: bytes
    next_validators: bytes
    params: bytes
    app_version: int
    commit: bytes | None


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_TipRecord)


def encode_tip(tip: ChainTip) -> bytes:
    """The tip as bytes for the store."""
    return _encoder.encode(
        _TipRecord(
            chain_id=tip.chain_id,
            initial_height=tip.initial_height,
            height=tip.height,
            block_id=tip.block_id.encode(),
            time_ns=tip.time_ns,
            app_hash=tip.app_hash,
            last_results_hash=tip.last_results_hash,
            last_validators=tip.last_validators.encode(),
            validators=tip.validators.encode(),
            next_validators=tip.next_validators.encode(),
            params=tip.params.encode(),
            app_version=tip.app_version,
            commit=None if tip.commit is None else tip.commit.encode(),
        )
    )


def decode_tip(data: bytes) -> ChainTip:
    """The inverse of `encode_tip`. Raises MalformedBytes."""
    try:
        record = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedBytes("not a tip") from error
    if _encoder.encode(record) != data:
        raise MalformedBytes("a tip not in canonical form")
    return ChainTip(
        chain_id=record.chain_id,
        initial_height=record.initial_height,
        height=record.height,
        block_id=BlockId.decode(record.block_id),
        time_ns=record.time_ns,
        app_hash=record.app_hash,
        last_results_hash=record.last_results_hash,
        last_validators=ValidatorSet.decode(record.last_validators),
        validators=ValidatorSet.decode(record.validators),
        next_validators=ValidatorSet.decode(record.next_validators),
        params=ConsensusParams.decode(record.params),
        app_version=record.app_version,
        commit=None if record.commit is None else Commit.decode(record.commit),
    )
