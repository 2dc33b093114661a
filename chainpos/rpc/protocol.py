"""JSON-RPC 2.0 as CometBFT speaks it: bytes in, calls out; answers in, bytes out. It does no I/O and runs no method.

It refuses what is not JSON, batches over the limit, batches over WebSocket, and ids that are neither text nor number.
Source: CometBFT rpc/jsonrpc/types/types.go, rpc/jsonrpc/server/http_json_handler.go and ws_handler.go.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from chainpos.errors import ChainposError, MalformedBytes

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603
SERVER_ERROR: Final = -32000
MESSAGES: Final[dict[int, str]] = {
    PARSE_ERROR: "Parse error. Invalid JSON",
    INVALID_REQUEST: "Invalid Request",
    METHOD_NOT_FOUND: "Method not found",
    INVALID_PARAMS: "Invalid params",
    INTERNAL_ERROR: "Internal error",
    SERVER_ERROR: "Server error",
}
# CometBFT config/config.go: max_request_batch_size.
MAX_BATCH: Final = 10
# What a request by URI is answered under, as it carries no id of its own.
URI_ID: Final = -1
_INT64 = 2**63

Transport = Literal["http", "uri", "websocket"]
RequestId = str | int


class RpcError(ChainposError):
    """A call that was answered with an error: `code` as in MESSAGES, `data` the detail in the answerer's words.

    The words come from outside: a screen shows a sentence of its own for the code, never these.
    """

    def __init__(self, code: int, message: str, data: str = "") -> None:
        super().__init__(f"{message} ({code}): {data}" if data else f"{message} ({code})")
        self.code = code
        self.message = message
        self.data = data


class Call(msgspec.Struct, frozen=True):
    """One request that wants an answer. `params` is JSON not yet looked at, empty when there was none."""

    id: RequestId
    method: str
    params: bytes = b""


class Reading(msgspec.Struct, frozen=True):
    """What a message held: calls to answer, in order, or the one error that answers all of it.

    Notifications are left out: CometBFT neither runs nor answers a request without an id. `batch` says that the answers
    go back as a list when there are several.
    """

    calls: tuple[Call, ...] = ()
    error: bytes = b""
    error_code: int = 0
    batch: bool = False


class Reply(msgspec.Struct, frozen=True):
    """One answer as a client reads it: `error` or the JSON of `result`. `id` is None on errors without one."""

    id: RequestId | None
    result: bytes = b""
    error: RpcError | None = None


class _WireRequest(msgspec.Struct):
    id: str | int | float | None = None
    method: str | None = None
    params: msgspec.Raw = msgspec.Raw(b"")
    jsonrpc: str | None = None


class _WireError(msgspec.Struct, omit_defaults=True):
    code: int
    message: str
    data: str = ""


class _WireReply(msgspec.Struct):
    id: str | int | None = None
    result: msgspec.Raw = msgspec.Raw(b"")
    error: _WireError | None = None


class _Answer(msgspec.Struct):
    jsonrpc: str
    id: RequestId
    result: object


class _Failure(msgspec.Struct, omit_defaults=True):
    jsonrpc: str
    error: _WireError
    # CometBFT leaves the id out where the specification wants null.
    id: RequestId | None = None


class _Outgoing(msgspec.Struct):
    jsonrpc: str
    id: int
    method: str
    params: object


_ENCODER = msgspec.json.Encoder()
_HTTP_DECODER = msgspec.json.Decoder(_WireRequest | list[_WireRequest | None] | None)
_SOCKET_DECODER = msgspec.json.Decoder(_WireRequest | None)
_REPLY_DECODER = msgspec.json.Decoder(_WireReply)
# A deeply nested document ends in RecursionError, wrong UTF-8 in UnicodeDecodeError.
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def read_http(body: bytes, *, max_batch: int = MAX_BATCH) -> Reading:
    """The calls of a POST body: one request or a batch of at most `max_batch`."""
    try:
        found = _HTTP_DECODER.decode(body)
        if isinstance(found, list):
            if len(found) > max_batch:
                detail = f"batch request exceeds maximum ({max_batch}) allowed number of requests"
                return Reading(error=encode_error(None, INVALID_REQUEST, detail), error_code=INVALID_REQUEST)
            return Reading(calls=_calls(found), batch=True)
        return Reading(calls=_calls([found]))
    except _UNREADABLE as error:
        return _parse_error(error)


def read_websocket(message: bytes) -> Reading:
    """The call of one WebSocket message. A batch is a parse error here, as in CometBFT."""
    try:
        return Reading(calls=_calls([_SOCKET_DECODER.decode(message)]))
    except _UNREADABLE as error:
        return _parse_error(error)


def encode_result(call_id: RequestId, result: object) -> bytes:
    """The answer to a call. `result` is whatever msgspec encodes: a Struct of shapes, or Raw JSON."""
    return _ENCODER.encode(_Answer("2.0", call_id, result))


def encode_error(call_id: RequestId | None, code: int, data: str = "") -> bytes:
    """The error that answers a call. The message is that of MESSAGES; a code of one's own goes without."""
    return _ENCODER.encode(_Failure("2.0", _WireError(code, MESSAGES.get(code, ""), data), call_id))


def encode_batch(answers: list[bytes]) -> bytes:
    """Several answers in one body. One alone goes without the list, as CometBFT sends it; none is an empty body."""
    if len(answers) == 1:
        return answers[0]
    return b"[" + b",".join(answers) + b"]" if answers else b""


def bad_params_code(transport: Transport) -> int:
    """What CometBFT answers to parameters of the wrong form: over WebSocket it is an internal error."""
    return INTERNAL_ERROR if transport == "websocket" else INVALID_PARAMS


def encode_call(call_id: int, method: str, params: dict[str, object]) -> bytes:
    """A request. The parameters are named, and in CometBFT's forms already: 64-bit integers as text."""
    return _ENCODER.encode(_Outgoing("2.0", call_id, method, params))


def read_reply(message: bytes) -> Reply:
    """A server's answer. Raises MalformedBytes on anything that is not one JSON-RPC answer."""
    try:
        wire = _REPLY_DECODER.decode(message)
    except _UNREADABLE as error:
        raise MalformedBytes("not a JSON-RPC answer") from error
    if wire.error is not None:
        return Reply(wire.id, error=RpcError(wire.error.code, wire.error.message, wire.error.data))
    result = bytes(wire.result)
    if not result:
        raise MalformedBytes("a JSON-RPC answer with neither result nor error")
    return Reply(wire.id, result=result)


def _calls(found: list[_WireRequest | None]) -> tuple[Call, ...]:
    """The requests that want an answer. Raises DecodeError for an id that no integer holds."""
    return tuple(
        Call(_request_id(wire.id), wire.method or "", bytes(wire.params))
        for wire in found
        if wire is not None and wire.id is not None
    )


def _request_id(found: str | float) -> RequestId:
    if isinstance(found, str):
        return found
    # CometBFT cuts the decimals of an id off.
    if not -_INT64 <= found < _INT64:
        raise msgspec.DecodeError("the id is out of range")
    return int(found)


def _parse_error(error: Exception) -> Reading:
    detail = "the document is nested too deeply" if isinstance(error, RecursionError) else str(error)
    return Reading(
        error=encode_error(None, PARSE_ERROR, f"error unmarshaling request: {detail}"), error_code=PARSE_ERROR
    )
