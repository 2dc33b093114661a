"""Settlement as genesis names it: app_state's section "settlement", the currencies' cut-offs.

It refuses rows out of order, an interval under ten seconds, and currencies that the network does not carry.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec

from chainpos.core.contracts.context import Context, decode_section, genesis_row
from chainpos.core.contracts.settlement.records import (
    CLOCKS,
    TIMETABLES,
    Clock,
    Timetable,
    TimetableStep,
    last_cutoff,
)
from chainpos.core.values.currency import CURRENCIES
from chainpos.core.values.timestamps import DAY_S

MAX_STEPS: Final = 64
_Seconds = Annotated[int, msgspec.Meta(ge=0)]


class _Cycle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    currency: str
    interval_s: Annotated[int, msgspec.Meta(ge=10, le=7 * DAY_S)]
    offset_s: _Seconds = 0
    from_s: _Seconds = 0


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    cycles: tuple[_Cycle, ...] = ()


def load_genesis(ctx: Context, section: Any) -> None:
    """Writes the timetables; the first cycle of each ends at its first cut-off after genesis."""
    for index, row in enumerate(decode_section(section, _Section).cycles):
        with genesis_row(f"cycles[{index}]"):
            _add_step(ctx, row)


def _add_step(ctx: Context, row: _Cycle) -> None:
    if row.currency not in CURRENCIES:
        raise ValueError(f"unknown currency {row.currency!r}")
    if row.offset_s >= row.interval_s:
        raise ValueError("an offset of a whole interval or more")
    key = row.currency.encode()
    before = ctx.get(TIMETABLES, key)
    steps = () if before is None else before.steps
    if len(steps) >= MAX_STEPS or (steps and steps[-1].from_s >= row.from_s):
        raise ValueError("a currency's rows do not ascend by date, or are too many")
    timetable = Timetable((*steps, TimetableStep(row.from_s, row.interval_s, row.offset_s)))
    ctx.put(TIMETABLES, key, timetable)
    ctx.put(CLOCKS, key, Clock(0, last_cutoff(timetable, ctx.block.time_s)))
