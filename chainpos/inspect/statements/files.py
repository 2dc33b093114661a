"""One file for a merchant or an institution, in one of five formats, out of a chain: what the command line offers.

It refuses a message that would have nothing in it, as its schema does, and formats that do not go with what was asked.
"""

from __future__ import annotations

from typing import Final

import msgspec

from chainpos.core.values.currency import CURRENCIES
from chainpos.core.values.text import clean
from chainpos.errors import EXIT_REFUSED, EXIT_USAGE, UserFacingError
from chainpos.inspect.source import ChainSource
from chainpos.inspect.statements.account import (
    Statement,
    chain_id,
    institution_holder,
    merchant_holder,
    read_statement,
)
from chainpos.inspect.statements.camt053 import camt053
from chainpos.inspect.statements.pacs004 import pacs004
from chainpos.inspect.statements.pacs009 import pacs009
from chainpos.inspect.statements.pain001 import pain001
from chainpos.inspect.statements.period import Period
from chainpos.inspect.statements.table import statement_table
from chainpos.inspect.statements.transfers import NettingRow, PayoutOrder, Returned, nettings, payout_orders, returns

FORMATS: Final = ("camt053", "csv", "pacs004", "pacs009", "pain001")


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Whose file, of when, in which form. One of `merchant` and `institution` is ""; pacs009 may have neither."""

    period: Period
    format: str
    currency: str
    merchant: str = ""
    institution: str = ""


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """The file, and what it was made of."""

    content: bytes
    statement: Statement | None = None
    payouts: tuple[PayoutOrder, ...] = ()
    nettings: tuple[NettingRow, ...] = ()
    returned: tuple[Returned, ...] = ()

    @property
    def records(self) -> int:
        """How many entries, transfers or returns are in it."""
        legs = sum(len(netting.legs) for netting in self.nettings)
        entries = 0 if self.statement is None else len(self.statement.entries)
        return entries + len(self.payouts) + legs + len(self.returned)


def make_file(source: ChainSource, asked: Asked) -> Made:
    """The file. Raises UserFacingError, StateMismatch where it does not reconcile with the ledger, StoreError."""
    _require_sense(asked)
    holder = None
    if asked.merchant:
        holder = merchant_holder(source, asked.merchant)
    elif asked.institution:
        holder = institution_holder(source, asked.institution)
    if asked.format in ("camt053", "csv") and holder is not None:
        statement = read_statement(source, holder, asked.currency, asked.period)
        content = camt053(statement) if asked.format == "camt053" else statement_table(statement)
        return Made(content=content, statement=statement)
    network, period, currency = chain_id(source), asked.period, asked.currency
    if asked.format == "pain001":
        orders = payout_orders(
            source, period, currency=currency, institution=asked.institution, merchant=asked.merchant
        )
        _require_any(orders, "payout was requested", asked)
        return Made(content=pain001(orders, chain_id=network, made_ns=period.to_ns), payouts=orders)
    if asked.format == "pacs009":
        rows = nettings(source, period, currency=currency, institution=asked.institution)
        rows = tuple(row for row in rows if row.legs)
        _require_any(rows, "reserve was moved by a netting", asked)
        return Made(content=pacs009(rows, chain_id=network), nettings=rows)
    found = returns(source, period, currency=currency, institution=asked.institution, merchant=asked.merchant)
    _require_any(found, "payment was returned", asked)
    return Made(content=pacs004(found, chain_id=network), returned=found)


def _require_sense(asked: Asked) -> None:
    if asked.format not in FORMATS:
        raise _wrong(f"There is no format {clean(asked.format)!r}", f"Take one of {', '.join(FORMATS)}")
    if asked.currency not in CURRENCIES:
        known = ", ".join(sorted(CURRENCIES))
        raise _wrong(f"No network here carries a currency {clean(asked.currency)!r}", f"Take one of {known}")
    if asked.merchant and asked.institution:
        raise _wrong("A shop and an institution were both named", "Name one of them")
    if asked.format == "pacs009":
        if asked.merchant:
            raise _wrong("Nettings are between institutions", "Name an institution, or nobody for all legs")
    elif not asked.merchant and not asked.institution:
        raise _wrong("Whose file was not said", "Name --merchant or --institution")


def _require_any(found: tuple[object, ...], what: str, asked: Asked) -> None:
    if not found:
        raise UserFacingError(
            f"No {what} in {asked.period.name}, so there is nothing to write a file about.",
            next_step="Name another day or cycle.",
            money_moved="",
            exit_code=EXIT_REFUSED,
        )


def _wrong(what: str, next_step: str) -> UserFacingError:
    return UserFacingError(f"{what}.", next_step=f"{next_step}.", money_moved="", exit_code=EXIT_USAGE)
