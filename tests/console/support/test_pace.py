"""Keys are answered while the desk works, and a hundred thousand results scroll (ux 22, 25)."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from chainpos.console.screens.support import SupportScreen
from chainpos.inspect.search import MAX_HITS, Answer, Hit
from chainpos.inspect.support import SupportDesk
from tests.console.looking import key_in
from tests.console.looking_into import ask, at, day_desk, looking_into, press

MOST = 100_000
KEYS = 15


class LongDesk(SupportDesk):
    """As many hits as anybody may hold."""

    async def search(self, text: str, limit: int = MAX_HITS) -> Answer:  # noqa: ARG002
        hits = tuple(
            Hit(kind="transaction", name=f"{number:064x}", summary=f"payments.pay {number}", height=number, index=0)
            for number in range(MOST)
        )
        return Answer(text=text, height=MOST, hits=hits, absences=())


@pytest.mark.slow
async def test_ux25_a_hundred_thousand_results_scroll(tmp_path: Path) -> None:
    async with looking_into(LongDesk(None, "long"), tmp_path) as (app, pilot):
        await ask(pilot, "12.50")
        hits = at(app, SupportScreen).hits
        assert len(hits.items) == MOST
        begun = time.thread_time()
        for _ in range(10):
            await key_in(pilot, "pagedown")
        await key_in(pilot, "G", "k", "g")
        assert hits.cursor == 0
        await key_in(pilot, "G")
        assert hits.cursor == MOST - 1
        # Thirteen keys of a list that drew what it holds would be minutes; generous for a busy machine.
        assert time.thread_time() - begun < 10


@pytest.mark.bench
async def test_ux22_keys_are_answered_while_the_desk_runs_traces(day_database: Path, tmp_path: Path) -> None:
    """The longest from a key to its effect, in CPU time of the screen's own thread and by the clock."""
    desk = day_desk(day_database)
    async with looking_into(desk, tmp_path) as (app, pilot):
        await ask(pilot, "2026-03-02")
        screen = at(app, SupportScreen)

        took: list[float] = []
        for busy in (False, True):
            took.clear()
            if busy:
                screen.asking(lambda: _traces(desk), "traces")
            for _ in range(KEYS):
                begun, before = time.perf_counter(), screen.hits.cursor
                screen.hits.action_move(1)
                await pilot.pause()
                assert screen.hits.cursor == before + 1
                took.append(time.perf_counter() - begun)
            took.sort()
            told = f"median {took[KEYS // 2] * 1_000:.1f} ms, longest {took[-1] * 1_000:.1f} ms"
            print(f"key to effect while {'traces run' if busy else 'nothing runs'}: {told}")
        await press(pilot)


async def _traces(desk: SupportDesk) -> None:
    for _ in range(20):
        await desk.trace(59, 3)
