"""The keying rule: digits fill from the right, a decimal point switches to plain writing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainpos.core.checkout.keyed import keyed_amount
from chainpos.core.values.amount import Amount, AmountError, format_amount
from chainpos.core.values.currency import CURRENCIES


@pytest.mark.parametrize(
    ("keyed", "currency", "minor"),
    [
        ("", "CNY", 0),
        ("5", "CNY", 5),
        ("1250", "CNY", 1250),
        ("0012", "CNY", 12),
        ("1250", "JPY", 1250),
        ("1250", "KWD", 1250),
        ("12.5", "CNY", 1250),
        ("12.", "CNY", 1200),
        (".5", "CNY", 50),
        ("12.50", "CNY", 1250),
        ("1,250.00", "CNY", 125000),
        ("1,250", "JPY", 1250),
        ("12.345", "KWD", 12345),
        ("１２．５", "CNY", 1250),
        ("12。5", "CNY", 1250),
        (" 12 50 ", "CNY", 1250),
    ],
)
def test_keyed_text_means_what_a_shopkeeper_expects(keyed: str, currency: str, minor: int) -> None:
    assert keyed_amount(keyed, currency) == Amount(minor, currency)


@pytest.mark.parametrize(
    ("keyed", "currency"),
    [
        ("1,250", "CNY"),
        ("12.345", "CNY"),
        ("12.5", "JPY"),
        ("12.", "JPY"),
        ("-5", "CNY"),
        ("1e3", "CNY"),
        (".", "CNY"),
        ("1..5", "CNY"),
        ("12,5.0", "CNY"),
        ("9" * 20, "CNY"),
        ("9" * 25, "CNY"),
        ("٣", "CNY"),
        ("1\x1b5", "CNY"),
    ],
)
def test_ambiguous_or_malformed_keying_is_refused(keyed: str, currency: str) -> None:
    with pytest.raises(AmountError):
        keyed_amount(keyed, currency)


@given(st.integers(0, 10**15), st.sampled_from(sorted(CURRENCIES)))
def test_what_is_shown_can_be_keyed_again_in_either_way(minor: int, currency: str) -> None:
    amount = Amount(minor, currency)
    assert keyed_amount(str(minor), currency) == amount
    shown = format_amount(amount, with_currency=False)
    assert keyed_amount(shown, currency) == amount


@given(st.text(max_size=30))
def test_any_text_is_an_amount_or_refused(text: str) -> None:
    try:
        amount = keyed_amount(text, "CNY")
    except AmountError:
        return
    assert amount.currency == "CNY"
