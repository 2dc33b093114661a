"""A transaction's run, step by step, forwards and backwards: what each step read, checked, wrote, posted and told.

A run that only might have been says so on every part of the screen. It refuses to run anything itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, Final

from textual import events, on
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive, var
from textual.widget import Widget

from chainpos.console.cells import fit, wrap
from chainpos.console.context import texts_of
from chainpos.console.keymap import key
from chainpos.console.language import Texts
from chainpos.console.phrases import Tone
from chainpos.console.screens.looking import About, Looking
from chainpos.console.stepping import (
    LONGEST_COUNT,
    Mark,
    Stepped,
    call_from,
    difference_from,
    is_refusal,
    rows_of_comparison,
    rows_of_trace,
)
from chainpos.console.widgets.ground import Room
from chainpos.console.widgets.line_list import Cell, Column, LineList
from chainpos.console.widgets.lines_panel import LinesPanel, line, spread
from chainpos.console.widgets.step_pane import PANES, StepPane
from chainpos.inspect.currencies import trace_told
from chainpos.inspect.steps import CALL, CHECK, DELETE, EVENT, POSTING, READ, UNDO, WRITE, Step, Trace
from chainpos.inspect.what_if import Comparison
from chainpos.inspect.words import words_in

_MARKS: Final[dict[Mark, tuple[str, Tone]]] = {
    "": ("", ""), "same": ("=", "muted"), "other": ("≠", "warn"), "only": ("+", "warn"), "gone": ("-", "bad"),
}  # fmt: skip
COLUMNS: Final = (
    Column("trace.mark", 2),
    Column("trace.number", 4, right=True),
    Column("trace.step", 0),
    Column("trace.where", 34, from_width=100),
)


def words_of(texts: Texts, step: Step) -> tuple[str, Tone]:
    """A step in one line, and how it looks."""
    words = words_in(texts.language)
    if step.kind == CALL:
        return f"▸ {step.what}", "accent"
    if step.kind == CHECK:
        code = words.check(step.what)
        passed = texts("trace.not_so", code=code)
        return (f"✗ {code}: {words.told(step.condition)}", "bad") if is_refusal(step) else (f"✓ {passed}", "good")
    if step.kind == READ:
        return f"← {words.record(step.key)}", "muted" if step.before is None else ""
    if step.kind in (WRITE, DELETE):
        return f"→ {words.record(step.key)}", "warn"
    if step.kind == POSTING:
        return f"± {', '.join(f'{words.account(name)} {value}' for name, value in step.fields)}", "warn"
    if step.kind == EVENT:
        return f"● {words.event(step.what)}", "accent"
    if step.kind == UNDO:
        return f"↩ {step.what} ({step.detail})", "bad"
    return f"■ {words.outcome(step.what)} {step.detail}".rstrip(), "bad" if step.code else "good"


class TraceHead(LinesPanel):
    """What ran, how it ended, where the cursor is; and, for what only might have been, that it never happened."""

    trace: reactive[Trace | None] = reactive(None, layout=True)
    at: reactive[int] = reactive(0)
    count: reactive[str] = reactive("")
    was: reactive[str] = reactive("", layout=True)

    def lines(self, width: int) -> Sequence[Content]:
        """One line; three where it is hypothetical."""
        texts, trace = texts_of(self), self.trace
        if trace is None:
            return [line(texts("support.reading"), "$muted")]
        words = words_in(texts.language)
        ended = f"✗ {trace.code} {words.check(trace.name)}" if trace.code else f"✓ {texts('ledger.accepted')}"
        style = "$bad-text bold" if trace.code else "$good-text bold"
        left = Content.assemble(
            line(f"{words.kind(trace.kind)}  ", "bold"), line(ended, style),
            line(f"  {texts('trace.gas', gas=trace.gas)}", "$muted"),
        )  # fmt: skip
        steps = texts("trace.at", at=self.at + 1, count=len(trace.steps))
        lines = [spread(left, line(f"{self.count}{'  ' if self.count else ''}{steps}", "bold"), width)]
        if not trace.reproduces:
            lines.append(line(texts("trace.differs"), "$bad-ink on $bad bold", width=width))
        if trace.hypothetical:
            banner = f" ≈ {texts('trace.hypothetical')} "
            changed = "; ".join(words.change(each) for each in trace.changed)
            would = words.check(trace.name) if trace.name else texts("ledger.accepted")
            would = texts("trace.was", was=self.was or "?", would=would)
            lines = [
                line(fit(banner, width), "$warn-ink on $warn bold", width=width),
                *(line(each, "$warn-text") for each in wrap(changed, width)[:3]),
                line(would, "$warn-text bold", width=width),
                *lines,
            ]
        return lines


class StepList(LineList[Stepped], inherit_bindings=False):
    """The steps. A number before a key repeats it: 10k goes ten steps back."""

    BINDINGS: ClassVar[list[BindingType]] = [
        key("k,up", "step(-1)", "trace.previous", show=False),
        key("j,down", "step(1)", "trace.next", show=False),
        key("pageup", "page(-1)", "list.page_up", show=False),
        key("pagedown", "page(1)", "list.page_down", show=False),
        key("home,g", "go(0)", "list.first", show=False),
        key("end,G", "go(-1)", "list.last", show=False),
        key("c", "call(-1)", "trace.previous_call", show=False),
        key("C", "call(1)", "trace.next_call"),
        # The focused list's keys come first on the key line: on a narrow screen this one must not be left out.
        key("p", "screen.pane(1)", "trace.pane"),
        key("N", "difference(-1)", "trace.previous_difference", show=False),
        key("n", "difference(1)", "trace.next_difference"),
    ]

    class Counted(Message):
        """The number typed so far."""

        def __init__(self, count: str) -> None:
            self.count = count
            super().__init__()

    count: reactive[str] = reactive("")
    compared: bool = False

    def watch_count(self, count: str) -> None:
        """Say it: a number that waits must be seen."""
        self.post_message(self.Counted(count))

    def on_key(self, event: events.Key) -> None:
        """Digits gather; anything else that is no movement forgets them."""
        if event.character is not None and event.character.isascii() and event.character.isdecimal():
            self.count = (self.count + event.character)[:LONGEST_COUNT].lstrip("0")
            event.stop()
        elif event.key in ("escape", "backspace") and self.count:
            self.count = ""
            event.stop()
            event.prevent_default()

    def _times(self) -> int:
        times, self.count = int(self.count or 1), ""
        return times

    def action_step(self, by: int) -> None:
        """So many steps on or back."""
        self.cursor += by * self._times()

    def action_go(self, place: int) -> None:
        """To an end; with a number, to that step."""
        numbered = int(self.count) - 1 if self.count else place
        self.count = ""
        super().action_go(min(numbered, len(self.items) - 1))

    def action_call(self, by: int) -> None:
        """So many calls on or back."""
        self.cursor = call_from(self.items, self.cursor, by * self._times())

    def action_difference(self, by: int) -> None:
        """To where the two runs differ next."""
        for _ in range(self._times()):
            self.cursor = difference_from(self.items, self.cursor, by)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Differences are there in a comparison alone."""
        return action != "difference" or self.compared


class TraceScreen(Looking):
    """The steps and what the present one did: below it where it is narrow, beside it where there is room."""

    BINDINGS: ClassVar[list[BindingType]] = [
        key("d", "scroll_pane(1)", "panel.down", show=False),
        key("u", "scroll_pane(-1)", "panel.up", show=False),
    ]

    pane: var[int] = var(0)

    def __init__(
        self, height: int, index: int, *, trace: Trace | None = None, real: Trace | None = None,
        compared: Comparison | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.height, self.index = height, index
        self.trace, self.real, self.compared = trace, real, compared

    def heading(self) -> str:
        """Steps of which transaction."""
        texts = self.console_app.texts
        name = f"{self.height:,}/{self.index}"
        return texts("trace.what_if", name=name) if self.real is not None else texts("trace.steps", name=name)

    def inside(self) -> Iterable[Widget]:
        """The head, the steps, the pane."""
        self.steps = StepList(COLUMNS, self._cells, lambda row: (row.mark, row.step.index), id="steps")
        yield TraceHead(id="trace-head")
        yield Room(
            self.steps, VerticalScroll(StepPane(id="step-pane"), id="step-box", can_focus=False), id="trace"
        )  # fmt: skip

    def on_mount(self) -> None:
        """Run it, unless it was handed over."""
        super().on_mount()
        self.steps.focus()
        if self.trace is None:
            self.asking(self._read, "trace")
        else:
            self._show(self.trace)

    async def _read(self) -> None:
        trace = await self.desk.trace(self.height, self.index)
        self._show(trace)

    def _show(self, trace: Trace) -> None:
        self.trace = trace = trace_told(trace)
        rows = rows_of_trace(trace)
        if self.real is not None and self.compared is not None:
            rows = rows_of_comparison(trace_told(self.real), trace, self.compared)
            self.steps.compared = True
        head, pane = self.query_one("#trace-head", TraceHead), self.query_one("#step-pane", StepPane)
        texts = self.console_app.texts
        was = self.real.name if self.real else ""
        head.was = words_in(texts.language).check(was) if was else texts("ledger.accepted")
        head.trace = pane.trace = trace
        pane.rows = rows
        self.steps.show(rows, empty=lambda: self.console_app.texts("support.reading"))
        self.steps.cursor = self._beginning(rows, trace)
        self._moved()

    def _beginning(self, rows: Sequence[Stepped], trace: Trace) -> int:
        """Where the two runs part; else where it was refused; else at the beginning."""
        if self.compared is not None:
            return max(self.compared.first, 0)
        return next((at for at, row in enumerate(rows) if row.step.index == trace.refused_at), 0)

    def _cells(self, row: Stepped) -> Sequence[Cell]:
        words, tone = words_of(self.console_app.texts, row.step)
        mark, mark_tone = _MARKS[row.mark]
        if self.trace is not None and self.trace.hypothetical and not mark:
            mark, mark_tone = "≈", "warn"
        if row.mark == "gone":
            tone = "muted"
        indent = "  " * min(row.step.depth, 8)
        return (mark, mark_tone), (str(row.step.index + 1), "muted"), (indent + words, tone), (row.step.where, "muted")

    @on(LineList.Moved, "#steps")
    def _moved(self) -> None:
        self.query_one("#trace-head", TraceHead).at = self.steps.cursor
        self.query_one("#step-pane", StepPane).at = self.steps.cursor
        self.query_one("#step-box").scroll_home(animate=False)
        self.refresh_bindings()

    @on(StepList.Counted)
    def counted(self, message: StepList.Counted) -> None:
        """The number that waits for its key."""
        self.query_one("#trace-head", TraceHead).count = message.count

    # -- keys

    def about(self) -> About:
        """The transaction; the code of the step, else of the result."""
        trace, row = self.trace, self.steps.present
        if trace is None:
            return About()
        code = row.step.code if row is not None and row.step.code else trace.code
        named = row.step.what.split(" ")[0] if row is not None and row.step.kind == CHECK else ""
        return About(word=trace.hash, height=self.height, index=self.index, code=str(code or "") or named)

    def action_pane(self, by: int) -> None:
        """What the pane shows: the step, what was done so far, the message, the end."""
        self.pane = (self.pane + by) % len(PANES)

    def watch_pane(self, pane: int) -> None:
        """Show it from its beginning."""
        self.query_one("#step-pane", StepPane).which = PANES[pane]
        self.query_one("#step-box").scroll_home(animate=False)

    def action_scroll_pane(self, by: int) -> None:
        """Up or down in the pane."""
        self.query_one("#step-box").scroll_relative(y=by * 3, animate=False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """One is stepping already; what is imagined cannot be imagined further, nor be evidence."""
        if action in ("steps", "forward"):
            return False
        if action in ("what_if", "case") and (self.trace is None or self.trace.hypothetical):
            return False
        return super().check_action(action, parameters)
