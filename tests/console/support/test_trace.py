"""Stepping through a run with the keyboard, at 80 by 24; what-if; explain (ux 31, and no key but the named ones)."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
from textual.pilot import Pilot

from chainpos.console.screens.explained import ExplainScreen
from chainpos.console.screens.trace import StepList, TraceScreen
from chainpos.console.screens.what_if import WhatIfScreen
from chainpos.inspect.steps import CALL, WRITE, Step
from tests.console.looking import key_in, text_of
from tests.console.looking_into import ask, at, day_desk, looking_into, press, type_in


async def test_ux31_steps_forwards_and_backwards_ends_calls_and_counts(day_database: Path, tmp_path: Path) -> None:
    async with looking_into(day_desk(day_database), tmp_path) as (app, pilot):
        await ask(pilot, "XM13-00180")
        await press(pilot, "s")
        steps = at(app, TraceScreen).steps
        assert "p Pane" in text_of(app)
        assert steps.cursor == 0
        await key_in(pilot, "j", "j")
        assert steps.cursor == 2
        await key_in(pilot, "1", "0", "j")
        assert steps.cursor == 12
        await key_in(pilot, "1", "0")
        assert f"10  step 13 of {len(steps.items)}" in text_of(app)
        await key_in(pilot, "k")
        assert steps.cursor == 2
        calls = [at for at, row in enumerate(steps.items) if row.step.kind == CALL]
        await key_in(pilot, "C")
        first = min(at for at in calls if at > 2)
        assert steps.cursor == first
        await key_in(pilot, "3", "C")
        assert steps.cursor == calls[calls.index(first) + 3]
        await key_in(pilot, "c", "c", "c")
        assert steps.cursor == first
        await key_in(pilot, "G")
        assert steps.cursor == len(steps.items) - 1
        await key_in(pilot, "9", "9", "9", "k", "5", "G")
        assert steps.cursor == 4
        await key_in(pilot, "g")
        assert steps.cursor == 0


def first_write(steps: StepList) -> tuple[int, Step]:
    """Where the first account's balance is written."""
    return next(
        (place, row.step)
        for place, row in enumerate(steps.items)
        if row.step.kind == WRITE and row.step.what == "accounts"
    )


@pytest.mark.slow
async def test_ux31_a_write_shows_the_record_before_and_after_and_what_was_done_so_far(
    day_database: Path, tmp_path: Path
) -> None:
    async with looking_into(day_desk(day_database), tmp_path) as (app, pilot):
        await ask(pilot, "XM13-00180")
        await press(pilot, "s")
        place, step = first_write(at(app, TraceScreen).steps)
        await key_in(pilot, *str(place + 1), "G")
        shown = text_of(app)
        assert step.key in shown
        assert f"{dict(step.before or ())['balance_minor']} → {dict(step.after or ())['balance_minor']}" in shown
        await press(pilot, "G", "p")
        shown = text_of(app)
        assert "DONE SO FAR" in shown
        assert "-90.00 CNY" in shown
        assert "+90.00 CNY" in shown
        await press(pilot, "p")
        assert "request · " in text_of(app)
        await press(pilot, "p")
        assert "THE END OF IT" in text_of(app)
        await press(pilot, "p")
        assert "STEP ─" in text_of(app)


async def test_ux31_a_refused_run_opens_at_its_refusal_with_the_rule_and_line(
    day_database: Path, tmp_path: Path
) -> None:
    async with looking_into(day_desk(day_database), tmp_path) as (app, pilot):
        await ask(pilot, "XM13-00180")
        await press(pilot, "down", "s")
        shown = text_of(app)
        assert "✗ 507 already_paid" in shown
        assert re.search(r"contracts/payments/rules\.py:\d+", shown)
        assert "must not hold: request.instrument == DYNAMIC_QR and" in shown
        await press(pilot, "x")
        page = at(app, ExplainScreen).page
        assert page is not None
        assert page.number == 507
        shown = text_of(app)
        assert page.what_en in shown
        assert page.what_zh in shown
        await press(pilot, "escape")
        assert at(app, TraceScreen)


@pytest.mark.slow
@pytest.mark.parametrize("size", [(120, 40), (200, 60)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_ux31_larger_screens_show_the_step_and_what_was_done_beside_the_steps(
    day_database: Path, tmp_path: Path, size: tuple[int, int]
) -> None:
    async with looking_into(day_desk(day_database), tmp_path, size=size) as (app, pilot):
        await ask(pilot, "XM13-00180")
        await press(pilot, "s", "5", "0", "G")
        shown = text_of(app)
        assert "STEP ─" in shown
        assert "DONE SO FAR" in shown
        screen = at(app, TraceScreen)
        assert screen.query_one("#step-box").region.x >= screen.steps.region.right


def _hash_of(database: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(database.parent.glob("chain.db"))
    }


@pytest.mark.slow
async def test_ux31_what_if_the_amount_were_another_is_hypothetical_everywhere_and_touches_nothing(
    day_database: Path, tmp_path: Path
) -> None:
    before = _hash_of(day_database)
    async with looking_into(day_desk(day_database), tmp_path) as (app, pilot):
        await ask(pilot, "XM13-00180")
        await press(pilot, "w", "r")
        assert "Nothing is changed yet" in text_of(app)
        await change(pilot, "message amount_minor", "5000.00", down=1)
        shown = text_of(app)
        assert "≈ 5000.00" in shown
        assert "HYPOTHETICAL: this never happened" in shown
        await press(pilot, "r")
        shown = text_of(app)
        assert "HYPOTHETICAL: this never happened" in shown
        assert "HYPOTHETICAL · STEP" in shown
        assert "It was: accepted. It would have been: overpaid." in shown
        assert "≈ what if 59/3" in shown
        screen = at(app, TraceScreen)
        assert screen.trace is not None
        assert screen.trace.hypothetical
        first = screen.steps.cursor
        assert screen.steps.items[first].mark not in ("", "same")
        await press(pilot, "n")
        assert screen.steps.cursor > first
        # What never happened is no evidence, and is not imagined further.
        await press(pilot, "e", "w")
        assert at(app, TraceScreen) is screen
    assert _hash_of(day_database) == before


@pytest.mark.parametrize(
    ("sought", "value", "down", "would"),
    [
        ("customers tier", "tier_9", 0, "no_limits_in_force"),
        pytest.param("time", "2026-03-02T01:40:00Z", 0, "request_expired", marks=pytest.mark.slow),
        pytest.param("accounts customer balance", "1.00", 0, "insufficient_funds", marks=pytest.mark.slow),
        pytest.param("wallet_tiers single_minor", "10.00", 0, "over_single_limit", marks=pytest.mark.slow),
    ],
)
async def test_ux31_what_if_tier_time_record_and_parameter(
    day_database: Path, tmp_path: Path, sought: str, value: str, down: int, would: str
) -> None:
    async with looking_into(day_desk(day_database), tmp_path) as (app, pilot):
        await ask(pilot, "XM13-00180")
        await press(pilot, "w")
        await change(pilot, sought, value, down=down)
        await press(pilot, "r")
        trace = at(app, TraceScreen).trace
        assert trace is not None
        assert trace.name == would


@pytest.mark.slow
async def test_a_change_that_cannot_be_says_so_and_stays_in_the_form(day_database: Path, tmp_path: Path) -> None:
    async with looking_into(day_desk(day_database), tmp_path) as (app, pilot):
        await ask(pilot, "XM13-00180")
        await press(pilot, "w")
        await change(pilot, "time", "yesterday")
        await press(pilot, "r")
        assert at(app, WhatIfScreen)
        assert "'yesterday' is no time" in text_of(app)


async def change(pilot: Pilot[int], sought: str, value: str, *, down: int = 0) -> None:
    """In the what-if form: find a field, go down to it, type another value."""
    await press(pilot, "f")
    await type_in(pilot, sought)
    await press(pilot, *["down"] * down, "enter")
    await key_in(pilot, "ctrl+u")
    await type_in(pilot, value)
