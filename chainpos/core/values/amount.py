"""Money as whole minor units of one currency, 0 to 2^63 - 1. It refuses negatives, overflow and mixed currencies."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from chainpos.core.values.currency import currency

MAX_MINOR: Final = 2**63 - 1
_PLAIN = re.compile(r"(\d{1,19})(?:\.(\d{1,3}))?", re.ASCII)
_GROUPED = re.compile(r"(\d{1,3}(?:,\d{3}){1,6})(?:\.(\d{1,3}))?", re.ASCII)
# What an IME types in full width means the same as what a keypad types.
_FULL_WIDTH = str.maketrans("０１２３４５６７８９．，。", "0123456789.,.")


class AmountError(ValueError):
    """An amount that cannot exist: negative, too large, of another currency, or not written as one."""


class Amount(msgspec.Struct, frozen=True):
    """`minor` is a count of the currency's smallest units (fen, cents), 0..2^63-1. Raises AmountError."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if isinstance(self.minor, bool) or not isinstance(self.minor, int):
            raise AmountError("an amount is a whole number of minor units")
        if not 0 <= self.minor <= MAX_MINOR:
            raise AmountError(f"amount {self.minor} is outside 0..{MAX_MINOR}")

    def __add__(self, other: Amount) -> Amount:
        self._same_currency(other)
        return Amount(self.minor + other.minor, self.currency)

    def __sub__(self, other: Amount) -> Amount:
        self._same_currency(other)
        return Amount(self.minor - other.minor, self.currency)

    def __str__(self) -> str:
        return format_amount(self)

    def _same_currency(self, other: Amount) -> None:
        if self.currency != other.currency:
            raise AmountError(f"{self.currency} and {other.currency} do not add")


def parse_amount(text: str, code: str) -> Amount:
    """The amount that a person wrote: "12.5", "1,250.00", full-width digits. Raises AmountError, UnknownCurrency.

    Refuses more decimals than the currency has, signs, exponents and misplaced group separators.
    """
    exponent = currency(code).exponent
    match = _PLAIN.fullmatch(cleaned := text.strip().translate(_FULL_WIDTH)) or _GROUPED.fullmatch(cleaned)
    if match is None:
        raise AmountError(f"not an amount: {text[:40]!r}")
    whole, decimals = match.group(1).replace(",", ""), match.group(2) or ""
    if len(decimals) > exponent:
        raise AmountError(f"{code} has {exponent} decimal places")
    return Amount(int(whole + decimals.ljust(exponent, "0")), code)


def format_amount(amount: Amount, *, with_currency: bool = True) -> str:
    """Grouped, in the currency's decimal places, with its code: "1,250.00 CNY".

    Without the code, `parse_amount` reads it back. Raises UnknownCurrency.
    """
    exponent = currency(amount.currency).exponent
    digits = str(amount.minor).rjust(exponent + 1, "0")
    whole, decimals = (digits[:-exponent], "." + digits[-exponent:]) if exponent else (digits, "")
    text = f"{int(whole):,}{decimals}"
    return f"{text} {amount.currency}" if with_currency else text
