"""A screen that is laid out and drawn once when it comes up. It refuses to work its styles out anew each time."""

from __future__ import annotations

from functools import cached_property
from typing import Final, Generic

from textual import events, on
from textual.geometry import Size
from textual.reactive import Reactive
from textual.screen import Screen, ScreenResultType
from textual.timer import Timer
from textual.widget import Widget

# Two drawings are so far apart at least: a third of a frame of Textual's, for which the second key of two would wait.
DRAWN_EVERY_S: Final = 0.005


class PutUp(Screen[ScreenResultType], Generic[ScreenResultType]):
    """Textual lays a new screen out twice and draws it four times, and has no public way to say that once will do."""

    # What gets or loses the focus draws itself; Textual would draw the whole screen again.
    focused: Reactive[Widget | None] = Reactive(None, repaint=False)

    @cached_property
    def _update_timer(self) -> Timer:
        return self.set_interval(DRAWN_EVERY_S, self._on_timer_update, name="screen_update", pause=True)

    @on(events.ScreenResume)
    def come_up(self, event: events.ScreenResume) -> None:
        """In the place of Textual's own: what a style hangs on looks after itself, and a layout draws everything."""
        event.prevent_default()
        self.stack_updates += 1
        self._update_auto_focus()
        if self.is_attached:
            if self._size != self.app.size:
                self._refresh_layout(self.app.size)
            else:
                self.refresh()

    def _screen_resized(self, size: Size) -> None:
        # A layout tells the screen its size too, which was just laid out.
        if size != self._size:
            super()._screen_resized(size)
