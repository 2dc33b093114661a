"""What settlement offers payments and refunds: crediting and debiting a merchant (ports.SettlementPort).

Within one institution, and where the payer's institution settles at once, money is available at once; else it is
pending in the debtor's open batch. It refuses debts over a net debit cap and refunds of what is not there. Deposits
are posted by the caller; here only reserves move.
"""

from __future__ import annotations

from typing import Final

from chainpos.core.contracts.balances.codes import BALANCE_OVERFLOW
from chainpos.core.contracts.balances.port import balance, post
from chainpos.core.contracts.balances.records import reserve_account
from chainpos.core.contracts.context import Context
from chainpos.core.contracts.ports import MerchantTerms, PaymentFacts, Placement
from chainpos.core.contracts.settlement import codes
from chainpos.core.contracts.settlement.records import (
    BATCHES,
    FIRST_BATCH,
    MAX_OWED_MINOR,
    NO_MONEY,
    OBLIGATIONS,
    POSITIONS,
    TIMETABLES,
    Batch,
    Obligation,
    Position,
    batch_key,
    folded,
    obligation_key,
    position_key,
    with_pending,
)
from chainpos.errors import Rejected, StateMismatch

INSTANT: Final = "instant"


def credit(
    ctx: Context, terms: MerchantTerms, payer_institution: str, currency: str, gross_minor: int, net_minor: int
) -> Placement:
    """The payer's institution pays or owes the acquirer `gross_minor`; the merchant's `net_minor` follows it.

    Returns where that went. Raises Rejected: NET_DEBIT_CAP, BALANCE_OVERFLOW, CURRENCY_NOT_SETTLED.
    """
    key = position_key(terms.merchant, currency)
    position = ctx.journal.get(POSITIONS, key) or NO_MONEY
    if _at_once(ctx, terms, payer_institution, terms.acquirer, currency, gross_minor):
        moved = _moved(position, net_minor)
        ctx.journal.put(POSITIONS, key, moved)
        return Placement("", 0, moved.entries)
    batch = _owe(ctx, payer_institution, terms.acquirer, currency, gross_minor)
    ctx.journal.put(POSITIONS, key, with_pending(position, payer_institution, batch, net_minor))
    return Placement(payer_institution, batch)


def debit(ctx: Context, terms: MerchantTerms, payment: PaymentFacts, gross_minor: int, net_minor: int) -> Placement:
    """Take a refund from the payment's own batch while that is open, else from what is available.

    Returns where it was taken from. Raises Rejected: NOT_ENOUGH_AVAILABLE, NET_DEBIT_CAP, BALANCE_OVERFLOW,
    CURRENCY_NOT_SETTLED.
    """
    currency, acquirer, creditor = payment.currency, payment.acquirer, payment.payer.institution
    key = position_key(payment.merchant, currency)
    position = ctx.get(POSITIONS, key) or NO_MONEY
    debtor, number = payment.placement.debtor, payment.placement.batch
    if debtor and debtor == creditor and number == open_batch(ctx, debtor, currency).number:
        _owe_less(ctx, debtor, acquirer, currency, gross_minor)
        ctx.put(POSITIONS, key, with_pending(position, debtor, number, -net_minor))
        return Placement(debtor, number)
    position = fold(ctx, position, currency)
    lacking_minor = net_minor - position.available_minor
    ctx.require(lacking_minor <= 0, codes.NOT_ENOUGH_AVAILABLE, f"lacks {lacking_minor}")
    if not _at_once(ctx, terms, acquirer, creditor, currency, gross_minor):
        _owe(ctx, acquirer, creditor, currency, gross_minor)
    moved = _moved(position, -net_minor)
    ctx.put(POSITIONS, key, moved)
    return Placement("", 0, moved.entries)


def open_batch(ctx: Context, institution: str, currency: str) -> Batch:
    """The institution's open batch."""
    return ctx.journal.get(BATCHES, batch_key(institution, currency)) or FIRST_BATCH


def fold(ctx: Context, position: Position, currency: str) -> Position:
    """The position as it stands now: what has settled is available."""
    return folded(position, lambda debtor: open_batch(ctx, debtor, currency).number)


def _moved(position: Position, delta_minor: int) -> Position:
    """The position after a numbered movement of available money."""
    return Position(
        position.available_minor + delta_minor,
        position.pending,
        position.requested_minor,
        position.paid_out_minor,
        position.entries + 1,
        position.payouts,
    )


def _at_once(ctx: Context, terms: MerchantTerms, debtor: str, creditor: str, currency: str, gross_minor: int) -> bool:
    """Whether nothing is owed: one institution holds both sides, or it has just paid the other in reserves."""
    if debtor == creditor:
        return True
    if terms.settlement_mode != INSTANT:
        return False
    reserve = reserve_account(debtor)
    if balance(ctx, reserve, currency) < gross_minor:
        return False
    post(ctx, currency, ((reserve, -gross_minor), (reserve_account(creditor), gross_minor)))
    return True


def _owe(ctx: Context, debtor: str, creditor: str, currency: str, minor: int) -> int:
    """Add to the debtor's open batch, refusing what would exceed its cap or any record. Returns the batch's number."""
    journal = ctx.journal
    debtors_key = batch_key(debtor, currency)
    batch = journal.get(BATCHES, debtors_key) or FIRST_BATCH
    creditors, owed_minor = batch.creditors, batch.owed_minor + minor
    if owed_minor > batch.due_minor:
        _require_within_cap(ctx, debtor, currency, owed_minor - batch.due_minor)
    if owed_minor > MAX_OWED_MINOR:
        raise Rejected(BALANCE_OVERFLOW, debtor)
    key = obligation_key(debtor, creditor, currency)
    before = journal.get(OBLIGATIONS, key)
    if before is None:
        # Whoever owes something already owes it in a currency that is settled.
        if journal.get(TIMETABLES, currency.encode()) is None:
            raise Rejected(codes.CURRENCY_NOT_SETTLED, currency)
        creditors = tuple(sorted((*creditors, creditor)))
        journal.put(OBLIGATIONS, key, Obligation(minor))
    else:
        journal.put(OBLIGATIONS, key, Obligation(before.amount_minor + minor))
    journal.put(
        BATCHES, debtors_key, Batch(batch.number, batch.rolled_over_times, creditors, owed_minor, batch.due_minor)
    )
    add_due(ctx, creditor, currency, minor)
    return batch.number


def _owe_less(ctx: Context, debtor: str, creditor: str, currency: str, minor: int) -> None:
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
    ctx.put(BATCHES, batch_key(debtor, currency), Batch(batch.number, times, creditors, owed_minor, batch.due_minor))
    add_due(ctx, creditor, currency, -minor)


def add_due(ctx: Context, creditor: str, currency: str, delta_minor: int) -> None:
    """Count what others owe an institution in their open batches."""
    journal, key = ctx.journal, batch_key(creditor, currency)
    batch = journal.get(BATCHES, key) or FIRST_BATCH
    due_minor = batch.due_minor + delta_minor
    journal.put(
        BATCHES, key, Batch(batch.number, batch.rolled_over_times, batch.creditors, batch.owed_minor, due_minor)
    )


def _require_within_cap(ctx: Context, institution: str, currency: str, net_debit_minor: int) -> None:
    cap_minor = ctx.ports.institutions.net_debit_cap(ctx, institution, currency)
    if net_debit_minor > cap_minor:
        raise Rejected(codes.NET_DEBIT_CAP, f"{institution} {net_debit_minor} > {cap_minor}")
