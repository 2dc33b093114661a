"""What support's screens share: the way that led here, one key forwards and one back, and what can be asked of a thing.

They refuse nothing that they cannot show: what is not there is told by its kind of absence.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import timedelta, timezone, tzinfo
from typing import Any, ClassVar, Protocol, cast

import msgspec
from textual.binding import BindingType
from textual.content import Content
from textual.reactive import reactive
from textual.screen import Screen
from textual.widget import Widget

from chainpos.console.cells import cut, width_of
from chainpos.console.context import texts_of
from chainpos.console.keymap import key
from chainpos.console.language import Texts
from chainpos.console.screens.frame import Frame
from chainpos.console.widgets.line_list import LineList
from chainpos.console.widgets.lines_panel import LinesPanel, line, spread
from chainpos.core.values.timestamps import clock_told
from chainpos.errors import EXIT_USAGE, UserFacingError
from chainpos.inspect.support import SupportDesk
from chainpos.inspect.words import words_in

TELL_AFTER_S = 0.3
TICK_S = 0.25
LONGEST_STEP = 60


class Trail(LinesPanel):
    """The way that led here, the present end of it in bold; and how long an answer has been waited for."""

    steps: reactive[tuple[str, ...]] = reactive(())
    working: reactive[str] = reactive("")
    clock: reactive[str] = reactive("")

    def lines(self, width: int) -> Sequence[Content]:
        """One line; the beginning gives way. At its end, whose clock all times of the screen are by."""
        if self.working:
            return [line(f"… {self.working}", "$warn-text bold", width=width)]
        clock = line(self.clock, "$muted")
        return [spread(self._way(width - clock.cell_length - 1), clock, width)]

    def _way(self, width: int) -> Content:
        steps = list(self.steps)
        while len(steps) > 2 and sum(width_of(step) + 3 for step in steps) > width:
            steps[: 2 if steps[0] == "…" else 1] = ["…"]
        *before, last = steps or [""]
        quiet = "".join(f"{step} ▸ " for step in before)
        return Content.assemble(line(quiet, "$muted"), line(last, "$accent bold")).truncate(width, ellipsis=True)


class About(msgspec.Struct, frozen=True):
    """What the cursor stands on, for the questions that can be asked of it: "" and -1 where that does not apply.

    `word` names a payment for its timeline and its case file, `height` and `index` a transaction, `code` a page.
    """

    word: str = ""
    height: int = 0
    index: int = -1
    code: str = ""


class Looking(Frame):
    """A screen of support's. `heading` is its step in the trail; `main` the list that has the cursor."""

    NAME: ClassVar[str] = "support"
    BINDINGS: ClassVar[list[BindingType]] = [
        key("escape,left,h", "back", "support.back"),
        key("right,l", "forward", "support.forward", show=False),
        key("t", "timeline", "support.timeline"),
        key("s", "steps", "support.steps"),
        key("w", "what_if", "support.what_if"),
        key("e", "case", "support.case"),
        key("x", "explain", "support.explain"),
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

    @property
    def zone(self) -> tzinfo | None:
        """The network's own clock, as on receipts and in a search; the console's until it is known."""
        offset_s = self.desk.utc_offset_s
        return self.console_app.zone if offset_s is None else timezone(timedelta(seconds=offset_s))

    @abstractmethod
    def heading(self) -> str:
        """This screen's step in the trail, in the language of now."""

    @abstractmethod
    def inside(self) -> Iterable[Widget]:
        """What the screen shows below the trail."""

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
                steps.append(cut(each.heading(), LONGEST_STEP))
            if each is self:
                break
        trail = self.query_one("#trail", Trail)
        trail.steps = tuple(steps)
        offset_s = self.desk.utc_offset_s
        trail.clock = "" if offset_s is None else self.console_app.texts("support.clock", clock=clock_told(offset_s))

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
                self._follow_trail()

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

    # -- what can be asked of what the cursor stands on

    def about(self) -> About:
        """What the cursor stands on."""
        return About()

    def action_timeline(self) -> None:
        """What became of it."""
        self.app.push_screen(questions().timeline(self.about()))

    def action_steps(self) -> None:
        """Its run, step by step."""
        self.app.push_screen(questions().steps(self.about()))

    def action_what_if(self) -> None:
        """Its run with something changed."""
        self.app.push_screen(questions().what_if(self.about()))

    def action_case(self) -> None:
        """Its evidence, into a file."""
        self.app.push_screen(questions().case(self.about()))

    def action_explain(self) -> None:
        """What its code means."""
        self.app.push_screen(questions().explain(self.about()))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what can be asked is offered; the first screen has nothing behind it."""
        if action == "back":
            return len(self.app.screen_stack) > 1
        about = self.about()
        if action in ("timeline", "case"):
            return bool(about.word) and self.desk.has_chain
        if action in ("steps", "what_if"):
            return about.index >= 0 and self.desk.has_chain
        if action == "explain":
            return bool(about.code)
        return super().check_action(action, parameters)


def questions() -> Questions:
    """The screens that answer; looked up late, as they are screens of this kind themselves."""
    from chainpos.console.screens import questions as answering

    return cast(Questions, answering)


class Questions(Protocol):
    """One screen for each question that can be asked of a thing."""

    def timeline(self, about: About) -> Screen[Any]:
        """What became of it."""

    def steps(self, about: About) -> Screen[Any]:
        """Its run, step by step."""

    def what_if(self, about: About) -> Screen[Any]:
        """Its run with something changed."""

    def case(self, about: About) -> Screen[Any]:
        """Its evidence, into a file."""

    def explain(self, about: About) -> Screen[Any]:
        """What its code means."""


def named_refusal(texts: Texts, height: int, index: int, kind: str) -> str:
    """Which transaction was refused, before the sentence that says so: "197/4 refunds.refund: "."""
    return f"{height:,}/{index} {words_in(texts.language).kind(kind)}: "


def texts_for(widget: Widget, prefix: str, code: str) -> str:
    """The word for a code of the inspector's, or the code itself where the catalogue has none."""
    return texts_of(widget).known(f"{prefix}.{code}", code)
