"""Messages on the wire: whole, empty, of another version, and malformed. A real CometBFT reads them in other tests."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainpos.core.chain.protobuf import put_bytes, put_message, put_uint, varint
from chainpos.core.chain.results import Event, EventAttribute, TxResult
from chainpos.engine.cometbft import messages as abci
from chainpos.engine.cometbft.fields import (
    CODEC,
    REQUESTS,
    RESPONSES,
    decode_request,
    decode_response,
    encode_request,
    encode_response,
)
from chainpos.errors import MalformedBytes

RESULT = TxResult(
    7, b"data", "BAD", "why", 10, 9, (Event("paid", (EventAttribute("k", "v"), EventAttribute("n", "1", False))),), "cs"
)


@pytest.mark.parametrize("kind", REQUESTS.values())
def test_every_request_survives_the_wire_empty(kind: type[Any]) -> None:
    assert decode_request(encode_request(kind())) == kind()


@pytest.mark.parametrize("kind", RESPONSES.values())
def test_every_response_survives_the_wire_empty(kind: type[Any]) -> None:
    assert decode_response(encode_response(kind())) == kind()


def test_a_finalized_block_survives_the_wire_whole() -> None:
    update = abci.ValidatorUpdate(abci.PublicKey(bytes(range(32))), 5)
    response = abci.FinalizeBlockResponse((Event("block"),), (RESULT, TxResult()), (update,), b"\x0a\x00", bytes(32))
    assert decode_response(encode_response(response)) == response


def test_one_empty_result_is_still_one_result() -> None:
    """A missing result halts a chain, so one whose every field is zero must be written all the same."""
    assert CODEC.encode(abci.FinalizeBlockResponse(results=(TxResult(), TxResult()))) == bytes.fromhex("12001200")


@given(st.binary(max_size=40), st.integers(-(2**63), 2**63 - 1), st.booleans(), st.text(max_size=20))
def test_a_query_survives_the_wire(data: bytes, height: int, prove: bool, path: str) -> None:
    request = abci.QueryRequest(data, path, height, prove)
    assert decode_request(encode_request(request)) == request


def test_a_negative_number_takes_ten_bytes() -> None:
    assert CODEC.encode(abci.QueryRequest(height=-1)) == b"\x18" + b"\xff" * 9 + b"\x01"


def test_fields_that_are_not_known_are_passed_over() -> None:
    unknown = put_uint(9, 5) + put_bytes(10, b"new") + b"\x5d\0\0\0\0" + b"\x59" + bytes(8)
    encoded = put_bytes(1, b"tx") + unknown
    assert CODEC.decode(abci.CheckTxRequest, encoded) == abci.CheckTxRequest(b"tx")


def test_of_a_field_that_comes_twice_the_last_counts() -> None:
    assert CODEC.decode(abci.CheckTxRequest, put_bytes(1, b"a") + put_bytes(1, b"b")).tx == b"b"


@pytest.mark.parametrize(
    "encoded",
    [
        b"\x0a",  # a length is missing
        b"\x0a\x05ab",  # cut short
        b"\x08\x01",  # a number where bytes belong
        b"\x12\x00",  # bytes where a number belongs
        b"\x0b",  # a group
        b"\x0a" + b"\xff" * 11,  # a length without end
        b"\x80",  # half a tag
    ],
)
def test_what_is_not_the_message_is_refused(encoded: bytes) -> None:
    with pytest.raises(MalformedBytes):
        CODEC.decode(abci.CheckTxRequest, encoded)


@pytest.mark.parametrize(
    "encoded",
    [b"", b"\x0a", put_message(7, b""), varint(9 << 3 | 2) + b"\0", b"\x12\x00\x00", b"\x12\x01", b"\x10\x01"],
)
def test_what_is_not_a_request_is_refused(encoded: bytes) -> None:
    with pytest.raises(MalformedBytes):
        decode_request(encoded)


def test_text_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(MalformedBytes):
        CODEC.decode(abci.Echo, b"\x0a\x01\xff")


@given(st.binary(max_size=60))
def test_no_bytes_crash_the_reader(data: bytes) -> None:
    with contextlib.suppress(MalformedBytes):
        decode_request(data)
