"""The numbers of ABCI 2.0's fields, and of its messages; the one place where they stand.

It leaves out what the application has no use for (votes in commits, for one): the reader passes over it.
Source: CometBFT v0.38 proto/tendermint/abci/types.proto.
"""

from __future__ import annotations

from typing import Any, Final

from chainpos.core.chain.protobuf import LENGTH, varint
from chainpos.core.chain.results import Event, EventAttribute, TxResult
from chainpos.engine.cometbft.codec import BOOL, BYTES, INT, RAW, TEXT, TIME, UINT, Codec, Field, Fields, read_varint
from chainpos.engine.cometbft.messages import (
    AbciValidator,
    ApplyChunkRequest,
    ApplyChunkResponse,
    CheckTxRequest,
    CheckTxResponse,
    CommitRequest,
    CommitResponse,
    Echo,
    ExtendVoteRequest,
    ExtendVoteResponse,
    Failure,
    FinalizeBlockRequest,
    FinalizeBlockResponse,
    Flush,
    InfoRequest,
    InfoResponse,
    InitChainRequest,
    InitChainResponse,
    ListSnapshotsRequest,
    ListSnapshotsResponse,
    LoadChunkRequest,
    LoadChunkResponse,
    Misbehavior,
    OfferSnapshotRequest,
    OfferSnapshotResponse,
    PrepareProposalRequest,
    PrepareProposalResponse,
    ProcessProposalRequest,
    ProcessProposalResponse,
    Proof,
    ProofStep,
    PublicKey,
    QueryRequest,
    QueryResponse,
    Snapshot,
    ValidatorUpdate,
    VerifyExtensionRequest,
    VerifyExtensionResponse,
)
from chainpos.errors import MalformedBytes

_BLOCK_TAIL: Final[Fields] = {
    "hash": Field(4, BYTES),
    "height": Field(5, INT),
    "time_ns": Field(6, TIME),
    "next_validators_hash": Field(7, BYTES),
    "proposer_address": Field(8, BYTES),
}
_BLOCK: Final[Fields] = {
    "txs": Field(1, BYTES, many=True),
    "misbehavior": Field(3, Misbehavior, many=True),
    **_BLOCK_TAIL,
}

CODEC: Final = Codec({
    PublicKey: {"ed25519": Field(1, BYTES)},
    ValidatorUpdate: {"public_key": Field(1, PublicKey), "power": Field(2, INT)},
    AbciValidator: {"address": Field(1, BYTES), "power": Field(3, INT)},
    Misbehavior: {
        "kind": Field(1, UINT),
        "validator": Field(2, AbciValidator),
        "height": Field(3, INT),
        "time_ns": Field(4, TIME),
        "total_voting_power": Field(5, INT),
    },
    EventAttribute: {"key": Field(1, TEXT), "value": Field(2, TEXT), "index": Field(3, BOOL)},
    Event: {"type": Field(1, TEXT), "attributes": Field(2, EventAttribute, many=True)},
    TxResult: {
        "code": Field(1, UINT),
        "data": Field(2, BYTES),
        "log": Field(3, TEXT),
        "info": Field(4, TEXT),
        "gas_wanted": Field(5, INT),
        "gas_used": Field(6, INT),
        "events": Field(7, Event, many=True),
        "codespace": Field(8, TEXT),
    },
    ProofStep: {"type": Field(1, TEXT), "key": Field(2, BYTES), "data": Field(3, BYTES)},
    Proof: {"ops": Field(1, ProofStep, many=True)},
    Snapshot: {
        "height": Field(1, UINT),
        "format": Field(2, UINT),
        "chunks": Field(3, UINT),
        "hash": Field(4, BYTES),
        "metadata": Field(5, BYTES),
    },
    Echo: {"message": Field(1, TEXT)},
    Flush: {},
    InfoRequest: {
        "version": Field(1, TEXT),
        "block_version": Field(2, UINT),
        "p2p_version": Field(3, UINT),
        "abci_version": Field(4, TEXT),
    },
    InitChainRequest: {
        "time_ns": Field(1, TIME),
        "chain_id": Field(2, TEXT),
        "consensus_params": Field(3, RAW),
        "validators": Field(4, ValidatorUpdate, many=True),
        "app_state": Field(5, BYTES),
        "initial_height": Field(6, INT),
    },
    QueryRequest: {"data": Field(1, BYTES), "path": Field(2, TEXT), "height": Field(3, INT), "prove": Field(4, BOOL)},
    CheckTxRequest: {"tx": Field(1, BYTES), "is_recheck": Field(2, BOOL)},
    CommitRequest: {},
    ListSnapshotsRequest: {},
    OfferSnapshotRequest: {"snapshot": Field(1, Snapshot), "app_hash": Field(2, BYTES)},
    LoadChunkRequest: {"height": Field(1, UINT), "format": Field(2, UINT), "chunk": Field(3, UINT)},
    ApplyChunkRequest: {"index": Field(1, UINT), "chunk": Field(2, BYTES), "sender": Field(3, TEXT)},
    PrepareProposalRequest: {
        "max_tx_bytes": Field(1, INT),
        "txs": Field(2, BYTES, many=True),
        "misbehavior": Field(4, Misbehavior, many=True),
        **{name: field for name, field in _BLOCK_TAIL.items() if name != "hash"},
    },
    ProcessProposalRequest: _BLOCK,
    ExtendVoteRequest: {"hash": Field(1, BYTES), "height": Field(2, INT)},
    VerifyExtensionRequest: {
        "hash": Field(1, BYTES),
        "validator_address": Field(2, BYTES),
        "height": Field(3, INT),
        "extension": Field(4, BYTES),
    },
    FinalizeBlockRequest: _BLOCK,
    Failure: {"error": Field(1, TEXT)},
    InfoResponse: {
        "data": Field(1, TEXT),
        "version": Field(2, TEXT),
        "app_version": Field(3, UINT),
        "height": Field(4, INT),
        "app_hash": Field(5, BYTES),
    },
    InitChainResponse: {"app_hash": Field(3, BYTES)},
    QueryResponse: {
        "code": Field(1, UINT),
        "log": Field(3, TEXT),
        "info": Field(4, TEXT),
        "index": Field(5, INT),
        "key": Field(6, BYTES),
        "value": Field(7, BYTES),
        "proof": Field(8, Proof),
        "height": Field(9, INT),
        "codespace": Field(10, TEXT),
    },
    CheckTxResponse: {
        "code": Field(1, UINT),
        "log": Field(3, TEXT),
        "info": Field(4, TEXT),
        "gas_wanted": Field(5, INT),
        "gas_used": Field(6, INT),
        "codespace": Field(8, TEXT),
    },
    CommitResponse: {"retain_height": Field(3, INT)},
    ListSnapshotsResponse: {"snapshots": Field(1, Snapshot, many=True)},
    OfferSnapshotResponse: {"result": Field(1, UINT)},
    LoadChunkResponse: {"chunk": Field(1, BYTES)},
    ApplyChunkResponse: {
        "result": Field(1, UINT),
        "refetch": Field(2, BYTES),
        "reject_senders": Field(3, TEXT, many=True),
    },
    PrepareProposalResponse: {"txs": Field(1, BYTES, many=True)},
    ProcessProposalResponse: {"status": Field(1, UINT)},
    ExtendVoteResponse: {"extension": Field(1, BYTES)},
    VerifyExtensionResponse: {"status": Field(1, UINT)},
    FinalizeBlockResponse: {
        "events": Field(1, Event, many=True),
        "results": Field(2, TxResult, many=True),
        "validator_updates": Field(3, ValidatorUpdate, many=True),
        "param_updates": Field(4, RAW),
        "app_hash": Field(5, BYTES),
    },
})  # fmt: skip

# By the number of the field in Request, and in Response.
REQUESTS: Final[dict[int, type[Any]]] = {
    1: Echo, 2: Flush, 3: InfoRequest, 5: InitChainRequest, 6: QueryRequest, 8: CheckTxRequest, 11: CommitRequest,
    12: ListSnapshotsRequest, 13: OfferSnapshotRequest, 14: LoadChunkRequest, 15: ApplyChunkRequest,
    16: PrepareProposalRequest, 17: ProcessProposalRequest, 18: ExtendVoteRequest, 19: VerifyExtensionRequest,
    20: FinalizeBlockRequest,
}  # fmt: skip
RESPONSES: Final[dict[int, type[Any]]] = {
    1: Failure, 2: Echo, 3: Flush, 4: InfoResponse, 6: InitChainResponse, 7: QueryResponse, 9: CheckTxResponse,
    12: CommitResponse, 13: ListSnapshotsResponse, 14: OfferSnapshotResponse, 15: LoadChunkResponse,
    16: ApplyChunkResponse, 17: PrepareProposalResponse, 18: ProcessProposalResponse, 19: ExtendVoteResponse,
    20: VerifyExtensionResponse, 21: FinalizeBlockResponse,
}  # fmt: skip
_REQUEST_NUMBERS: Final = {kind: number for number, kind in REQUESTS.items()}
_RESPONSE_NUMBERS: Final = {kind: number for number, kind in RESPONSES.items()}


def encode_request(message: Any) -> bytes:
    """A Request that holds this message."""
    return _wrapped(_REQUEST_NUMBERS[type(message)], message)


def encode_response(message: Any) -> bytes:
    """A Response that holds this message."""
    return _wrapped(_RESPONSE_NUMBERS[type(message)], message)


def decode_request(data: bytes) -> Any:
    """The message in a Request. Raises MalformedBytes."""
    return _unwrapped(REQUESTS, data)


def decode_response(data: bytes) -> Any:
    """The message in a Response. Raises MalformedBytes."""
    return _unwrapped(RESPONSES, data)


def _wrapped(number: int, message: Any) -> bytes:
    encoded = CODEC.encode(message)
    return varint(number << 3 | LENGTH) + varint(len(encoded)) + encoded


def _unwrapped(kinds: dict[int, type[Any]], data: bytes) -> Any:
    tag, position = read_varint(data, 0)
    kind = kinds.get(tag >> 3)
    if kind is None or tag & 7 != LENGTH:
        raise MalformedBytes(f"message {tag >> 3} is not one of ABCI 2.0")
    length, position = read_varint(data, position)
    if length != len(data) - position:
        raise MalformedBytes("a message with something after it")
    return CODEC.decode(kind, data[position:])
