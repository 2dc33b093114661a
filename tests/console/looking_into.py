"""Opening support's console on the sample day, with a shop's book beside it where a test asks for one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC
from pathlib import Path
from typing import Any, TypeVar

from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input

from chainpos.console.filters import Glyphs
from chainpos.console.inspecting import InspectApp
from chainpos.console.settings import Settings
from chainpos.inspect.source import StoreSource
from chainpos.inspect.support import SupportDesk
from chainpos.store.chain import ChainReader
from tests.console.looking import CHARACTERS, key_in
from tests.console.prepared_figures import NOON_NS

S = TypeVar("S", bound=Screen[Any])
PATIENCE_TURNS = 600


def day_desk(database: Path, *, book: Path | None = None) -> SupportDesk:
    """The sample day's database, opened as a node's would be."""

    @contextmanager
    def opening(_: object):  # type: ignore[no-untyped-def]
        with ChainReader.open(database) as reader:
            yield StoreSource(reader, "day")

    return SupportDesk(opening, "day", book=book)


@asynccontextmanager
async def looking_into(
    desk: SupportDesk,
    folder: Path,
    *,
    size: tuple[int, int] = (80, 24),
    theme: str = "light",
    language: str = "en",
    glyphs: Glyphs = "full",
    case: Path | None = None,
) -> AsyncIterator[tuple[InspectApp, Pilot[int]]]:
    """Support's console, up and settled."""
    settings = Settings(theme=theme, language="zh" if language == "zh" else "en")
    app = InspectApp(
        case=case, now_ns=lambda: NOON_NS, support=desk, folder=folder, settings=settings, zone=UTC, glyphs=glyphs
    )  # fmt: skip
    async with app.run_test(size=size) as pilot:
        await answered(pilot)
        yield app, pilot


async def answered(pilot: Pilot[int]) -> None:
    """Until every question has its answer and the screen has settled."""
    for _ in range(PATIENCE_TURNS):
        await pilot.pause(0.02)
        if not any(worker.is_running and worker.group != "feed" for worker in pilot.app.workers):
            break
    await pilot.pause()


async def ask(pilot: Pilot[int], words: str) -> None:
    """Search for words, from wherever one is."""
    if not isinstance(pilot.app.focused, Input):
        await key_in(pilot, "slash")
    await type_in(pilot, words)


async def type_in(pilot: Pilot[int], text: str) -> None:
    """Letters, then Enter, then whatever comes of it."""
    names = {character: name for name, character in CHARACTERS.items()}
    await key_in(pilot, *(names.get(each, each) for each in text), "enter")
    await answered(pilot)


async def press(pilot: Pilot[int], *keys: str) -> None:
    """Keys as a person presses them, each answered before the next."""
    for each in keys:
        await key_in(pilot, each)
        await answered(pilot)


def at(app: InspectApp, screen: type[S]) -> S:
    """The present screen, which is one of that kind."""
    found = app.screen
    assert isinstance(found, screen)
    return found
