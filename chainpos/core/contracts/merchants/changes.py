"""What governance decides of merchants: how long changed terms, and another owner, wait; from a second on.

It refuses, as a change that cannot be, delays out of bounds and a date that does not follow the last one scheduled.
"""

from __future__ import annotations

from typing import Final

import msgspec

from chainpos.core.contracts.context import Change, Context
from chainpos.core.contracts.dated import followed
from chainpos.core.contracts.merchants.events import DELAYS_CHANGED
from chainpos.core.contracts.merchants.records import (
    DELAYS,
    MAX_DELAY_S,
    MAX_STEPS,
    MIN_DELAY_S,
    ONLY,
    DelaySchedule,
    DelayStep,
)
from chainpos.core.values.timestamps import MAX_TIME_S
from chainpos.errors import MalformedBytes


class SetDelays(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Change "merchants.delays": seconds that changed terms and another owner wait, from `effective_from_s` on.

    A minute to 90 days each. What was announced before keeps its own time.
    """

    effective_from_s: int
    terms_s: int
    owner_recovery_s: int


def set_delays(ctx: Context, change: SetDelays) -> None:
    """What is announced from that second on waits so long. Raises MalformedBytes."""
    if not all(MIN_DELAY_S <= delay_s <= MAX_DELAY_S for delay_s in (change.terms_s, change.owner_recovery_s)):
        raise MalformedBytes("a delay that cannot be")
    steps = (ctx.get(DELAYS, ONLY) or DelaySchedule()).steps
    if change.effective_from_s > MAX_TIME_S or (steps and steps[-1].effective_from_s >= change.effective_from_s):
        raise MalformedBytes("a date that does not follow the last one scheduled")
    step = DelayStep(change.effective_from_s, change.terms_s, change.owner_recovery_s)
    begun = sum([each.effective_from_s <= ctx.block.time_s for each in steps])
    ctx.put(DELAYS, ONLY, DelaySchedule(followed(steps, step, begun=begun, at_most=MAX_STEPS)))
    ctx.emit(
        DELAYS_CHANGED,
        effective_from_s=change.effective_from_s,
        terms_s=change.terms_s,
        owner_recovery_s=change.owner_recovery_s,
    )


def _from_s(change: SetDelays) -> int:
    return change.effective_from_s


CHANGES: Final = (Change("merchants.delays", SetDelays, set_delays, _from_s),)
