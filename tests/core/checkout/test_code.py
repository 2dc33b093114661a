"""The customer's code: read back whole or refused, and refused for the right reason."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainpos.core.checkout.code import (
    CODE_MARK,
    MAX_CODE_CHARACTERS,
    RefusedCode,
    format_code,
    looks_like_code,
    make_code,
    parse_code,
    require_covers,
)
from chainpos.core.checkout.qr import ALPHANUMERIC, MAX_VERSION, qr_modules
from chainpos.core.values.amount import Amount
from chainpos.wallet.keys import Key

from .conftest import CHAIN, NOW_S


@pytest.fixture(scope="session")
def text(customer: Key) -> str:
    """A code for up to 500.00 CNY, as a scanner types it."""
    limit = Amount(50_000, "CNY")
    return format_code(
        make_code(CHAIN, customer.public_key, limit, nonce=bytes(16), issued_s=NOW_S, sign=customer.sign)
    )


def test_a_code_is_read_back(text: str, customer: Key) -> None:
    signed = parse_code(text, CHAIN, now_s=NOW_S + 59)
    assert signed.code.payer_key == customer.public_key
    assert signed.code.max_minor == 50_000
    assert format_code(signed) == text
    require_covers(signed, Amount(50_000, "CNY"))


def test_a_code_fits_a_qr_and_is_typed_by_any_scanner(text: str) -> None:
    assert len(text) <= MAX_CODE_CHARACTERS
    assert set(text) <= ALPHANUMERIC
    assert qr_modules(text, max_version=MAX_VERSION)
    full_width = text.translate({point: 0xFEE0 + point for point in range(0x21, 0x7F)})
    for typed in (text.lower(), f" {text}\r\n", full_width):
        assert looks_like_code(typed)
        assert parse_code(typed, CHAIN, now_s=NOW_S).encoded


def test_every_truncation_is_refused_as_such(text: str) -> None:
    for length in range(len(CODE_MARK), len(text)):
        with pytest.raises(RefusedCode) as refused:
            parse_code(text[:length], CHAIN, now_s=NOW_S)
        assert refused.value.reason == "truncated", length
    with pytest.raises(RefusedCode) as refused:
        parse_code(text[1:], CHAIN, now_s=NOW_S)
    assert refused.value.reason == "no_code"


@given(st.data())
def test_every_misread_character_is_refused(text: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(len(CODE_MARK), len(text) - 1))
    other = data.draw(st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567").filter(lambda symbol: symbol != text[at]))
    with pytest.raises(RefusedCode):
        parse_code(text[:at] + other + text[at + 1 :], CHAIN, now_s=NOW_S)


@given(st.text(max_size=400))
def test_any_text_is_refused_and_nothing_else_is_raised(text: str) -> None:
    for typed in (text, CODE_MARK + text):
        with pytest.raises(RefusedCode):
            parse_code(typed, CHAIN, now_s=NOW_S)


def test_an_old_a_foreign_and_a_small_code_are_refused_by_name(text: str) -> None:
    with pytest.raises(RefusedCode) as refused:
        parse_code(text, CHAIN, now_s=NOW_S + 60)
    assert refused.value.reason == "expired"
    with pytest.raises(RefusedCode) as refused:
        parse_code(text, "other-chain", now_s=NOW_S)
    assert refused.value.reason == "forged"
    signed = parse_code(text, CHAIN, now_s=NOW_S)
    for amount in (Amount(50_001, "CNY"), Amount(1, "JPY")):
        with pytest.raises(RefusedCode) as refused:
            require_covers(signed, amount)
        assert refused.value.reason == "short"


def test_somebody_elses_signature_is_refused(customer: Key, till: Key) -> None:
    signed = make_code(CHAIN, customer.public_key, Amount(1, "CNY"), nonce=bytes(16), issued_s=NOW_S, sign=till.sign)
    with pytest.raises(RefusedCode) as refused:
        parse_code(format_code(signed), CHAIN, now_s=NOW_S)
    assert refused.value.reason == "forged"
