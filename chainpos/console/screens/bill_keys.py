"""What the counter does with a bill: its keys for lines, quantities, discounts, tips, holding, and other money.

It decides nothing of the money: what a line costs and whether it may change is the till's. It refuses articles while a
code waits, and says so.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import on
from textual.binding import BindingType
from textual.reactive import var

from chainpos.console.keymap import key
from chainpos.console.screens.articles import ArticleSearch, Picked
from chainpos.console.screens.held import HeldBills
from chainpos.console.screens.prompt import Prompt
from chainpos.console.screens.question import Question
from chainpos.console.screens.tenders import TenderForm
from chainpos.console.screens.with_proof import WithProof
from chainpos.console.showing import FINISHED, Showing, Stage
from chainpos.console.widgets.bill_list import BillList
from chainpos.console.widgets.bill_words import part_words
from chainpos.console.widgets.notice import Told
from chainpos.core.values.amount import Amount, format_amount
from chainpos.errors import UserFacingError
from chainpos.till.views import ArticleView, BillView, SaleState, TenderKind

BUSY = frozenset({Stage.WAITING, Stage.CHARGING, Stage.SEEN, Stage.REFUSED})
# The bill's lines are shown and may be acted on.
LISTED = frozenset({Stage.RINGING, Stage.PART})
_ON_LINES = frozenset({"fewer", "count", "percent", "discount", "tip", "remove", "line"})


class BillKeys(WithProof):
    """The half of the counter that rings up. The other half shows codes."""

    # All of the counter's keys, in the order in which the line of keys offers them.
    BINDINGS: ClassVar[list[BindingType]] = [
        key("enter", "enter", "counter.enter"),
        key("escape", "back", "counter.back"),
        key("backspace", "undo", "counter.undo", show=False),
        key("space", "enlarge", "counter.enlarge"),
        key("f6", "aside", "counter.aside"),
        key("p", "print", "paper.print"),
        key("v", "receipt", "paper.receipt"),
        key("slash", "search", "counter.search"),
        key("ctrl+o,dollar_sign", "tender", "counter.tender"),
        key("plus", "more", "counter.more", show=False),
        key("minus", "fewer", "counter.fewer", show=False),
        key("asterisk", "times", "counter.times", show=False),
        key("equals_sign", "count", "counter.count", show=False),
        key("percent_sign", "percent", "counter.percent", show=False),
        key("ctrl+d", "discount", "counter.discount", show=False),
        key("ctrl+t", "tip", "counter.tip", show=False),
        key("delete", "remove", "counter.remove", show=False),
        key("up", "line(-1)", "counter.line_up", show=False),
        key("down", "line(1)", "counter.line_down", show=False),
    ]

    keyed: var[str] = var("")
    again: var[str] = var("")
    # How many of the next article.
    times: var[str] = var("")
    cursor: var[int] = var(-1)
    # Whether what is told is that a sale is under way.
    told_to_wait = False
    shown: Showing

    @abstractmethod
    def look(self) -> None:
        """Decide what to show and hand it down."""

    @abstractmethod
    def show_now(self) -> None:
        """The till's view after something we asked of it."""

    @property
    def bill(self) -> BillView | None:
        """The bill in hand, if there is anything on it."""
        bill = self.view.bill if self.view is not None else None
        return bill if bill is not None and bill.lines else None

    def line_at(self) -> int:
        """The line that keys act on: the one chosen, else the one touched last."""
        if self.bill is None:
            return -1
        return min(self.cursor if self.cursor >= 0 else self.bill.touched, len(self.bill.lines) - 1)

    def bill_action(self, action: str) -> bool | None:
        """Whether an action of this half can be done now; None for one of the other half."""
        stage = self.shown.stage
        if action in _ON_LINES:
            return stage is Stage.RINGING
        if action in {"more", "times"}:
            return stage not in BUSY and (bool(self.keyed) or (action == "more" and stage is Stage.RINGING))
        if action == "search":
            return stage not in BUSY and stage is not Stage.PART
        if action == "tender":
            return stage in LISTED or (bool(self.keyed) and stage not in BUSY) or self._waits_with_bill()
        return None

    def _waits_with_bill(self) -> bool:
        return self.shown.stage in {Stage.WAITING, Stage.REFUSED} and self.bill is not None

    # -- articles

    def action_search(self, begun_with: str = "") -> None:
        """Find an article by typing."""

        def picked(picked: Picked | None) -> None:
            if picked is not None:
                self.put_on(picked.article, picked.quantity)

        self.told(None)
        self.app.push_screen(ArticleSearch(self, begun_with), picked)

    @abstractmethod
    def scanned(self, code: str) -> None:
        """A whole code came from the scanner."""

    def scan_broken(self) -> None:
        """A scan lost its end."""
        texts = self.console_app.texts
        self.told(Told(texts("counter.scan_broken"), texts("counter.money_none")))

    def scan_article(self, code: str) -> None:
        """Look a bar code up and put its article on the bill."""
        if self._refuse_while_busy():
            return

        async def look() -> None:
            article = await self.console_app.till.bills.scanned(code)
            if article is None:
                texts = self.console_app.texts
                self.told(Told(texts("counter.no_article", code=code[:40]), next_step=texts("counter.no_article_next")))
            else:
                self.put_on(article, "")

        self.run_worker(self._told_if_refused(look), name="scan", group="scan")

    def put_on(self, article: ArticleView, quantity: str) -> None:
        """An article on the bill; first asked for what it lacks."""
        quantity, self.times = quantity or self.times, ""
        name = self.console_app.texts.either(article.name_en, article.name_zh)
        bills = self.console_app.till.bills
        if article.by_weight and not quantity:
            self.ask("weight", f"{name} · {article.unit}", lambda typed: bills.add(article.sku, typed))
        elif article.price is None:
            self.ask("price", name, lambda typed: bills.add(article.sku, quantity or "1", typed))
        else:
            self.ring(lambda: bills.add(article.sku, quantity or "1"))

    def ask(self, about: str, subject: str, send: Callable[[str], Awaitable[None]], *, behind: str = "") -> None:
        """A few characters from the cashier, then the change; `behind` stands there already, behind the cursor."""

        async def sent(typed: str) -> None:
            await send(typed)
            self.cursor = -1
            self.show_now()

        self.app.push_screen(Prompt(about, subject, sent, behind))

    def ring(self, work: Callable[[], Awaitable[None]], *, keep: bool = False) -> None:
        """A change of the bill. Each waits for the one before: scans come quicker than a disk writes."""

        async def change() -> None:
            await work()
            if not keep:
                self.cursor = -1
            self.keyed = ""
            self.show_now()

        self.told(None)
        self.run_worker(self._told_if_refused(change), name="ring", group="ring")

    def _refuse_while_busy(self) -> bool:
        if self.shown.stage not in BUSY:
            return False
        self.told(Told(self.console_app.texts("counter.waiting_digits", aside="F6")))
        self.told_to_wait = True
        return True

    # -- lines

    @on(BillList.Chosen)
    def line_chosen(self, message: BillList.Chosen) -> None:
        """A line was clicked."""
        self.cursor = message.at
        self.look()

    def action_line(self, by: int) -> None:
        """The line above or below."""
        if self.bill is not None:
            self.cursor = max(0, min(self.line_at() + by, len(self.bill.lines) - 1))
            self.look()

    def action_more(self) -> None:
        """What was keyed as a line of its own; else one piece more."""
        bills, at = self.console_app.till.bills, self.line_at()
        if self.keyed:
            amount = self._keyed_or_told()
            if amount is not None and amount.minor:
                self.ring(lambda: bills.add_amount(amount))
        elif at >= 0:
            self.ring(lambda: bills.step_quantity(at, 1), keep=True)

    def action_fewer(self) -> None:
        """One piece less."""
        at = self.line_at()
        self.ring(lambda: self.console_app.till.bills.step_quantity(at, -1), keep=True)

    def action_times(self) -> None:
        """So many of the next article."""
        self.times, self.keyed = self.keyed, ""
        self.told(Told(self.console_app.texts("counter.times", count=self.times), good=True))

    def action_count(self) -> None:
        """What was keyed is the quantity of this line; else it is asked for."""
        bills, at, typed = self.console_app.till.bills, self.line_at(), self.keyed
        if typed:
            self.ring(lambda: bills.set_quantity(at, typed), keep=True)
        else:
            self.ask("quantity", self._line_name(at), lambda text: bills.set_quantity(at, text))

    def action_percent(self) -> None:
        """What was keyed is the percentage off this line; else a discount is asked for."""
        bills, at, typed = self.console_app.till.bills, self.line_at(), self.keyed
        if typed:
            self.ring(lambda: bills.discount(f"{typed}%", at), keep=True)
        else:
            self.ask("line_discount", self._line_name(at), lambda text: bills.discount(text, at), behind="%")

    def action_discount(self) -> None:
        """A discount on the whole."""
        self.ask("cart_discount", "", self.console_app.till.bills.discount)

    def action_tip(self) -> None:
        """A tip."""
        self.ask("tip", "", self.console_app.till.bills.tip)

    def action_remove(self) -> None:
        """The line less; it can be taken back."""
        at = self.line_at()
        self.ring(lambda: self.console_app.till.bills.remove(at))

    def undo_change(self) -> None:
        """As before the last change."""
        self.ring(self.console_app.till.bills.undo)

    def _line_name(self, at: int) -> str:
        if self.bill is None or at < 0:
            return ""
        row = self.bill.lines[at]
        return self.console_app.texts.either(row.name_en, row.name_zh)

    def _keyed_or_told(self) -> Amount | None:
        try:
            return self.console_app.till.parse_keyed(self.keyed)
        except UserFacingError as error:
            self.tell(error)
            return None

    # -- holding, giving up

    def hold_or_take_back(self) -> None:
        """With a bill in hand it is parked; else the one held is taken back, or one of several is chosen."""
        bills, held = self.console_app.till.bills, self.view.held if self.view is not None else ()
        if self.shown.stage in LISTED:
            self.ring(bills.park)
        elif len(held) == 1:
            self.ring(lambda: bills.take_up(held[0].number))
        elif held:

            def chosen(number: int | None) -> None:
                if number is not None:
                    self.ring(lambda: bills.take_up(number))

            self.app.push_screen(HeldBills(held), chosen)

    def ask_to_give_up(self) -> None:
        """Clear a bill, or give back what came in for it: both are asked first."""
        bill = self.bill
        if bill is None:
            return
        texts = self.console_app.texts
        if bill.received.minor:
            parts = "; ".join(part_words(texts, part) for part in bill.beside)
            question, work = Question("give_back", texts("give_back.detail", parts=parts)), self._give_back
        else:
            detail = texts("give_up.detail", count=len(bill.lines), amount=format_amount(bill.charged))
            question, work = Question("give_up", detail), self.console_app.till.bills.give_up

        def answered(yes: bool | None) -> None:  # noqa: FBT001 (Textual calls it)
            if yes:
                self.ring(work)

        self.app.push_screen(question, answered)

    async def _give_back(self) -> None:
        texts = self.console_app.texts
        given = await self.console_app.till.bills.return_parts()
        kept = self.view.bill if self.view is not None else None
        parts = "; ".join(
            texts(f"tender.return_{part.kind.value}", amount=format_amount(part.amount)) for part in given
        )
        on_ledger = texts("give_back.ledger") if kept is not None and kept.on_ledger else ""
        self.told(Told(texts("give_back.done", parts=parts or texts("give_back.nothing")), next_step=on_ledger))

    # -- other money

    def action_tender(self) -> None:
        """Cash, a card, a voucher, or a part by code."""
        bill = self.bill
        due = self.shown.amount if bill is None else bill.remaining
        if self.keyed:
            due = self._keyed_or_told()
            if bill is not None and due is not None:
                self.told(Told(self.console_app.texts("counter.digits_on_bill")))
                return
        if due is None or not due.minor:
            self.told(Told(self.console_app.texts("counter.no_zero")))
            return
        keyed = [due] if bill is None else []
        self.app.push_screen(TenderForm(due, lambda kind, amount: self._receive(keyed, kind, amount)))

    async def _receive(self, keyed: list[Amount], kind: TenderKind, amount: Amount) -> None:
        till, sale = self.console_app.till, self.shown.sale
        if sale is not None and self.shown.stage in BUSY:
            # One part, one way to pay it.
            cancelled = await till.cancel(sale.reference)
            if cancelled.state is not SaleState.CANCELLED:
                self.show_now()
                raise UserFacingError(
                    "The code that was shown could not be cancelled yet, so it may still be paid.",
                    next_step="Wait until the till is online or the code has expired; take no other money for it.",
                )
        if keyed:
            if self.shown.stage in FINISHED:
                await till.dismiss()
            await till.bills.add_amount(keyed[0])
            # What is refused from here on is tried again with the line on the bill.
            keyed.clear()
            self.keyed = ""
        if kind is TenderKind.LEDGER:
            await till.bills.show_code(amount)
        else:
            await till.bills.receive(kind, amount)
        self.keyed, self.again, self.cursor = "", "", -1
        self.show_now()
