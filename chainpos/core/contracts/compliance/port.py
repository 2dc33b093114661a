"""What compliance offers: whether a freeze is in force, and an eye on payments. It refuses while a freeze is in force;
what it watches for it tells, and stops nothing.
"""

from __future__ import annotations

from chainpos.core.contracts.compliance import codes
from chainpos.core.contracts.compliance.events import ALERT
from chainpos.core.contracts.compliance.records import (
    ACTIVITY,
    ALERT_RULES,
    ALERTS,
    FREEZES,
    ONLY,
    Activity,
    Alert,
    AlertSchedule,
    Freeze,
    alert_key,
    rules_in_force,
)
from chainpos.core.contracts.compliance.watching import counted
from chainpos.core.contracts.context import Context
from chainpos.errors import Rejected


def freeze_in_force(ctx: Context, subject: bytes) -> Freeze | None:
    """The freeze that holds at the time of this block, or None."""
    freeze = ctx.get(FREEZES, subject)
    return freeze if freeze is not None and ctx.block.time_s < freeze.until_s else None


def require_free(ctx: Context, subject: bytes) -> None:
    """Raises Rejected: ACCOUNT_FROZEN or MERCHANT_FROZEN, with the legal reference as its detail."""
    freeze = ctx.views[FREEZES][subject]
    if freeze is not None and ctx.block.time_s < freeze.until_s:
        code = codes.MERCHANT_FROZEN if subject.startswith(b"m") else codes.ACCOUNT_FROZEN
        raise Rejected(code, freeze.legal_reference)


def observe(ctx: Context, account: bytes, amount_minor: int, currency: str) -> None:
    """Count a payment by the rules that are watched now, and tell what they find."""
    schedule = ctx.views[ALERT_RULES][ONLY]
    if schedule is not None:
        _watch(ctx, schedule, account, amount_minor, currency)


def _watch(ctx: Context, schedule: AlertSchedule, account: bytes, amount_minor: int, currency: str) -> None:
    time_s = ctx.block.time_s
    rules = rules_in_force(schedule, time_s)
    activity = ctx.get(ACTIVITY, account)
    before = () if activity is None else activity.marks
    after, told = counted(rules, before, time_s, currency, amount_minor)
    if after != before:
        ctx.put(ACTIVITY, account, Activity(after))
    for mark in told:
        alert = Alert(
            rule=mark.rule,
            currency=currency,
            window_from_s=mark.window_from_s,
            count=mark.count,
            total_minor=mark.total_minor,
            time_s=time_s,
            height=ctx.block.height,
            tx_hash=ctx.tx_hash,
        )
        ctx.put(ALERTS, alert_key(account, mark.rule, mark.window_from_s), alert)
        ctx.emit(
            ALERT,
            rule=mark.rule,
            account=account,
            currency=currency,
            window_from_s=mark.window_from_s,
            count=mark.count,
            total_minor=mark.total_minor,
        )
