"""What the paid sales of a shop's book come to: sums and rows that settlement is told by. It refuses nothing."""

from __future__ import annotations

import msgspec

from chainpos.store.shop import SaleRow, ShopBook


class _Sum(msgspec.Struct):
    n: int


def takings_minor(book: ShopBook, currency: str, from_ns: int, until_ns: int) -> int:
    """What was paid to the shop from a moment on and before another, in minor units."""
    sql = (
        "SELECT coalesce(sum(amount_minor), 0) AS n FROM sales"
        " WHERE currency = ? AND height > 0 AND paid_ns >= ? AND paid_ns < ?"
    )
    return book.rows(sql, [currency, from_ns, until_ns], _Sum)[0].n


def paid_sales(book: ShopBook, currency: str, until_height: int) -> list[SaleRow]:
    """The sales that blocks up to a height paid, in the blocks' order."""
    sql = "SELECT * FROM sales WHERE currency = ? AND height > 0 AND height <= ? ORDER BY height, number"
    return book.rows(sql, [currency, until_height], SaleRow)
