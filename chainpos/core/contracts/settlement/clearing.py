"""What institutions owe each other in their open batches, and how that settles: at a cut-off, or when reserves come.

It refuses debts over a net debit cap, or beyond any record. What must never be (a debt below nothing) halts the node.
"""

from __future__ import annotations

from msgspec.structs import replace

from chainpos.core.contracts.balances.codes import BALANCE_OVERFLOW
from chainpos.core.contracts.balances.port import Leg, balance, post
from chainpos.core.contracts.balances.records import reserve_account
from chainpos.core.contracts.context import Context
from chainpos.core.contracts.settlement import codes
from chainpos.core.contracts.settlement.events import tell_cycle
from chainpos.core.contracts.settlement.netting import Netting, Owed, net_out
from chainpos.core.contracts.settlement.records import (
    BATCHES,
    CLOCKS,
    CYCLE,
    CYCLES,
    FIRST_BATCH,
    MAX_OWED_MINOR,
    OBLIGATIONS,
    RESOLUTION,
    TIMETABLES,
    Batch,
    Clock,
    Cycle,
    NetLeg,
    Obligation,
    RolledOver,
    Through,
    batch_key,
    cycle_key,
    obligation_key,
)
from chainpos.errors import Rejected, StateMismatch


def open_batch(ctx: Context, institution: str, currency: str) -> Batch:
    """The institution's open batch."""
    return ctx.views[BATCHES][batch_key(institution, currency)] or FIRST_BATCH


def owe(ctx: Context, debtor: str, creditor: str, currency: str, minor: int) -> int:
    """Add to the debtor's open batch, refusing what would exceed its cap or any record. Returns the batch's number."""
    batches, obligations = ctx.views[BATCHES], ctx.views[OBLIGATIONS]
    debtors_key = batch_key(debtor, currency)
    batch = batches[debtors_key] or FIRST_BATCH
    creditors, owed_minor = batch.creditors, batch.owed_minor + minor
    if owed_minor > batch.due_minor:
        _require_within_cap(ctx, debtor, currency, owed_minor - batch.due_minor)
    if owed_minor > MAX_OWED_MINOR:
        raise Rejected(BALANCE_OVERFLOW, debtor)
    key = obligation_key(debtor, creditor, currency)
    before = obligations[key]
    if before is None:
        # Whoever owes something already owes it in a currency that is settled.
        if ctx.get(TIMETABLES, currency.encode()) is None:
            raise Rejected(codes.CURRENCY_NOT_SETTLED, currency)
        creditors = tuple(sorted((*creditors, creditor)))
        obligations.put(key, Obligation(minor))
    else:
        obligations.put(key, Obligation(before.amount_minor + minor))
    batches.put(debtors_key, replace(batch, creditors=creditors, owed_minor=owed_minor))
    add_due(ctx, creditor, currency, minor)
    return batch.number


def owe_less(ctx: Context, debtor: str, creditor: str, currency: str, minor: int) -> None:
    """Take from the debtor's open batch; it is the creditor who is left with more net debt, within its own cap."""
    other = open_batch(ctx, creditor, currency)
    net_debit_minor = other.owed_minor - other.due_minor + minor
    if net_debit_minor > 0:
        _require_within_cap(ctx, creditor, currency, net_debit_minor)
    batch = open_batch(ctx, debtor, currency)
    key = obligation_key(debtor, creditor, currency)
    before = ctx.get(OBLIGATIONS, key)
    left_minor = (0 if before is None else before.amount_minor) - minor
    if left_minor < 0:
        raise StateMismatch(f"{debtor} would owe {creditor} {left_minor} {currency}")
    creditors = batch.creditors
    if left_minor:
        ctx.put(OBLIGATIONS, key, Obligation(left_minor))
    else:
        ctx.delete(OBLIGATIONS, key)
        creditors = tuple(name for name in creditors if name != creditor)
    owed_minor = batch.owed_minor - minor
    # A batch that owes nothing any more was not rolled over: nothing of that debt is left.
    times = batch.rolled_over_times if creditors else 0
    left = replace(batch, rolled_over_times=times, creditors=creditors, owed_minor=owed_minor)
    ctx.put(BATCHES, batch_key(debtor, currency), left)
    add_due(ctx, creditor, currency, -minor)


def add_due(ctx: Context, creditor: str, currency: str, delta_minor: int) -> None:
    """Count what others owe an institution in their open batches."""
    key = batch_key(creditor, currency)
    batches = ctx.views[BATCHES]
    batch = batches[key] or FIRST_BATCH
    batches.put(key, replace(batch, due_minor=batch.due_minor + delta_minor))


def waiting_batches(ctx: Context, currency: str) -> dict[str, Batch]:
    """The open batches of all that were rolled over and owe something still, by institution, ascending."""
    return {name: batch for name, batch in _batches(ctx, currency) if batch.owed_minor and batch.rolled_over_times}


def owing_batches(ctx: Context, currency: str) -> dict[str, Batch]:
    """The open batches of all that owe something, by institution, ascending."""
    return {name: batch for name, batch in _batches(ctx, currency) if batch.owed_minor}


def settle_with_new_reserves(ctx: Context, institution: str, currency: str) -> None:
    """Reserves came to the institution: where it was rolled over and they suffice, what waits settles as it would by a
    resolution. It refuses nothing, and walks over institutions alone.
    """
    batch = ctx.views[BATCHES][batch_key(institution, currency)]
    if batch is None or not batch.rolled_over_times or not batch.owed_minor:
        return
    # What all others owe it is the most that it could get: so most arrivals are too little at one look.
    if balance(ctx, reserve_account(institution), currency) + batch.due_minor < batch.owed_minor:
        return
    batches = waiting_batches(ctx, currency)
    netting = net(ctx, currency, batches)
    if institution in netting.settled:
        settle(ctx, currency, netting, batches, RESOLUTION)


def net(ctx: Context, currency: str, batches: dict[str, Batch]) -> Netting:
    """What of these batches the reserves cover, netted."""
    obligations = [
        _obligation(ctx, debtor, creditor, currency)
        for debtor, batch in batches.items()
        for creditor in batch.creditors
    ]
    reserves = {name: balance(ctx, reserve_account(name), currency) for name in batches}
    return net_out(obligations, reserves)


def settle(
    ctx: Context, currency: str, netting: Netting, batches: dict[str, Batch], kind: str, cutoff_s: int = 0
) -> int:
    """Move the reserves, let settled batches' numbers move on, count the others' roll-over, record and tell it.

    `cutoff_s` is a cycle's; a resolution has none. Returns the netting's number.
    """
    post(ctx, currency, tuple(Leg(reserve_account(name), minor) for name, minor in netting.nets))
    for debtor in netting.settled:
        for creditor in batches[debtor].creditors:
            owed = _obligation(ctx, debtor, creditor, currency)
            add_due(ctx, creditor, currency, -owed.minor)
            ctx.delete(OBLIGATIONS, obligation_key(debtor, creditor, currency))
    # Only now, as others' settling has changed what each is due.
    for debtor in netting.settled:
        batch = open_batch(ctx, debtor, currency)
        ctx.put(BATCHES, batch_key(debtor, currency), Batch(batch.number + 1, 0, (), 0, batch.due_minor))
    rolled_over = []
    for debtor, shortfall_minor in netting.rolled_over:
        batch = open_batch(ctx, debtor, currency)
        # A resolution that leaves somebody out is not one more failed cycle.
        times = batch.rolled_over_times + (1 if kind == CYCLE else 0)
        ctx.put(BATCHES, batch_key(debtor, currency), replace(batch, rolled_over_times=times))
        rolled_over.append(RolledOver(debtor, batch.number, batch.owed_minor, shortfall_minor, times))
    clock = ctx.get(CLOCKS, currency.encode()) or Clock()
    number = clock.nettings + 1
    cycle = Cycle(
        kind=kind,
        cutoff_s=cutoff_s,
        height=ctx.block.height,
        time_s=ctx.block.time_s,
        gross_minor=netting.gross_minor,
        settled_minor=netting.settled_minor,
        rolled_over_minor=netting.rolled_over_minor,
        moved_minor=netting.moved_minor,
        settled=tuple(Through(debtor, batches[debtor].number) for debtor in netting.settled),
        rolled_over=tuple(rolled_over),
        legs=tuple(NetLeg(name, minor) for name, minor in netting.nets),
    )
    ctx.put(CYCLES, cycle_key(currency, number), cycle)
    ctx.put(CLOCKS, currency.encode(), Clock(number, cutoff_s or clock.cutoff_s))
    tell_cycle(ctx, currency, number, cycle)
    return number


def _batches(ctx: Context, currency: str) -> list[tuple[str, Batch]]:
    return [(name, open_batch(ctx, name, currency)) for name in ctx.ports.institutions.all_institutions(ctx)]


def _obligation(ctx: Context, debtor: str, creditor: str, currency: str) -> Owed:
    record = ctx.get(OBLIGATIONS, obligation_key(debtor, creditor, currency))
    if record is None:
        raise StateMismatch(f"{debtor} lists {creditor} in {currency}, but owes it nothing")
    return Owed(debtor, creditor, record.amount_minor)


def _require_within_cap(ctx: Context, institution: str, currency: str, net_debit_minor: int) -> None:
    cap_minor = ctx.ports.institutions.net_debit_cap(ctx, institution, currency)
    if net_debit_minor > cap_minor:
        raise Rejected(codes.NET_DEBIT_CAP, f"{institution} {net_debit_minor} > {cap_minor}")
