"""What every full screen has: the status bar, the tabs, a place for messages, the keys; and views handed down to it."""

from __future__ import annotations

from collections.abc import Coroutine, Iterable
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
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
        """The language changed: draw every word again."""
        for widget in self.walk_children(Widget):
            if isinstance(widget, LinesPanel):
                widget.changed()
            else:
                widget.refresh()
        self.call_after_refresh(self.refresh_bindings)

    # -- telling and doing

    def told(self, told: Told | None) -> None:
        """Show a message, or take it away."""
        self.query_one("#notice", Notice).told = told

    def tell(self, error: UserFacingError) -> None:
        """Show a failure."""
        what, money, next_step = parts_of(error)
        self.told(Told(what, money, next_step))

    def action_clear_notice(self) -> None:
        """Take the message away."""
        self.told(None)

    def do(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Run a use case without holding up the keys; its refusal is told. One of a name at a time, the newest."""

        async def told_if_refused() -> None:
            try:
                await work
            except UserFacingError as error:
                self.tell(error)

        self.run_worker(told_if_refused(), name=name, group=name, exclusive=True)

    def relabel(self, field: str, text: str) -> None:
        """Put a text in the language of now into an input's placeholder."""
        self.query_one(f"#{field}", Input).placeholder = Content(text).plain
