"""Money beside the ledger after the sale: its bills found again, and given back, which only the book can tell.

It refuses to give back more by a tender than came in by it, and without the PIN and the amount typed again, as any
refund. No node vouches for any of it: nothing here calls it PAID. What a bill was paid on the ledger is refunded there.
"""

from __future__ import annotations

from functools import partial

from chainpos.core.values.amount import Amount, format_amount
from chainpos.errors import UserFacingError
from chainpos.store.shop_beside import BesideRow, ReturnRow, ShopBeside
from chainpos.store.shop_bills import BillRow, ShopBills
from chainpos.till.bill_desk import Selling
from chainpos.till.bill_views import BesideView, TenderKind, beside_view
from chainpos.till.refunds import require_typed
from chainpos.till.roles import Right
from chainpos.till.running import RunningTill
from chainpos.till.sale_views import meant


class Beside:
    """The money beside the ledger of one till's complete bills."""

    def __init__(self, run: RunningTill, selling: Selling) -> None:
        self._run = run
        self._selling = selling
        self._stored = ShopBeside(run.book.book)

    async def found(self, search: str, limit: int) -> tuple[BesideView, ...]:
        """The bills wholly beside the ledger that a search means, newest first."""
        searches = meant(search, self._run.settings.currency, self._run.utc_offset_s)

        def read() -> dict[int, BesideRow]:
            return {row.number: row for each in searches for row in self._stored.bills(each, limit=limit)}

        rows = await self._run.book.read(read)
        newest = sorted(rows.values(), key=lambda row: (row.closed_ns, row.number), reverse=True)
        return tuple(beside_view(row) for row in newest[:limit])

    async def give_back(
        self, reference: str, kind: TenderKind, amount: Amount, *, pin: str, typed_amount: str, reason: str = ""
    ) -> None:
        """Note that so much was handed to the customer, by the tender that it came in by. Raises UserFacingError.

        `reason` names the pieces that it is for, as a refund's does, or is "".
        """
        run = self._run
        run.book.require_sound()
        bill = await run.book.call(partial(self._bill, reference))
        await run.book.call(partial(self._require_left, bill, kind, amount))
        require_typed(amount, typed_amount)
        # Also opens a shift where none is open: the money leaves that shift's drawer.
        await self._selling.authorise()
        staff = await self._selling.staff.approved(Right.REFUND, pin)
        given = ReturnRow(
            bill=bill.number, kind=kind.value, amount_minor=amount.minor, at_ns=run.clock.now_ns(), staff=staff,
            reason=reason,
        )  # fmt: skip

        def write() -> None:
            # Some of it may have been given back while the PIN was looked at.
            self._require_left(bill, kind, amount)
            self._stored.give_back(given)

        await run.book.call(write)
        run.changed()

    def _bill(self, reference: str) -> BillRow:
        bill = ShopBills(self._run.book.book).bill_named(reference)
        if bill is None or not self._stored.kinds(bill.number):
            raise UserFacingError(
                f"There is no bill {reference[:40]!r} beside the ledger in this book.",
                next_step="Look for it by amount or time.",
            )
        return bill

    def _require_left(self, bill: BillRow, kind: TenderKind, amount: Amount) -> None:
        left_minor = self._stored.left(bill.number, kind.value)
        if amount.currency != bill.currency or not 0 < amount.minor <= left_minor:
            most = format_amount(Amount(left_minor, bill.currency))
            raise UserFacingError(
                f"Of bill {bill.reference} at most {most} can be given back.", next_step="Type an amount up to that."
            )
