"""What the paid sales of a shop's book come to: sums and rows that settlement is told by. It refuses nothing."""

from __future__ import annotations

from typing import Final

import msgspec

from chainpos.store.shop import SaleRow, ShopBook

DAY_NS: Final = 86_400 * 10**9


class _Sum(msgspec.Struct):
    n: int


def fees_minor(book: ShopBook, currency: str) -> int:
    """What all paid sales in a currency cost in fees, in minor units."""
    sql = "SELECT coalesce(sum(fee_minor), 0) AS n FROM paid_days WHERE currency = ?"
    return book.rows(sql, [currency], _Sum)[0].n


def takings_minor(book: ShopBook, currency: str, from_ns: int, until_ns: int) -> int:
    """What was paid to the shop from a moment on and before another, in minor units."""
    first, last = -(-from_ns // DAY_NS), until_ns // DAY_NS
    if first >= last:
        return _taken_minor(book, currency, from_ns, until_ns)
    # Whole days as they were summed up, and what lies before the first and after the last of them.
    sql = "SELECT coalesce(sum(amount_minor), 0) AS n FROM paid_days WHERE currency = ? AND day >= ? AND day < ?"
    days = book.rows(sql, [currency, first, last], _Sum)[0].n
    before = _taken_minor(book, currency, from_ns, first * DAY_NS)
    return before + days + _taken_minor(book, currency, last * DAY_NS, until_ns)


def _taken_minor(book: ShopBook, currency: str, from_ns: int, until_ns: int) -> int:
    sql = (
        "SELECT coalesce(sum(amount_minor), 0) AS n FROM sales"
        " WHERE currency = ? AND height > 0 AND paid_ns >= ? AND paid_ns < ?"
    )
    return book.rows(sql, [currency, from_ns, until_ns], _Sum)[0].n


def paid_sales(book: ShopBook, currency: str, until_height: int) -> list[SaleRow]:
    """The sales that blocks up to a height paid, in the blocks' order."""
    sql = "SELECT * FROM sales WHERE currency = ? AND height > 0 AND height <= ? ORDER BY height, number"
    return book.rows(sql, [currency, until_height], SaleRow)
