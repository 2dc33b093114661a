"""Opening the operator's console on a real node."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC
from pathlib import Path

from textual.pilot import Pilot

from chainpos.console.filters import Glyphs
from chainpos.console.operating import OperatorApp
from chainpos.console.screens.operator import OperatorScreen
from chainpos.console.settings import Settings
from chainpos.inspect.operating import OperatorDesk
from chainpos.inspect.support import home_desk, node_desk
from tests.console.looking import text_of

PATIENCE_S = 90.0


@asynccontextmanager
async def operating(
    address: str,
    folder: Path,
    *,
    home: Path | None = None,
    may_change: bool = False,
    size: tuple[int, int] = (100, 30),
    theme: str = "light",
    language: str = "en",
    glyphs: Glyphs = "full",
) -> AsyncIterator[tuple[OperatorApp, Pilot[int]]]:
    """The operator's console, up, with its first report."""
    settings = Settings(theme=theme, language="zh" if language == "zh" else "en")
    app = OperatorApp(
        OperatorDesk(address, time.time_ns, home=home, may_change=may_change),
        node_desk(address) if home is None else home_desk(home),
        now_ns=time.time_ns, folder=folder, settings=settings, zone=UTC, glyphs=glyphs,
    )  # fmt: skip
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.node is not None)
        yield app, pilot


async def until(pilot: Pilot[int], holds: Callable[[], bool]) -> None:
    """Wait on a condition, with a generous bound."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, text_of(pilot.app)  # type: ignore[arg-type]
        await pilot.pause(0.05)
    await pilot.pause()


async def shows(pilot: Pilot[int], *parts: str) -> str:
    """The screen's text once it has all the parts."""
    await until(pilot, lambda: all(part in text_of(pilot.app) for part in parts))  # type: ignore[arg-type]
    return text_of(pilot.app)  # type: ignore[arg-type]


def screen_of(app: OperatorApp) -> OperatorScreen:
    """The operator's screen, which is the present one."""
    assert isinstance(app.screen, OperatorScreen)
    return app.screen
