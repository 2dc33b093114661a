"""Setting a till up at the keyboard: no Enter is lost, and none is taken twice."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from chainpos.console.setting_up import SetupApp
from chainpos.till.setup import ShopSetup
from tests.acceptance.test_setting_up import Hands


async def test_an_enter_that_comes_before_the_step_before_has_ended_is_not_lost(tmp_path: Path) -> None:
    app = SetupApp(ShopSetup(tmp_path / "shop", time.time_ns), now_ns=time.time_ns, folder=tmp_path / "config")
    async with app.run_test(size=(80, 24)) as keys:
        hands, ended, begun = Hands(app, keys), asyncio.Event(), []

        async def step_before() -> None:
            await ended.wait()

        async def counted_look() -> None:
            begun.append(hands.screen.step)
            await look()

        await hands.until("Step 1 of 7")
        while hands.screen.changing("setup"):
            await keys.pause(0.01)
        look, hands.screen._look = hands.screen._look, counted_look  # type: ignore[method-assign]
        hands.screen.change(step_before, "setup")
        await hands.fill("node", "127.0.0.1:9")
        await keys.press("enter")
        assert not begun
        ended.set()
        await hands.until("does not answer")
        assert len(begun) == 1
