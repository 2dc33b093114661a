"""A shift's report on paper: its figures and what does not agree, in both languages.

It lists no movements, which the exported files do. An X report says that it is not the last word. Every text that came
from outside is cleaned.
"""

from __future__ import annotations

from typing import Final

from chainpos.core.checkout.receipt import NARROW_COLUMNS, Seller, centred, folded_words, row, time_row
from chainpos.core.values.amount import Amount, format_amount
from chainpos.core.values.text import clean
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.till.shift_views import ShiftView

_TENDERS: Final = {"ledger": "Ledger 账本", "cash": "Cash 现金", "card": "Card 银行卡", "voucher": "Voucher 代金券"}
_HASH_GROUP: Final = 8


def slip_name(view: ShiftView) -> str:
    """Z or X, and the shift's number."""
    return f"{'Z' if view.closed_ns else 'X'}{view.number:04d}"


def report_slip(
    view: ShiftView, seller: Seller, columns: int = NARROW_COLUMNS, *, at_ns: int, copy: int = 0
) -> tuple[str, ...]:
    """The report, each line at most `columns` wide; Chinese characters take two. `at_ns` is when an X report was made.

    Raises ValueError under 24.
    """
    if columns < 24:
        raise ValueError("a report needs 24 columns")
    lines = [centred(name, columns) for name in (seller.name_zh, seller.name_en) if name]
    if copy:
        lines.append(centred(f"* COPY 副本 {copy} *", columns))
    title = "Z REPORT 结班报表" if view.closed_ns else "X REPORT 班中报表"
    lines += [centred(title, columns), "-" * columns]
    lines += row("Shift 班次", str(view.number), columns)
    lines += time_row("Opened 开班", view.opened_ns // SECOND_NS, seller.utc_offset_s, columns)
    lines += row("by", view.opened_by, columns)
    ended_ns = view.closed_ns or at_ns
    label = "Closed 结班" if view.closed_ns else "Made 制表"
    lines += time_row(label, ended_ns // SECOND_NS, seller.utc_offset_s, columns)
    if view.closed_ns:
        lines += row("by", view.closed_by, columns)
    lines.append("-" * columns)
    for name, minor in _takings(view):
        lines += row(clean(name), signed_minor(minor, view.currency), columns)
    lines.append("-" * columns)
    for name, minor in _drawer(view):
        lines += row(name, signed_minor(minor, view.currency), columns)
    lines.append("-" * columns)
    lines += _agreement(view, columns)
    return tuple(lines)


def signed_minor(minor: int, currency: str) -> str:
    """An amount that may be below zero."""
    return f"{'-' if minor < 0 else ''}{format_amount(Amount(abs(minor), currency))}"


def _takings(view: ShiftView) -> list[tuple[str, int]]:
    found = [("Received 收款", _minor(view.received)), ("Refunded 退款", -_minor(view.returned))]
    found += [("Fees 手续费", -view.fees_minor), ("NET 净额", view.net_minor)]
    if _minor(view.tips):
        found.append(("of it tips 其中小费", _minor(view.tips)))
    for each in view.by_tender:
        name = f"{_TENDERS.get(each.name, each.name)} x{each.count}"
        found.append((name, each.received.minor - each.returned.minor))
    for each in view.by_tax:
        if each.name:
            rate = f"{each.percent}%"
            found.append((f"Tax 税 {rate}", each.tax_minor))
            if each.tax_back_minor:
                kind = "of it back 其中退款" if each.tax_back_minor > 0 else "refund denied 退款未成"
                found.append((f"{kind} {rate}", -each.tax_back_minor))
    return found


def _drawer(view: ShiftView) -> list[tuple[str, int]]:
    found = [
        ("Float 备用金", _minor(view.float_amount)),
        ("Cash in 存入", _minor(view.put_in)),
        ("Cash out 取出", -_minor(view.taken_out)),
        ("In the drawer 应有", view.expected_minor),
    ]
    if view.counted is not None:
        over_minor = view.counted.minor - view.expected_minor
        found += [("Counted 清点", view.counted.minor), ("DIFFERENCE 差额", over_minor)]
    return found


def _agreement(view: ShiftView, columns: int) -> list[str]:
    lines: list[str] = []
    if view.requests:
        unpaid_minor = sum(each.amount.minor for each in view.requests)
        lines += row(f"Not paid 未付 x{len(view.requests)}", signed_minor(unpaid_minor, view.currency), columns)
    for each in view.differences:
        figures = f"{signed_minor(each.book_minor, view.currency)} / {signed_minor(each.ledger_minor, view.currency)}"
        # What is wrong with the drawer is of no movement.
        named = (f"! {each.reference}", each.sentence.what_en) if each.reference else (f"! {each.sentence.what_en}",)
        for words in (*named, each.sentence.what_zh, figures):
            lines += folded_words(clean(words), columns)
    if not view.differences:
        lines += folded_words("Book, ledger and settlement agree. 账簿、账本与结算一致。", columns)
    if not view.closed_ns:
        return [*lines, *folded_words("NOT FINAL: the shift goes on. 非最终：班次仍在进行。", columns)]
    groups = [view.digest[start : start + _HASH_GROUP] for start in range(0, len(view.digest), _HASH_GROUP)]
    lines += ["Hash 哈希", *folded_words(" ".join(groups), columns)]
    if view.anchor_height > 0:
        return [*lines, *row("On the ledger 已登记", f"block {view.anchor_height}", columns)]
    return [
        *lines,
        *folded_words("Not on the ledger yet: it goes there by itself. 尚未登记到账本，将自动登记。", columns),
    ]


def _minor(amount: Amount | None) -> int:
    return amount.minor if amount is not None else 0
