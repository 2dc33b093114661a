"""Moving about in a trace, and what had happened up to a step."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainpos.console.stepping import Stepped, call_from, difference_from, fields_of, rows_of_trace, so_far
from chainpos.inspect.source import StoreSource
from chainpos.inspect.steps import CALL, CHECK, READ, UNDO, WRITE, Step
from chainpos.inspect.trace import trace_transaction
from tests.inspect.recorded import places


def rows(kinds: str) -> tuple[Stepped, ...]:
    """One row a letter: c is a call, anything else is not."""
    return tuple(Stepped(Step(index=i, depth=0, kind=CALL if k == "c" else CHECK, what=k)) for i, k in enumerate(kinds))


@pytest.mark.parametrize(
    ("kinds", "at", "count", "found"),
    [("c..c.c", 0, 1, 3), ("c..c.c", 0, 2, 5), ("c..c.c", 0, 9, 5), ("c..c.c", 5, -1, 3), ("c..c.c", 4, -9, 0),
     ("....", 1, 1, 1), ("c", 0, -1, 0)],
)  # fmt: skip
def test_the_nth_call_from_a_step_or_the_last_there_is(kinds: str, at: int, count: int, found: int) -> None:
    assert call_from(rows(kinds), at, count) == found


@given(st.text("c.", min_size=1, max_size=40), st.data())
def test_stepping_on_and_back_over_calls_comes_home(kinds: str, data: st.DataObject) -> None:
    calls = [at for at, kind in enumerate(kinds) if kind == "c"]
    if len(calls) < 2:
        return
    at = data.draw(st.integers(0, len(calls) - 2))
    count = data.draw(st.integers(1, len(calls) - 1 - at))
    there = call_from(rows(kinds), calls[at], count)
    assert there == calls[at + count]
    assert call_from(rows(kinds), there, -count) == calls[at]


def test_differences_are_found_both_ways() -> None:
    marked = tuple(
        msgspec.structs.replace(row, mark=mark)
        for row, mark in zip(rows("......"), ("same", "other", "same", "gone", "only", "same"), strict=True)
    )
    assert [difference_from(marked, at, 1) for at in range(6)] == [1, 3, 3, 4, 4, 5]
    assert [difference_from(marked, at, -1) for at in range(6)] == [0, 1, 1, 1, 3, 4]


def test_a_roll_back_takes_back_what_was_written_before_it() -> None:
    def write(key: str, before: str, after: str) -> Stepped:
        step = Step(index=0, depth=0, kind=WRITE, what="t", key=key, before=(("v", before),), after=(("v", after),))
        return Stepped(step)

    undo = Stepped(Step(index=0, depth=0, kind=UNDO, what="rollback", detail="2"))
    steps = (write("a", "1", "2"), write("a", "2", "3"), write("b", "7", "8"), undo)
    assert so_far(steps, 1).records == (("a", (("v", "1"),), (("v", "3"),)),)
    assert len(so_far(steps, 2).records) == 2
    assert so_far(steps, 3).records == (("a", (("v", "1"),), (("v", "2"),)),)


def test_what_was_done_by_the_end_of_a_real_run_is_what_the_run_wrote(day: StoreSource) -> None:
    seen = 0
    for height, index, result in places(day, kind="balances.posted"):
        trace = trace_transaction(day, height, index)
        done = so_far(rows_of_trace(trace), len(trace.steps) - 1)
        really = {name: (before, after) for name, before, after in done.records if before != after}
        assert really == {write.name: (write.fields_before, write.fields_after) for write in trace.writes}
        assert len(done.events) == sum(event.type != "balances.posted" for event in result.events)
        assert done.reads == sum(step.kind == READ for step in trace.steps)
        seen += 1
        if seen == 12:
            break
    assert seen == 12


def test_changed_fields_come_first() -> None:
    fields = fields_of((("a", "1"), ("b", "2"), ("c", "3")), (("a", "1"), ("b", "5"), ("d", "4")))
    assert [(field.name, field.changed) for field in fields] == [("b", True), ("c", True), ("d", True), ("a", False)]
    assert [field.changed for field in fields_of(None, (("x", "1"),))] == [True]
