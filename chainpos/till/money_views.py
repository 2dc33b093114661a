"""The settlement's views of a running till: what was read of the ledger, with what the shop's own book adds to it.

It refuses a payout that the shop does not have.
"""

from __future__ import annotations

from chainpos.errors import UserFacingError
from chainpos.store.shop_money import fees_minor, paid_sales, takings_minor
from chainpos.till.payout_parts import cost_elsewhere, payout_parts
from chainpos.till.running import RunningTill
from chainpos.till.settlement import settlement_view
from chainpos.till.views import ElsewhereRow, PayoutParts, SettlementView


async def whole_view(run: RunningTill) -> SettlementView:
    """Where the money is as last read, what fees came to, and what other ways would have cost."""
    money, book, currency = run.money, run.book.book, run.settings.currency

    def sums() -> tuple[int, tuple[ElsewhereRow, ...]]:
        def taken(from_ns: int, until_ns: int) -> int:
            return takings_minor(book, currency, from_ns, until_ns)

        return fees_minor(book, currency), cost_elsewhere(money.comparisons, taken, currency)

    return settlement_view(money, currency, *await run.book.read(sums))


async def parts_view(run: RunningTill, number: int) -> PayoutParts:
    """What a payout is made of, as last read. Raises UserFacingError."""
    payouts, book, currency = run.money.payouts, run.book.book, run.settings.currency
    if not 1 <= number <= len(payouts):
        raise UserFacingError(f"There is no payout {number}.", next_step="Choose one of the list.", money_moved="")
    height = payouts[number - 1].requested_height
    sales = await run.book.read(lambda: paid_sales(book, currency, height))
    return payout_parts(number, payouts, sales, currency)
