"""Money as whole minor units."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainpos.core.values.amount import MAX_MINOR, Amount, AmountError, format_amount, parse_amount
from chainpos.core.values.currency import CURRENCIES, UnknownCurrency, currency

amounts = st.builds(Amount, st.integers(0, MAX_MINOR), st.sampled_from(sorted(CURRENCIES)))


@given(amounts)
def test_what_is_written_is_read_back(amount: Amount) -> None:
    assert parse_amount(format_amount(amount, with_currency=False), amount.currency) == amount
    assert str(amount) == f"{format_amount(amount, with_currency=False)} {amount.currency}"


@given(st.integers(0, MAX_MINOR), st.integers(0, MAX_MINOR))
def test_sums_and_differences_are_exact_or_refused(one: int, other: int) -> None:
    left, right = Amount(one, "CNY"), Amount(other, "CNY")
    if one + other <= MAX_MINOR:
        assert left + right == Amount(one + other, "CNY")
        assert (left + right) - right == left
    else:
        with pytest.raises(AmountError):
            _ = left + right
    if one < other:
        with pytest.raises(AmountError):
            _ = left - right


def test_different_currencies_neither_add_nor_subtract() -> None:
    with pytest.raises(AmountError, match="CNY and HKD"):
        _ = Amount(1, "CNY") + Amount(1, "HKD")
    with pytest.raises(AmountError):
        _ = Amount(1, "CNY") - Amount(1, "HKD")


@pytest.mark.parametrize("minor", [-1, MAX_MINOR + 1, True, 1.0, "1", None])
def test_an_amount_that_cannot_exist_is_refused(minor: Any) -> None:
    with pytest.raises(AmountError):
        Amount(minor, "CNY")


@pytest.mark.parametrize(
    ("text", "code", "minor"),
    [
        ("0", "CNY", 0), ("12", "CNY", 1200), ("12.5", "CNY", 1250), ("12.05", "CNY", 1205), (" 7 ", "CNY", 700),
        ("1,250.00", "CNY", 125_000), ("1,234,567", "JPY", 1_234_567), ("1.234", "KWD", 1234), ("007", "CNY", 700),
        ("１２．５", "CNY", 1250), ("１，２５０", "CNY", 125_000), ("8。88", "CNY", 888),
        ("92233720368547758.07", "CNY", MAX_MINOR),
    ],
)  # fmt: skip
def test_what_a_person_writes_is_understood(text: str, code: str, minor: int) -> None:
    assert parse_amount(text, code) == Amount(minor, code)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "CNY"), ("-1", "CNY"), ("+1", "CNY"), ("1e3", "CNY"), ("1.", "CNY"), (".5", "CNY"), ("1.005", "CNY"),
        ("1.0", "JPY"), ("12,50", "CNY"), ("1,2345", "CNY"), (",123", "CNY"), ("1,,234", "CNY"), ("1 000", "CNY"),
        ("1.2.3", "CNY"), ("0x10", "CNY"), ("٣", "CNY"), ("一", "CNY"), ("NaN", "CNY"), ("1_000", "CNY"),
        ("12 CNY", "CNY"), ("92233720368547758.08", "CNY"), ("9" * 400, "CNY"), ("1\n2", "CNY"),
    ],
)  # fmt: skip
def test_what_is_no_amount_is_refused(text: str, code: str) -> None:
    with pytest.raises(AmountError):
        parse_amount(text, code)


@given(amounts)
def test_ux21_every_amount_is_grouped_by_three_with_its_currencys_places_and_code(amount: Amount) -> None:
    figure, code = format_amount(amount).split(" ")
    assert code == amount.currency
    whole, _, places = figure.partition(".")
    first, *others = whole.split(",")
    assert len(places) == CURRENCIES[amount.currency].exponent
    assert 1 <= len(first) <= 3
    assert all(len(group) == 3 for group in others)
    assert first == "0" or not first.startswith("0")
    assert int("".join((first, *others, places))) == amount.minor


@pytest.mark.parametrize(
    ("minor", "code", "text"),
    [
        (0, "CNY", "0.00 CNY"),
        (5, "CNY", "0.05 CNY"),
        (125_000, "CNY", "1,250.00 CNY"),
        (1_000, "JPY", "1,000 JPY"),
        (7, "KWD", "0.007 KWD"),
    ],
)
def test_ux21_an_amount_is_written_with_its_currencys_places(minor: int, code: str, text: str) -> None:
    assert format_amount(Amount(minor, code)) == text


def test_an_unknown_currency_is_refused_where_its_places_matter() -> None:
    for broken in (lambda: parse_amount("1", "XXX"), lambda: format_amount(Amount(1, "XXX")), lambda: currency("cny")):
        with pytest.raises(UnknownCurrency):
            broken()


def test_currencies_have_distinct_numbers_of_three_digits() -> None:
    rows = list(CURRENCIES.values())
    assert len({row.numeric for row in rows}) == len(rows)
    assert all(
        row.code == code and 0 < row.numeric < 1000 and row.exponent in (0, 2, 3) for code, row in CURRENCIES.items()
    )
    assert currency("CNY") == ("CNY", 156, 2)
