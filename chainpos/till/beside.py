"""Bills that the ledger knows nothing of: found again, and their money given back, which only the book can tell.

It refuses to give back more than came in, and without the PIN and the amount typed again, as any refund. No node
vouches for any of it: nothing here calls it PAID.
"""

from __future__ import annotations

from functools import partial

from chainpos.core.values.amount import Amount, format_amount
from chainpos.errors import UserFacingError
from chainpos.store.shop_beside import BesideRow, ReturnRow, ShopBeside
from chainpos.till.bill_desk import Selling
from chainpos.till.bill_views import BesideView, TenderKind, beside_view
from chainpos.till.refunds import require_typed
from chainpos.till.roles import Right
from chainpos.till.running import RunningTill
from chainpos.till.sale_views import meant


class Beside:
    """The bills beside the ledger of one till."""

    def __init__(self, run: RunningTill, selling: Selling) -> None:
        self._run = run
        self._selling = selling
        self._stored = ShopBeside(run.book.book)

    async def found(self, search: str, limit: int) -> tuple[BesideView, ...]:
        """Those that a search means, newest first."""
        searches = meant(search, self._run.settings.currency, self._run.utc_offset_s)

        def read() -> dict[int, BesideRow]:
            return {row.number: row for each in searches for row in self._stored.bills(each, limit=limit)}

        rows = await self._run.book.read(read)
        newest = sorted(rows.values(), key=lambda row: (row.closed_ns, row.number), reverse=True)
        return tuple(beside_view(row) for row in newest[:limit])

    async def left(self, reference: str) -> tuple[TenderKind, Amount] | None:
        """By which tender money is given back next, cash first, and how much at most; None where all of it was."""
        row = await self._row(reference)
        left = await self._run.book.call(partial(self._stored.left, row.number))
        return next(((TenderKind(kind), Amount(minor, row.currency)) for kind, minor in left.items()), None)

    async def give_back(self, reference: str, amount: Amount, *, pin: str, typed_amount: str) -> TenderKind:
        """Note that so much was handed to the customer; by which tender. Raises UserFacingError."""
        run, row, left = self._run, await self._row(reference), await self.left(reference)
        run.book.require_sound()
        if left is None or amount.currency != row.currency or not 0 < amount.minor <= left[1].minor:
            most = format_amount(left[1] if left is not None else Amount(0, row.currency))
            raise UserFacingError(
                f"Of bill {row.reference} at most {most} can be given back.", next_step="Type an amount up to that."
            )
        require_typed(amount, typed_amount)
        # Also opens a shift where none is open: the money leaves that shift's drawer.
        await self._selling.authorise()
        staff = await self._selling.staff.approved(Right.REFUND, pin)
        given = ReturnRow(
            bill=row.number, kind=left[0].value, amount_minor=amount.minor, at_ns=run.clock.now_ns(), staff=staff
        )  # fmt: skip
        await run.book.call(partial(self._stored.give_back, given))
        run.changed()
        return left[0]

    async def _row(self, reference: str) -> BesideRow:
        row = await self._run.book.call(partial(self._stored.bill, reference))
        if row is None:
            raise UserFacingError(
                f"There is no bill {reference[:40]!r} beside the ledger in this book.",
                next_step="Look for it by amount or time.",
            )
        return row
