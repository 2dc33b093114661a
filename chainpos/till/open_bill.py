"""A bill that is not closed yet, in memory: its cart, what came in for it, and what may be done with it now.

It asks nobody and writes nothing. It refuses to be changed once its payment has begun and may still come.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import msgspec

from chainpos.core.checkout.cart import Cart, CartTotals
from chainpos.core.checkout.matching import MONEY_RECEIVED, SaleState
from chainpos.store.shop import SaleRow
from chainpos.store.shop_bills import (
    COMPLETE,
    LAPSED,
    LEDGER,
    RECEIVED,
    RETURNED,
    RINGING,
    VOID,
    WAITING,
    BillRow,
    TenderRow,
)
from chainpos.till.sales import CODE

UNDO_STEPS: Final = 100
# A code in one of these states may still bring money.
_LIVE: Final = (SaleState.WAITING, SaleState.SEEN, SaleState.PROVED, SaleState.REFUSED)


@dataclass
class OpenBill:
    """`row` and `tenders` are as in the book, `cart` and `totals` what `row` holds. `undone` are the carts before.

    `touched` is the line that was changed last. `lives` says of its sales on the ledger, by number, whether they may
    still bring money.
    """

    row: BillRow
    cart: Cart
    totals: CartTotals
    tenders: list[TenderRow] = field(default_factory=list)
    undone: list[Cart] = field(default_factory=list)
    touched: int = 0
    lives: dict[int, bool] = field(default_factory=dict)

    @property
    def number(self) -> int:
        """Its number in the book."""
        return self.row.number

    @property
    def closed(self) -> bool:
        """Whether it is complete or given up."""
        return self.row.state in (COMPLETE, VOID)

    @property
    def settled(self) -> bool:
        """Whether it is closed and no part of it is awaited any more."""
        return self.closed and all(tender.state != WAITING for tender in self.tenders)

    @property
    def received_minor(self) -> int:
        """What came in for it, on the ledger and beside it."""
        return sum(tender.amount_minor for tender in self.tenders if tender.state == RECEIVED)

    @property
    def remaining_minor(self) -> int:
        """What is still to come in."""
        return max(self.totals.charged.minor - self.received_minor, 0)

    @property
    def live(self) -> TenderRow | None:
        """The part whose code may be paid at this moment."""
        return next((tender for tender in reversed(self.tenders) if self._is_live(tender)), None)

    @property
    def changeable(self) -> bool:
        """Whether lines may still come and go: nothing came in, and no code of it can be paid."""
        return not self.closed and self.live is None and not self.received_minor

    def with_cart(self, cart: Cart, now_ns: int, *, state: str = RINGING) -> BillRow:
        """The row that this bill would have with another cart. Raises CartError."""
        totals = cart.totals()
        return msgspec.structs.replace(
            self.row,
            state=state,
            cart=msgspec.json.encode(cart),
            items=len(cart.lines),
            gross_minor=totals.gross.minor,
            discount_minor=totals.discount.minor,
            tax_minor=totals.tax.minor,
            due_minor=totals.due.minor,
            tip_minor=totals.tip.minor,
            charged_minor=totals.charged.minor,
            changed_ns=now_ns,
        )

    def take_cart(self, row: BillRow, cart: Cart, *, undo: bool = False) -> None:
        """What was written is what is in hand now."""
        if not undo:
            self.undone = [*self.undone, self.cart][-UNDO_STEPS:]
        self.touched = _touched(self.cart, cart)
        self.row, self.cart, self.totals = row, cart, cart.totals()

    def completed(self, at_ns: int) -> BillRow | None:
        """The row of the complete bill, if all of it is in."""
        if self.closed or self.received_minor < self.totals.charged.minor:
            return None
        ledger = sum(each.amount_minor for each in self.tenders if each.kind == LEDGER and each.state == RECEIVED)
        return msgspec.structs.replace(self.row, state=COMPLETE, closed_ns=at_ns, changed_ns=at_ns, ledger_minor=ledger)

    def heard(self, sale: SaleRow) -> TenderRow | None:
        """Take in how a sale on the ledger stands; the tender that ended by it, as it now is."""
        self.lives[sale.number] = _may_be_paid(sale)
        for place, tender in enumerate(self.tenders):
            if tender.sale == sale.number and (ended := _ended(sale)) not in (WAITING, tender.state):
                at_ns = sale.paid_ns or sale.created_ns
                self.tenders[place] = msgspec.structs.replace(
                    tender,
                    state=ended,
                    received_ns=at_ns if ended == RECEIVED else tender.received_ns,
                    returned_ns=at_ns if ended == RETURNED else 0,
                )
                return self.tenders[place]
        return None

    def _is_live(self, tender: TenderRow) -> bool:
        return tender.state == WAITING and self.lives.get(tender.sale, True)


def _may_be_paid(sale: SaleRow) -> bool:
    state = SaleState(sale.state)
    # A customer's code works once: what refused it refused it for good.
    return state in _LIVE and not (state is SaleState.REFUSED and sale.presented == CODE)


def _ended(sale: SaleRow) -> str:
    state = SaleState(sale.state)
    if state is SaleState.REFUNDED:
        return RETURNED
    if state in MONEY_RECEIVED:
        return RECEIVED
    # An EXPIRED sale that is watched is expired by this machine's clock alone: the ledger may still know better.
    if state in (SaleState.CANCELLED, SaleState.EXPIRED) and not sale.watched:
        return LAPSED
    return WAITING


def _touched(before: Cart, after: Cart) -> int:
    for place, line in enumerate(after.lines):
        if place >= len(before.lines) or line != before.lines[place]:
            return place
    return max(len(after.lines) - 1, 0)


def opened(row: BillRow, tenders: list[TenderRow]) -> OpenBill:
    """A bill of the book. Raises msgspec.DecodeError for a damaged cart."""
    cart = msgspec.json.decode(row.cart, type=Cart)
    return OpenBill(row, cart, cart.totals(), tenders)


def begun(number: int, reference: str, cart: Cart, now_ns: int) -> OpenBill:
    """A new and empty bill, which is not in the book yet."""
    totals = cart.totals()
    row = BillRow(
        number=number,
        reference=reference,
        state=RINGING,
        cart=msgspec.json.encode(cart),
        currency=cart.currency,
        created_ns=now_ns,
        changed_ns=now_ns,
    )
    return OpenBill(row, cart, totals)
