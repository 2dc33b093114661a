"""A statement as CSV, one line a movement, for spreadsheets. It refuses nothing, and lets no cell become a formula."""

from __future__ import annotations

import csv
import io
from typing import Final

from chainpos.core.values.text import clean
from chainpos.core.values.timestamps import format_rfc3339
from chainpos.inspect.statements.account import Statement
from chainpos.inspect.statements.blocks import digits

COLUMNS: Final = (
    "booked_at", "height", "index", "transaction", "kind", "reference", "currency", "amount", "gross", "fee", "balance",
    "counterparty", "detail",
)  # fmt: skip
# What makes a spreadsheet calculate, or starts a command in it, where a cell begins with it.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "|", "%", "＝", "＋", "－", "＠")


def statement_table(statement: Statement) -> bytes:
    """The file, UTF-8. The first line after the columns is the opening balance, the last one the closing balance."""
    currency, period = statement.currency, statement.period

    def signed(minor: int) -> str:
        return ("-" if minor < 0 else "") + digits(minor, currency)

    def balance(kind: str, time_ns: int, minor: int) -> list[str]:
        return [format_rfc3339(time_ns), "", "", "", kind, "", currency, "", "", "", signed(minor), "", ""]

    out = io.StringIO(newline="")
    rows = csv.writer(out, lineterminator="\r\n")
    rows.writerow(COLUMNS)
    rows.writerow(balance("opening", period.from_ns, statement.opening_minor))
    for entry in statement.entries:
        rows.writerow([
            format_rfc3339(entry.time_ns), entry.height, entry.index, entry.tx_hash, entry.kind, cell(entry.reference),
            currency, signed(entry.amount_minor), signed(entry.gross_minor), signed(entry.fee_minor),
            signed(entry.balance_minor), cell(entry.counterparty), cell(entry.detail),
        ])  # fmt: skip
    rows.writerow(balance("closing", period.to_ns, statement.closing_minor))
    return out.getvalue().encode()


def cell(text: str) -> str:
    """Text from outside as a spreadsheet may have it: cleaned; what would be a formula begins with an apostrophe."""
    shown = clean(text)
    return f"'{shown}" if shown.lstrip().startswith(_FORMULA) else shown
