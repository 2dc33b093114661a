"""What every full screen has: the status bar, the tabs, a place for messages, the keys."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Iterable
from typing import ClassVar, NamedTuple

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widget import Widget
from textual.widgets import Input

from chainpos.console.context import Surroundings, surroundings
from chainpos.console.keymap import key
from chainpos.console.phrases import parts_of
from chainpos.console.screens.put_up import PutUp
from chainpos.console.widgets.ground import Ground
from chainpos.console.widgets.key_line import KeyLine
from chainpos.console.widgets.lines_panel import LinesPanel
from chainpos.console.widgets.notice import Notice, Told
from chainpos.console.widgets.status_bar import Status, StatusBar
from chainpos.console.widgets.tab_line import TabLine
from chainpos.errors import UserFacingError


class Place(NamedTuple):
    """A place of the console: its name, the key that goes there, the binding's id, and whether it has a tab."""

    name: str
    pressed: str
    binding_id: str
    has_tab: bool = True


PLACES = (
    Place("counter", "f1", "go.counter"),
    Place("sales", "f2", "go.sales"),
    Place("settlement", "f3", "go.settlement"),
    Place("ledger", "f4", "go.ledger"),
    Place("node", "f5", "go.node"),
    Place("support", "f10", "go.support"),
    Place("shift", "f11", "go.shift"),
    Place("staff", "ctrl+g", "go.staff", has_tab=False),
)


class Frame(PutUp[None], Ground):
    """A full screen of any console. NAME is the place that it belongs to."""

    NAME: ClassVar[str] = ""
    BINDINGS: ClassVar[list[BindingType]] = [key("ctrl+x", "clear_notice", "app.clear", show=False)]
    # Looked for once: whether there is something to clear is asked with every key.
    _notices: tuple[Notice, ...] = ()

    def __init__(self) -> None:
        super().__init__()
        self.language = surroundings(self).texts.language
        # It is styled as it is put up. Textual, which does not know, would read every style sheet three times over.
        self._css_update_count = surroundings(self).styles_read

    @property
    def console_app(self) -> Surroundings:
        """The console around this screen."""
        return surroundings(self)

    def compose(self) -> ComposeResult:
        """The frame, and the screen's own content in it."""
        yield StatusBar(id="status")
        yield TabLine(id="tabs")
        yield from self.content()
        yield Notice(id="notice")
        yield KeyLine(id="keys")

    @abstractmethod
    def content(self) -> Iterable[Widget]:
        """What this screen adds to the frame."""

    def on_mount(self) -> None:
        """Show where one is, and how things stand from now on."""
        around = self.console_app
        self._notices = tuple(self.query(Notice))
        self.show_places()
        around.status_signal.subscribe(self, self.status_changed)
        if around.status is not None:
            self.status_changed(around.status)
        self.show_silence()

    def status_changed(self, status: Status) -> None:
        """The bar on top follows; screens may look at it too."""
        self.query_one("#status", StatusBar).status = status

    def show_places(self) -> None:
        """The tabs are the places that there are for whoever sits here."""
        tabs, places = self.query_one("#tabs", TabLine), self.console_app.places
        tabs.tabs, tabs.current = tuple((each.name, each.pressed.upper()) for each in places if each.has_tab), self.NAME

    def show_silence(self) -> None:
        """The status bar says when the bell is off."""
        self.query_one("#status", StatusBar).silent = not self.console_app.settings.sound

    @on(events.ScreenResume)
    def follow_language(self) -> None:
        """It may have changed while nobody looked here."""
        if self.language != self.console_app.texts.language:
            self.retranslate()

    def retranslate(self) -> None:
        """The language changed: draw every word again. A message in the old one goes."""
        self.language = self.console_app.texts.language
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
        return action != "clear_notice" or any(notice.told is not None for notice in self._notices)

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
        """Run something that only reads; a newer one of the same name takes its place. A refusal is told.

        A place that nobody looks at reads nothing: it does when it is gone to.
        """
        if self not in self.app.screen_stack:
            return
        self.run_worker(self._told_if_refused(work), name=name, group=name, exclusive=True)

    def change(self, work: Callable[[], Awaitable[None]], name: str) -> None:
        """Run something that changes things. It is never cut off, so nothing of its name begins until it has ended."""
        if not self.changing(name):
            self.run_worker(self._told_if_refused(work), name=name, group=name)

    def changing(self, name: str) -> bool:
        """Whether a change of that name has not ended yet."""
        return any(worker.group == name and worker.node is self and worker.is_running for worker in self.workers)

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
