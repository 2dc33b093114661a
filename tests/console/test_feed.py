"""One task follows the till; floods coalesce (ux 22, first form)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from chainpos.console.feed import Feed
from chainpos.till.views import CounterView
from tests.console.looking import opened
from tests.console.prepared_till import SHOP, PreparedTill, network_of


class FloodedTill(PreparedTill):
    """Ten thousand views without a pause."""

    async def changes(self) -> AsyncIterator[CounterView]:
        for height in range(1, 10_001):
            yield CounterView(shop=SHOP, network=network_of(height=height))


async def test_a_flood_becomes_few_views_and_the_last_one_is_the_newest() -> None:
    taken: list[int] = []
    await Feed(FloodedTill(), lambda view: taken.append(view.network.known_height)).run()
    assert taken[-1] == 10_000
    assert len(taken) < 100
    assert taken == sorted(taken)


async def test_the_first_view_is_handed_on_at_once() -> None:
    till = PreparedTill()
    taken: list[CounterView] = []
    following = asyncio.create_task(Feed(till, taken.append).run())
    await asyncio.sleep(0.01)
    till.push(network=network_of(height=7))
    await asyncio.sleep(0.02)
    assert [view.network.known_height for view in taken] == [7]
    await till.stop()
    await asyncio.wait_for(following, 60)


async def test_other_work_goes_on_during_a_flood() -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0)

    ticking = asyncio.create_task(tick())
    await Feed(FloodedTill(), lambda _: None).run()
    ticking.cancel()
    assert ticks > 1_000


async def test_a_view_that_comes_while_the_console_is_being_left_is_no_failure(
    till: PreparedTill, tmp_path: Path
) -> None:
    async with opened(till, tmp_path) as (app, _):
        pass
    assert app.screen_stack == []
    app.take(till.counter())
