"""What settlement offers others: crediting and debiting a merchant, and what new reserves bring (ports.SettlementPort).

Within one institution, and where the payer's institution settles at once, money is available at once; else it is
pending in the debtor's open batch. It refuses debts over a net debit cap and refunds of what is not there. Deposits
are posted by the caller; here only reserves move.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from chainpos.core.contracts.balances.port import balance, post
from chainpos.core.contracts.balances.records import reserve_account
from chainpos.core.contracts.context import Context
from chainpos.core.contracts.ports import MerchantTerms, PaymentFacts, Placement
from chainpos.core.contracts.settlement import codes
from chainpos.core.contracts.settlement.clearing import open_batch, owe, owe_less, settle_with_new_reserves
from chainpos.core.contracts.settlement.records import (
    NO_MONEY,
    POSITIONS,
    Position,
    folded,
    position_key,
    with_pending,
)

__all__ = ["credit", "debit", "fold", "settle_with_new_reserves"]
INSTANT: Final = "instant"


def credit(
    ctx: Context, terms: MerchantTerms, payer_institution: str, currency: str, gross_minor: int, net_minor: int
) -> Placement:
    """The payer's institution pays or owes the acquirer `gross_minor`; the merchant's `net_minor` follows it.

    Returns where that went. Raises Rejected: NET_DEBIT_CAP, BALANCE_OVERFLOW, CURRENCY_NOT_SETTLED.
    """
    key = position_key(terms.merchant, currency)
    positions = ctx.views[POSITIONS]
    position = positions[key] or NO_MONEY
    if _at_once(ctx, terms, payer_institution, terms.acquirer, currency, gross_minor):
        moved = _moved(position, net_minor)
        positions.put(key, moved)
        return Placement("", 0, moved.entries)
    batch = owe(ctx, payer_institution, terms.acquirer, currency, gross_minor)
    positions.put(key, with_pending(position, payer_institution, batch, net_minor))
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
        owe_less(ctx, debtor, acquirer, currency, gross_minor)
        ctx.put(POSITIONS, key, with_pending(position, debtor, number, -net_minor))
        return Placement(debtor, number)
    position = fold(ctx, position, currency)
    lacking_minor = net_minor - position.available_minor
    ctx.require(lacking_minor <= 0, codes.NOT_ENOUGH_AVAILABLE, f"lacks {lacking_minor}")
    if not _at_once(ctx, terms, acquirer, creditor, currency, gross_minor):
        owe(ctx, acquirer, creditor, currency, gross_minor)
    moved = _moved(position, -net_minor)
    ctx.put(POSITIONS, key, moved)
    return Placement("", 0, moved.entries)


def fold(ctx: Context, position: Position, currency: str) -> Position:
    """The position as it stands now: what has settled is available."""
    return folded(position, lambda debtor: open_batch(ctx, debtor, currency).number)


def _moved(position: Position, delta_minor: int) -> Position:
    """The position after a numbered movement of available money."""
    available_minor = position.available_minor + delta_minor
    return replace(position, available_minor=available_minor, entries=position.entries + 1)


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
    settle_with_new_reserves(ctx, creditor, currency)
    return True
