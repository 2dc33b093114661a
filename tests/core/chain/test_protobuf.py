"""The protobuf forms by hand: golden bytes, and everything that is not canonical."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainpos.core.chain import protobuf
from chainpos.core.chain.protobuf import Reader, read_timestamp
from chainpos.core.values.timestamps import MAX_TIME_S, SECOND_NS, ZERO_TIME_NS
from chainpos.errors import MalformedBytes


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        (0, "00"),
        (1, "01"),
        (127, "7f"),
        (128, "8001"),
        (300, "ac02"),
        (2**64 - 1, "ff" * 9 + "01"),
        (-1, "ff" * 9 + "01"),
    ],
)
def test_a_number_has_its_shortest_form(value: int, encoded: str) -> None:
    assert protobuf.varint(value).hex() == encoded


@pytest.mark.parametrize("value", [2**64, -(2**63) - 1])
def test_a_number_beyond_64_bits_is_our_own_mistake(value: int) -> None:
    with pytest.raises(OverflowError):
        protobuf.varint(value)


@given(st.integers(0, 2**64 - 1), st.integers(-(2**63), 2**63 - 1), st.binary(max_size=300), st.text(max_size=50))
def test_every_kind_of_field_reads_back(unsigned: int, signed: int, data: bytes, text: str) -> None:
    encoded = (
        protobuf.put_uint(1, unsigned)
        + protobuf.put_uint(2, signed)
        + protobuf.put_sfixed64(3, signed)
        + protobuf.put_bytes(4, data)
        + protobuf.put_text(5, text)
        + protobuf.put_message(6, data)
        + protobuf.put_message(7, b"")
    )
    reader = Reader(encoded)
    assert (reader.uint(1), reader.int64(2), reader.sfixed64(3)) == (unsigned, signed, signed)
    assert (reader.bytes_(4, 300), reader.text(5, 200)) == (data, text)
    assert (reader.message(6).rest(), reader.message(7).rest()) == (data, b"")
    reader.end()


@pytest.mark.parametrize(
    "encoded",
    [
        "0800",  # a zero written out
        "088100",  # 1 in two bytes
        "08" + "80" * 10 + "01",  # eleven bytes
        "08" + "ff" * 9 + "02",  # beyond 64 bits
        "08",  # nothing after the tag
        "0880",  # cut short
        "1001",  # another field
        "08010801",  # twice
        "0801ff",  # something after it
        "0a0101",  # the right field, of another type
    ],
)
def test_a_number_that_is_not_canonical_is_refused(encoded: str) -> None:
    reader = Reader(bytes.fromhex(encoded))
    with pytest.raises(MalformedBytes):  # noqa: PT012 - the reading and its end are one
        reader.uint(1)
        reader.end()


@pytest.mark.parametrize("encoded", ["0a00", "0a05616263", "0a", "0a80", "0a04616263"])
def test_bytes_that_are_not_canonical_are_refused(encoded: str) -> None:
    with pytest.raises(MalformedBytes):
        Reader(bytes.fromhex(encoded)).bytes_(1, 100)


def test_bytes_over_the_callers_limit_are_refused_before_they_are_read() -> None:
    with pytest.raises(MalformedBytes, match="4 are allowed"):
        Reader(protobuf.put_bytes(1, b"12345")).bytes_(1, 4)
    with pytest.raises(MalformedBytes):
        Reader(bytes.fromhex("0affffffff0f")).bytes_(1, 4)


def test_fields_out_of_order_are_refused() -> None:
    reader = Reader(protobuf.put_uint(2, 5) + protobuf.put_uint(1, 5))
    assert reader.uint(1) == 0
    assert reader.uint(2) == 5
    with pytest.raises(MalformedBytes, match="unordered"):
        reader.end()


def test_text_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(MalformedBytes, match="UTF-8"):
        Reader(protobuf.put_bytes(1, b"\xff")).text(1, 10)


def test_a_message_that_must_be_there_is_missed() -> None:
    with pytest.raises(MalformedBytes, match="missing"):
        Reader(b"").message(1)


@pytest.mark.parametrize("encoded", ["09" + "00" * 8, "09" + "01" * 7])
def test_a_fixed_number_that_is_zero_or_short_is_refused(encoded: str) -> None:
    with pytest.raises(MalformedBytes):
        Reader(bytes.fromhex(encoded)).sfixed64(1)


def test_a_list_stops_at_its_limit() -> None:
    encoded = protobuf.put_message(1, b"x") * 3
    assert Reader(encoded).repeated_bytes(1, 3, 1) == [b"x"] * 3
    with pytest.raises(MalformedBytes, match="more than 2"):
        Reader(encoded).repeated_bytes(1, 2, 1)
    with pytest.raises(MalformedBytes, match="more than 2"):
        Reader(encoded).repeated_messages(1, 2)


def test_a_32_bit_number_stays_within_32_bits() -> None:
    assert Reader(protobuf.put_uint(1, -(2**31))).int32(1) == -(2**31)
    with pytest.raises(MalformedBytes):
        Reader(protobuf.put_uint(1, 2**31)).int32(1)


def test_gos_zero_time_is_the_one_in_cometbfts_vote_vectors() -> None:
    # CometBFT types/vote_test.go TestVoteSignBytesTestVectors
    assert protobuf.timestamp(ZERO_TIME_NS).hex() == "088092b8c398feffffff01"


@given(st.integers(ZERO_TIME_NS, MAX_TIME_S * SECOND_NS + SECOND_NS - 1))
def test_every_time_reads_back(time_ns: int) -> None:
    assert read_timestamp(Reader(protobuf.timestamp(time_ns))) == time_ns


@pytest.mark.parametrize("time_ns", [ZERO_TIME_NS - 1, (MAX_TIME_S + 1) * SECOND_NS])
def test_a_time_outside_years_1_to_9999_cannot_be_written(time_ns: int) -> None:
    with pytest.raises(OverflowError):
        protobuf.timestamp(time_ns)


def test_a_time_with_a_billion_nanoseconds_or_beyond_year_9999_is_refused() -> None:
    for encoded in (protobuf.put_uint(2, SECOND_NS), protobuf.put_uint(2, -1), protobuf.put_uint(1, MAX_TIME_S + 1)):
        with pytest.raises(MalformedBytes):
            read_timestamp(Reader(encoded))
