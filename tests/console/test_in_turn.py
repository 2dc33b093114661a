"""Keys that are typed faster than they are answered. All of them stand in the queue before the first is looked at."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from textual import events
from textual.widgets import Static

from chainpos.console.app import ConsoleApp
from chainpos.console.screens.counter import CounterScreen
from chainpos.console.screens.question import Question
from chainpos.till.views import SaleState
from tests.console.looking import go, key_in, opened, settle, until
from tests.console.prepared_figures import cny
from tests.console.prepared_till import PreparedTill


def type_ahead(app: ConsoleApp, *keys: str) -> None:
    for key in keys:
        app.post_message(events.Key(key, "\r" if key == "enter" else key if len(key) == 1 else None))


def requested(till: PreparedTill) -> list[object]:
    return [asked[1] for asked in till.asked if asked[0] == "request"]


async def test_what_is_typed_behind_a_change_of_places_is_for_the_new_place(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await go(pilot, "sales")
        type_ahead(app, "f1", "3", "0", "0", "enter")
        await until(pilot, lambda: bool(requested(till)))
        assert requested(till) == [cny(300)]


async def test_a_digit_behind_enter_is_no_part_of_the_amount_before_it(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        type_ahead(app, "1", "2", "5", "0", "enter", "9", "9")
        await until(pilot, lambda: bool(requested(till)))
        await settle(pilot)
        assert requested(till) == [cny(1_250)]


async def test_what_is_typed_behind_an_answer_is_for_what_lies_below(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, "4", "2", "enter")
        type_ahead(app, "escape", "y", "7", "5", "enter")
        await until(pilot, lambda: len(requested(till)) == 2)
        assert requested(till) == [cny(42), cny(75)]
        assert not isinstance(app.screen, Question)


async def test_a_key_that_gets_stuck_holds_up_the_next_for_a_moment_only(
    till: PreparedTill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chainpos.console.in_turn.STUCK_S", 0.05)

    free = asyncio.Event()

    class Stuck(Static, can_focus=True):
        async def on_key(self) -> None:
            await free.wait()

    async with opened(till, tmp_path) as (app, pilot):
        stuck = Stuck()
        await app.screen.mount(stuck)
        stuck.focus()
        await settle(pilot)
        type_ahead(app, "f2")
        await asyncio.sleep(0.1)
        app.screen.set_focus(None)
        type_ahead(app, "4")
        try:
            for _ in range(1_000):
                if isinstance(app.screen, CounterScreen) and app.screen.keyed:
                    break
                await asyncio.sleep(0.01)
            assert isinstance(app.screen, CounterScreen)
            assert app.screen.keyed == "4"
        finally:
            free.set()
        await settle(pilot)


async def test_enter_while_a_finished_sale_is_still_put_away_is_taken_when_it_is(
    till: PreparedTill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_end, dismiss = asyncio.Event(), till.dismiss

    async def slowly() -> None:
        await may_end.wait()
        await dismiss()

    monkeypatch.setattr(till, "dismiss", slowly)
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, "4", "2", "enter")
        till.move_sale(SaleState.PAID)
        await settle(pilot)
        await key_in(pilot, "enter", "3", "0", "0", "enter")
        assert requested(till) == [cny(42)]
        may_end.set()
        await until(pilot, lambda: len(requested(till)) == 2)
        assert requested(till) == [cny(42), cny(300)]
        # Pressed once, it asked for one code.
        await settle(pilot)
        assert len(requested(till)) == 2
        assert app.view is not None
        assert app.view.sale is not None
