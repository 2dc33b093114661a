"""Moving about in a trace, and what had happened up to a step: pure functions over the steps as they are.

It refuses to run anything: a trace is whole before it is looked at, which is why it can be stepped backwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from chainpos.inspect.fields import Fields
from chainpos.inspect.steps import CALL, CHECK, DELETE, EVENT, FAILED, POSTING, READ, REFUSAL, UNDO, WRITE, Step, Trace
from chainpos.inspect.what_if import Comparison

Mark = Literal["", "same", "other", "only", "gone"]
LONGEST_COUNT: Final = 4


class Stepped(msgspec.Struct, frozen=True):
    """One row. In a what-if `mark` says how it stands to the original: the same, other values, only here, only there.

    `other` is the original's step beside it.
    """

    step: Step
    mark: Mark = ""
    other: Step | None = None


class SoFar(msgspec.Struct, frozen=True):
    """What a run had done before and with a step: records by name (before, now), postings, events, reads counted."""

    records: tuple[tuple[str, Fields | None, Fields | None], ...] = ()
    postings: tuple[Step, ...] = ()
    events: tuple[Step, ...] = ()
    reads: int = 0


class Field(msgspec.Struct, frozen=True):
    """One field of a record before and after; `changed` where they differ."""

    name: str
    before: str
    after: str
    changed: bool


def rows_of_trace(trace: Trace) -> tuple[Stepped, ...]:
    """A run as rows."""
    return tuple(Stepped(step) for step in trace.steps)


def rows_of_comparison(real: Trace, imagined: Trace, compared: Comparison) -> tuple[Stepped, ...]:
    """An imagined run beside the real one, in the order in which they pair."""
    rows: list[Stepped] = []
    for ours, theirs in compared.rows:
        was = real.steps[ours] if ours >= 0 else None
        would = imagined.steps[theirs] if theirs >= 0 else None
        if would is None:
            if was is not None:
                rows.append(Stepped(was, "gone", was))
        elif was is None:
            rows.append(Stepped(would, "only"))
        else:
            alike = msgspec.structs.replace(was, index=0) == msgspec.structs.replace(would, index=0)
            rows.append(Stepped(would, "same" if alike else "other", was))
    return tuple(rows)


def call_from(rows: Sequence[Stepped], at: int, count: int) -> int:
    """The place of the `count`th call after a row (before it, if negative); the last one there is."""
    step = 1 if count > 0 else -1
    found = at
    left = abs(count)
    place = at + step
    while left and 0 <= place < len(rows):
        if rows[place].step.kind == CALL:
            found, left = place, left - 1
        place += step
    return found


def difference_from(rows: Sequence[Stepped], at: int, step: int) -> int:
    """The next row (the one before, for -1) that differs from the original; the same row where there is none."""
    place = at + step
    while 0 <= place < len(rows):
        if rows[place].mark not in ("", "same"):
            return place
        place += step
    return at


def so_far(rows: Sequence[Stepped], at: int) -> SoFar:
    """What had happened when a row was done. A roll-back takes back what was written, posted and told before it."""
    log: list[Step] = []
    postings: list[Step] = []
    events: list[Step] = []
    reads = 0
    for row in rows[: at + 1]:
        step = row.step
        if row.mark == "gone":
            continue
        if step.kind == READ:
            reads += 1
        elif step.kind in (WRITE, DELETE):
            log.append(step)
        elif step.kind == UNDO:
            del log[max(len(log) - int(step.detail), 0) :]
            postings, events = [], []
        elif step.kind == POSTING:
            postings.append(step)
        elif step.kind == EVENT:
            events.append(step)
    records: dict[str, tuple[Fields | None, Fields | None]] = {}
    for step in log:
        records[step.key] = (records[step.key][0] if step.key in records else step.before, step.after)
    told = tuple((name, before, after) for name, (before, after) in records.items())
    return SoFar(told, tuple(postings), tuple(events), reads)


def fields_of(before: Fields | None, after: Fields | None) -> tuple[Field, ...]:
    """The fields of a record beside each other, changed ones first."""
    old, new = dict(before or ()), dict(after or ())
    names = list(dict.fromkeys([*old, *new]))
    fields = [Field(name, old.get(name, ""), new.get(name, ""), old.get(name) != new.get(name)) for name in names]
    return tuple(sorted(fields, key=lambda field: not field.changed))


def is_refusal(step: Step) -> bool:
    """Whether this step is where the transaction was refused."""
    return step.kind == REFUSAL or (step.kind == CHECK and step.outcome == FAILED)


def check_before(rows: Sequence[Stepped], at: int) -> Step | None:
    """The check that a refusal hangs on: the failed one just before it."""
    for row in reversed(rows[max(at - 3, 0) : at]):
        if row.step.kind == CHECK:
            return row.step if row.step.outcome == FAILED else None
    return None
