"""Real bills on a real book for a prepared till: only the ledger that answers their codes is prepared."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec

from chainpos.core.checkout.matching import SaleState
from chainpos.core.values.amount import Amount
from chainpos.till.bill_desk import Also
from chainpos.till.views import SaleView
from tests.till.bill_shop import BillShop


class PreparedShop(BillShop):
    """`show` is told which sale is in hand, `tell` that something changed."""

    def __init__(self, now_ns: int, show: Callable[[SaleView | None], None], tell: Callable[[], None]) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._show, self._tell = show, tell
        super().__init__(Path(self._folder.name), now_ns=now_ns)

    def changed(self) -> None:
        self._tell()

    async def close(self) -> None:
        await super().close()
        self._folder.cleanup()

    async def _new(self, amount: Amount, memo: str, presented: str, also: Also) -> SaleView:
        sale = await super()._new(amount, memo, presented, also)
        self._show(sale)
        return sale

    async def put_sale_away(self) -> None:
        had, self.hand = self.hand, None
        if had is not None:
            self._show(None)

    def moved(self, reference: str, state: SaleState, at_ns: int) -> None:
        """The ledger says that a sale is in a state."""
        for number, row in self.rows.items():
            if row.reference == reference:
                final = state in {SaleState.CONFIRMED, SaleState.CANCELLED, SaleState.EXPIRED}
                self.rows[number] = msgspec.structs.replace(row, state=state.value, watched=not final, paid_ns=at_ns)
                self.bills.follow(self.rows[number])
