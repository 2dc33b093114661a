"""What was drawn is kept and only what changed is sent: key by key, as if all of it were drawn anew."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pyte
import pytest
from textual.pilot import Pilot
from textual.widget import Widget

from tests.console.looking import HeardApp, ansi_of, key_in, opened, settle
from tests.console.prepared_till import PreparedTill
from tests.terminal_picture import screen_of

pytestmark = pytest.mark.slow
COLUMNS, ROWS = 100, 30
KEYS = (
    "1", "2", "enter", "escape", "escape", "f6", "t", "e", "escape", "t", "a", "down", "enter", "enter", "escape", "y",
    "ctrl+o", "escape", "escape", "y", "f2", "down", "r", "5", "escape", "f4", "f5", "f11", "question_mark", "escape",
    "ctrl+p", "r", "escape", "f8", "f1", "f9", "f2", "f9", "f1",
)  # fmt: skip


def heard(app: HeardApp, monkeypatch: pytest.MonkeyPatch) -> pyte.Screen:
    """A terminal in memory that is sent what a real one would be."""
    screen = pyte.Screen(COLUMNS, ROWS)
    stream, shown = pyte.Stream(screen), app._display

    def display(screen_of_it: Any, update: Any) -> None:
        if update is not None:
            stream.feed(update.render_segments(app.console))
        shown(screen_of_it, update)

    monkeypatch.setattr(app, "_display", display)
    app.screen.refresh()
    return screen


def differing(app: HeardApp, terminal: pyte.Screen) -> list[tuple[int, int, str, str]]:
    """Cells that another terminal, sent the whole screen at once, shows otherwise: there, and here."""
    whole = screen_of(ansi_of(app), COLUMNS, ROWS)
    return [
        (y, x, whole.buffer[y][x].data, terminal.buffer[y][x].data)
        for y in range(ROWS)
        for x in range(COLUMNS)
        if whole.buffer[y][x] != terminal.buffer[y][x]
    ]


async def same(app: HeardApp, terminal: pyte.Screen, pilot: Pilot[int]) -> list[tuple[int, int, str, str]]:
    """What still differs once everything has been drawn."""
    found = differing(app, terminal)
    for _ in range(20):
        if not found:
            break
        await settle(pilot)
        await asyncio.sleep(0.05)
        found = differing(app, terminal)
    return found


async def test_the_terminal_shows_what_the_console_composed_after_every_key(
    till: PreparedTill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(till, tmp_path, size=(COLUMNS, ROWS)) as (app, pilot):
        terminal = heard(app, monkeypatch)
        await settle(pilot)
        assert not await same(app, terminal, pilot)
        for at, key in enumerate(KEYS):
            await key_in(pilot, key)
            assert not (left := await same(app, terminal, pilot)), (KEYS[: at + 1], left[:9])


def drawn_anew(app: HeardApp) -> str:
    """The screen when nobody remembers how anything was drawn before."""
    for screen in app.screen_stack:
        for widget in screen.walk_children(Widget, with_self=True):
            widget.refresh()
            widget._styles_cache = type(widget._styles_cache)()
            vars(widget).pop("_drawn", None)
            vars(widget).pop("_drawn_for", None)
    return ansi_of(app)


async def test_what_is_kept_of_a_drawing_is_what_would_be_drawn_anew_after_every_key(
    till: PreparedTill, tmp_path: Path
) -> None:
    """What lies under a dialog is remembered too, tinted."""
    async with opened(till, tmp_path, size=(COLUMNS, ROWS)) as (app, pilot):
        for at, key in enumerate(KEYS):
            await key_in(pilot, key)
            await settle(pilot)
            kept = ansi_of(app)
            assert kept == drawn_anew(app), KEYS[: at + 1]
            await settle(pilot)


async def test_a_new_code_is_drawn_once(till: PreparedTill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a new layout: telling its size to each part of the screen must not draw that part again."""
    async with opened(till, tmp_path, size=(COLUMNS, ROWS)) as (app, pilot):
        await key_in(pilot, "1", "2")
        sent: list[str] = []
        shown = app._display

        def display(screen: Any, update: Any) -> None:
            if update is not None:
                sent.append(update.render_segments(app.console))
            shown(screen, update)

        monkeypatch.setattr(app, "_display", display)
        await key_in(pilot, "enter")
        await settle(pilot)
        assert len([each for each in sent if "WAITING" in each]) == 1
