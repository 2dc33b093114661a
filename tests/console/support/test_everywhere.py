"""What holds on every one of support's screens: sizes, languages, themes, terminals, mouse, its tab at the counter."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.screen import Screen

from chainpos.console.inspecting import InspectApp
from chainpos.console.language import load_texts
from chainpos.console.screens.card import CardScreen
from chainpos.console.screens.case_form import CaseForm
from chainpos.console.screens.explained import ExplainScreen
from chainpos.console.screens.support import SupportScreen
from chainpos.console.screens.timeline import TimelineScreen
from chainpos.console.screens.trace import TraceScreen
from chainpos.console.screens.what_if import WhatIfScreen
from chainpos.inspect.words import words_in
from tests.console.looking import SIZES, go, key_in, opened, settle, text_of
from tests.console.looking_into import answered, ask, at, day_desk, looking_into, press, type_in
from tests.console.prepared_till import PreparedTill
from tests.console.test_sizes import THEMES, assert_no_overflow, illegible

pytestmark = pytest.mark.slow

# From one screen to the next: the keys that lead there.
WAY: tuple[tuple[type[Screen[Any]], tuple[str, ...]], ...] = (
    (SupportScreen, ()), (TimelineScreen, ("t",)), (CardScreen, ("enter",)), (TraceScreen, ("s",)),
    (TraceScreen, ("p",)), (TraceScreen, ("p",)), (TraceScreen, ("p",)), (WhatIfScreen, ("w",)),
)  # fmt: skip


@asynccontextmanager
async def every_screen(
    database: Path, folder: Path, **options: Any
) -> AsyncIterator[tuple[InspectApp, Pilot[int], AsyncIterator[str]]]:
    async with looking_into(day_desk(database), folder, **options) as (app, pilot):

        async def walk() -> AsyncIterator[str]:
            yield "start"
            await ask(pilot, "ab" * 32)
            yield "nothing"
            await ask(pilot, "XM13-00180")
            for screen, keys in WAY:
                await press(pilot, *keys)
                at(app, screen)
                yield screen.__name__
            await press(pilot, "f")
            await type_in(pilot, "time")
            await press(pilot, "enter")
            await key_in(pilot, "ctrl+u")
            await type_in(pilot, "2026-03-02T03:00:00Z")
            yield "changed"
            await press(pilot, "r")
            at(app, TraceScreen)
            yield "hypothetical"
            await press(pilot, "x")
            at(app, ExplainScreen)
            yield "explained"
            await key_in(pilot, "slash")
            await press(pilot, "down", "e")
            at(app, CaseForm)
            yield "case form"

        yield app, pilot, walk()


@pytest.mark.parametrize(
    ("language", "size"),
    [
        pytest.param(language, size, marks=[] if (language, size[0]) == ("zh", 80) else pytest.mark.slow)
        for language in ("en", "zh")
        for size in SIZES
    ],
)
async def test_ux19_every_screen_of_supports_fits_every_size(
    day_database: Path, tmp_path: Path, size: tuple[int, int], language: str
) -> None:
    async with every_screen(day_database, tmp_path, size=size, language=language) as (app, _, walk):
        async for _name in walk:
            assert_no_overflow(app, size)


@pytest.mark.slow
@pytest.mark.parametrize("theme", THEMES)
async def test_ux20_what_support_reads_is_legible_in_every_theme(
    day_database: Path, tmp_path: Path, theme: str
) -> None:
    async with every_screen(day_database, tmp_path, theme=theme) as (app, _, walk):
        async for name in walk:
            if name != "case form":
                assert illegible(app) == set(), name


@pytest.mark.slow
async def test_ux20_an_ascii_terminal_is_enough(day_database: Path, tmp_path: Path) -> None:
    async with every_screen(day_database, tmp_path, glyphs="ascii") as (app, _, walk):
        async for name in walk:
            assert text_of(app).isascii(), name


@pytest.mark.slow
async def test_ux18_a_language_switch_reaches_every_open_screen(day_database: Path, tmp_path: Path) -> None:
    async with looking_into(day_desk(day_database), tmp_path) as (app, pilot):
        await ask(pilot, "XM13-00180")
        await press(pilot, "t", "s", "f8")
        zh = load_texts("zh")
        assert zh("trace.pane_step") in text_of(app)
        assert "时间线" in text_of(app)
        await press(pilot, "escape")
        assert zh("timeline.stage") in text_of(app)
        assert words_in("zh").stage("paid_out") in text_of(app)
        await press(pilot, "escape")
        assert zh("support.absent") in text_of(app)
        assert zh("support.hint") == app.screen.query_one("#sought").placeholder  # type: ignore[attr-defined]


@pytest.mark.slow
async def test_ux17_a_row_is_opened_and_a_key_pressed_with_the_mouse(day_database: Path, tmp_path: Path) -> None:
    async with looking_into(day_desk(day_database), tmp_path) as (app, pilot):
        await ask(pilot, "XM13-00180")
        await pilot.click("#hits", offset=(10, 2))
        await settle(pilot)
        await pilot.click("#hits", offset=(10, 2))
        await answered(pilot)
        assert "transaction 59/4" in text_of(app)
        row = text_of(app).splitlines()[-1]
        await pilot.click(offset=(row.index("Steps"), 23))
        await answered(pilot)
        await pilot.click("#steps", offset=(10, 2))
        await settle(pilot)
        assert at(app, TraceScreen).steps.items


async def test_support_is_a_place_of_the_tills_console_too_and_its_chain_is_the_tills(
    till: PreparedTill, day_database: Path, tmp_path: Path
) -> None:
    async with opened(till, tmp_path, support=day_desk(day_database)) as (app, pilot):
        await go(pilot, "ledger")
        await key_in(pilot, "f10")
        assert app.current_mode == "support"
        assert_no_overflow(app, (80, 24))
        await type_in(pilot, "XM13-00180")
        await answered(pilot)
        assert "refused 507" in text_of(app)
        await press(pilot, "t")
        await key_in(pilot, "f4")
        assert app.current_mode == "ledger"
        await key_in(pilot, "slash")
        assert isinstance(app.screen, SupportScreen)
        assert app.screen.query_one("#sought").has_focus


async def test_without_a_chain_to_look_into_support_is_no_place(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, "f10")
        assert app.current_mode == "counter"
        assert "Support" not in text_of(app)
