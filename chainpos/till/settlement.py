"""Where the shop's money is, read from the settlement's own records in our node's state; the screens follow the ledger.

It refuses to add what it cannot read at one height: every figure of a view is of the same block.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from chainpos.core.contracts.fees.records import COMPARISONS, MAX_COMPARISONS, Comparison, comparison_key
from chainpos.core.contracts.ports import Placement
from chainpos.core.contracts.settlement.records import (
    BATCHES,
    CLOCKS,
    CYCLES,
    FAILED,
    FIRST_BATCH,
    NO_MONEY,
    PAID_OUT,
    PAYOUTS,
    POSITIONS,
    REQUESTED,
    TIMETABLES,
    Batch,
    Clock,
    Cycle,
    Payout,
    Position,
    batch_key,
    cycle_key,
    folded,
    money_state,
    next_cutoff,
    payout_key,
    position_key,
)
from chainpos.core.values.amount import Amount
from chainpos.core.values.text import clean
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.inspect.records import record_at
from chainpos.rpc.client import RpcClient
from chainpos.store.shop import SaleRow
from chainpos.till.views import CycleView, ElsewhereRow, NetRow, PayoutRow, PendingRow, SettlementView

SHOWN_PAYOUTS: Final = 100


class Money(msgspec.Struct, frozen=True):
    """A merchant's money after the block at `height`. `batches` are the debtors' open ones, `payouts` all there are."""

    height: int
    position: Position = NO_MONEY
    batches: dict[str, Batch] = {}
    payouts: tuple[Payout, ...] = ()
    next_cutoff_s: int = 0
    cycle_number: int = 0
    cycle: Cycle | None = None
    comparisons: tuple[Comparison, ...] = ()

    def state_of(self, row: SaleRow) -> str:
        """Where a sale's money is: "pending", "available", "payout_requested", "paid_out"; "" while none came."""
        if not row.height or row.height > self.height:
            return ""
        return self.where(Placement(row.debtor, row.batch, row.entry))

    def where(self, placement: Placement) -> str:
        """In which state of settlement money is that went there."""
        batch = self.batches.get(placement.debtor, FIRST_BATCH)
        return money_state(placement, batch.number, self.payouts)


NOTHING_KNOWN: Final = Money(0)


async def read_money(
    client: RpcClient, merchant: str, currency: str, height: int, time_s: int, before: Money = NOTHING_KNOWN
) -> Money:
    """The merchant's money at a height, whose block time is `time_s`. Payouts that had ended `before` are kept.

    Raises NoSuchState, MalformedBytes, RpcError, Disconnected.
    """
    position = await record_at(client, POSITIONS, position_key(merchant, currency), height) or NO_MONEY
    batches: dict[str, Batch] = {}
    for part in position.pending:
        found = await record_at(client, BATCHES, batch_key(part.debtor, currency), height)
        batches[part.debtor] = found or FIRST_BATCH
    payouts: list[Payout] = []
    for number in range(1, position.payouts + 1):
        known = before.payouts[number - 1] if number <= len(before.payouts) else None
        if known is None or known.state not in (PAID_OUT, FAILED):
            known = await record_at(client, PAYOUTS, payout_key(merchant, currency, number), height)
        if known is not None:
            payouts.append(known)
    timetable = await record_at(client, TIMETABLES, currency.encode(), height)
    cutoff_s = next_cutoff(timetable, time_s) if timetable is not None else 0
    clock = await record_at(client, CLOCKS, currency.encode(), height) or Clock()
    cycle, comparisons = before.cycle, before.comparisons
    if clock.nettings != before.cycle_number or not comparisons:
        cycle = await record_at(client, CYCLES, cycle_key(currency, clock.nettings), height)
        # Governance changes what is published now and then; to look once a cycle is enough for a comparison.
        comparisons = await _comparisons(client, height)
    return Money(height, position, batches, tuple(payouts), cutoff_s, clock.nettings, cycle, comparisons)


async def _comparisons(client: RpcClient, height: int) -> tuple[Comparison, ...]:
    found: list[Comparison] = []
    while len(found) < MAX_COMPARISONS:
        comparison = await record_at(client, COMPARISONS, comparison_key(len(found)), height)
        if comparison is None:
            break
        found.append(comparison)
    return tuple(found)


def settlement_view(
    money: Money, currency: str, fees_minor: int, elsewhere: tuple[ElsewhereRow, ...] = ()
) -> SettlementView:
    """The view of it. Batches that settled since the position was written count as available."""

    def amount(minor: int) -> Amount:
        return Amount(minor, currency)

    position = folded(money.position, _current(money))
    payouts = list(enumerate(money.payouts, start=1))
    return SettlementView(
        height=money.height,
        pending=amount(position.pending_minor),
        available=amount(position.available_minor),
        payout_requested=amount(position.requested_minor),
        paid_out=amount(position.paid_out_minor),
        pending_by_debtor=tuple(
            PendingRow(clean(part.debtor), amount(part.amount_minor), _rolled_over(money, part.debtor))
            for part in position.pending
            if part.amount_minor
        ),
        payouts=tuple(_payout_row(number, payout, currency) for number, payout in reversed(payouts))[:SHOWN_PAYOUTS],
        fees_total=amount(fees_minor),
        next_cutoff_ns=money.next_cutoff_s * SECOND_NS,
        last_cycle=None if money.cycle is None else _cycle_view(money.cycle_number, money.cycle, currency),
        elsewhere=elsewhere,
    )


def _cycle_view(number: int, cycle: Cycle, currency: str) -> CycleView:
    return CycleView(
        number=number,
        time_ns=cycle.time_s * SECOND_NS,
        gross=Amount(cycle.gross_minor, currency),
        settled=Amount(cycle.settled_minor, currency),
        moved=Amount(cycle.moved_minor, currency),
        saved=Amount(cycle.saved_minor, currency),
        rolled_over=tuple(clean(each.debtor) for each in cycle.rolled_over),
        nets=tuple(NetRow(clean(leg.institution), leg.amount_minor) for leg in cycle.legs),
    )


def _current(money: Money) -> Callable[[str], int]:
    return lambda debtor: money.batches.get(debtor, FIRST_BATCH).number


def _rolled_over(money: Money, debtor: str) -> bool:
    return money.batches.get(debtor, FIRST_BATCH).rolled_over_times > 0


def _payout_row(number: int, payout: Payout, currency: str) -> PayoutRow:
    state = {REQUESTED: "requested", PAID_OUT: "paid_out", FAILED: "failed"}[payout.state]
    amount, requested_ns = Amount(payout.amount_minor, currency), payout.requested_s * SECOND_NS
    return PayoutRow(number, amount, state, requested_ns, clean(payout.bank_reference), clean(payout.reason))
