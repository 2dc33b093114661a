"""The operator's screen on one node: how it is, who is there, who waits, what lies on its disk, what its log says.

It asks the desk once a second for the part that is looked at and refuses what the desk refuses. What changes things is
there only where the console was opened for it, is marked, and is asked about first.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Input

from chainpos.console.keymap import key
from chainpos.console.screens.frame import Frame
from chainpos.console.screens.operator_offices import OfficesPart
from chainpos.console.screens.operator_overview import Overview, Part
from chainpos.console.screens.operator_parts import PARTS, LogPart, MempoolPart, PartLine, StorePart
from chainpos.console.screens.question import Question
from chainpos.console.screens.typed import Typed
from chainpos.console.widgets.ground import Room
from chainpos.console.widgets.line_list import LineList
from chainpos.console.widgets.notice import Told
from chainpos.errors import UserFacingError
from chainpos.inspect.operating import OperatorDesk
from chainpos.inspect.views import NodeView

if TYPE_CHECKING:
    from chainpos.console.operating import OperatorApp

EVERY_S = 1.0
SCROLLING = ("state", "network", "offices", "store")


class OperatorScreen(Frame):
    """`part` is what is looked at."""

    NAME: ClassVar[str] = "node"
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            key(str(number), f"part('{name}')", f"operator.{name}", show=False)
            for number, name in enumerate(PARTS, 1)
        ),
        key("right,l", "turn(1)", "operator.next", show=False),
        key("left,h", "turn(-1)", "operator.previous", show=False),
        key("up,k", "scroll(-1)", "panel.up", show=False),
        key("down,j", "scroll(1)", "panel.down", show=False),
        key("e", "explain", "operator.explain"),
        key("f", "filter", "operator.filter"),
        key("v", "level", "operator.level"),
        key("m", "measure", "operator.measure"),
        key("b", "backup", "operator.backup"),
        key("u", "restore", "operator.restore"),
        key("escape", "leave_field", "operator.leave_field", show=False),
        key("slash", "app.search", "support.search", show=False),
    ]  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.part = "state"
        self._failed = ""
        self._alarms: tuple[str, ...] = ()

    @property
    def desk(self) -> OperatorDesk:
        """The node that is looked at."""
        return cast("OperatorApp", self.app).operator

    def content(self) -> Iterable[Widget]:
        """The parts, of which one is shown."""
        yield PartLine(id="parts")
        with Room(id="part"):
            for name, made in PARTS.items():
                yield made(id=f"part-{name}")

    def on_mount(self) -> None:
        """Ask at once, and again."""
        super().on_mount()
        self._show_part()
        self.set_interval(EVERY_S, self._ask_if_seen)

    def on_screen_resume(self) -> None:
        """It may have moved."""
        if self.is_mounted:
            self._ask()

    def _ask_if_seen(self) -> None:
        if self.is_current and not any(worker.group == "part" and worker.is_running for worker in self.workers):
            self._ask(cast("OperatorApp", self.app).hands_rest)

    def node_changed(self, node: NodeView) -> None:
        """A new report."""
        if not self._is_whole():
            return
        self.query_one(Overview).sample(node)
        # The other parts are handed it when they are looked at.
        self._shown().node = node
        alarms = cast("OperatorApp", self.app).alarms()
        if alarms != self._alarms:
            # What the keys offer is different now; finding out costs milliseconds, and is not done each second.
            self._alarms = alarms
            self.refresh_bindings()

    def retranslate(self) -> None:
        """Some parts hold words."""
        super().retranslate()
        self.query_one(LogPart).retranslate()
        node = cast("OperatorApp", self.app).node
        if node is not None:
            self.node_changed(node)

    def _is_whole(self) -> bool:
        # Where the console is being left, the screen is taken down from within.
        return len(self.query(Part)) == len(PARTS)

    def _shown(self) -> Part:
        return self.query_one(f"#part-{self.part}", Part)

    def _show_part(self) -> None:
        for name in PARTS:
            self.query_one(f"#part-{name}").display = name == self.part
        self.query_one("#parts", PartLine).present = self.part
        self._shown().node = cast("OperatorApp", self.app).node
        lists = self._shown().query(LineList)
        self.set_focus(lists.first() if lists else None)
        self._ask()
        self.refresh_bindings()

    # -- asking

    def _ask(self, first: Callable[[], Awaitable[None]] | None = None) -> None:
        asked: dict[str, Callable[[], Awaitable[None]]] = {
            "mempool": self._ask_waiting, "offices": self._ask_offices, "store": self._ask_store, "log": self._ask_log
        }  # fmt: skip
        if self.part in asked:
            self.read(self._once_told(asked[self.part], first), "part")

    def _once_told(
        self, work: Callable[[], Awaitable[None]], first: Callable[[], Awaitable[None]] | None
    ) -> Callable[[], Awaitable[None]]:
        # The same failure again and again each second would take away what else is told.
        async def told() -> None:
            try:
                if first is not None:
                    await first()
                if self._is_whole():
                    await work()
            except UserFacingError as error:
                if error.what != self._failed:
                    self._failed = error.what
                    raise
            else:
                self._failed = ""

        return told

    async def _ask_waiting(self) -> None:
        self.query_one(MempoolPart).show(await self.desk.waiting())

    async def _ask_offices(self) -> None:
        part, app = self.query_one(OfficesPart), cast("OperatorApp", self.app)
        if part.is_old(app.now_ns()):
            part.show(await app.support.offices(), app.now_ns())

    async def _ask_store(self) -> None:
        part = self.query_one(StorePart)
        if part.is_old(self.console_app.now_ns()):
            part.show(await self.desk.store(), self.console_app.now_ns())

    async def _ask_log(self) -> None:
        part = self.query_one(LogPart)
        part.show(await self.desk.log(part.level, part.words))

    @on(LogPart.Asked)
    def log_asked(self) -> None:
        """Another level, other words."""
        if self.part == "log":
            self.read(self._ask_log, "part")

    # -- keys

    @on(PartLine.Chosen)
    def part_chosen(self, message: PartLine.Chosen) -> None:
        """A part was clicked."""
        self.action_part(message.name)

    def action_part(self, name: str) -> None:
        """To a part."""
        if name != self.part:
            self.told(None)
            self.part = name
            self._show_part()

    def action_turn(self, by: int) -> None:
        """To the next part or the one before."""
        names = list(PARTS)
        self.action_part(names[(names.index(self.part) + by) % len(names)])

    def action_scroll(self, by: int) -> None:
        """Up or down."""
        for box in self._shown().query(VerticalScroll):
            box.scroll_relative(y=by * 3, animate=False)

    def action_filter(self) -> None:
        """Into the field that filters the log."""
        self.query_one("#log-words", Input).focus()

    def action_leave_field(self) -> None:
        """Out of it again."""
        self.query_one("#log-lines").focus()

    def action_level(self) -> None:
        """Graver lines alone, or all of them."""
        self.query_one(LogPart).next_level()

    def action_measure(self) -> None:
        """Read the whole database for the sizes of its tables."""

        async def measure() -> None:
            self.told(Told(self.console_app.texts("operator.measuring"), good=True))
            store = await self.desk.store(measured=True)
            self.query_one(StorePart).show(store, self.console_app.now_ns())
            self.told(None)

        self.read(measure, "measure")

    def action_explain(self) -> None:
        """The page of the first alarm, of the next one when it is asked again."""
        cast("OperatorApp", self.app).explain_alarms()

    # -- what changes things: marked, and asked about first

    def action_backup(self) -> None:
        """A copy of the chain in one file."""
        texts = self.console_app.texts

        def named(words: str | None) -> None:
            if words:
                self.change(lambda: self._back_up(Path(words).expanduser()), "backup")

        suggested = str((self.desk.home or Path()).absolute().parent / "chain-backup.db")
        self.app.push_screen(Typed("backup", texts("backup.detail", home=self.desk.name), suggested), named)

    async def _back_up(self, to: Path) -> None:
        texts = self.console_app.texts
        self.told(Told(texts("backup.working"), good=True))
        made = await self.desk.back_up(to)
        self.told(Told(texts("backup.done", path=made.path, height=f"{made.height:,}"), good=True))

    def action_restore(self) -> None:
        """A new peer's home out of a backup."""
        texts = self.console_app.texts

        def from_file(words: str | None) -> None:
            if words:
                beside = str(Path(words).expanduser().absolute().parent / "restored")
                where = Typed("restore_to", texts("restore_to.detail", file=words), beside)
                self.app.push_screen(where, lambda folder: sure(words, folder))

        def sure(words: str, folder: str | None) -> None:
            def answered(yes: bool | None) -> None:  # noqa: FBT001 (Textual calls it)
                if yes and folder:
                    self.change(lambda: self._restore(Path(words).expanduser(), Path(folder).expanduser()), "restore")

            if folder:
                self.app.push_screen(Question("restore", texts("restore.detail", file=words, folder=folder)), answered)

        self.app.push_screen(Typed("restore_from", texts("restore_from.detail"), ""), from_file)

    async def _restore(self, backup: Path, folder: Path) -> None:
        texts = self.console_app.texts
        self.told(Told(texts("restore.working"), good=True))
        made = await self.desk.restore(backup, folder)
        self.told(Told(texts("restore.done", path=made.path, height=f"{made.height:,}"), good=True))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What cannot be done here is not offered."""
        in_field = isinstance(self.focused, Input)
        changing = action in {"backup", "restore"}
        if changing and not self.desk.may_change:
            return False
        if changing or action == "measure":
            return self.part == "store" and self.desk.home is not None
        if action in {"filter", "level"}:
            return self.part == "log" and not in_field
        if action == "leave_field":
            return in_field
        if action == "scroll":
            return self.part in SCROLLING
        if action == "explain":
            return self.part == "state" and bool(cast("OperatorApp", self.app).alarms())
        return super().check_action(action, parameters)
