"""What governance decides of customers, each from a second on: limits of a wallet tier, caps of a class of codes, and
how long the recovery of a lost key waits.

They refuse limits that name a currency twice, or that do not follow those that are scheduled.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from string import ascii_uppercase
from typing import Final

import msgspec

from chainpos.core.contracts.balances import port as balances
from chainpos.core.contracts.context import Change, Context
from chainpos.core.contracts.customers import codes
from chainpos.core.contracts.customers.events import CLASS_CAPS_CHANGED, RECOVERY_TIME_CHANGED, TIER_LIMITS_CHANGED
from chainpos.core.contracts.customers.records import (
    CODE_CLASSES,
    MAX_RECOVERY_S,
    MAX_STEPS,
    MIN_RECOVERY_S,
    ONLY,
    RECOVERY_TIMES,
    TIERS,
    ClassCap,
    ClassSchedule,
    ClassStep,
    RecoverySchedule,
    RecoveryStep,
    TierLimits,
    TierSchedule,
    TierStep,
    static_above,
)
from chainpos.core.contracts.dated import followed
from chainpos.core.values.amount import MAX_MINOR
from chainpos.core.values.timestamps import MAX_TIME_S
from chainpos.errors import MalformedBytes

_TIER: Final = re.compile(r"[a-z0-9_]{1,16}", re.ASCII)
_CLASS: Final = re.compile(r"[A-Z]", re.ASCII)


class SetTierLimits(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Change "customers.tier": all limits of a tier, which may be a new one, from `effective_from_s` on.

    In minor units; null where the institution agrees them with the customer. A currency that is not named has none,
    and nothing can be paid or held in it.
    """

    tier: str
    effective_from_s: int
    limits: tuple[TierLimits, ...]


class SetClassCaps(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Change "customers.code_class": what may be paid in a day by codes of a class, from `effective_from_s` on."""

    code_class: str
    effective_from_s: int
    caps: tuple[ClassCap, ...]


class SetRecoveryTime(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Change "customers.recovery": how many seconds the recovery of a lost key waits, from `effective_from_s` on.

    A minute to 90 days. A recovery that is under way keeps the time that it began with.
    """

    effective_from_s: int
    waiting_s: int


def set_tier_limits(ctx: Context, change: SetTierLimits) -> None:
    """The tier has these limits from that second on."""
    ctx.require(_TIER.fullmatch(change.tier) is not None, codes.BAD_LIMITS_NAME)
    figures = [(row.currency, (row.single_minor, row.daily_minor, row.balance_minor)) for row in change.limits]
    _check_figures(ctx, figures)
    key = change.tier.encode()
    steps = (ctx.get(TIERS, key) or TierSchedule(())).steps
    _check_date(ctx, change.effective_from_s, steps[-1].effective_from_s if steps else 0)
    step = TierStep(change.effective_from_s, change.limits)
    ctx.put(TIERS, key, TierSchedule(followed(steps, step, begun=_begun(ctx, steps), at_most=MAX_STEPS)))
    ctx.emit(TIER_LIMITS_CHANGED, tier=change.tier, effective_from_s=change.effective_from_s)


def set_class_caps(ctx: Context, change: SetClassCaps) -> None:
    """The class has these caps from that second on."""
    ctx.require(_CLASS.fullmatch(change.code_class) is not None, codes.BAD_LIMITS_NAME)
    _check_figures(ctx, [(cap.currency, (cap.daily_minor,)) for cap in change.caps])
    key = change.code_class.encode()
    steps = (ctx.get(CODE_CLASSES, key) or ClassSchedule(())).steps
    _check_date(ctx, change.effective_from_s, steps[-1].effective_from_s if steps else 0)
    step = ClassStep(change.effective_from_s, change.caps)
    steps = followed(steps, step, begun=_begun(ctx, steps), at_most=MAX_STEPS)
    require_lowest_static(ctx, change.code_class, steps)
    ctx.put(CODE_CLASSES, key, ClassSchedule(steps))
    ctx.emit(CLASS_CAPS_CHANGED, code_class=change.code_class, effective_from_s=change.effective_from_s)


def require_lowest_static(ctx: Context, changed: str, steps: tuple[ClassStep, ...]) -> None:
    """Printed codes have the lowest cap of all classes, at every date, once `changed` has these steps.

    Raises Rejected(STATIC_CAP_NOT_LOWEST).
    """
    schedules = {changed: steps}
    # The names of classes are single capitals, so that all of them can be asked for.
    for name in ascii_uppercase:
        if name != changed and (other := ctx.get(CODE_CLASSES, name.encode())) is not None:
            schedules[name] = other.steps
    above = static_above(schedules)
    ctx.require(not above, codes.STATIC_CAP_NOT_LOWEST, ", ".join(above))


def set_recovery_time(ctx: Context, change: SetRecoveryTime) -> None:
    """Recoveries that begin from that second on wait so long. Raises MalformedBytes."""
    if not MIN_RECOVERY_S <= change.waiting_s <= MAX_RECOVERY_S:
        raise MalformedBytes("a waiting time that cannot be")
    steps = (ctx.get(RECOVERY_TIMES, ONLY) or RecoverySchedule()).steps
    if change.effective_from_s > MAX_TIME_S or (steps and steps[-1].effective_from_s >= change.effective_from_s):
        raise MalformedBytes("a date that does not follow the last one scheduled")
    step = RecoveryStep(change.effective_from_s, change.waiting_s)
    kept = followed(steps, step, begun=_begun(ctx, steps), at_most=MAX_STEPS)
    ctx.put(RECOVERY_TIMES, ONLY, RecoverySchedule(kept))
    ctx.emit(RECOVERY_TIME_CHANGED, effective_from_s=change.effective_from_s, waiting_s=change.waiting_s)


def _check_figures(ctx: Context, rows: Sequence[tuple[str, tuple[int | None, ...]]]) -> None:
    currencies = [currency for currency, _ in rows]
    ctx.require(len(set(currencies)) == len(currencies), codes.BAD_LIMITS)
    for currency, figures in rows:
        balances.require_currency(ctx, currency)
        for minor in figures:
            ctx.require(minor is None or 0 <= minor <= MAX_MINOR, codes.BAD_LIMITS)


def _check_date(ctx: Context, effective_from_s: int, last_s: int) -> None:
    ctx.require(effective_from_s <= MAX_TIME_S, codes.BAD_LIMITS, "date")
    ctx.require(effective_from_s > last_s, codes.LIMITS_NOT_LATER)


def _begun(ctx: Context, steps: Sequence[TierStep | ClassStep | RecoveryStep]) -> int:
    return sum([step.effective_from_s <= ctx.block.time_s for step in steps])


def _from_s(change: SetTierLimits | SetClassCaps | SetRecoveryTime) -> int:
    return change.effective_from_s


CHANGES: Final = (
    Change("customers.tier", SetTierLimits, set_tier_limits, _from_s),
    Change("customers.code_class", SetClassCaps, set_class_caps, _from_s),
    Change("customers.recovery", SetRecoveryTime, set_recovery_time, _from_s),
)
