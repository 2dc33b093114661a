"""What governance decides of customers: the limits of a wallet tier, the caps of a class of codes, from a second on.

They refuse limits that name a currency twice, or that do not follow those that are scheduled.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from chainpos.core.contracts.balances import port as balances
from chainpos.core.contracts.context import Change, Context
from chainpos.core.contracts.customers import codes
from chainpos.core.contracts.customers.events import CLASS_CAPS_CHANGED, TIER_LIMITS_CHANGED
from chainpos.core.contracts.customers.records import (
    CODE_CLASSES,
    MAX_STEPS,
    TIERS,
    ClassCap,
    ClassSchedule,
    ClassStep,
    TierLimits,
    TierSchedule,
    TierStep,
)
from chainpos.core.values.amount import MAX_MINOR
from chainpos.core.values.timestamps import MAX_TIME_S

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


def set_tier_limits(ctx: Context, change: SetTierLimits) -> None:
    """The tier has these limits from that second on."""
    ctx.require(_TIER.fullmatch(change.tier) is not None, codes.BAD_LIMITS_NAME)
    figures = [(row.currency, (row.single_minor, row.daily_minor, row.balance_minor)) for row in change.limits]
    _check_figures(ctx, figures)
    key = change.tier.encode()
    steps = (ctx.get(TIERS, key) or TierSchedule(())).steps
    _check_date(ctx, change.effective_from_s, steps[-1].effective_from_s if steps else 0)
    step = TierStep(change.effective_from_s, change.limits)
    ctx.put(TIERS, key, TierSchedule((*steps, step)[-MAX_STEPS:]))
    ctx.emit(TIER_LIMITS_CHANGED, tier=change.tier, effective_from_s=change.effective_from_s)


def set_class_caps(ctx: Context, change: SetClassCaps) -> None:
    """The class has these caps from that second on."""
    ctx.require(_CLASS.fullmatch(change.code_class) is not None, codes.BAD_LIMITS_NAME)
    _check_figures(ctx, [(cap.currency, (cap.daily_minor,)) for cap in change.caps])
    key = change.code_class.encode()
    steps = (ctx.get(CODE_CLASSES, key) or ClassSchedule(())).steps
    _check_date(ctx, change.effective_from_s, steps[-1].effective_from_s if steps else 0)
    step = ClassStep(change.effective_from_s, change.caps)
    ctx.put(CODE_CLASSES, key, ClassSchedule((*steps, step)[-MAX_STEPS:]))
    ctx.emit(CLASS_CAPS_CHANGED, code_class=change.code_class, effective_from_s=change.effective_from_s)


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


def _from_s(change: SetTierLimits | SetClassCaps) -> int:
    return change.effective_from_s


CHANGES: Final = (
    Change("customers.tier", SetTierLimits, set_tier_limits, _from_s),
    Change("customers.code_class", SetClassCaps, set_class_caps, _from_s),
)
