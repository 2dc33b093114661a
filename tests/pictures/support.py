"""Support's screens, on the sample day: what became of a payment, and why."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from textual.pilot import Pilot

from chainpos.console.shell import Shell
from tests.console.looking_into import answered, ask, day_desk, looking_into, press
from tests.pictures import things
from tests.pictures.scenes import PAID, Scene


async def _search(pilot: Pilot[int]) -> None:
    await ask(pilot, PAID)


async def _absent(pilot: Pilot[int]) -> None:
    await ask(pilot, "NOBODY-7")


def _pressed(*keys: str) -> Callable[[Pilot[int]], Awaitable[None]]:
    async def play(pilot: Pilot[int]) -> None:
        await ask(pilot, PAID)
        await press(pilot, *keys)

    return play


SCENES = (
    Scene("support", "Anything is found by one field", _search),
    Scene("support-absent", "Nothing found, and which kind of nothing", _absent),
    Scene("timeline", "What became of a payment, each step with its evidence", _pressed("t")),
    Scene("trace", "The run again, step by step, forwards and backwards", _pressed("s", "8", "8", "G")),
    Scene("trace-refused", "A refused run opens at the rule and line that refused it", _pressed("down", "s")),
    Scene("trace-back", "Backwards, with what had been done so far", _pressed("s", "G", "1", "2", "k", "p")),
    *things.SCENES,
    Scene("explain", "What a code means, and what to tell the customer", _pressed("down", "s", "x")),
)


@asynccontextmanager
async def on_day(
    scene: Scene, database: Path, folder: Path, size: tuple[int, int], language: str, theme: str
) -> AsyncIterator[Shell]:
    """The console as it looks at the end of a scene."""
    desk = day_desk(database)
    async with looking_into(desk, folder, size=size, language=language, theme=theme) as (app, pilot):
        await scene.play(pilot)
        await answered(pilot)
        yield app
