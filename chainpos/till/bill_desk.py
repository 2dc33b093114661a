"""The bills that are not closed: the one in hand and those set aside, resumed from the book, following the ledger.

A change is in the book before anybody sees it, so a killed till goes on where it was. It refuses a damaged bill.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Final, Protocol

import msgspec

from chainpos.core.checkout.cart import CartError
from chainpos.core.values.amount import Amount
from chainpos.errors import StoreError, UserFacingError
from chainpos.store.shop import SaleRow
from chainpos.store.shop_bills import HELD, PAYING, RECEIVED, RINGING, VOID, BillRow, ShopBills, TenderRow
from chainpos.till.bill_views import BillView, HeldView, TakenView, bill_view, held_view, taken_view
from chainpos.till.catalogue import Catalogue
from chainpos.till.open_bill import OpenBill, opened
from chainpos.till.roles import Right
from chainpos.till.running import RunningTill
from chainpos.till.staff import StaffDesk
from chainpos.till.views import SaleView
from chainpos.till.whole import whole

# As many as the counter's list of sales has room for.
TAKEN_SHOWN: Final = 8
IN_HAND: Final = "bill_in_hand"
# What is written together with a new sale, in the book's thread.
Also = Callable[[SaleRow], None]


class _Number(msgspec.Struct, frozen=True):
    number: int


class Selling(Protocol):
    """What bills need of the till: sales on the ledger, and who takes money."""

    staff: StaffDesk

    async def authorise(self) -> str:
        """Who takes money here now. Raises UserFacingError."""

    async def sell(self, amount: Amount, memo: str, also: Also) -> SaleView:
        """A request that is shown, booked together with what `also` writes."""

    async def charge_for(self, code_text: str, amount: Amount, memo: str, also: Also) -> SaleView:
        """A customer's code charged, booked together with what `also` writes."""

    async def put_sale_away(self) -> None:
        """No sale in hand."""

    def resume_sale(self, number: int) -> None:
        """A watched sale in hand again."""


class BillDesk:
    """The bill in hand and the open ones, as the book has them. What may be done with them is in its heirs."""

    def __init__(self, run: RunningTill, selling: Selling) -> None:
        self.stored = ShopBills(run.book.book)
        self.catalogue = Catalogue(run.book.book, run.settings.currency)
        self._run = run
        self._selling = selling
        self._hand: OpenBill | None = None
        self._open: dict[int, OpenBill] = {}
        self.taken: tuple[TakenView, ...] = ()
        self._booked_hand = 0
        self._changing = asyncio.Lock()
        self._unheard: list[SaleRow] = []

    # -- what the till does with them

    def start(self) -> None:
        """Take up what was in hand when the till ended. Raises StoreError for a damaged bill."""
        book = self._run.book.book
        for row in self.stored.open_bills():
            try:
                bill = opened(row, self.stored.tenders(row.number))
            except (msgspec.DecodeError, CartError) as error:
                raise StoreError(f"the bill {row.reference} in the shop's book is damaged") from error
            self._open[row.number] = bill
        self.taken = tuple(taken_view(row) for row in self.stored.beside_ledger(limit=TAKEN_SHOWN))
        hand = book.setting(IN_HAND, _Number)
        self._booked_hand = hand.number if hand is not None else 0
        hand_bill = self._open.get(self._booked_hand)
        self._hand = hand_bill if hand_bill is not None and not hand_bill.closed else None
        for number in [tender.sale for bill in self._open.values() for tender in bill.tenders if tender.sale]:
            sale = book.sale_by_number(number)
            if sale is not None:
                self.follow(self._run.desk.current(sale))
        if self._hand is not None and (live := self._hand.live) is not None:
            self._selling.resume_sale(live.sale)

    def follow(self, sale: SaleRow) -> None:
        """A sale on the ledger stands otherwise than before: so may the bill it pays for."""
        self._unheard.append(sale)
        if not self._changing.locked():
            self._hear_all()

    @contextlib.asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """One change at a time. What the ledger says meanwhile is heard at its end: neither undoes the other."""
        async with self._changing:
            try:
                yield
            finally:
                self._hear_all()

    def _hear_all(self) -> None:
        while self._unheard:
            self._hear(self._unheard.pop(0))

    def _hear(self, sale: SaleRow) -> None:
        for bill in list(self._open.values()):
            ended = bill.heard(sale)
            if ended is None:
                continue
            if not bill.closed:
                self._go_on(bill, ended)
            else:
                # Paid twice, after all: it is complete, and more than that.
                self._run.book.post(partial(self.stored.end_tender, ended.id, ended.state, ended.received_ns))
            if bill.settled:
                del self._open[bill.number]
            self._run.changed()

    def _go_on(self, bill: OpenBill, ended: TenderRow) -> None:
        now_ns = self._run.clock.now_ns()
        # Its payment came after all, when the lines had been taken in hand again: they stand from here.
        late = ended.state == RECEIVED and bill.row.state in (RINGING, HELD)
        if late:
            bill.row = msgspec.structs.replace(bill.row, state=PAYING)
        elif bill is not self._hand and bill.row.state == PAYING and bill.changeable:
            bill.row = msgspec.structs.replace(bill.row, state=HELD)
        if ended.state == RECEIVED:
            # A code that ended without money completes nothing, though what was emptied meanwhile has nothing due.
            bill.row = bill.completed(now_ns) or bill.row
        self._run.book.post(_ending(self.stored, bill, ended, late=late))

    def view(self) -> BillView | None:
        """The bill in hand."""
        return bill_view(self._hand) if self._hand is not None else None

    def held(self) -> tuple[HeldView, ...]:
        """Those set aside, the one set aside last first."""
        aside = [held_view(bill) for bill in self._open.values() if bill is not self._hand and not bill.closed]
        return tuple(sorted(aside, key=lambda held: (-held.since_ns, -held.number)))

    @whole
    async def leave(self) -> None:
        """Put the bill in hand away: it is complete, or its code is still watched."""
        async with self._alone():
            await self._put_aside()

    # -- holding

    async def park(self) -> None:
        """Set the bill in hand aside."""
        await self.leave()
        await self._selling.put_sale_away()

    @whole
    async def take_up(self, number: int) -> None:
        """Take a bill that was set aside in hand; the one in hand is parked."""
        self._require_seller()
        await self._selling.put_sale_away()
        async with self._alone():
            bill = self._open.get(number)
            if bill is None or bill.closed:
                raise UserFacingError("That bill is no longer held.", next_step="Look for it on the Sales screen.")
            if self._hand is not bill:
                await self._put_aside()
            state = RINGING if bill.changeable else PAYING
            row = msgspec.structs.replace(bill.row, state=state, changed_ns=self._run.clock.now_ns())
            await self._write(bill, row, hand=number)
            bill.row, self._hand = row, bill
            if (live := bill.live) is not None:
                self._selling.resume_sale(live.sale)
            self._run.changed()

    @whole
    async def give_up(self) -> None:
        """Clear the bill in hand for good; nothing came in for it."""
        self._require_seller()
        async with self._alone():
            bill = self._require_changeable(self._hand)
            now_ns = self._run.clock.now_ns()
            row = msgspec.structs.replace(bill.row, state=VOID, closed_ns=now_ns, changed_ns=now_ns)
            await self._write(bill, row, hand=0)
            bill.row, self._hand = row, None
            if bill.settled:
                del self._open[bill.number]
        await self._selling.put_sale_away()
        self._run.changed()

    # -- for its heirs

    def _require_seller(self) -> None:
        self._selling.staff.require(Right.SELL)

    async def _write(self, bill: OpenBill, row: BillRow, *, hand: int | None = None) -> None:
        """The row, and which bill is in hand, in one transaction."""
        moved = hand is not None and hand != self._booked_hand
        # A code that this machine's clock had ended may live again, after lines came and went: what it pays is these.
        stand = row.state == PAYING and not bill.received_minor
        cart, totals = bill.cart, bill.totals

        def write() -> None:
            with self.stored.book.writing():
                if stand:
                    self.stored.put_lines(row, cart, totals)
                else:
                    self.stored.put(row)
                if moved and hand is not None:
                    self.stored.book.save_setting(IN_HAND, _Number(hand))

        await self._run.book.call(write)
        if moved and hand is not None:
            self._booked_hand = hand

    async def _put_aside(self) -> None:
        bill = self._hand
        if bill is None:
            return
        book = self._run.book
        if bill.closed:
            await book.call(lambda: book.book.save_setting(IN_HAND, _Number(0)))
            self._booked_hand = 0
        else:
            now_ns = self._run.clock.now_ns()
            state = (HELD if bill.cart.lines else VOID) if bill.changeable else PAYING
            row = msgspec.structs.replace(bill.row, state=state, changed_ns=now_ns, closed_ns=now_ns * (state == VOID))
            await self._write(bill, row, hand=0)
            bill.row = row
            if bill.settled:
                del self._open[bill.number]
        self._hand = None
        self._run.changed()

    def _require_changeable(self, bill: OpenBill | None) -> OpenBill:
        if bill is None or bill.closed:
            raise UserFacingError("There is no bill in hand.", next_step="Scan an article, or look for one with /.")
        if not bill.changeable:
            raise UserFacingError(
                "The lines of this bill stand: its payment has begun.",
                next_step="Cancel its code, or give its parts back, to change it.",
            )
        return bill


def _ending(stored: ShopBills, bill: OpenBill, ended: TenderRow, *, late: bool) -> Callable[[], None]:
    row, cart, totals = bill.row, bill.cart, bill.totals

    def write() -> None:
        with stored.book.writing():
            if late:
                paying = msgspec.structs.replace(row, state=PAYING, closed_ns=0)
                stored.put_lines(paying, cart, totals)
            stored.end_tender(ended.id, ended.state, ended.received_ns or ended.returned_ns)
            stored.put(row)

    return write
