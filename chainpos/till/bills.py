"""Bills: rung up, held, and paid for in parts on the ledger and beside it. `Bills` fulfils `BillUseCases`.

It refuses to take money while a code of the bill can still be paid, more than is due, and change on anything but cash.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from chainpos.core.values.amount import Amount
from chainpos.errors import UserFacingError
from chainpos.store.shop import SaleRow
from chainpos.store.shop_beside import ShopBeside
from chainpos.store.shop_bills import LEDGER, PAYING, RECEIVED, RETURNED, RINGING, WAITING, BillRow, TenderRow
from chainpos.till.beside import Beside
from chainpos.till.bill_desk import TAKEN_SHOWN, Also
from chainpos.till.bill_views import BillView, PartView, TenderKind, bill_view, booked_view, taken_view
from chainpos.till.open_bill import OpenBill
from chainpos.till.ringing import Ringing
from chainpos.till.views import SaleView
from chainpos.till.whole import whole


class Bills(Ringing):
    """The bills of one till."""

    # -- taking money

    @whole
    async def show_code(self, amount: Amount | None = None) -> SaleView | None:
        """A code for what remains, or for a part of it; None where nothing was to be paid."""
        async with self._alone():
            bill = self._require_payable()
            if not bill.totals.charged.minor:
                await self._selling.authorise()
                await self._take(bill, None)
                return None
            asked = amount or Amount(bill.remaining_minor, bill.cart.currency)
            self._require_within(bill, asked)
            return await self._sold(bill, lambda also: self._selling.sell(asked, bill.row.reference, also))

    @whole
    async def charge(self, code_text: str, amount: Amount) -> SaleView:
        """Charge what remains, or a part of it, to a customer's scanned code."""
        async with self._alone():
            bill = self._require_payable()
            self._require_within(bill, amount)
            return await self._sold(
                bill, lambda also: self._selling.charge_for(code_text, amount, bill.row.reference, also)
            )

    @whole
    async def receive(self, kind: TenderKind, given: Amount) -> BillView:
        """Money beside the ledger: cash that was handed over, a card on another terminal, a voucher."""
        async with self._alone():
            bill, staff = self._require_payable(), await self._selling.authorise()
            remaining = Amount(bill.remaining_minor, bill.cart.currency)
            cash = kind is TenderKind.CASH
            counted = min(given.minor, remaining.minor) if cash else given.minor
            self._require_within(bill, Amount(counted, given.currency))
            now_ns = self._run.clock.now_ns()
            tender = TenderRow(
                bill=bill.number, kind=kind.value, amount_minor=counted, currency=given.currency, state=RECEIVED,
                given_minor=given.minor if cash else 0, change_minor=given.minor - counted if cash else 0,
                created_ns=now_ns, received_ns=now_ns, staff=staff,
            )  # fmt: skip
            await self._take(bill, tender)
            view = bill_view(bill)
        await self._selling.put_sale_away()
        return view

    @whole
    async def return_parts(self) -> tuple[PartView, ...]:
        """Give back what came in beside the ledger; what to hand to the customer."""
        async with self._alone():
            await self._selling.authorise()
            bill = self._hand
            if bill is None or bill.closed or bill.live is not None:
                raise UserFacingError("Nothing of this bill can be given back now.", next_step="Cancel its code first.")
            given = bill_view(bill).beside
            now_ns = self._run.clock.now_ns()
            back = [each for each in bill.tenders if each.state == RECEIVED and each.kind != LEDGER]
            kept = [each for each in bill.tenders if each.state == RECEIVED and each.kind == LEDGER]
            row = msgspec.structs.replace(bill.row, state=PAYING if kept else RINGING, changed_ns=now_ns)

            def write() -> None:
                with self.stored.book.writing():
                    for tender in back:
                        self.stored.end_tender(tender.id, RETURNED, now_ns)
                    self.stored.put(row)

            await self._run.book.call(write)
            bill.row, bill.tenders = row, await self._tenders(bill)
            self._run.changed()
            return given

    # -- afterwards

    async def of_sale(self, reference: str) -> BillView | None:
        """The bill that a sale pays for."""

        def look() -> BillRow | None:
            sale = self.stored.book.sale(reference)
            return self.stored.bill_of_sale(sale.number) if sale is not None else None

        row = await self._run.book.call(look)
        return await self.booked(row.number) if row is not None else None

    @property
    def beside(self) -> Beside:
        """The money beside the ledger of complete bills."""
        return Beside(self._run, self._selling)

    async def booked(self, number: int) -> BillView | None:
        """A bill of the book with its lines."""

        def look() -> BillView | None:
            row, stored = self.stored.bill(number), self.stored
            if row is None:
                return None
            kinds = ShopBeside(stored.book).kinds(number)
            return booked_view(row, stored.lines(number), stored.tenders(number), kinds)

        return await self._run.book.call(look)

    # -- the rest

    async def _sold(self, bill: OpenBill, sell: Callable[[Also], Awaitable[SaleView]]) -> SaleView:
        """A sale on the ledger for a part of the bill: both are booked together, or neither."""
        now_ns = self._run.clock.now_ns()
        row = msgspec.structs.replace(bill.row, state=PAYING, changed_ns=now_ns)
        numbers: list[int] = []

        def also(sale: SaleRow) -> None:
            numbers.append(sale.number)
            self._begin_payment(bill, row)
            waiting = TenderRow(
                bill=bill.number, kind=LEDGER, amount_minor=sale.amount_minor, currency=sale.currency, state=WAITING,
                sale=sale.number, created_ns=now_ns, staff=sale.staff,
            )  # fmt: skip
            self.stored.add_tender(waiting)

        try:
            return await sell(also)
        finally:
            # What the customer did meanwhile was heard before the tender was known here.
            bill.tenders = await self._tenders(bill)
            if any(tender.sale in numbers for tender in bill.tenders):
                bill.row = row
                booked = await self._run.book.call(lambda: self.stored.book.sale_by_number(numbers[0]))
                if booked is not None:
                    self.follow(self._run.desk.current(booked))
            self._run.changed()

    async def _take(self, bill: OpenBill, tender: TenderRow | None) -> None:
        """A part beside the ledger came in, or nothing was to be paid: booked, and the bill complete if it is all."""
        now_ns = self._run.clock.now_ns()
        row = msgspec.structs.replace(bill.row, state=PAYING, changed_ns=now_ns)
        after = OpenBill(row, bill.cart, bill.totals, [*bill.tenders, *([tender] if tender else [])])
        complete = after.completed(now_ns)

        def write() -> None:
            with self.stored.book.writing():
                self._begin_payment(bill, row)
                if tender is not None:
                    self.stored.add_tender(tender)
                if complete is not None:
                    self.stored.put(complete)

        await self._run.book.call(write)
        bill.row, bill.tenders = complete or row, await self._tenders(bill)
        if complete is not None and not complete.ledger_minor:
            self.taken = (taken_view(complete), *self.taken)[:TAKEN_SHOWN]
        if bill.settled:
            self._open.pop(bill.number, None)
        self._run.changed()

    def _begin_payment(self, bill: OpenBill, row: BillRow) -> None:
        if bill.received_minor:
            self.stored.put(row)
        else:
            self.stored.put_lines(row, bill.cart, bill.totals)

    async def _tenders(self, bill: OpenBill) -> list[TenderRow]:
        return await self._run.book.call(lambda: self.stored.tenders(bill.number))

    def _require_payable(self) -> OpenBill:
        self._run.book.require_sound()
        bill = self._hand
        if bill is None or bill.closed or not bill.cart.lines:
            raise UserFacingError("There is no bill in hand.", next_step="Scan an article, or look for one with /.")
        if bill.live is not None:
            raise UserFacingError(
                "A code of this bill can still be paid.",
                next_step="Cancel it first, so that nobody pays twice; or set the bill aside.",
            )
        return bill

    def _require_within(self, bill: OpenBill, part: Amount) -> None:
        remaining = Amount(bill.remaining_minor, bill.cart.currency)
        if not part.minor:
            raise UserFacingError("Nothing was entered.", next_step="Key how much it is.")
        if part.minor > remaining.minor:
            raise UserFacingError(
                f"That is more than the {remaining} still due.", next_step="Key what is due; only cash gives change."
            )
