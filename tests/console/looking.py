"""Opening the console on a prepared till, keying as a person does, and reading what the terminal would show."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot
from textual.strip import Strip

from chainpos.console.app import ConsoleApp, Voice
from chainpos.console.filters import Glyphs
from chainpos.console.settings import Settings
from chainpos.console.shell import Shell
from chainpos.inspect.support import SupportDesk
from tests.console.prepared_till import PreparedTill

SNAPSHOTS = Path(__file__).parent / "snapshots"
CHARACTERS = {
    "space": " ", "slash": "/", "question_mark": "?", "full_stop": ".", "percent_sign": "%", "plus": "+",
    "minus": "-", "asterisk": "*", "equals_sign": "=",
}  # fmt: skip
# A person's keys are further apart than a scanner's: a second, by their own clock.
MOMENTS = count(1)
SIZES = ((60, 20), (80, 24), (120, 40), (200, 60))
PAGES = ("counter", "sales", "settlement", "ledger", "node")
LANGUAGES = ("en", "zh")


def in_turns(cases: Sequence[Any], name: Callable[[Any], str] = str) -> list[Any]:
    """Parameters (language, case): each case in one language by default, in turn; in the other where time allows."""
    return [
        pytest.param(
            language, case, id=f"{language}-{name(case)}", marks=[] if place % 2 == odd else [pytest.mark.slow]
        )
        for odd, language in enumerate(LANGUAGES)
        for place, case in enumerate(cases)
    ]


class HeardApp(ConsoleApp):
    """Counts the bells."""

    bells = 0

    def bell(self) -> None:
        self.bells += 1


@asynccontextmanager
async def opened(
    till: PreparedTill,
    folder: Path,
    *,
    size: tuple[int, int] = (80, 24),
    theme: str = "light",
    language: str = "en",
    voice: Voice | None = None,
    glyphs: Glyphs = "full",
    voice_on: bool = False,
    support: SupportDesk | None = None,
) -> AsyncIterator[tuple[HeardApp, Pilot[int]]]:
    """The console, up and settled."""
    settings = Settings(theme=theme, language="zh" if language == "zh" else "en", voice=voice_on)
    app = HeardApp(
        till, now_ns=till.now_ns, folder=folder, settings=settings, voice=voice, zone=UTC, glyphs=glyphs,
        support=support,
    )  # fmt: skip
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        yield app, pilot


async def settle(pilot: Pilot[int], seconds: float = 0.06) -> None:
    """Until views, held keys and layout have found their places."""
    await pilot.pause(seconds)
    await pilot.pause()


async def key_in(pilot: Pilot[int], *keys: str) -> None:
    """Press keys as a person does: the keys say that they are far apart, so that no test has to wait for it."""
    for key in keys:
        event = events.Key(key, CHARACTERS.get(key, key if len(key) == 1 else None))
        event.time = next(MOMENTS)
        pilot.app.post_message(event)
        await pilot.pause()
    await settle(pilot)


async def scan(pilot: Pilot[int], code: str, *, end: str = "enter") -> None:
    """Type as a scanner does."""
    assert isinstance(pilot.app, ConsoleApp)
    for character in code:
        pilot.app.post_message(events.Key(character, character))
    if end:
        pilot.app.post_message(events.Key(end, None))
    await settle(pilot, 0.15)
    # Without an end it is known for broken only when no more of it has come for a while.
    while pilot.app._burst.text:
        await settle(pilot)


async def until(pilot: Pilot[int], holds: Callable[[], bool], what: str = "") -> None:
    """Until something holds: the book writes in a thread of its own."""
    for _ in range(400):
        if holds():
            return
        await settle(pilot, 0.02)
    pytest.fail(f"waited in vain {what}")


async def go(pilot: Pilot[int], page: str) -> None:
    """To a screen by its key."""
    await pilot.press(f"f{PAGES.index(page) + 1}")
    await settle(pilot, 0.15)


def strips_of(app: Shell) -> list[Strip]:
    """The rows of the screen as Textual would write them."""
    return app.screen._compositor.render_strips()


def text_of(app: Shell) -> str:
    """What can be read, row by row."""
    return "\n".join(strip.text.rstrip() for strip in strips_of(app))


def ansi_of(app: Shell) -> str:
    """What the terminal is sent, row by row, in the colours that the console believes it has."""
    rows = (strip.render(app.console) for strip in strips_of(app))
    return "".join(f"\x1b[{y + 1};1H{row}" for y, row in enumerate(rows))


def assert_snapshot(name: str, text: str) -> None:
    """The text is what the golden file says; CHAINPOS_SNAPSHOTS=write writes the files anew, to be read in a diff."""
    path = SNAPSHOTS / f"{name}.txt"
    if os.environ.get("CHAINPOS_SNAPSHOTS") == "write":
        path.write_text(text + "\n", encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text + "\n"
