"""What customers offer: whose account a key signs for, and whether it may pay or hold so much today.

It refuses unknown, locked and closed accounts, and whatever is over a limit. All figures are the network's records.
"""

from __future__ import annotations

from msgspec.structs import replace

from chainpos.core.contracts.context import Context
from chainpos.core.contracts.customers import codes
from chainpos.core.contracts.customers.records import (
    AGREED,
    CLOSED,
    CODE_CLASSES,
    CUSTOMER_KEYS,
    CUSTOMERS,
    OPEN,
    STATIC_CLASS,
    TIERS,
    AgreedLimits,
    Customer,
    DayUsage,
    TierLimits,
)
from chainpos.core.contracts.network import today
from chainpos.core.contracts.ports import CUSTOMER_CODE, DYNAMIC_QR, STATIC_QR, Party
from chainpos.core.values.amount import MAX_MINOR
from chainpos.errors import Rejected, StateMismatch

_SINGLE, _DAILY, _BALANCE, _CODE = range(4)


def payer(ctx: Context, public_key: bytes) -> Party:
    """The open account that the key signs for.

    Raises Rejected: UNKNOWN_CUSTOMER, CUSTOMER_KEY_REPLACED, ACCOUNT_LOCKED, ACCOUNT_CLOSED, INSTITUTION_SUSPENDED.
    """
    holder = ctx.views[CUSTOMER_KEYS][public_key]
    if holder is None:
        raise Rejected(codes.UNKNOWN_CUSTOMER)
    customer = ctx.views[CUSTOMERS][holder.account]
    if customer is None or customer.key != public_key:
        raise Rejected(codes.CUSTOMER_KEY_REPLACED)
    if customer.status != OPEN:
        raise Rejected(codes.ACCOUNT_CLOSED if customer.status == CLOSED else codes.ACCOUNT_LOCKED)
    ctx.ports.institutions.require_active(ctx, customer.institution)
    return Party(holder.account, customer.institution)


def party(ctx: Context, account: bytes) -> Party:
    """An account that may receive. Raises Rejected: UNKNOWN_CUSTOMER, ACCOUNT_CLOSED."""
    return Party(account, _not_closed(ctx.get(CUSTOMERS, account)).institution)


def institution_of(ctx: Context, account: bytes) -> str:
    """Whose customer an account is, open or not. Raises Rejected(UNKNOWN_CUSTOMER)."""
    return ctx.found(ctx.get(CUSTOMERS, account), codes.UNKNOWN_CUSTOMER).institution


def spend(ctx: Context, account: bytes, amount_minor: int, currency: str, instrument: str) -> None:
    """Count a payment to the account's day, and show it to compliance. `instrument` is one of those in `ports`.

    Raises Rejected: UNKNOWN_CUSTOMER, ACCOUNT_CLOSED, NO_LIMITS_IN_FORCE, OVER_SINGLE_LIMIT, OVER_DAILY_LIMIT,
    OVER_CODE_CAP, OVER_STATIC_CAP.
    """
    customers = ctx.views[CUSTOMERS]
    customer = _not_closed(customers[account])
    limits = _tier_limits(ctx, customer.tier, currency)
    single_minor, daily_minor = limits.single_minor, limits.daily_minor
    if amount_minor > (_agreed(ctx, account, currency, _SINGLE) if single_minor is None else single_minor):
        raise Rejected(codes.OVER_SINGLE_LIMIT)
    day = today(ctx)
    spent_minor, code_minor, static_minor = amount_minor, 0, 0
    others: tuple[DayUsage, ...] = ()
    for used in customer.usage:
        if used.currency != currency:
            others = (*others, used)
        elif used.day == day:
            spent_minor, code_minor, static_minor = used.spent_minor + amount_minor, used.code_minor, used.static_minor
    if spent_minor > (_agreed(ctx, account, currency, _DAILY) if daily_minor is None else daily_minor):
        raise Rejected(codes.OVER_DAILY_LIMIT)
    if instrument == CUSTOMER_CODE:
        code_minor += amount_minor
        cap_minor = _or_agreed(_class_cap(ctx, customer.code_class, currency), ctx, account, currency, _CODE)
        ctx.require(code_minor <= cap_minor, codes.OVER_CODE_CAP)
    elif instrument == STATIC_QR:
        static_minor += amount_minor
        cap_minor = _or_agreed(_class_cap(ctx, STATIC_CLASS, currency), ctx, account, currency, _CODE)
        ctx.require(static_minor <= cap_minor, codes.OVER_STATIC_CAP)
    elif instrument != DYNAMIC_QR:
        raise StateMismatch(f"no payment is presented as {instrument!r}")
    usage = (*others, DayUsage(currency, day, spent_minor, code_minor, static_minor))
    customers.put(account, replace(customer, usage=usage))
    ctx.ports.compliance.observe(ctx, account, amount_minor, currency)


def require_room(ctx: Context, account: bytes, balance_after_minor: int, currency: str) -> None:
    """Raises Rejected: OVER_BALANCE_LIMIT, NO_LIMITS_IN_FORCE, UNKNOWN_CUSTOMER, ACCOUNT_CLOSED."""
    limits = _tier_limits(ctx, _not_closed(ctx.get(CUSTOMERS, account)).tier, currency)
    limit_minor = _or_agreed(limits.balance_minor, ctx, account, currency, _BALANCE)
    ctx.require(balance_after_minor <= limit_minor, codes.OVER_BALANCE_LIMIT)


def agreed_limits(ctx: Context, account: bytes) -> tuple[AgreedLimits, ...]:
    """What the institution agreed with the customer, by ascending currency."""
    agreed = ctx.get(AGREED, account)
    return () if agreed is None else agreed.limits


def _not_closed(customer: Customer | None) -> Customer:
    if customer is None:
        raise Rejected(codes.UNKNOWN_CUSTOMER)
    if customer.status == CLOSED:
        raise Rejected(codes.ACCOUNT_CLOSED)
    return customer


def _or_agreed(limit_minor: int | None, ctx: Context, account: bytes, currency: str, which: int) -> int:
    """The network's limit; where it sets none, what was agreed."""
    return _agreed(ctx, account, currency, which) if limit_minor is None else limit_minor


def _agreed(ctx: Context, account: bytes, currency: str, which: int) -> int:
    """What was agreed, where the network sets no limit; else the record's own: what cannot be counted cannot be paid.

    `which` is the place in AgreedLimits.
    """
    for row in agreed_limits(ctx, account):
        if row.currency == currency:
            agreed_minor = (row.single_minor, row.daily_minor, row.balance_minor, row.code_daily_minor)[which]
            return MAX_MINOR if agreed_minor is None else agreed_minor
    return MAX_MINOR


def _tier_limits(ctx: Context, tier: str, currency: str) -> TierLimits:
    schedule = ctx.views[TIERS][tier.encode()]
    if schedule is not None:
        for step in reversed(schedule.steps):
            if step.effective_from_s <= ctx.block.time_s:
                for limits in step.limits:
                    if limits.currency == currency:
                        return limits
                break
    raise Rejected(codes.NO_LIMITS_IN_FORCE, f"{tier} {currency}")


def _class_cap(ctx: Context, code_class: str, currency: str) -> int | None:
    schedule = ctx.get(CODE_CLASSES, code_class.encode())
    if schedule is not None:
        for step in reversed(schedule.steps):
            if step.effective_from_s <= ctx.block.time_s:
                for cap in step.caps:
                    if cap.currency == currency:
                        return cap.daily_minor
                break
    raise Rejected(codes.NO_LIMITS_IN_FORCE, f"{code_class} {currency}")
