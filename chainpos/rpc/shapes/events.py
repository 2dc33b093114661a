"""Events in CometBFT's JSON, and two of our own: a transaction entered the mempool, the node's state changed.

It refuses events of types it does not know. Source: CometBFT types/events.go, rpc/core/types/responses.go.
"""

from __future__ import annotations

from typing import Final

import msgspec

from chainpos.core.chain.header import Header
from chainpos.core.values.hashes import sha256
from chainpos.errors import MalformedBytes
from chainpos.rpc.backend import (
    BlockResults,
    IncludedTransaction,
    NewBlock,
    NodeReport,
    PendingTransaction,
    StoredBlock,
)
from chainpos.rpc.shapes.blocks import BlockIdJson, BlockJson, HeaderJson, StoredBlockJson, header_json, read_header
from chainpos.rpc.shapes.evidence import read_stored_block, stored_block_json
from chainpos.rpc.shapes.nodes import ConsensusParamsJson, consensus_params_json, read_consensus_params
from chainpos.rpc.shapes.results import (
    BareTxResultJson,
    EventJson,
    TxResultJson,
    ValidatorUpdateJson,
    bare_tx_result_json,
    event_json,
    read_event,
    read_tx_result,
    read_validator_updates,
    tx_result_json,
    validator_updates_json,
)
from chainpos.rpc.shapes.scalars import (
    ZERO,
    UInt32,
    decode,
    hex_text,
    nil_if_empty,
    read_int64,
    read_tx_hash,
    text_or_zero,
)

# Which attribute names an event's kind, and how its value names its type.
COMETBFT_KEY: Final = "tm.event"
CHAINPOS_KEY: Final = "chainpos.event"
NEW_BLOCK: Final = "tendermint/event/NewBlock"
NEW_BLOCK_HEADER: Final = "tendermint/event/NewBlockHeader"
TX: Final = "tendermint/event/Tx"
PENDING_TX: Final = "chainpos/event/PendingTx"
STATUS: Final = "chainpos/event/Status"

EventValue = NewBlock | Header | IncludedTransaction | PendingTransaction | NodeReport


class ReceivedEvent(msgspec.Struct, frozen=True):
    """One event as a client receives it. `attributes` are what queries match: "type.attribute" to its values."""

    type: str
    value: EventValue
    attributes: dict[str, tuple[str, ...]]


class FinalizeBlockJson(msgspec.Struct, omit_defaults=True):
    """ResponseFinalizeBlock."""

    events: tuple[EventJson, ...] | None = ()
    tx_results: tuple[TxResultJson, ...] | None = ()
    # CometBFT writes this one always; null stands for none in some versions.
    validator_updates: tuple[ValidatorUpdateJson, ...] | msgspec.UnsetType | None = msgspec.UNSET
    consensus_param_updates: ConsensusParamsJson | None = None
    app_hash: bytes | None = None


class NewBlockJson(msgspec.Struct):
    """EventDataNewBlock."""

    block: BlockJson | None
    block_id: BlockIdJson
    result_finalize_block: FinalizeBlockJson


class NewBlockHeaderJson(msgspec.Struct):
    """EventDataNewBlockHeader."""

    header: HeaderJson


class TxEventJson(msgspec.Struct, omit_defaults=True):
    """abci.TxResult; zero values are left out."""

    height: str = ZERO
    index: UInt32 = 0
    tx: bytes | None = None
    result: BareTxResultJson = msgspec.field(default_factory=BareTxResultJson)


class TxEventValueJson(msgspec.Struct, rename="pascal"):
    """EventDataTx, whose one field is an embedded Go type."""

    tx_result: TxEventJson


class PendingTxJson(msgspec.Struct):
    """A transaction that entered the mempool."""

    hash: str
    tx: bytes


class EventDataJson(msgspec.Struct):
    """The event itself, which names its type."""

    type: str
    value: msgspec.Raw


class EventMessageJson(msgspec.Struct):
    """ResultEvent."""

    query: str
    data: EventDataJson
    events: msgspec.Raw


def _encoded(kind: str, value: object) -> EventDataJson:
    return EventDataJson(kind, msgspec.Raw(msgspec.json.encode(value)))


def new_block_json(stored: StoredBlock, results: BlockResults) -> EventDataJson:
    """A NewBlock event."""
    shape = stored_block_json(stored)
    params = results.param_updates
    finalized = FinalizeBlockJson(
        events=tuple(event_json(event) for event in results.events),
        tx_results=tuple(tx_result_json(result) for result in results.results),
        validator_updates=validator_updates_json(results.validator_updates),
        consensus_param_updates=None if params is None else consensus_params_json(params),
        app_hash=nil_if_empty(results.app_hash),
    )
    return _encoded(NEW_BLOCK, NewBlockJson(shape.block, shape.block_id, finalized))


def new_block_header_json(header: Header) -> EventDataJson:
    """A NewBlockHeader event."""
    return _encoded(NEW_BLOCK_HEADER, NewBlockHeaderJson(header_json(header)))


def tx_event_json(value: IncludedTransaction) -> EventDataJson:
    """A Tx event."""
    event = TxEventJson(text_or_zero(value.height), value.index, value.transaction, bare_tx_result_json(value.result))
    return _encoded(TX, TxEventValueJson(event))


def pending_tx_json(value: PendingTransaction) -> EventDataJson:
    """A PendingTx event."""
    return _encoded(PENDING_TX, PendingTxJson(hex_text(value.hash), value.transaction))


def status_event_json(value: NodeReport) -> EventDataJson:
    """A Status event."""
    return _encoded(STATUS, value)


def read_event_message(document: bytes) -> ReceivedEvent:
    """The event in a subscription's message. Raises MalformedBytes."""
    message = decode(document, EventMessageJson)
    attributes = decode(bytes(message.events), dict[str, tuple[str, ...]])
    return ReceivedEvent(message.data.type, _read_value(message.data.type, bytes(message.data.value)), attributes)


def _read_value(kind: str, value: bytes) -> EventValue:
    if kind == NEW_BLOCK:
        return _read_new_block(decode(value, NewBlockJson))
    if kind == NEW_BLOCK_HEADER:
        return read_header(decode(value, NewBlockHeaderJson).header)
    if kind == TX:
        event = decode(value, TxEventValueJson).tx_result
        transaction = event.tx or b""
        return IncludedTransaction(
            sha256(transaction), read_int64(event.height), event.index, transaction, read_tx_result(event.result)
        )
    if kind == PENDING_TX:
        pending = decode(value, PendingTxJson)
        return PendingTransaction(read_tx_hash(pending.hash), pending.tx)
    if kind == STATUS:
        return decode(value, NodeReport)
    raise MalformedBytes("an event of no known type")


def _read_new_block(shape: NewBlockJson) -> NewBlock:
    stored = read_stored_block(StoredBlockJson(shape.block_id, shape.block))
    if stored is None:
        raise MalformedBytes("a NewBlock event without its block")
    finalized = shape.result_finalize_block
    params, updates = finalized.consensus_param_updates, finalized.validator_updates
    results = BlockResults(
        height=stored.block.header.height,
        results=tuple(read_tx_result(result) for result in finalized.tx_results or ()),
        events=tuple(read_event(event) for event in finalized.events or ()),
        validator_updates=read_validator_updates(None if isinstance(updates, msgspec.UnsetType) else updates),
        param_updates=None if params is None else read_consensus_params(params),
        app_hash=finalized.app_hash or b"",
    )
    return NewBlock(stored, results)
