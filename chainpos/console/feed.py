"""The one task that follows the till, and the screens that it tells.

A flood of views becomes the newest one, at most twenty times a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from textual.screen import Screen

from chainpos.till.use_cases import TillUseCases
from chainpos.till.views import CounterView

PAUSE_S: Final = 0.05


class Followers:
    """Screens that show the till's views, told one after another and at once.

    Textual's signals send each a message, and what the first makes of its own is drawn before the last has come; told
    at once by them, a screen's failure would be swallowed.
    """

    def __init__(self) -> None:
        self._told: dict[Screen[Any], Callable[[CounterView], None]] = {}

    def add(self, screen: Screen[Any], take: Callable[[CounterView], None]) -> None:
        """Tell the screen from now on, until it is taken away."""
        self._told[screen] = take

    def tell(self, view: CounterView) -> None:
        """The newest view."""
        for screen, take in tuple(self._told.items()):
            if screen.is_running and screen.is_attached:
                take(view)
            else:
                del self._told[screen]


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
