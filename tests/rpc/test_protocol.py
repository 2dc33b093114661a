"""JSON-RPC without I/O: every way in which a message can be wrong, and what CometBFT answers to it."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainpos.errors import MalformedBytes
from chainpos.rpc.protocol import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    SERVER_ERROR,
    Call,
    bad_params_code,
    encode_batch,
    encode_call,
    encode_error,
    encode_result,
    read_http,
    read_reply,
    read_websocket,
)
from tests.rpc.conftest import Json

DEEP = b'{"id":1,"method":"status","params":' + b"[" * 100_000 + b"]" * 100_000 + b"}"


def error_of(document: bytes) -> Json:
    return json.loads(document)["error"]


def test_a_single_request_is_one_call() -> None:
    reading = read_http(b'{"jsonrpc":"2.0","id":7,"method":"block","params":{"height":"5"}}')
    assert reading.calls == (Call(7, "block", b'{"height":"5"}'),)
    assert not reading.batch
    assert not reading.error


def test_a_batch_keeps_the_order_of_its_calls() -> None:
    reading = read_http(b'[{"id":1,"method":"a"},{"id":"two","method":"b"},{"id":3,"method":"c"}]')
    assert [call.id for call in reading.calls] == [1, "two", 3]
    assert reading.batch


@pytest.mark.parametrize("message", [b'{"method":"status"}', b'{"id":null,"method":"status"}', b"null", b"{}"])
def test_a_notification_is_not_answered(message: bytes) -> None:
    assert read_http(message).calls == read_websocket(message).calls == ()
    assert read_http(message).error == read_websocket(message).error == b""


def test_notifications_inside_a_batch_are_left_out() -> None:
    reading = read_http(b'[{"method":"status"},{"id":2,"method":"health"},null]')
    assert [call.id for call in reading.calls] == [2]


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"not json",
        b'{"id":1,"method":"status"',
        b'{"id":1,"method":"status"} trailing',
        b'"a string"',
        b"5",
        b'{"id":true,"method":"status"}',
        b'{"id":[1],"method":"status"}',
        b'{"id":1,"method":5}',
        b'{"id":1,"jsonrpc":2,"method":"status"}',
        b'{"id":1e300,"method":"status"}',
        b'{"id":18446744073709551616,"method":"status"}',
        b'{"id":"\xff\xfe","method":"status"}',
        b'{"id":1,"method":"\\ud800"}',
        b'[{"id":{},"method":"status"}]',
        DEEP,
    ],
)
def test_what_is_no_request_is_a_parse_error_without_an_id(message: bytes) -> None:
    for reading in (read_http(message), read_websocket(message)):
        assert reading.calls == ()
        assert reading.error_code == PARSE_ERROR
        answer = json.loads(reading.error)
        assert "id" not in answer
        assert answer["error"]["message"] == "Parse error. Invalid JSON"
        assert answer["error"]["data"].startswith("error unmarshaling request: ")


def test_a_batch_over_a_websocket_is_a_parse_error() -> None:
    assert read_websocket(b'[{"id":1,"method":"status"}]').error_code == PARSE_ERROR


def test_a_batch_over_the_limit_is_an_invalid_request() -> None:
    item = b'{"id":1,"method":"status"}'
    assert len(read_http(b"[" + b",".join([item] * 10) + b"]").calls) == 10
    reading = read_http(b"[" + b",".join([item] * 11) + b"]")
    assert reading.calls == ()
    assert reading.error_code == INVALID_REQUEST
    assert error_of(reading.error)["data"] == "batch request exceeds maximum (10) allowed number of requests"


def test_an_empty_batch_is_answered_with_nothing() -> None:
    assert read_http(b"[]").calls == ()
    assert encode_batch([]) == b""


def test_an_id_with_decimals_loses_them() -> None:
    assert read_http(b'{"id":1.9,"method":"status"}').calls[0].id == 1


def test_an_id_as_text_comes_back_as_text() -> None:
    assert json.loads(encode_result("7", {}))["id"] == "7"


def test_one_answer_of_a_batch_goes_without_a_list() -> None:
    one, two = encode_result(1, {}), encode_error(2, METHOD_NOT_FOUND)
    assert json.loads(encode_batch([one])) == {"jsonrpc": "2.0", "id": 1, "result": {}}
    assert [answer["id"] for answer in json.loads(encode_batch([one, two]))] == [1, 2]


def test_an_error_without_detail_has_no_data() -> None:
    assert error_of(encode_error(1, METHOD_NOT_FOUND)) == {"code": -32601, "message": "Method not found"}


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (INVALID_PARAMS, "Invalid params"),
        (INTERNAL_ERROR, "Internal error"),
        (SERVER_ERROR, "Server error"),
        (INVALID_REQUEST, "Invalid Request"),
    ],
)
def test_each_code_has_its_message(code: int, message: str) -> None:
    assert error_of(encode_error(1, code, "why")) == {"code": code, "message": message, "data": "why"}


def test_bad_parameters_are_an_internal_error_over_a_websocket_alone() -> None:
    assert bad_params_code("http") == bad_params_code("uri") == INVALID_PARAMS
    assert bad_params_code("websocket") == INTERNAL_ERROR


def test_a_call_is_read_back_as_it_was_written() -> None:
    call = read_http(encode_call(5, "tx", {"hash": "AA==", "prove": True})).calls[0]
    assert call == Call(5, "tx", b'{"hash":"AA==","prove":true}')


def test_a_reply_is_read_with_its_result_or_its_error() -> None:
    assert read_reply(b'{"jsonrpc":"2.0","id":3,"result":{"a":1}}').result == b'{"a":1}'
    error = read_reply(encode_error(4, INTERNAL_ERROR, "height must be greater than 0, but got 0")).error
    assert error is not None
    assert (error.code, error.data) == (INTERNAL_ERROR, "height must be greater than 0, but got 0")


@pytest.mark.parametrize("message", [b"", b"[]", b"{}", b'{"id":1}', b'{"id":[],"result":{}}', b"\xff", DEEP])
def test_what_is_no_reply_is_malformed(message: bytes) -> None:
    with pytest.raises(MalformedBytes):
        read_reply(message)


@given(st.binary(max_size=200))
def test_no_bytes_make_the_readers_fail_in_another_way(message: bytes) -> None:
    for reading in (read_http(message), read_websocket(message)):
        assert bool(reading.error) == bool(reading.error_code)
    with contextlib.suppress(MalformedBytes):
        read_reply(message)
