"""The sample city as its files name it: institutions, merchants, customers. It refuses a bad row by file and line."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar, get_type_hints

from chainpos.core.values.currency import currency
from chainpos.core.values.text import check_text
from chainpos.errors import EXIT_USAGE, UserFacingError

T = TypeVar("T")
MAX_NAME_BYTES: Final = 64


class Institution(NamedTuple):
    """A bank or a wallet company; amounts in minor units."""

    institution: str
    kind: str
    city: str
    name_en: str
    name_zh: str
    reserve_minor: int
    net_debit_cap_minor: int
    currency: str


class Merchant(NamedTuple):
    """A shop; `tills` counts its counters, `catalogue` names a file of articles."""

    merchant: str
    city: str
    category: str
    name_en: str
    name_zh: str
    acquirer: str
    fee_class: str
    settlement_mode: str
    tills: int
    catalogue: str


class Customer(NamedTuple):
    """A wallet holder; the names are for the demonstration alone and never reach the ledger."""

    customer: str
    city: str
    institution: str
    tier: str
    name_en: str
    name_zh: str
    opening_balance_minor: int
    currency: str


class Article(NamedTuple):
    """One line of a catalogue; the tax rate is in parts per million."""

    sku: str
    barcode: str
    name_en: str
    name_zh: str
    price_minor: int
    currency: str
    tax_rate_ppm: int
    favourite: str


class City(NamedTuple):
    """All of it, in the files' order."""

    institutions: tuple[Institution, ...]
    merchants: tuple[Merchant, ...]
    customers: tuple[Customer, ...]

    def merchant(self, name: str) -> Merchant:
        """By its ID. Raises UserFacingError."""
        for merchant in self.merchants:
            if merchant.merchant == name:
                return merchant
        raise UserFacingError(
            f"The sample city has no merchant {name!r}.",
            next_step=f"Take one of {', '.join(merchant.merchant for merchant in self.merchants[:5])} …",
            exit_code=EXIT_USAGE,
        )


def load_city(folder: Path) -> City:
    """The city in `folder`. Raises UserFacingError naming file and line."""
    return City(
        institutions=_rows(folder / "institutions.csv", Institution),
        merchants=_rows(folder / "merchants.csv", Merchant),
        customers=_rows(folder / "customers.csv", Customer),
    )


def load_catalogue(folder: Path, name: str) -> tuple[Article, ...]:
    """A catalogue's articles. Raises UserFacingError naming file and line."""
    return _rows(folder / "catalogues" / f"{name}.csv", Article)


def _text(value: str) -> str:
    return check_text(value, max_bytes=MAX_NAME_BYTES, min_bytes=1)


def _whole(value: str) -> int:
    if not (value.isascii() and value.isdigit()):
        raise ValueError(f"{value!r} is not a whole number")
    return int(value)


def _currency(value: str) -> str:
    return currency(value).code


def _reader(column: str, annotation: Any) -> Callable[[str], Any]:
    if column == "currency":
        return _currency
    return _whole if annotation is int else _text


def _rows(path: Path, shape: Callable[..., T]) -> tuple[T, ...]:
    readers = {name: _reader(name, kind) for name, kind in get_type_hints(shape).items()}
    with path.open(encoding="utf-8", newline="") as file:
        lines = csv.DictReader(file)
        if lines.fieldnames is None or list(lines.fieldnames) != list(readers):
            raise _bad(path, 1, f"the columns must be {', '.join(readers)}")
        found = []
        for line in lines:
            try:
                found.append(shape(**{name: read(line[name] or "") for name, read in readers.items()}))
            except ValueError as error:
                raise _bad(path, lines.line_num, str(error)) from error
    return tuple(found)


def _bad(path: Path, line: int, problem: str) -> UserFacingError:
    return UserFacingError(
        f"{path.name}, line {line}: {problem}.",
        next_step="Correct the line and run it again.",
        money_moved="",
        exit_code=EXIT_USAGE,
    )
