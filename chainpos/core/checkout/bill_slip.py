"""The slip of a bill that was paid beside the ledger, as lines of text. It says that no network vouches for it.

It cleans every text that came from outside, and states nothing of the ledger.
"""

from __future__ import annotations

import msgspec

from chainpos.core.checkout.cart import Cart
from chainpos.core.checkout.receipt import (
    NARROW_COLUMNS,
    Seller,
    Tendered,
    centred,
    folded_words,
    row,
    sold_lines,
    time_row,
)
from chainpos.core.values.amount import Amount, format_amount
from chainpos.core.values.text import clean


class BillSlip(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a complete bill; `change` is what cash was handed back, `returned` what was given back since."""

    seller: Seller
    reference: str
    time_s: int
    cart: Cart
    tenders: tuple[Tendered, ...]
    change: Amount
    returned: Amount
    copy: int = 0


def slip_lines(slip: BillSlip, columns: int = NARROW_COLUMNS) -> tuple[str, ...]:
    """The slip, each line at most `columns` wide; Chinese characters take two. Raises ValueError under 24."""
    if columns < 24:
        raise ValueError("a slip needs 24 columns")
    seller = slip.seller
    lines = [centred(name, columns) for name in (seller.name_zh, seller.name_en) if name]
    if slip.copy:
        lines.append(centred(f"* COPY 副本 {slip.copy} *", columns))
    lines.append("-" * columns)
    lines += row("No. 单号", slip.reference, columns)
    lines += time_row("Time 时间", slip.time_s, seller.utc_offset_s, columns)
    lines += sold_lines(slip.cart, columns)
    for tendered in slip.tenders:
        lines += row(clean(f"{tendered.name_en} {tendered.name_zh}"), format_amount(tendered.amount), columns)
    if slip.change.minor:
        lines += row("Change 找零", format_amount(slip.change), columns)
    if slip.returned.minor:
        lines += row("GIVEN BACK 已退", format_amount(slip.returned), columns)
    lines.append("-" * columns)
    for words in ("Paid beside the ledger: no network proves this payment.", "账本之外收款：网络不证明此笔付款。"):
        lines += folded_words(words, columns)
    return tuple(lines)
