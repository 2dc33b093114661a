"""Requests and customer codes as bytes: one form each, everything in range, safe to show; and what is signed."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from ed25519_zebra import ed_verify
from hypothesis import given
from hypothesis import strategies as st

from chainpos.core.chain.signatures import verify
from chainpos.core.contracts.payments.messages import (
    Cancel,
    CustomerCode,
    Request,
    cancel_subject,
    charge_signatures,
    charge_subject,
    charge_tokens,
    code_token,
    decode_code,
    decode_request,
    encode_code,
    encode_request,
    pay_signatures,
    pay_subject,
    request_id,
)
from chainpos.core.contracts.ports import STATIC_QR
from chainpos.core.values.hashes import sha256
from chainpos.errors import MalformedBytes
from tests.core.contracts.city import City
from tests.core.contracts.conftest import CHAIN_ID, key_of

GOOD = Request(1, "TEAHOUSE", b"\x07" * 32, "S-1", 1_250, "CNY", 1_000, 1_600, "dynamic_qr", False, "two teas")
CODE = CustomerCode(1, b"\x08" * 32, b"\x09" * 16, 10_000, "CNY", 1_000)


def test_a_request_comes_back_as_it_was() -> None:
    encoded = encode_request(GOOD)
    assert decode_request(encoded) == GOOD
    assert len(encoded) < 120


def test_a_static_request_may_leave_amount_and_end_open() -> None:
    static = msgspec.structs.replace(GOOD, instrument=STATIC_QR, amount_minor=0, expires_s=0)
    assert decode_request(encode_request(static)) == static


@pytest.mark.parametrize(
    "changed",
    [
        {"version": 2},
        {"merchant": ""},
        {"merchant": "TEA HOUSE"},
        {"merchant": "T" * 33},
        {"till_key": b"\x07" * 31},
        {"reference": ""},
        {"reference": "x" * 26},
        {"reference": "S'1"},
        {"reference": "S1\n"},
        {"reference": "茶"},
        {"amount_minor": 0},
        {"amount_minor": -1},
        {"amount_minor": 2**63},
        {"currency": "XXX"},
        {"currency": ""},
        {"created_s": -1},
        {"expires_s": 0},
        {"expires_s": 1_000},
        {"expires_s": 87_401},
        {"expires_s": 253_402_300_800, "created_s": 253_402_300_000},
        {"instrument": "customer_code"},
        {"instrument": ""},
        {"memo": "\x1b[2J"},
        {"memo": "\u202eDIAP"},
        {"memo": " blank first"},
        {"memo": "茶" * 27},
    ],
)
def test_a_request_out_of_range_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(MalformedBytes):
        encode_request(msgspec.structs.replace(GOOD, **changed))
    with pytest.raises(MalformedBytes):
        decode_request(msgspec.msgpack.encode(msgspec.structs.replace(GOOD, **changed)))


@pytest.mark.parametrize(
    "changed",
    [
        {"version": 0},
        {"payer_key": b""},
        {"nonce": b"\x09" * 15},
        {"max_minor": -1},
        {"currency": "XXX"},
        {"issued_s": -1},
    ],
)
def test_a_code_out_of_range_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(MalformedBytes):
        encode_code(msgspec.structs.replace(CODE, **changed))


def test_only_one_form_of_the_bytes_is_taken() -> None:
    fields = list(msgspec.to_builtins(GOOD, builtin_types=(bytes,)))
    encoded = encode_request(GOOD)
    assert msgspec.msgpack.encode(fields) == encoded
    number = msgspec.msgpack.encode(1_250)
    longer = encoded.replace(number, b"\xce" + (1_250).to_bytes(4, "big"), 1)
    for other in (
        encoded + b"\0",
        encoded[:-1],
        longer,
        msgspec.msgpack.encode([*fields, 1]),
        msgspec.msgpack.encode(fields[:9]),
        msgspec.msgpack.encode({}),
        b"",
        b"\xa1\xff",
    ):
        with pytest.raises(MalformedBytes):
            decode_request(other)
        with pytest.raises(MalformedBytes):
            decode_code(other)


@given(data=st.binary(max_size=200))
def test_no_bytes_do_anything_but_read_or_be_refused(data: bytes) -> None:
    for decode in (decode_request, decode_code):
        try:
            decode(data)
        except MalformedBytes:
            continue


def test_the_id_commits_to_the_chain_and_to_every_byte() -> None:
    encoded = encode_request(GOOD)
    assert request_id("a", encoded) == sha256(b"chainpos/request/1\0a\0" + encoded)
    assert request_id("a", encoded) != request_id("b", encoded)
    assert request_id("a", encoded) != request_id("a", encode_request(msgspec.structs.replace(GOOD, memo="")))


def test_the_tills_signature_is_listed_and_good_for_one_chain(city: City) -> None:
    sale = city.sale()
    (claim,) = pay_signatures(CHAIN_ID, sale.pay())
    assert claim.public_key == key_of("TEAHOUSE.till").public
    assert verify(claim.public_key, claim.message, claim.signature)
    (elsewhere,) = pay_signatures("another", sale.pay())
    assert not verify(elsewhere.public_key, elsewhere.message, elsewhere.signature)


def test_the_payers_signature_and_the_codes_token_are_listed(city: City) -> None:
    charge = city.charge(city.sale(), "carol")
    (claim,) = charge_signatures(CHAIN_ID, charge)
    assert claim.public_key == key_of("carol").public
    assert ed_verify(claim.signature, claim.message, claim.public_key)
    assert charge_tokens(charge) == (code_token(decode_code(charge.code)),)


def test_a_request_cannot_pass_for_a_code_nor_a_code_for_a_request() -> None:
    with pytest.raises(MalformedBytes):
        decode_code(encode_request(GOOD))
    with pytest.raises(MalformedBytes):
        decode_request(encode_code(CODE))


def test_one_nonce_is_one_token_whatever_else_the_code_says() -> None:
    other = msgspec.structs.replace(CODE, max_minor=1, currency="HKD", issued_s=5)
    assert code_token(other) == code_token(CODE)
    assert code_token(msgspec.structs.replace(CODE, nonce=b"\0" * 16)) != code_token(CODE)
    assert code_token(msgspec.structs.replace(CODE, payer_key=b"\0" * 32)) != code_token(CODE)


def test_what_cannot_be_read_lists_nothing(city: City) -> None:
    sale = city.sale()
    assert pay_signatures(CHAIN_ID, sale.pay(request=b"x")) == ()
    broken = msgspec.structs.replace(city.charge(sale, "carol"), code=b"x")
    assert charge_signatures(CHAIN_ID, broken) == ()
    assert charge_tokens(broken) == ()
    assert pay_subject(sale.pay(request=b"x")) == {}


def test_a_refusal_is_told_by_what_the_till_looks_for(city: City) -> None:
    sale = city.sale()
    expected = {"reference": "S000001", "merchant": "TEAHOUSE", "till": key_of("TEAHOUSE.till").public.hex()}
    assert pay_subject(sale.pay()) == expected
    assert charge_subject(city.charge(sale, "carol")) == expected
    assert cancel_subject(Cancel(sale.encoded)) == expected
