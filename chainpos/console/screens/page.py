"""A full screen of the till's console: views of the till are handed down to it."""

from __future__ import annotations

from textual.reactive import reactive

from chainpos.console.context import Context, context
from chainpos.console.screens.frame import Frame
from chainpos.till.views import CounterView


class Page(Frame):
    """`view` is the counter's view, whatever the screen itself shows."""

    view: reactive[CounterView | None] = reactive(None)

    @property
    def console_app(self) -> Context:
        """The till's console around this screen."""
        return context(self)

    def on_mount(self) -> None:
        """Take the present view and follow the next ones."""
        super().on_mount()
        self.console_app.view_signal.subscribe(self, self._take)
        if self.console_app.view is not None:
            self._take(self.console_app.view)

    def _take(self, view: CounterView) -> None:
        self.view = view
