"""Currencies by ISO 4217: letters, number, and how many decimal places a unit has. Unknown codes are refused."""

from __future__ import annotations

from typing import Final, NamedTuple


class UnknownCurrency(ValueError):
    """A currency code that this network does not carry."""


class Currency(NamedTuple):
    """`numeric` is ISO 4217's three-digit number (as EMVCo QR codes want it); `exponent` its minor units."""

    code: str
    numeric: int
    exponent: int


CURRENCIES: Final[dict[str, Currency]] = {
    row.code: row
    for row in (
        Currency("AUD", 36, 2),
        Currency("CAD", 124, 2),
        Currency("CHF", 756, 2),
        Currency("CNY", 156, 2),
        Currency("EUR", 978, 2),
        Currency("GBP", 826, 2),
        Currency("HKD", 344, 2),
        Currency("JPY", 392, 0),
        Currency("KRW", 410, 0),
        Currency("KWD", 414, 3),
        Currency("MOP", 446, 2),
        Currency("SGD", 702, 2),
        Currency("THB", 764, 2),
        Currency("USD", 840, 2),
    )
}


def currency(code: str) -> Currency:
    """The currency of a three-letter code. Raises UnknownCurrency."""
    found = CURRENCIES.get(code)
    if found is None:
        raise UnknownCurrency(f"unknown currency {code!r}")
    return found
