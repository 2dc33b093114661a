"""Where the shop's money is: four states, who owes what is pending, payouts, fees. Every unit is in one state."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, Final

from textual.binding import BindingType
from textual.containers import Container, Horizontal
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from chainpos.console.cells import fit, width_of
from chainpos.console.context import texts_of
from chainpos.console.keymap import key
from chainpos.console.phrases import Tone, age, day_and_clock
from chainpos.console.screens.money_form import Asked, Entered, MoneyForm
from chainpos.console.screens.page import Page
from chainpos.console.widgets.facts import tone_style
from chainpos.console.widgets.line_list import Cell, Column, LineList
from chainpos.console.widgets.lines_panel import LinesPanel, line, rule, spread
from chainpos.console.widgets.notice import Told
from chainpos.core.values.amount import Amount, format_amount
from chainpos.till.roles import Right
from chainpos.till.views import CounterView, PayoutRow, PendingRow, SettlementView

STATES: Final[tuple[tuple[str, Tone], ...]] = (
    ("pending", "warn"),
    ("available", "good"),
    ("payout_requested", "accent"),
    ("paid_out", "muted"),
)
PAYOUT_COLUMNS = (
    Column("settlement.number", 5, right=True),
    Column("settlement.amount", 14, right=True),
    Column("settlement.state", 12),
    Column("settlement.requested", 19, from_width=70),
    Column("settlement.bank", 0),
)


class MoneyStates(LinesPanel):
    """The four states, each with its amount, in the order that money goes through them."""

    settlement: reactive[SettlementView | None] = reactive(None, layout=True)

    def lines(self, width: int) -> Sequence[Content]:
        """Four boxes in a row, or four rows where the screen is narrow."""
        texts, view = texts_of(self), self.settlement
        if view is None:
            return [line(texts("settlement.loading"), "$muted", width=width)]
        amounts = {"pending": view.pending, "available": view.available,
                   "payout_requested": view.payout_requested, "paid_out": view.paid_out}  # fmt: skip
        box = (width - 3) // 4
        if box < 17:
            return [
                spread(
                    line(texts(f"settlement.{name}"), f"{tone_style(tone)} bold"),
                    line(format_amount(amounts[name]), "bold"),
                    width,
                )
                for name, tone in STATES
            ]
        rows = []
        for part in ("title", "amount", "detail"):
            cells: list[str | tuple[str, str]] = []
            for rank, (name, tone) in enumerate(STATES):
                wide = box if rank < 3 else width - 3 * (box + 1)
                text, style = {
                    "title": (texts(f"settlement.{name}"), f"{tone_style(tone)} bold"),
                    "amount": (format_amount(amounts[name]), "$ink bold"),
                    "detail": (texts(f"settlement.{name}_detail"), "$muted"),
                }[part]
                cells += [(fit(text, wide), style), " " if rank < 3 else ""]
            rows.append(Content.assemble(*cells))
        arrows = Content.assemble(("━" * width, "$line"))
        return [rows[0], arrows, rows[1], rows[2]]


class Pending(LinesPanel):
    """Who owes the pending money, and whose batch was rolled over; the cut-off and the fees below."""

    settlement: reactive[SettlementView | None] = reactive(None, layout=True)
    now_ns: reactive[int] = reactive(0)

    def _row(self, row: PendingRow, width: int) -> Content:
        texts = texts_of(self)
        note = texts("settlement.rolled" if width >= 90 else "settlement.rolled_short") if row.rolled_over else ""
        mark = "⚠ " if row.rolled_over else "  "
        amount = format_amount(row.amount)
        note = note or texts("settlement.on_time")
        room = max(width - width_of(amount) - width_of(note) - 6, 6)
        style = "$warn-text bold" if row.rolled_over else "$muted"
        return Content.assemble((mark, style), fit(row.debtor, room), "  ", amount, "  ", (note, style))

    def lines(self, width: int) -> Sequence[Content]:
        """At most twelve debtors."""
        texts, view = texts_of(self), self.settlement
        if view is None:
            return []
        lines = [rule(texts("settlement.by_debtor"), width)]
        lines += [self._row(row, width) for row in view.pending_by_debtor[:12]]
        if not view.pending_by_debtor:
            lines.append(line(texts("settlement.none_pending"), "$muted", width=width))
        foot = []
        if view.next_cutoff_ns > self.now_ns:
            foot.append(texts("settlement.cutoff", time=age(texts, view.next_cutoff_ns - self.now_ns)))
        if view.fees_total is not None:
            foot.append(texts("settlement.fees", amount=format_amount(view.fees_total)))
        foot.append(texts("settlement.as_of", height=f"{view.height:,}"))
        return [*lines, line(" · ".join(foot), "$muted", width=width), Content()]


class SettlementScreen(Page):
    """Read from the ledger, again whenever the tip moves."""

    NAME: ClassVar[str] = "settlement"
    RIGHTS: ClassVar[dict[str, Right]] = {"payout": Right.PAYOUT}
    BINDINGS: ClassVar[list[BindingType]] = [
        key("p", "payout", "settlement.payout"),
        key("r", "refresh_settlement", "settlement.refresh", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.settlement: SettlementView | None = None

    def content(self) -> Iterable[Widget]:
        """States, debtors, payouts."""
        self.payouts: LineList[PayoutRow] = LineList(PAYOUT_COLUMNS, self._cells, lambda row: row.number, id="payouts")
        yield Container(MoneyStates(id="states"), Pending(id="pending"), Horizontal(self.payouts), id="settlement")

    def on_mount(self) -> None:
        """Read at once."""
        super().on_mount()
        self.payouts.focus()
        self._ask()

    def on_screen_resume(self) -> None:
        """It may have moved."""
        if self.is_mounted:
            self._ask()

    def watch_view(self, before: CounterView | None, view: CounterView | None) -> None:
        """A new height: read again, if it is looked at."""
        if self.is_current and view and before and before.network.known_height != view.network.known_height:
            self._ask()

    def _ask(self) -> None:
        self.read(self._read, "settlement")

    async def _read(self) -> None:
        self._show(await self.console_app.till.settlement())

    def _show(self, view: SettlementView) -> None:
        self.settlement = view
        self.query_one("#states", MoneyStates).settlement = view
        pending = self.query_one("#pending", Pending)
        pending.now_ns, pending.settlement = self.console_app.now_ns(), view
        self.payouts.show(view.payouts, empty=lambda: self.console_app.texts("settlement.no_payouts"))
        self.refresh_bindings()

    def _cells(self, row: PayoutRow) -> Sequence[Cell]:
        texts, zone = self.console_app.texts, self.console_app.zone
        tone: dict[str, Cell] = {
            "paid_out": (f"✓ {texts('payout_state.paid_out')}", "good"),
            "failed": (f"✗ {texts('payout_state.failed')}", "bad"),
        }
        state = tone.get(row.state, (f"○ {texts.known(f'payout_state.{row.state}', row.state)}", "accent"))
        return (
            (str(row.number), "muted"),
            (format_amount(row.amount, with_currency=False), ""),
            state,
            (day_and_clock(row.requested_ns, zone), "muted"),
            (row.bank_reference, ""),
        )

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A payout is offered when something is available."""
        if action == "payout" and (self.settlement is None or not self.settlement.available.minor):
            return False
        return super().check_action(action, parameters)

    def action_refresh_settlement(self) -> None:
        """Read it again."""
        self.told(None)
        self._ask()

    def action_payout(self) -> None:
        """Ask how much."""
        if self.settlement is None:
            return
        texts, till, most = self.console_app.texts, self.console_app.till, self.settlement.available
        asked = Asked(
            about="payout",
            title=texts("payout.title"),
            detail=texts("payout.available", amount=format_amount(most)),
            most=most,
        )

        async def send(entered: Entered) -> None:
            self._show(await till.request_payout(entered.amount))

        def sent(amount: Amount | None) -> None:
            if amount is not None:
                self.told(Told(texts("payout.done", amount=format_amount(amount)), good=True))

        self.app.push_screen(MoneyForm(asked, send), sent)
