"""What support's screens share: the way that led here, one key forwards and one back, and what can be asked of a thing.

They refuse nothing that they cannot show: what is not there is told by its kind of absence.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from chainpos.console.cells import width_of
from chainpos.console.context import texts_of
from chainpos.console.keymap import key
from chainpos.console.screens.frame import Frame
from chainpos.console.widgets.line_list import LineList
from chainpos.console.widgets.lines_panel import LinesPanel, line
from chainpos.errors import EXIT_USAGE, UserFacingError
from chainpos.inspect.support import SupportDesk

TELL_AFTER_S = 0.3
TICK_S = 0.25


class Trail(LinesPanel):
    """The way that led here, the present end of it in bold; and how long an answer has been waited for."""

    steps: reactive[tuple[str, ...]] = reactive(())
    working: reactive[str] = reactive("")

    def lines(self, width: int) -> Sequence[Content]:
        """One line; the beginning gives way."""
        if self.working:
            return [line(f"… {self.working}", "$warn-text bold", width=width)]
        steps = list(self.steps)
        while len(steps) > 2 and sum(width_of(step) + 3 for step in steps) > width:
            steps[: 2 if steps[0] == "…" else 1] = ["…"]
        *before, last = steps or [""]
        quiet = "".join(f"{step} ▸ " for step in before)
        return [Content.assemble(line(quiet, "$muted"), line(last, "$accent bold")).truncate(width, ellipsis=True)]


class Looking(Frame):
    """A screen of support's. `heading` is its step in the trail; `main` the list that has the cursor."""

    NAME: ClassVar[str] = "support"
    BINDINGS: ClassVar[list[BindingType]] = [
        key("escape,left,h", "back", "support.back"),
        key("right,l", "forward", "support.forward", show=False),
        key("slash", "app.search", "support.search"),
    ]

    @property
    def desk(self) -> SupportDesk:
        """The chain that is looked into. Raises UserFacingError where there is none."""
        desk = self.console_app.support
        if desk is None:
            raise UserFacingError(
                "There is no chain to look into here.",
                next_step="Open chainpos inspect console with one.",
                money_moved="",
                exit_code=EXIT_USAGE,
            )
        return desk

    def heading(self) -> str:
        """This screen's step in the trail, in the language of now."""
        raise NotImplementedError

    def inside(self) -> Iterable[Widget]:
        """What the screen shows below the trail."""
        raise NotImplementedError

    def content(self) -> Iterable[Widget]:
        """The trail, then the rest."""
        yield Trail(id="trail")
        yield from self.inside()

    def on_mount(self) -> None:
        """Say where one is."""
        super().on_mount()
        self._follow_trail()

    def on_screen_resume(self) -> None:
        """The way may be another one by now."""
        if self.is_mounted:
            self._follow_trail()

    def retranslate(self) -> None:
        """Headings are words too."""
        super().retranslate()
        self._follow_trail()

    def _follow_trail(self) -> None:
        steps: list[str] = []
        for each in self.app.screen_stack:
            if isinstance(each, Looking):
                steps.append(each.heading())
            if each is self:
                break
        self.query_one("#trail", Trail).steps = tuple(steps)

    def asking(self, work: Callable[[], Awaitable[None]], name: str) -> None:
        """Ask the desk; what takes its time says so and for how long, and no key waits for it."""
        begun = time.monotonic()
        trail = self.query_one("#trail", Trail)

        def tell() -> None:
            passed = time.monotonic() - begun
            if passed > TELL_AFTER_S:
                reached = self.desk.reached
                texts = self.console_app.texts
                trail.working = (
                    texts("support.verifying", height=f"{reached:,}")
                    if reached
                    else texts("support.working", seconds=int(passed))
                )

        async def told() -> None:
            ticking = self.set_interval(TICK_S, tell)
            try:
                await work()
            finally:
                ticking.stop()
                trail.working = ""

        self.read(told, name)

    # -- keys

    def main(self) -> LineList[object] | None:
        """The list that has the cursor."""
        return self.query(LineList).first() if self.query(LineList) else None

    def action_forward(self) -> None:
        """Into what the cursor stands on."""
        chosen = self.main()
        if chosen is not None:
            chosen.action_choose()

    def action_back(self) -> None:
        """One step back."""
        if self.app.screen is self and len(self.app.screen_stack) > 1:
            self.app.pop_screen()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The first screen has nothing behind it."""
        if action == "back":
            return len(self.app.screen_stack) > 1
        return super().check_action(action, parameters)


def texts_for(widget: Widget, prefix: str, code: str) -> str:
    """The word for a code of the inspector's, or the code itself where the catalogue has none."""
    return texts_of(widget).known(f"{prefix}.{code}", code)
