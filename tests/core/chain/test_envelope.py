"""The transaction envelope: what is signed, what is hashed, what is refused."""

from __future__ import annotations

from hashlib import sha256

import msgspec
import pytest
from ed25519_zebra import ed_sign
from hypothesis import given
from hypothesis import strategies as st

from chainpos.core.chain.envelope import (
    MAX_TX_BYTES,
    Body,
    Envelope,
    decode_envelope,
    encode_envelope,
    signed_bytes,
    tx_hash,
)
from chainpos.core.chain.signatures import verify_batch
from chainpos.errors import MalformedBytes
from tests.core.chain.conftest import key_pair

SECRET, PUBLIC = key_pair(5)


def sign(message: bytes) -> bytes:
    return bytes(ed_sign(SECRET, message))


def body(**fields: object) -> Body:
    given_fields = {
        "version": 1,
        "chain_id": "city",
        "signer": PUBLIC,
        "expires_s": 1_760_000_000,
        "nonce": b"n" * 16,
        "kind": "payments.pay",
        "message": msgspec.msgpack.encode([1, b"request"]),
    }
    return Body(**(given_fields | fields))  # type: ignore[arg-type]


WIRE = encode_envelope(body(), sign)
# The same fields as a plain array, to write them in other ways.
PLAIN = [1, "city", PUBLIC, 1_760_000_000, b"n" * 16, "payments.pay", msgspec.msgpack.encode([1, b"request"])]


def test_a_transaction_reads_back_and_its_signature_holds_on_its_chain_alone() -> None:
    found = decode_envelope(WIRE)
    assert found.body == body()
    assert found.body.message == msgspec.msgpack.encode([1, b"request"])
    assert verify_batch([found.claim("city"), found.claim("town")]) == [True, False]


def test_the_hash_is_of_all_bytes_and_the_body_hash_of_all_but_the_signature() -> None:
    found = decode_envelope(WIRE)
    assert found.hash == tx_hash(WIRE) == sha256(WIRE).digest()
    assert found.body_hash == sha256(WIRE[64:]).digest()
    assert found.body_bytes == WIRE[64:]
    malleated = decode_envelope(bytes(64) + WIRE[64:])
    assert malleated.hash != found.hash
    assert malleated.body_hash == found.body_hash


def test_what_is_signed_names_purpose_version_and_chain() -> None:
    assert signed_bytes("city", b"body") == b"chainpos/tx/1\x00city\x00body"


def test_the_body_is_the_plain_messagepack_array() -> None:
    assert WIRE[64:] == msgspec.msgpack.encode(PLAIN)


@pytest.mark.parametrize(
    ("at", "value"),
    [
        (0, 0), (0, 2), (0, "1"), (1, ""), (1, "c" * 51), (1, b"city"), (2, b"short"), (2, PUBLIC + b"!"), (3, -1),
        (3, 1.5), (3, None), (4, b"n" * 15), (4, b"n" * 17), (4, "n" * 16), (5, ""), (5, "k" * 65), (5, 5),
    ],
)  # fmt: skip
def test_a_field_of_the_wrong_type_or_length_is_refused(at: int, value: object) -> None:
    fields: list[object] = list(PLAIN)
    fields[at] = value
    with pytest.raises(MalformedBytes):
        decode_envelope(bytes(64) + msgspec.msgpack.encode(fields))


@pytest.mark.parametrize("fields", [PLAIN[:-1], [*PLAIN, 1], [], {"version": 1}, 5])
def test_fields_too_few_or_too_many_are_refused(fields: object) -> None:
    with pytest.raises(MalformedBytes):
        decode_envelope(bytes(64) + msgspec.msgpack.encode(fields))


def test_longer_forms_of_the_same_body_are_refused() -> None:
    encoded = msgspec.msgpack.encode(PLAIN)
    longer_number = encoded.replace(b"\x97\x01", b"\x97\xcc\x01", 1)
    longer_array = b"\xdc\x00\x07" + encoded[1:]
    longer_text = encoded.replace(b"\xa4city", b"\xd9\x04city", 1)
    longer_bytes = encoded.replace(b"\xc4\x10" + b"n" * 16, b"\xc5\x00\x10" + b"n" * 16, 1)
    for bent in (longer_number, longer_array, longer_text, longer_bytes, encoded + b"\x00"):
        assert bent != encoded
        with pytest.raises(MalformedBytes):
            decode_envelope(bytes(64) + bent)


def test_text_that_is_not_utf8_is_refused() -> None:
    bent = msgspec.msgpack.encode(PLAIN).replace(b"\xa4city", b"\xa4ci\xff\xfe", 1)
    with pytest.raises(MalformedBytes):
        decode_envelope(bytes(64) + bent)


def test_whether_an_envelope_is_well_formed_does_not_depend_on_how_deep_its_caller_is() -> None:
    # Measured before the message was bytes: 900 levels were read from the top of a stack and refused from further down.
    nested = msgspec.msgpack.encode(PLAIN[:-1])[1:] + b"\x91" * 900 + b"\x01"
    wrapped = bytes(64) + msgspec.msgpack.encode([*PLAIN[:-1], b"\x91" * 900 + b"\x01"])

    def from_depth(levels: int) -> bytes:
        return from_depth(levels - 1) if levels else decode_envelope(wrapped).body.message

    assert from_depth(0) == from_depth(300) == b"\x91" * 900 + b"\x01"
    with pytest.raises(MalformedBytes):
        decode_envelope(bytes(64) + b"\x97" + nested)


def test_a_transaction_is_at_most_4096_bytes() -> None:
    room = MAX_TX_BYTES - len(encode_envelope(body(message=bytes(300)), sign)) + 300
    fitting = encode_envelope(body(message=bytes(room)), sign)
    assert len(fitting) == MAX_TX_BYTES
    with pytest.raises(MalformedBytes, match="4097 bytes"):
        encode_envelope(body(message=bytes(room + 1)), sign)


@pytest.mark.parametrize("size", [0, 1, 64])
def test_a_transaction_without_a_body_is_refused(size: int) -> None:
    with pytest.raises(MalformedBytes):
        decode_envelope(bytes(size))


def test_a_body_that_could_not_be_read_back_is_not_written() -> None:
    with pytest.raises(MalformedBytes):
        encode_envelope(body(nonce=b"short"), sign)
    with pytest.raises(MalformedBytes):
        encode_envelope(body(), lambda _: b"short")


@given(st.integers(0, len(WIRE) - 1), st.integers(0, 255))
def test_any_changed_byte_is_refused_or_makes_another_transaction(at: int, value: int) -> None:
    bent = WIRE[:at] + bytes((value,)) + WIRE[at + 1 :]
    try:
        found: Envelope | None = decode_envelope(bent)
    except MalformedBytes:
        found = None
    if found is not None and bent != WIRE:
        assert not verify_batch([found.claim("city")])[0]
