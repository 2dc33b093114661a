"""The shift: what it took, whether book, ledger and drawer agree, and the keys that open and close it.

It refuses to close a shift on Enter alone. A closed shift is shown as it was signed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import ClassVar, Final

from textual import events
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget

from chainpos.console.keymap import key
from chainpos.console.phrases import Tone, clock
from chainpos.console.screens.money_form import CONFIRM_KEY, Asked, Entered, MoneyForm
from chainpos.console.screens.page import Page
from chainpos.console.screens.question import Question
from chainpos.console.widgets.ground import Room
from chainpos.console.widgets.key_line import key_name
from chainpos.console.widgets.line_list import Cell, Column, LineList
from chainpos.console.widgets.notice import Told
from chainpos.console.widgets.shift_figures import HourBars, ShiftHead, named, signed
from chainpos.core.values.amount import MAX_MINOR, Amount, format_amount
from chainpos.errors import UserFacingError
from chainpos.till.roles import Right
from chainpos.till.shift_views import LineView, RequestView, ShiftView
from chainpos.till.views import CounterView

COLUMNS = (
    Column("shift.time", 8),
    Column("shift.kind", 7, from_width=66),
    Column("shift.reference", 0),
    Column("shift.book", 12, right=True),
    Column("shift.ledger", 12, right=True),
    Column("shift.fee", 9, right=True, from_width=92),
    Column("shift.where", 12, from_width=78),
    Column("shift.staff", 12, from_width=120),
    Column("", 2),
)
KIND_TONES: Final[dict[str, Tone]] = {"refund": "warn", "refund_rest": "warn", "request": "muted"}
EXPORTS: Final = "chainpos-shifts"


class ShiftScreen(Page):
    """The open shift, or one that is closed: to the left the older, to the right the newer."""

    NAME: ClassVar[str] = "shift"
    RIGHTS: ClassVar[dict[str, Right]] = {
        "open_shift": Right.SHIFT,
        "close_shift": Right.SHIFT,
        "cash_in": Right.DRAWER,
        "cash_out": Right.DRAWER,
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        key("o", "open_shift", "shift.open"),
        key("i", "cash_in", "shift.cash_in"),
        key("u", "cash_out", "shift.cash_out"),
        key("x", "x_report", "shift.x"),
        key("z", "close_shift", "shift.z"),
        key("e", "export", "shift.export"),
        key("p", "print_report", "shift.print"),
        key("s", "save_report", "shift.save"),
        key("w", "app.go('staff')", "shift.staff"),
        key("left", "older", "shift.older"),
        key("right", "newer", "shift.newer", show=False),
        key("d", "scroll_figures(1)", "panel.down", show=False),
        key("b", "scroll_figures(-1)", "panel.up", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.shift: ShiftView | None = None
        self.number = 0  # of the closed shift that is looked at; 0 for the open one
        self.numbers: tuple[int, ...] = ()
        self.left = False

    def content(self) -> Iterable[Widget]:
        """Figures, bars and differences; every movement below."""
        self.moves: LineList[LineView] = LineList(COLUMNS, self._cells, lambda each: each.reference, id="shift-lines")
        top = VerticalScroll(
            ShiftHead(id="shift-head"), HourBars(id="shift-hours"), id="shift-top", can_focus=False
        )  # fmt: skip
        yield Room(top, self.moves, id="shift")

    def on_mount(self) -> None:
        """Read at once."""
        super().on_mount()
        self.moves.focus()
        self._ask()

    def on_screen_suspend(self) -> None:
        """Whether one goes elsewhere, or a dialog is opened over this."""
        self.left = self.app.current_mode != self.NAME

    def on_screen_resume(self) -> None:
        """Something may have been sold meanwhile: who comes back to an open shift wants that one."""
        if self.left and self.view is not None and self.view.shift:
            self.number = 0
        if self.is_mounted:
            self._ask()

    def watch_view(self, before: CounterView | None, view: CounterView | None) -> None:
        """A sale changed: the open shift's figures did too."""
        if self.is_current and view and before and (before.recent, before.shift) != (view.recent, view.shift):
            self._ask()

    def _ask(self) -> None:
        self.read(self._read, "shift")

    async def _read(self) -> None:
        shifts = self.console_app.till.shifts
        self.numbers = await shifts.closed_numbers()
        self._show(await (shifts.closed(self.number) if self.number else shifts.report()))

    def _show(self, view: ShiftView) -> None:
        self.shift = view
        self.query_one("#shift-head", ShiftHead).shift = view
        self.query_one("#shift-hours", HourBars).shift = view
        rows = (*view.lines, *(_unpaid(each) for each in view.requests))
        self.moves.show(rows, empty=lambda: self.console_app.texts("shift.no_lines"))
        self.refresh_bindings()

    def _cells(self, each: LineView) -> Sequence[Cell]:
        texts = self.console_app.texts
        mark: Cell = ("✗", "bad") if each.problem is not None else ("✓" if each.ledger is not None else "○", "good")
        where = texts.known(f"money_state.{each.where}", texts.known(f"sale_state.{each.where}", each.where))
        return (
            (clock(each.time_ns, self.console_app.zone), "muted"),
            (texts(f"line_kind.{each.kind}"), KIND_TONES.get(each.kind, "")),
            (each.reference, ""),
            (_figure(each.book), ""),
            (_figure(each.ledger), ""),
            (_figure(each.fee), "muted"),
            (where, "muted"),
            (named(texts, each.staff), "muted"),
            mark,
        )

    # -- keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what this shift, and whoever is signed in, allow."""
        is_open, looking_back = self.view is not None and self.view.shift > 0, self.number > 0
        fits = {
            "open_shift": not is_open,
            "close_shift": is_open and not looking_back,
            "cash_in": is_open and not looking_back,
            "cash_out": is_open and not looking_back,
            "x_report": is_open,
            "export": looking_back,
            "print_report": self._has_report() and self._has_printer(),
            "save_report": self._has_report(),
            "older": bool(self._older()),
            "newer": looking_back,
        }
        if fits.get(action, True):
            return super().check_action(action, parameters)
        # What whoever is here may do, and can not now, is there and not offered: `on_key` says why.
        return None if action in self.RIGHTS and self.may(self.RIGHTS[action]) else False

    def _older(self) -> int:
        """The closed shift before the one that is looked at, 0 for none."""
        return next((number for number in self.numbers if not self.number or number < self.number), 0)

    def action_older(self) -> None:
        """The shift before."""
        self.told(None)
        self.number = self._older() or self.number
        self._ask()

    def action_newer(self) -> None:
        """The shift after; at last the open one."""
        self.told(None)
        after = [number for number in self.numbers if number > self.number]
        self.number = after[-1] if after else 0
        self._ask()

    def action_scroll_figures(self, by: int) -> None:
        """The figures, where they do not fit above the movements."""
        self.query_one("#shift-top").scroll_relative(y=3 * by, animate=False)

    def action_x_report(self) -> None:
        """The open shift's figures, read anew."""
        self.told(None)
        self.number = 0
        self._ask()

    def on_key(self, event: events.Key) -> None:
        """Who presses what cannot be done now is told why, and what to press."""
        if (shift := self.shift) is not None:
            self.explain(event, lambda _: self._why_not(shift))

    def _why_not(self, shift: ShiftView) -> Told:
        texts, zone = self.console_app.texts, self.console_app.zone
        if self.view is None or not self.view.shift:
            return Told(texts("shift.none_open"), next_step=self._by_key("shift.open_it", "shift.open"))
        if self.number:
            what = texts("shift.looking_back", number=self.number)
            return Told(what, next_step=self._by_key("shift.to_open", "shift.x"))
        # A shift that opened by itself has no float: who asks to open it is told where that goes.
        what = texts("shift.is_open", time=clock(shift.opened_ns, zone))
        return Told(what, next_step=self._by_key("shift.float_later", "shift.cash_in"))

    def _by_key(self, text: str, binding_id: str) -> str:
        live, texts = self.active_bindings, self.console_app.texts
        pressed = next((key for key, each in live.items() if each.binding.id == binding_id and each.enabled), "")
        return texts(text, key=key_name(texts, pressed)) if pressed else ""

    def action_open_shift(self) -> None:
        """Ask for the float."""
        till = self.console_app.till

        async def send(entered: Entered) -> None:
            self.number = 0
            self._show(await till.shifts.open(entered.amount))
            self._follow()

        self._form("shift_open", send, lambda amount: Told(self._text("shift_open.done", amount), good=True))

    def action_cash_in(self) -> None:
        """Ask how much, and why."""
        self._draw("in")

    def action_cash_out(self) -> None:
        """Ask how much, and why."""
        self._draw("out")

    def _draw(self, kind: str) -> None:
        till, about = self.console_app.till, f"cash_{kind}"
        told: list[Amount] = []

        async def send(entered: Entered) -> None:
            if kind == "out" and entered.amount not in told:
                # It may be right where somebody forgot to note a float: asked once for each amount, not forbidden.
                told.append(entered.amount)
                self._require_in_drawer(entered.amount, await till.shifts.report())
            await till.shifts.draw(kind, entered.amount, entered.reason)
            self._ask()

        done = f"{about}.done"
        self._form(about, send, lambda amount: Told(self._text(done, amount), good=True), reason=True)

    def _require_in_drawer(self, amount: Amount, shift: ShiftView) -> None:
        if amount.minor > shift.expected_minor:
            texts, held = self.console_app.texts, signed(shift.expected_minor, shift.currency, with_currency=True)
            words = texts("cash_out.beyond", amount=held)
            raise UserFacingError(words, next_step=texts("cash_out.again", key=key_name(texts, CONFIRM_KEY)))

    def action_close_shift(self) -> None:
        """Ask what was counted; the answer ends the shift."""
        till = self.console_app.till

        async def send(entered: Entered) -> None:
            view = await till.shifts.close(entered.amount)
            self.number = view.number
            self.numbers = (view.number, *self.numbers)
            self._show(view)
            self._follow()

        self._form("shift_close", send, lambda _: self._told_closed())

    def _told_closed(self) -> Told:
        if self._has_printer():
            self.call_after_refresh(self._offer_paper)
        texts, view = self.console_app.texts, self.shift
        if view is None or view.counted is None:
            return Told(texts("shift.loading"), good=True)
        over = signed(view.counted.minor - view.expected_minor, view.currency, with_currency=True)
        what = texts("shift_close.done", number=view.number, difference=over)
        return Told(what, good=not view.differences)

    def _offer_paper(self) -> None:
        """The Z report on paper, unless somebody says no."""
        texts, view = self.console_app.texts, self.shift

        def answered(yes: bool | None) -> None:  # noqa: FBT001 (Textual calls it)
            if yes:
                self.action_print_report()

        if view is not None:
            self.app.push_screen(Question("shift_paper", texts("shift_paper.detail", number=view.number)), answered)

    def _has_report(self) -> bool:
        return self.shift is not None and self.shift.number > 0

    def _has_printer(self) -> bool:
        return self.view is not None and self.view.printer.is_set

    def action_print_report(self) -> None:
        """The report that is looked at, on paper."""
        view, paper = self.shift, self.console_app.till.paper

        async def work() -> None:
            if view is not None:
                copy = await paper.print_report(view)
                texts = self.console_app.texts
                words = texts("shift.printed_again", number=copy) if copy else texts("shift.printed")
                self.told(Told(words, good=True))

        self.change(work, "paper")

    def action_save_report(self) -> None:
        """The report that is looked at, as it would be printed."""
        view, paper = self.shift, self.console_app.till.paper

        async def work() -> None:
            if view is not None:
                path = await paper.save_report(view, Path.home() / EXPORTS)
                self.told(Told(self.console_app.texts("paper.saved", path=path), good=True))

        self.change(work, "paper")

    def action_export(self) -> None:
        """Write the shift that is looked at as files."""
        till, number = self.console_app.till, self.number

        async def write() -> None:
            files = await till.shifts.export(number, Path.home() / EXPORTS)
            names = ", ".join(path.name for path in files)
            text = self.console_app.texts("shift.exported", folder=files[0].parent, names=names)
            self.told(Told(text, good=True))

        self.change(write, "export")

    def _text(self, name: str, amount: Amount) -> str:
        return self.console_app.texts(name, amount=format_amount(amount))

    def _follow(self) -> None:
        self.console_app.take(self.console_app.till.counter())

    def _form(
        self,
        about: str,
        send: Callable[[Entered], Awaitable[None]],
        told: Callable[[Amount], Told],
        *,
        reason: bool = False,
    ) -> None:
        texts, shop = self.console_app.texts, self.view.shop if self.view is not None else None
        if shop is None:
            return
        asked = Asked(
            about=about,
            title=texts(f"{about}.title"),
            detail=texts(f"{about}.detail"),
            most=Amount(MAX_MINOR, shop.currency),
            reason=reason,
            zero=not reason,
        )

        def answered(amount: Amount | None) -> None:
            if amount is not None:
                self.told(told(amount))

        self.app.push_screen(MoneyForm(asked, send), answered)


def _unpaid(request: RequestView) -> LineView:
    """A request that brought no money, below what did."""
    zero = Amount(0, request.amount.currency)
    return LineView(
        kind="request", reference=request.reference, book=request.amount, ledger=None, fee=zero, where=request.state,
        height=0, time_ns=0, staff="",
    )  # fmt: skip


def _figure(amount: Amount | None) -> str:
    return format_amount(amount, with_currency=False) if amount is not None else "–"
