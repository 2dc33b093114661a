"""What governance decides of settlement: when the cycles of a currency are cut off, from a second on.

It refuses, as a change that cannot be, a currency that is not settled, intervals genesis would refuse, and a date that
does not follow the last one scheduled.
"""

from __future__ import annotations

from typing import Final

import msgspec

from chainpos.core.contracts.context import Change, Context
from chainpos.core.contracts.dated import followed
from chainpos.core.contracts.settlement.records import TIMETABLES, Timetable, TimetableStep
from chainpos.core.values.timestamps import DAY_S, MAX_TIME_S
from chainpos.errors import MalformedBytes

TIMETABLE_CHANGED: Final = "settlement.timetable_changed"
MAX_STEPS: Final = 64
MIN_INTERVAL_S: Final = 10


class SetCutoffs(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Change "settlement.timetable": from `from_s` on a cut-off every `interval_s`, `offset_s` past its multiples."""

    currency: str
    from_s: int
    interval_s: int
    offset_s: int


def set_cutoffs(ctx: Context, change: SetCutoffs) -> None:
    """The currency's timetable has one step more. Raises MalformedBytes."""
    key = change.currency.encode()
    timetable = ctx.get(TIMETABLES, key)
    if timetable is None:
        raise MalformedBytes("the network does not settle in this currency")
    if not MIN_INTERVAL_S <= change.interval_s <= 7 * DAY_S or not 0 <= change.offset_s < change.interval_s:
        raise MalformedBytes("an interval or offset that cannot be")
    if change.from_s > MAX_TIME_S or timetable.steps[-1].from_s >= change.from_s:
        raise MalformedBytes("a date that does not follow the last one scheduled")
    step = TimetableStep(change.from_s, change.interval_s, change.offset_s)
    begun = sum([each.from_s <= ctx.block.time_s for each in timetable.steps])
    kept = followed(timetable.steps, step, begun=begun, at_most=MAX_STEPS)
    ctx.put(TIMETABLES, key, Timetable(kept))
    ctx.emit(
        TIMETABLE_CHANGED,
        currency=change.currency,
        from_s=change.from_s,
        interval_s=change.interval_s,
        offset_s=change.offset_s,
    )


def _from_s(change: SetCutoffs) -> int:
    return change.from_s


CHANGES: Final = (Change("settlement.timetable", SetCutoffs, set_cutoffs, _from_s),)
