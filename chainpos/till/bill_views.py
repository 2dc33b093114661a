"""Bills and articles as the screens see them: frozen values. Amounts are `Amount`, quantities thousandths of a unit."""

from __future__ import annotations

from enum import Enum

import msgspec

from chainpos.core.values.amount import Amount
from chainpos.core.values.text import clean
from chainpos.store.shop_beside import BesideRow, KindRow
from chainpos.store.shop_bills import LEDGER, RECEIVED, BillLineRow, BillRow, TenderRow
from chainpos.store.shop_catalogue import PIECE, ArticleRow
from chainpos.till.open_bill import OpenBill


class BillState(Enum):
    """Where a bill stands. None of these says PAID: that word is the ledger's."""

    RINGING = "ringing"
    HELD = "held"
    PAYING = "paying"
    COMPLETE = "complete"
    VOID = "void"


class TenderKind(Enum):
    """With what a part is paid. Only the first is money on the ledger."""

    LEDGER = "ledger"
    CASH = "cash"
    CARD = "card"
    VOUCHER = "voucher"


class PartState(Enum):
    """Where a part stands."""

    WAITING = "waiting"
    RECEIVED = "received"
    RETURNED = "returned"
    LAPSED = "lapsed"


class ArticleView(msgspec.Struct, frozen=True, kw_only=True):
    """An article. `unit` is "piece" or what it is weighed in; `price` is None where the cashier sets it."""

    sku: str
    barcode: str
    name_en: str
    name_zh: str
    unit: str
    price: Amount | None
    favourite: bool = False

    @property
    def by_weight(self) -> bool:
        """Whether its quantity comes from a scale."""
        return self.unit != PIECE


class LineView(msgspec.Struct, frozen=True, kw_only=True):
    """One line: what it is, how much of it, its price without and with discounts (before tax that comes on top)."""

    name_en: str
    name_zh: str
    sku: str
    quantity: int
    weighed: bool
    unit: Amount
    gross: Amount
    discount: Amount


class TaxView(msgspec.Struct, frozen=True):
    """A rate in parts per million, whether prices contain it, and the tax."""

    rate_ppm: int
    included: bool
    tax: Amount


class PartView(msgspec.Struct, frozen=True, kw_only=True):
    """One tender. `given` and `change` are for cash."""

    kind: TenderKind
    state: PartState
    amount: Amount
    given: Amount
    change: Amount


class KindView(msgspec.Struct, frozen=True, kw_only=True):
    """What came in for a complete bill by one kind of tender, and what of it was given back since."""

    kind: TenderKind
    received: Amount
    returned: Amount

    @property
    def left(self) -> Amount:
        """What could still be given back."""
        return self.received - self.returned


class BillView(msgspec.Struct, frozen=True, kw_only=True):
    """One bill. `charged` = `due` + `tip`; `received` + `remaining` = `charged` unless too much came in (`over`).

    `touched` is the line that was changed last; `changeable` whether lines may come and go. `by_kind` is what came in
    beside the ledger, cash first, once the bill is complete and read from the book.
    """

    number: int
    reference: str
    state: BillState
    lines: tuple[LineView, ...]
    gross: Amount
    discount: Amount
    cart_discount: Amount
    taxes: tuple[TaxView, ...]
    due: Amount
    tip: Amount
    charged: Amount
    received: Amount
    remaining: Amount
    over: Amount
    parts: tuple[PartView, ...] = ()
    by_kind: tuple[KindView, ...] = ()
    touched: int = 0
    changeable: bool = True
    undoable: bool = False
    at_ns: int = 0

    @property
    def on_ledger(self) -> bool:
        """Whether some of it was received on the ledger."""
        return any(part.kind is TenderKind.LEDGER and part.state is PartState.RECEIVED for part in self.parts)

    @property
    def beside(self) -> tuple[PartView, ...]:
        """What was received beside the ledger."""
        return tuple(
            part for part in self.parts if part.kind is not TenderKind.LEDGER and part.state is PartState.RECEIVED
        )

    @property
    def change(self) -> Amount:
        """What cash is handed back."""
        minor = sum(part.change.minor for part in self.beside)
        return Amount(minor, self.charged.currency)


class TakenView(msgspec.Struct, frozen=True, kw_only=True):
    """A complete bill of which nothing was paid on the ledger."""

    reference: str
    amount: Amount
    at_ns: int


class BesideView(msgspec.Struct, frozen=True, kw_only=True):
    """A complete bill of which nothing was paid on the ledger; `returned` is what was given back of it since.

    `kinds` are how it was paid.
    """

    number: int
    reference: str
    amount: Amount
    at_ns: int
    kinds: tuple[TenderKind, ...]
    staff: str
    returned: Amount


class HeldView(msgspec.Struct, frozen=True, kw_only=True):
    """A bill that was set aside: parked, or waiting for the rest of its money (`paying`)."""

    number: int
    reference: str
    first_en: str
    first_zh: str
    items: int
    charged: Amount
    received: Amount
    paying: bool
    since_ns: int


def article_view(row: ArticleRow) -> ArticleView:
    """An article of the catalogue."""
    return ArticleView(
        sku=clean(row.sku),
        barcode=clean(row.barcode),
        name_en=clean(row.name_en),
        name_zh=clean(row.name_zh),
        unit=row.unit,
        price=None if row.open_price else Amount(row.price_minor, row.currency),
        favourite=row.favourite,
    )


def bill_view(bill: OpenBill) -> BillView:
    """A bill that is in hand."""
    totals, code = bill.totals, bill.cart.currency
    shares = sum(line.share_minor for line in totals.lines)
    lines = tuple(
        LineView(
            name_en=clean(line.name_en),
            name_zh=clean(line.name_zh),
            sku=clean(line.sku),
            quantity=line.quantity,
            weighed=line.weighed,
            unit=Amount(line.unit_minor, code),
            gross=Amount(priced.gross_minor, code),
            discount=Amount(priced.discount_minor, code),
        )
        for line, priced in zip(bill.cart.lines, totals.lines, strict=True)
    )
    return BillView(
        number=bill.number,
        reference=bill.row.reference,
        state=BillState(bill.row.state),
        lines=lines,
        gross=totals.gross,
        discount=totals.discount,
        cart_discount=Amount(shares, code),
        taxes=tuple(TaxView(row.tax.rate_ppm, row.tax.included, Amount(row.tax_minor, code)) for row in totals.taxes),
        due=totals.due,
        tip=totals.tip,
        charged=totals.charged,
        received=Amount(bill.received_minor, code),
        remaining=Amount(bill.remaining_minor, code),
        over=Amount(max(bill.received_minor - totals.charged.minor, 0), code),
        parts=tuple(_part(tender) for tender in bill.tenders),
        touched=bill.touched,
        changeable=bill.changeable,
        undoable=bool(bill.undone) and bill.changeable,
        at_ns=bill.row.closed_ns or bill.row.changed_ns,
    )


def taken_view(row: BillRow) -> TakenView:
    """A complete bill of the book."""
    return TakenView(reference=row.reference, amount=Amount(row.charged_minor, row.currency), at_ns=row.closed_ns)


def beside_view(row: BesideRow) -> BesideView:
    """A complete bill of the book that the ledger knows nothing of."""
    return BesideView(
        number=row.number,
        reference=row.reference,
        amount=Amount(row.charged_minor, row.currency),
        at_ns=row.closed_ns,
        kinds=tuple(TenderKind(kind) for kind in row.kinds.split(",") if kind),
        staff=row.staff,
        returned=Amount(row.returned_minor, row.currency),
    )


def held_view(bill: OpenBill) -> HeldView:
    """A bill that was set aside."""
    first = bill.cart.lines[0] if bill.cart.lines else None
    return HeldView(
        number=bill.number,
        reference=bill.row.reference,
        first_en=clean(first.name_en) if first else "",
        first_zh=clean(first.name_zh) if first else "",
        items=len(bill.cart.lines),
        charged=bill.totals.charged,
        received=Amount(bill.received_minor, bill.cart.currency),
        paying=bill.row.state == BillState.PAYING.value,
        since_ns=bill.row.changed_ns,
    )


def booked_view(row: BillRow, lines: list[BillLineRow], tenders: list[TenderRow], kinds: list[KindRow]) -> BillView:
    """A bill of the book, as it was charged, and what of its money beside the ledger was given back."""
    code = row.currency
    received = sum(tender.amount_minor for tender in tenders if tender.state == RECEIVED)
    return BillView(
        number=row.number,
        reference=row.reference,
        state=BillState(row.state),
        lines=tuple(
            LineView(
                name_en=clean(line.name_en),
                name_zh=clean(line.name_zh),
                sku=clean(line.sku),
                quantity=line.quantity,
                weighed=line.weighed,
                unit=Amount(line.unit_minor, code),
                gross=Amount(line.gross_minor, code),
                discount=Amount(line.discount_minor, code),
            )
            for line in lines
        ),
        gross=Amount(row.gross_minor, code),
        discount=Amount(row.discount_minor, code),
        cart_discount=Amount(sum(line.share_minor for line in lines), code),
        taxes=_taxes(lines, code),
        due=Amount(row.due_minor, code),
        tip=Amount(row.tip_minor, code),
        charged=Amount(row.charged_minor, code),
        received=Amount(received, code),
        remaining=Amount(max(row.charged_minor - received, 0), code),
        over=Amount(max(received - row.charged_minor, 0), code),
        parts=tuple(_part(tender) for tender in tenders),
        by_kind=tuple(
            KindView(
                kind=TenderKind(each.kind),
                received=Amount(each.received_minor, code),
                returned=Amount(each.returned_minor, code),
            )
            for each in kinds
        ),
        changeable=False,
        at_ns=row.closed_ns or row.changed_ns,
    )


def _taxes(lines: list[BillLineRow], code: str) -> tuple[TaxView, ...]:
    sums: dict[tuple[int, bool], int] = {}
    for line in lines:
        rate = (line.tax_rate_ppm, line.tax_included)
        sums[rate] = sums.get(rate, 0) + line.tax_minor
    return tuple(TaxView(ppm, included, Amount(minor, code)) for (ppm, included), minor in sorted(sums.items()))


def _part(tender: TenderRow) -> PartView:
    return PartView(
        kind=TenderKind(tender.kind),
        state=PartState(tender.state),
        amount=Amount(tender.amount_minor, tender.currency),
        given=Amount(tender.given_minor if tender.kind != LEDGER else tender.amount_minor, tender.currency),
        change=Amount(tender.change_minor, tender.currency),
    )
