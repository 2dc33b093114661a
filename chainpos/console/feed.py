"""The one task that follows the till. A flood of views becomes the newest one, at most twenty times a second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from chainpos.till.use_cases import TillUseCases
from chainpos.till.views import CounterView

PAUSE_S: Final = 0.05


class Feed:
    """Takes views as fast as they come, hands them on as fast as a person can see."""

    def __init__(self, till: TillUseCases, take: Callable[[CounterView], None]) -> None:
        self.till, self.take = till, take
        self._newest: CounterView | None = None
        self._came = asyncio.Event()

    async def run(self) -> None:
        """Until the till stops; then the last view has been handed on."""
        async with asyncio.TaskGroup() as tasks:
            hand_on = tasks.create_task(self._hand_on(), name="hand views on")
            async for view in self.till.changes():
                self._newest = view
                self._came.set()
                # A generator that never waits would keep the loop to itself.
                await asyncio.sleep(0)
            hand_on.cancel()
        self._give()

    async def _hand_on(self) -> None:
        while True:
            await self._came.wait()
            self._give()
            await asyncio.sleep(PAUSE_S)

    def _give(self) -> None:
        self._came.clear()
        view, self._newest = self._newest, None
        if view is not None:
            self.take(view)
