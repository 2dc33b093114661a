"""What settlement tells: every netting with what it saved, each debtor's outcome in it, and payouts."""

from __future__ import annotations

from typing import Final

from chainpos.core.contracts.context import Context
from chainpos.core.contracts.settlement.records import Cycle, Payout

NETTED: Final = "settlement.netted"
BATCH_SETTLED: Final = "settlement.batch_settled"
BATCH_ROLLED_OVER: Final = "settlement.batch_rolled_over"
PAYOUT_REQUESTED: Final = "settlement.payout_requested"
PAYOUT_CONFIRMED: Final = "settlement.payout_confirmed"
PAYOUT_FAILED: Final = "settlement.payout_failed"


def tell_cycle(ctx: Context, currency: str, number: int, cycle: Cycle) -> None:
    """One netting, and what became of each debtor's batch."""
    ctx.emit(
        NETTED,
        currency=currency,
        cycle=number,
        kind=cycle.kind,
        cutoff_s=cycle.cutoff_s,
        gross_minor=cycle.gross_minor,
        settled_minor=cycle.settled_minor,
        rolled_over_minor=cycle.rolled_over_minor,
        moved_minor=cycle.moved_minor,
        saved_minor=cycle.saved_minor,
    )
    for settled in cycle.settled:
        ctx.emit(BATCH_SETTLED, currency=currency, cycle=number, debtor=settled.debtor, batch=settled.batch)
    for rolled in cycle.rolled_over:
        ctx.emit(
            BATCH_ROLLED_OVER,
            currency=currency,
            cycle=number,
            debtor=rolled.debtor,
            batch=rolled.batch,
            owed_minor=rolled.owed_minor,
            shortfall_minor=rolled.shortfall_minor,
            times=rolled.times,
        )


def tell_payout(ctx: Context, kind: str, merchant: str, currency: str, number: int, payout: Payout) -> None:
    """A payout was requested, confirmed or failed."""
    ctx.emit(
        kind,
        merchant=merchant,
        currency=currency,
        number=number,
        acquirer=payout.acquirer,
        amount_minor=payout.amount_minor,
        bank_reference=payout.bank_reference,
        reason=payout.reason,
    )
