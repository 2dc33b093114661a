"""Keys one after another: the next is looked at when what the one before set off has come to its end.

Textual hands a key to who has the focus and looks for its binding when it comes back up, behind all that was typed
meanwhile: typed fast, or on a busy machine, "F1 3 0 0" would key into the place that is being left, and a digit after
Enter would be part of the amount before it. It refuses to wait for ever: a key that gets stuck holds up the next ones
for a second.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from time import monotonic
from typing import Any, Final

from textual import events
from textual.app import App
from textual.dom import DOMNode
from textual.screen import Screen

UP_TURNS, UP_EVERY_S = 200, 0.005
STUCK_S: Final = 1.0
# The second time behind what the key's own handlers sent: an entered field tells its form, which closes. Where another
# screen is up already, that was the end.
TIMES_BEHIND: Final = 2

Step = Callable[[], Awaitable[None]]


class InTurn(App[int], inherit_bindings=False):
    """An app that has its keys in turn."""

    _steps: deque[Step]
    _under_way_since_s: float | None = None
    # The screen that was up when the key was passed on.
    _over: Screen[Any] | None = None

    @property
    def typed_ahead(self) -> bool:
        """Whether keys wait, or one is still under way."""
        return bool(self._steps) or self._under_way_since_s is not None

    def __init__(self) -> None:
        self._steps = deque()
        super().__init__()

    async def on_event(self, event: events.Event) -> None:
        """A key waits for its turn; all else goes its way."""
        if isinstance(event, events.Key) and not event.is_forwarded:
            self._steps.append(partial(self.typed, event))
            if self._under_way_since_s is not None:
                self.in_a_while(STUCK_S, self.go_on)
            await self.go_on()
        else:
            await super().on_event(event)

    async def typed(self, event: events.Key) -> None:
        """It is this key's turn."""
        await self.pass_on(event)

    async def pass_on(self, event: events.Key) -> None:
        """To who has the focus. Nothing else is begun before it has come to its end."""
        receiver, self._over = self.focused or self.screen, self.screen
        await super().on_event(self.as_bound(event))
        self._under_way_since_s = monotonic()
        self._behind(receiver, receiver, TIMES_BEHIND)

    def as_bound(self, event: events.Key) -> events.Key:
        """A capital that means nothing here is its small letter, where that does: with Caps Lock on keys go on."""
        small, focused = event.key.lower(), self.focused
        if len(event.key) > 1 or small == event.key:
            return event
        if focused is not None and focused.check_consume_key(event.key, event.character):
            return event
        live = self.screen.active_bindings
        if event.key in live or small not in live:
            return event
        meant = events.Key(small, small)
        meant.time = event.time
        return meant

    def in_a_while(self, seconds: float, then: Callable[..., object], *values: object) -> asyncio.TimerHandle:
        """`call_later`, but later. A timer of Textual is a task, and describes the whole app for its name."""
        return asyncio.get_running_loop().call_later(seconds, self.call_later, then, *values)

    def next_are(self, *steps: Step) -> None:
        """These come before what was typed meanwhile."""
        self._steps.extendleft(reversed(steps))

    async def go_on(self) -> None:
        """Whatever has its turn, unless a key is under way."""
        if self._under_way_since_s is not None and monotonic() - self._under_way_since_s < STUCK_S:
            return
        self._under_way_since_s = None
        while self._steps and self._under_way_since_s is None:
            # Nothing is asked of a screen that is still being put up.
            await self.screen_up()
            await self._steps.popleft()()

    async def screen_up(self) -> None:
        """The present screen has come up; it has a second for it."""
        for _ in range(UP_TURNS):
            if not self.screen_stack or self.screen.is_mounted:
                return
            await asyncio.sleep(UP_EVERY_S)

    def _behind(self, receiver: DOMNode, at: DOMNode, times: int) -> None:
        """The way of a key, right behind it: from who got it upwards, through the same queues."""
        while at is not self:
            above = at.parent if isinstance(at.parent, DOMNode) else self
            if at.call_later(self._behind, receiver, above, times):
                return
            # It is gone, with all that it was told.
            at = above
        self.call_later(self._arrived, receiver, times)

    async def _arrived(self, receiver: DOMNode, times: int) -> None:
        if times > 1 and self.screen_stack[-1:] == [self._over]:
            self._behind(receiver, receiver, times - 1)
        else:
            self._under_way_since_s = None
            await self.go_on()
