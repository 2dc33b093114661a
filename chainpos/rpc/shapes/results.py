"""Results of transactions, searches and broadcasts in CometBFT's JSON."""

from __future__ import annotations

from typing import Final

import msgspec

from chainpos.core.chain.merkle import MerkleProof
from chainpos.core.chain.params import ConsensusParams
from chainpos.core.chain.results import Event, EventAttribute, TxResult
from chainpos.errors import MalformedBytes
from chainpos.rpc.backend import (
    BlockResults,
    BroadcastAnswer,
    IncludedTransaction,
    PendingTransactions,
    TransactionPage,
    TransactionProof,
)
from chainpos.rpc.shapes.nodes import ConsensusParamsJson, consensus_params_json, read_consensus_params
from chainpos.rpc.shapes.scalars import (
    ZERO,
    UInt32,
    hex_text,
    nil_if_empty,
    read_count,
    read_hash,
    read_hex,
    read_int64,
    read_tx_hash,
    text_or_zero,
)

ED25519_SUM: Final = "tendermint.crypto.PublicKey_Ed25519"
_MAX_DATA_BYTES: Final = 1_048_576


class AttributeJson(msgspec.Struct):
    """EventAttribute."""

    key: str
    value: str
    index: bool = False


class EventJson(msgspec.Struct):
    """Event."""

    type: str = ""
    attributes: tuple[AttributeJson, ...] | None = ()


class TxResultJson(msgspec.Struct):
    """ExecTxResult, and ResponseCheckTx, which has the same fields."""

    code: UInt32 = 0
    data: bytes | None = None
    log: str = ""
    info: str = ""
    gas_wanted: str = ZERO
    gas_used: str = ZERO
    events: tuple[EventJson, ...] | None = ()
    codespace: str = ""


class BareTxResultJson(msgspec.Struct, omit_defaults=True):
    """ExecTxResult inside a Tx event, where zero values are left out."""

    code: UInt32 = 0
    data: bytes | None = None
    log: str = ""
    info: str = ""
    gas_wanted: str = ZERO
    gas_used: str = ZERO
    events: tuple[EventJson, ...] = ()
    codespace: str = ""


class Ed25519Json(msgspec.Struct):
    """The oneof's value."""

    ed25519: bytes


class KeySumJson(msgspec.Struct):
    """The oneof, which names its Go type."""

    type: str
    value: Ed25519Json


class UpdateKeyJson(msgspec.Struct, rename="pascal"):
    """crypto.PublicKey as amino JSON writes it."""

    sum: KeySumJson


class ValidatorUpdateJson(msgspec.Struct, omit_defaults=True):
    """ValidatorUpdate; power 0, which removes, is left out."""

    pub_key: UpdateKeyJson
    power: str = ZERO


class BlockResultsJson(msgspec.Struct):
    """ResultBlockResults."""

    height: str
    txs_results: tuple[TxResultJson, ...] | None
    finalize_block_events: tuple[EventJson, ...] | None
    validator_updates: tuple[ValidatorUpdateJson, ...] | None
    consensus_param_updates: ConsensusParamsJson | None
    app_hash: bytes | None


class MerkleProofJson(msgspec.Struct):
    """merkle.Proof."""

    total: str
    index: str
    leaf_hash: bytes
    aunts: tuple[bytes, ...] | None = ()


class TxProofJson(msgspec.Struct):
    """TxProof."""

    root_hash: str
    data: bytes
    proof: MerkleProofJson


class TxJson(msgspec.Struct, omit_defaults=True):
    """ResultTx; `proof` is left out unless it was asked for."""

    hash: str
    height: str
    index: UInt32
    tx_result: TxResultJson
    tx: bytes
    proof: TxProofJson | None = None


class TxSearchJson(msgspec.Struct):
    """ResultTxSearch."""

    txs: tuple[TxJson, ...]
    total_count: str


class BroadcastJson(msgspec.Struct):
    """ResultBroadcastTx. Here `data` is hex."""

    code: UInt32
    data: str
    log: str
    codespace: str
    hash: str


class BroadcastCommitJson(msgspec.Struct):
    """ResultBroadcastTxCommit."""

    check_tx: TxResultJson
    tx_result: TxResultJson
    hash: str
    height: str


class PendingJson(msgspec.Struct):
    """ResultUnconfirmedTxs."""

    n_txs: str
    total: str
    total_bytes: str
    txs: tuple[bytes, ...] | None


def event_json(value: Event) -> EventJson:
    """An event."""
    return EventJson(value.type, tuple(AttributeJson(one.key, one.value, one.index) for one in value.attributes))


def read_event(shape: EventJson) -> Event:
    """The inverse of `event_json`."""
    return Event(shape.type, tuple(EventAttribute(one.key, one.value, one.index) for one in shape.attributes or ()))


def tx_result_json(value: TxResult) -> TxResultJson:
    """One transaction's outcome."""
    return TxResultJson(
        code=value.code,
        data=nil_if_empty(value.data),
        log=value.log,
        info=value.info,
        gas_wanted=text_or_zero(value.gas_wanted),
        gas_used=text_or_zero(value.gas_used),
        events=tuple(event_json(event) for event in value.events),
        codespace=value.codespace,
    )


def bare_tx_result_json(value: TxResult) -> BareTxResultJson:
    """One transaction's outcome as a Tx event has it."""
    full = tx_result_json(value)
    return BareTxResultJson(**{name: getattr(full, name) for name in BareTxResultJson.__struct_fields__})


def read_tx_result(shape: TxResultJson | BareTxResultJson) -> TxResult:
    """The inverse of both. Raises MalformedBytes."""
    return TxResult(
        code=shape.code,
        data=shape.data or b"",
        log=shape.log,
        info=shape.info,
        gas_wanted=read_int64(shape.gas_wanted),
        gas_used=read_int64(shape.gas_used),
        events=tuple(read_event(event) for event in shape.events or ()),
        codespace=shape.codespace,
    )


def validator_updates_json(updates: tuple[tuple[bytes, int], ...]) -> tuple[ValidatorUpdateJson, ...]:
    """(public key, power) pairs."""
    return tuple(
        ValidatorUpdateJson(UpdateKeyJson(KeySumJson(ED25519_SUM, Ed25519Json(key))), text_or_zero(power))
        for key, power in updates
    )


def read_validator_updates(shapes: tuple[ValidatorUpdateJson, ...] | None) -> tuple[tuple[bytes, int], ...]:
    """The inverse of `validator_updates_json`. Raises MalformedBytes."""
    found = []
    for shape in shapes or ():
        key = shape.pub_key.sum
        if key.type != ED25519_SUM or len(key.value.ed25519) != 32:
            raise MalformedBytes("not an Ed25519 public key")
        found.append((key.value.ed25519, read_count(shape.power)))
    return tuple(found)


def block_results_json(value: BlockResults) -> BlockResultsJson:
    """What executing a block gave; empty lists are null, as CometBFT's are once they have been stored."""
    params = value.param_updates
    return BlockResultsJson(
        height=str(value.height),
        txs_results=tuple(tx_result_json(result) for result in value.results) or None,
        finalize_block_events=tuple(event_json(event) for event in value.events) or None,
        validator_updates=validator_updates_json(value.validator_updates) or None,
        consensus_param_updates=None if params is None else consensus_params_json(params),
        app_hash=nil_if_empty(value.app_hash),
    )


def read_block_results(shape: BlockResultsJson) -> BlockResults:
    """The inverse of `block_results_json`. Raises MalformedBytes."""
    params: ConsensusParams | None = None
    if shape.consensus_param_updates is not None:
        params = read_consensus_params(shape.consensus_param_updates)
    return BlockResults(
        height=read_int64(shape.height),
        results=tuple(read_tx_result(result) for result in shape.txs_results or ()),
        events=tuple(read_event(event) for event in shape.finalize_block_events or ()),
        validator_updates=read_validator_updates(shape.validator_updates),
        param_updates=params,
        app_hash=shape.app_hash or b"",
    )


def tx_json(value: IncludedTransaction) -> TxJson:
    """A transaction in a block, with its proof if it has one."""
    proof = None
    if value.proof is not None:
        given = value.proof.proof
        steps = MerkleProofJson(str(given.total), str(given.index), given.leaf_hash, given.aunts)
        proof = TxProofJson(hex_text(value.proof.root_hash), value.proof.transaction, steps)
    return TxJson(
        hex_text(value.hash), str(value.height), value.index, tx_result_json(value.result), value.transaction, proof
    )


def read_tx(shape: TxJson) -> IncludedTransaction:
    """The inverse of `tx_json`. Raises MalformedBytes. The proof is not verified."""
    proof = None
    if shape.proof is not None:
        given = shape.proof.proof
        steps = MerkleProof(read_count(given.total), read_count(given.index), given.leaf_hash, given.aunts or ())
        proof = TransactionProof(read_hash(shape.proof.root_hash), shape.proof.data, steps)
    return IncludedTransaction(
        read_tx_hash(shape.hash),
        read_int64(shape.height),
        shape.index,
        shape.tx,
        read_tx_result(shape.tx_result),
        proof,
    )


def tx_search_json(value: TransactionPage) -> TxSearchJson:
    """One page of a search."""
    return TxSearchJson(tuple(tx_json(one) for one in value.transactions), str(value.total))


def read_tx_search(shape: TxSearchJson) -> TransactionPage:
    """The inverse of `tx_search_json`. Raises MalformedBytes."""
    return TransactionPage(tuple(read_tx(one) for one in shape.txs), read_count(shape.total_count))


def broadcast_json(value: BroadcastAnswer) -> BroadcastJson:
    """What the mempool said."""
    return BroadcastJson(value.code, hex_text(value.data), value.log, value.codespace, hex_text(value.hash))


def read_broadcast(shape: BroadcastJson) -> BroadcastAnswer:
    """The inverse of `broadcast_json`. Raises MalformedBytes."""
    return BroadcastAnswer(
        read_tx_hash(shape.hash), shape.code, read_hex(shape.data, _MAX_DATA_BYTES), shape.log, shape.codespace
    )


def broadcast_commit_json(checked: BroadcastAnswer, included: IncludedTransaction | None) -> BroadcastCommitJson:
    """What the mempool said and, if it accepted, what the block did."""
    check = TxResult(checked.code, checked.data, checked.log, codespace=checked.codespace)
    result = TxResult() if included is None else included.result
    height = 0 if included is None else included.height
    return BroadcastCommitJson(tx_result_json(check), tx_result_json(result), hex_text(checked.hash), str(height))


def pending_json(value: PendingTransactions, *, only_counts: bool = False) -> PendingJson:
    """The mempool; with `only_counts` as `num_unconfirmed_txs` has it, where the list is null."""
    count = value.total if only_counts else len(value.transactions)
    return PendingJson(
        str(count), str(value.total), str(value.total_bytes), None if only_counts else value.transactions
    )


def read_pending(shape: PendingJson) -> PendingTransactions:
    """The inverse of `pending_json`. Raises MalformedBytes."""
    return PendingTransactions(read_count(shape.total), read_count(shape.total_bytes), shape.txs or ())
