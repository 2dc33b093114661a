"""Where the shop's money is: four states, who owes what is pending, payouts, fees. Every unit is in one state."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual import on
from textual.binding import BindingType
from textual.widget import Widget

from chainpos.console.keymap import SEARCH, key
from chainpos.console.phrases import day_and_clock
from chainpos.console.screens.money_form import Asked, Entered, MoneyForm
from chainpos.console.screens.page import Page
from chainpos.console.screens.settlement_panels import LastCycle, MoneyStates, Parts, Pending
from chainpos.console.widgets.ground import Room, Row
from chainpos.console.widgets.line_list import Cell, Column, LineList
from chainpos.console.widgets.notice import Told
from chainpos.core.values.amount import Amount, format_amount
from chainpos.till.roles import Right
from chainpos.till.views import CounterView, PayoutParts, PayoutRow, SettlementView

PAYOUT_COLUMNS = (
    Column("settlement.number", 5, right=True),
    Column("settlement.amount", 14, right=True),
    Column("settlement.state", 12),
    Column("settlement.requested", 19, from_width=70),
    Column("settlement.bank", 0),
)


class SettlementScreen(Page):
    """Read from the ledger, again whenever the tip moves."""

    NAME: ClassVar[str] = "settlement"
    RIGHTS: ClassVar[dict[str, Right]] = {"payout": Right.PAYOUT}
    BINDINGS: ClassVar[list[BindingType]] = [
        key("p", "payout", "settlement.payout"),
        key("r", "refresh_settlement", "settlement.refresh", show=False),
        key("escape", "close_parts", "settlement.back", show=False),
        SEARCH,
    ]

    def __init__(self) -> None:
        super().__init__()
        self.settlement: SettlementView | None = None

    def content(self) -> Iterable[Widget]:
        """States, debtors, payouts."""
        self.payouts: LineList[PayoutRow] = LineList(PAYOUT_COLUMNS, self._cells, lambda row: row.number, id="payouts")
        yield Room(
            MoneyStates(id="states"), Pending(id="pending"), Parts(id="payout-parts"), LastCycle(id="last-cycle"),
            Row(self.payouts), id="settlement",
        )  # fmt: skip

    def on_mount(self) -> None:
        """Read at once."""
        super().on_mount()
        self.payouts.focus()
        # The cut-off is counted down to by the second.
        self.set_interval(1.0, self._count_down, name="count down to the cut-off")
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
        self.query_one("#last-cycle", LastCycle).settlement = view
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
            (row.bank_reference or row.reason, ""),
        )

    def _count_down(self) -> None:
        if self.is_current:
            self.query_one("#pending", Pending).now_ns = self.console_app.now_ns()

    @on(LineList.Chosen, "#payouts")
    def _open_parts(self) -> None:
        if self.payouts.items:
            number = self.payouts.items[self.payouts.cursor].number
            self.read(lambda: self._read_parts(number), "parts")

    async def _read_parts(self, number: int) -> None:
        self._show_parts(await self.console_app.till.payout_parts(number))

    def _show_parts(self, parts: PayoutParts | None) -> None:
        panel = self.query_one("#payout-parts", Parts)
        self.set_class(parts is not None, "-parts")
        panel.parts = parts

    def action_close_parts(self) -> None:
        """Show the pending money again."""
        self._show_parts(None)

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
