"""The shop's book beside the ledger, line by line: one line for every payment and refund that either of them has.

It refuses to call anything equal that differs in amount, fee or number, and names each difference by its kind; what a
kind means, and what to do about it, is said in both languages.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

PAYMENT: Final = "payment"
REFUND: Final = "refund"
# A code on the wall: nobody rings it up, so the ledger alone has it.
WALL: Final = "wall"
# By how much an earlier report, which had to count from the book alone, is to be mended: it came, or went back.
PAYMENT_REST: Final = "payment_rest"
REFUND_REST: Final = "refund_rest"


class DifferenceKind(NamedTuple):
    """What a difference is called, what it means, and the next step."""

    name: str
    what_en: str
    what_zh: str
    next_en: str
    next_zh: str


NOT_IN_BOOK: Final = DifferenceKind(
    "not_in_book",
    "Paid on the ledger, not in the book.", "账本上已收款，店内账簿没有记录。",
    "The money is yours. Look the payment up on the Ledger screen; the book may be an older copy.",
    "款项已入账。请在账本页面查找这笔付款；店内账簿可能是旧副本。",
)  # fmt: skip
NOT_ON_LEDGER: Final = DifferenceKind(
    "not_on_ledger",
    "Paid in the book, not on the ledger.", "店内账簿记为已收款，账本上没有。",
    "Do not count this money. Call support with the reference: the book was altered or is damaged.",
    "请勿计入这笔款项。请凭单号联系支持人员：账簿可能被改动或损坏。",
)  # fmt: skip
TWICE_IN_BOOK: Final = DifferenceKind(
    "twice_in_book",
    "The same payment stands twice in the book.", "同一笔付款在店内账簿中出现两次。",
    "Count it once. Call support with the reference.", "请只计一次，并凭单号联系支持人员。",
)  # fmt: skip
AMOUNT_DIFFERS: Final = DifferenceKind(
    "amount_differs",
    "Book and ledger have different amounts.", "店内账簿与账本的金额不同。",
    "The ledger's amount is what moved. Call support with the reference.", "以账本金额为准，请凭单号联系支持人员。",
)  # fmt: skip
FEE_DIFFERS: Final = DifferenceKind(
    "fee_differs",
    "Book and ledger have different fees.", "店内账簿与账本的手续费不同。",
    "The ledger's fee is what was taken. Show it to your bank.", "以账本手续费为准，请向收单机构核对。",
)  # fmt: skip
REFUND_NOT_IN_BOOK: Final = DifferenceKind(
    "refund_not_in_book",
    "Refunded on the ledger, not in this till's book.", "账本上已退款，本机账簿没有记录。",
    "Ask who refunded it: another till, the owner, or somebody with this till's key.",
    "请查明由谁退款：其他收银机、店主，或持有本机密钥的人。",
)  # fmt: skip
REFUND_NOT_ON_LEDGER: Final = DifferenceKind(
    "refund_not_on_ledger",
    "Refunded in the book, not on the ledger.", "店内账簿记为已退款，账本上没有。",
    "The customer did not get it. Refund again from the Sales screen.", "顾客未收到退款，请在销售页面重新退款。",
)  # fmt: skip
NOT_SETTLED: Final = DifferenceKind(
    "not_settled",
    "On the ledger, but in no state of settlement.", "账本上有记录，但不在任何结算状态中。",
    "Call your bank with the reference.", "请凭单号联系收单机构。",
)  # fmt: skip
SETTLEMENT_DIFFERS: Final = DifferenceKind(
    "settlement_differs",
    "The shop's settled money moved by another sum than its payments and refunds.",
    "商户结算资金的变动与收款、退款合计不符。",
    "Call your bank with this report.", "请持本报告联系收单机构。",
)  # fmt: skip
TENDER_DIFFERS: Final = DifferenceKind(
    "tender_differs",
    "The bill counts on another ledger payment than there was.", "账单所计的账本收款与实际不符。",
    "Look at the bill: what the ledger paid is what counts.", "请核对账单：以账本实际收款为准。",
)  # fmt: skip
CODE_REFUSED: Final = DifferenceKind(
    "code_refused",
    "A code accepted without the network was refused in the end.", "离线受理的付款码最终被拒绝。",
    "No money came, and the shop bears it if the goods are gone. The Sales screen says why it was refused.",
    "款项未到；若货物已交付，损失由商户承担。拒绝原因见销售页面。",
)  # fmt: skip
CASH_OVER: Final = DifferenceKind(
    "cash_over",
    "More cash in the drawer than there should be.", "钱箱现金多于应有金额。",
    "Count again; look for a sale that was not rung up.", "请重新清点，并查找是否有未入账的销售。",
)  # fmt: skip
CASH_SHORT: Final = DifferenceKind(
    "cash_short",
    "Less cash in the drawer than there should be.", "钱箱现金少于应有金额。",
    "Count again; look for change given wrongly or cash taken out without a note.",
    "请重新清点，并查找找零错误或未登记的取款。",
)  # fmt: skip
LEDGER_NOT_READ: Final = DifferenceKind(
    "ledger_not_read",
    "The till's own node did not answer, or is behind: the figures are the book's alone.",
    "本机节点无应答或尚未同步：以下数字仅来自店内账簿。",
    "Start the node; the next shift's report takes in what the ledger has and this one lacks.",
    "请启动节点；届时账本上的记录将计入下一班次的报表。",
)  # fmt: skip
KINDS: Final = (
    NOT_IN_BOOK, NOT_ON_LEDGER, TWICE_IN_BOOK, AMOUNT_DIFFERS, FEE_DIFFERS, REFUND_NOT_IN_BOOK, REFUND_NOT_ON_LEDGER,
    NOT_SETTLED, SETTLEMENT_DIFFERS, TENDER_DIFFERS, CODE_REFUSED, CASH_OVER, CASH_SHORT, LEDGER_NOT_READ,
)  # fmt: skip
BY_NAME: Final = {kind.name: kind for kind in KINDS}


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A payment or a refund as one side tells it. `id` is the same on both sides and of one movement alone.

    `amount_minor` is without the tip; `where` the settlement's state of the money; the book knows of a refund no fee.
    """

    kind: str
    id: str
    reference: str
    amount_minor: int
    tip_minor: int = 0
    fee_minor: int = 0
    height: int = 0
    time_s: int = 0
    staff: str = ""
    where: str = ""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One movement as both sides have it; -1 where a side has none. `difference` is "" or the name of a kind.

    `net_minor` is what the merchant's money grew by, or shrank by for a refund.
    """

    kind: str
    reference: str
    book_minor: int
    ledger_minor: int
    tip_minor: int = 0
    fee_minor: int = 0
    net_minor: int = 0
    where: str = ""
    height: int = 0
    time_s: int = 0
    staff: str = ""
    difference: str = ""

    @property
    def returns(self) -> bool:
        """Whether it is money that went back."""
        return self.kind in (REFUND, REFUND_REST)

    @property
    def is_rest(self) -> bool:
        """Whether it mends what an earlier report counted, and so is no movement of its own."""
        return self.kind in (PAYMENT_REST, REFUND_REST)


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Something that does not agree: which kind, of what, and both figures in minor units."""

    kind: str
    reference: str = ""
    book_minor: int = 0
    ledger_minor: int = 0


def reconcile(book: Sequence[Entry], ledger: Sequence[Entry]) -> tuple[Line, ...]:
    """All movements of either side by time, then the ledger's order; each with its difference, if there is one."""
    on_ledger = {entry.id: entry for entry in ledger}
    seen: dict[str, Entry] = {}
    lines = []
    for entry in book:
        if entry.id in seen:
            lines.append(_line(entry, None, TWICE_IN_BOOK))
            continue
        seen[entry.id] = entry
        lines.append(_compared(entry, on_ledger.get(entry.id)))
    lines += [_line(None, entry, _unbooked(entry)) for entry in ledger if entry.id not in seen]
    return tuple(sorted(lines, key=lambda line: (line.time_s, line.height, line.reference, line.kind)))


def unread(book: Sequence[Entry]) -> tuple[Line, ...]:
    """The book's movements while the ledger cannot be asked: nothing is compared."""
    return tuple(_line(entry, None, None) for entry in book)


def rests(line: Line, entry: Entry | None) -> tuple[tuple[Line, ...], tuple[Difference, ...]]:
    """What an earlier report's line, counted from the book alone, lacked or had too much beside the ledger's `entry`.

    A tip that the book did not know and the fee that came back with a refund are no differences; the rest is.
    """
    had = (line.book_minor, line.tip_minor, line.fee_minor)
    has = (entry.amount_minor, entry.tip_minor, entry.fee_minor) if entry is not None else (0, 0, 0)
    on, off = (REFUND_REST, PAYMENT_REST) if line.returns else (PAYMENT_REST, REFUND_REST)
    more = [max(after - before, 0) for before, after in zip(had, has, strict=True)]
    less = [max(before - after, 0) for before, after in zip(had, has, strict=True)]
    made = tuple(_rest(line, entry, kind, *parts) for kind, parts in ((on, more), (off, less)) if any(parts))
    booked = Entry(
        kind=line.kind, id="", reference=line.reference, amount_minor=line.book_minor, fee_minor=line.fee_minor
    )
    differs = _compared(booked, entry).difference
    if not differs:
        return made, ()
    return made, (Difference(kind=differs, reference=line.reference, book_minor=line.book_minor, ledger_minor=has[0]),)


def differences(lines: Sequence[Line]) -> tuple[Difference, ...]:
    """The lines that do not agree."""
    return tuple(
        Difference(
            kind=line.difference,
            reference=line.reference,
            book_minor=max(line.book_minor, 0),
            ledger_minor=max(line.ledger_minor, 0),
        )
        for line in lines
        if line.difference
    )


def _compared(entry: Entry, other: Entry | None) -> Line:
    if other is None:
        return _line(entry, None, REFUND_NOT_ON_LEDGER if entry.kind == REFUND else NOT_ON_LEDGER)
    if entry.amount_minor != other.amount_minor:
        return _line(entry, other, AMOUNT_DIFFERS)
    if entry.kind != REFUND and entry.fee_minor != other.fee_minor:
        return _line(entry, other, FEE_DIFFERS)
    return _line(entry, other, None if other.where else NOT_SETTLED)


def _unbooked(entry: Entry) -> DifferenceKind | None:
    if entry.kind == WALL:
        return None if entry.where else NOT_SETTLED
    return REFUND_NOT_IN_BOOK if entry.kind == REFUND else NOT_IN_BOOK


def _rest(line: Line, entry: Entry | None, kind: str, amount_minor: int, tip_minor: int, fee_minor: int) -> Line:
    net_minor = amount_minor + tip_minor - fee_minor
    return Line(
        kind=kind,
        reference=line.reference,
        book_minor=-1,
        ledger_minor=amount_minor,
        tip_minor=tip_minor,
        fee_minor=fee_minor,
        net_minor=-net_minor if kind == REFUND_REST else net_minor,
        where=entry.where if entry is not None else "",
        height=entry.height if entry is not None else line.height,
        time_s=entry.time_s if entry is not None else line.time_s,
        staff=line.staff,
    )


def _line(book: Entry | None, ledger: Entry | None, difference: DifferenceKind | None) -> Line:
    known = ledger or book
    if known is None:
        raise ValueError("a line of nothing")
    gross = known.amount_minor + known.tip_minor
    return Line(
        kind=known.kind,
        reference=known.reference,
        book_minor=book.amount_minor if book is not None else -1,
        ledger_minor=ledger.amount_minor if ledger is not None else -1,
        tip_minor=known.tip_minor,
        fee_minor=known.fee_minor,
        # What the ledger does not have moved nothing.
        net_minor=(gross - known.fee_minor) * (-1 if known.kind == REFUND else 1) if ledger is not None else 0,
        where=known.where,
        height=known.height,
        time_s=known.time_s,
        staff=book.staff if book is not None else "",
        difference=difference.name if difference is not None else "",
    )
