"""What every full screen has: the status bar, the tabs, a place for messages, the keys; and views handed down to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.reactive import reactive
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input

from chainpos.console.context import Context, context
from chainpos.console.keymap import key
from chainpos.console.phrases import parts_of
from chainpos.console.widgets.key_line import KeyLine
from chainpos.console.widgets.lines_panel import LinesPanel
from chainpos.console.widgets.notice import Notice, Told
from chainpos.console.widgets.status_bar import StatusBar
from chainpos.console.widgets.tab_line import TabLine
from chainpos.errors import UserFacingError
from chainpos.till.views import CounterView

# Screen name, the key that goes there, the binding's id.
PLACES = (
    ("counter", "f1", "go.counter"),
    ("sales", "f2", "go.sales"),
    ("settlement", "f3", "go.settlement"),
    ("ledger", "f4", "go.ledger"),
    ("node", "f5", "go.node"),
)


class Page(Screen[None]):
    """A screen of the console. `view` is the counter's view, whatever the screen itself shows."""

    NAME: ClassVar[str] = ""
    BINDINGS: ClassVar[list[BindingType]] = [key("ctrl+x", "clear_notice", "app.clear", show=False)]

    view: reactive[CounterView | None] = reactive(None)

    @property
    def console_app(self) -> Context:
        """The console around this screen."""
        return context(self)

    def compose(self) -> ComposeResult:
        """The frame, and the screen's own content in it."""
        yield StatusBar(id="status")
        yield TabLine(id="tabs")
        yield from self.content()
        yield Notice(id="notice")
        yield KeyLine(id="keys")

    def content(self) -> Iterable[Widget]:
        """What this screen adds to the frame."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Take the present view and follow the next ones."""
        tabs = self.query_one("#tabs", TabLine)
        tabs.tabs, tabs.current = tuple((name, pressed.upper()) for name, pressed, _ in PLACES), self.NAME
        self.console_app.view_signal.subscribe(self, self._take)
        if self.console_app.view is not None:
            self._take(self.console_app.view)
        self.show_silence()

    def _take(self, view: CounterView) -> None:
        status = self.query_one("#status", StatusBar)
        status.shop, status.network = view.shop, view.network
        self.view = view

    def show_silence(self) -> None:
        """The status bar says when the bell is off."""
        self.query_one("#status", StatusBar).silent = not self.console_app.settings.sound

    def retranslate(self) -> None:
        """The language changed: draw every word again. A message in the old one goes."""
        self.told(None)
        for widget in self.walk_children(Widget):
            if isinstance(widget, LinesPanel):
                widget.changed()
            else:
                widget.refresh()
        self.call_after_refresh(self.refresh_bindings)

    # -- telling and doing

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Only what can be done now is offered; screens add their own rules."""
        return action != "clear_notice" or any(notice.told is not None for notice in self.query(Notice))

    def told(self, told: Told | None) -> None:
        """Show a message, or take it away."""
        self.query_one("#notice", Notice).told = told
        self.refresh_bindings()

    def tell(self, error: UserFacingError) -> None:
        """Show a failure."""
        what, money, next_step = parts_of(self.console_app.texts, error)
        self.told(Told(what, money, next_step))

    def action_clear_notice(self) -> None:
        """Take the message away."""
        self.told(None)

    def read(self, work: Callable[[], Awaitable[None]], name: str) -> None:
        """Run something that only reads; a newer one of the same name takes its place. A refusal is told."""
        self.run_worker(self._told_if_refused(work), name=name, group=name, exclusive=True)

    def change(self, work: Callable[[], Awaitable[None]], name: str) -> None:
        """Run something that changes things. It is never cut off, so nothing of its name begins until it has ended."""
        if not any(worker.group == name and worker.node is self and worker.is_running for worker in self.workers):
            self.run_worker(self._told_if_refused(work), name=name, group=name)

    def _told_if_refused(self, work: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        async def told_if_refused() -> None:
            try:
                await work()
            except UserFacingError as error:
                self.tell(error)

        return told_if_refused

    def relabel(self, field: str, text: str) -> None:
        """Put a text in the language of now into an input's placeholder."""
        self.query_one(f"#{field}", Input).placeholder = text
