"""The sales of the book: find one, read it, refund it. It refuses a refund of what was not paid, and says so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import ClassVar

from textual import events, on
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Input

from chainpos.console.keymap import key
from chainpos.console.language import Texts
from chainpos.console.phrases import STATE_MARKS, clock, day_and_clock
from chainpos.console.screens.choose_part import ChoosePart
from chainpos.console.screens.money_form import Asked, Entered, MoneyForm
from chainpos.console.screens.refund_items import ChooseItems
from chainpos.console.screens.sales_beside import back_facts, beside_cells, beside_facts, give_back_asked, parts_left
from chainpos.console.screens.with_paper import PAID, WithPaper
from chainpos.console.widgets.bill_words import part_words, quantity_words
from chainpos.console.widgets.facts import Fact, Facts
from chainpos.console.widgets.field import Field
from chainpos.console.widgets.ground import Room
from chainpos.console.widgets.line_list import Cell, Column, LineList
from chainpos.console.widgets.notice import Told
from chainpos.console.widgets.shift_figures import named
from chainpos.core.values.amount import Amount, format_amount
from chainpos.till.roles import Right
from chainpos.till.views import BesideView, BillView, CounterView, KindView, SaleView, TenderKind

# A screenful and more; the rest is read when the cursor comes to its end.
PAGE_OF_SALES = 100
MOST_SHOWN = 10_000
COLUMNS = (
    Column("sales.time", 8),
    Column("sales.amount", 14, right=True),
    Column("sales.state", 17),
    Column("sales.reference", 0),
    Column("sales.payer", 14, from_width=84),
    Column("sales.refunded", 12, right=True, from_width=100),
    Column("sales.height", 9, right=True, from_width=112),
)


def bill_facts(texts: Texts, bill: BillView) -> tuple[Fact, ...]:
    """A bill's lines and parts, as they were charged, and what was given back beside the ledger since."""
    facts = [Fact("sales.bill", f"{bill.reference} · {format_amount(bill.charged)}")]
    for row in bill.lines:
        name = texts.either(row.name_en, row.name_zh)
        net = format_amount(row.gross - row.discount, with_currency=False)
        facts.append(Fact("sales.line", f"{quantity_words(row)} × {name}  {net}"))
    if bill.tip.minor:
        facts.append(Fact("bill.tip", format_amount(bill.tip)))
    facts += [Fact("sales.part", part_words(texts, part)) for part in bill.parts]
    if bill.over.minor:
        facts.append(Fact("sales.part", texts("bill.over", amount=format_amount(bill.over)), "bad"))
    return (*facts, *back_facts(texts, bill))


# Money on the ledger, and bills that it knows nothing of.
Row = SaleView | BesideView


class SalesScreen(WithPaper):
    """A list, and the sale under the cursor beside or below it."""

    NAME: ClassVar[str] = "sales"
    # Not the field above it: a key pressed at once is for the list.
    AUTO_FOCUS = "#sales-list"
    # A cashier asks, somebody who may approves with a PIN; who sells nothing has nothing to give back.
    RIGHTS: ClassVar[dict[str, Right]] = {"refund": Right.SELL}
    BINDINGS: ClassVar[list[BindingType]] = [
        key("slash", "find", "sales.find"),
        key("r", "refund", "sales.refund"),
        key("p", "print", "paper.print"),
        key("v", "receipt", "paper.receipt"),
        key("escape", "back", "sales.back", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.limit = PAGE_OF_SALES
        # What was rung up for the sale under the cursor, once it is read.
        self.bill: BillView | None = None

    def content(self) -> Iterable[Widget]:
        """A field to find by, the list, the details."""
        self.found: LineList[Row] = LineList(COLUMNS, self._cells, lambda row: row.reference, id="sales-list")
        yield Field(id="find")
        yield Room(self.found, VerticalScroll(Facts(id="sale"), id="sale-box", can_focus=False), id="sales")

    def on_mount(self) -> None:
        """Begin in the list."""
        super().on_mount()
        self.retranslate()
        self._read()
        self.found.focus()

    def on_screen_resume(self) -> None:
        """Something may have been sold meanwhile."""
        if self.is_mounted and self.view is not None:
            self._read()

    def retranslate(self) -> None:
        """The field's hint is a text too."""
        self.relabel("find", self.console_app.texts("sales.search"))
        self.query_one("#sale", Facts).heading = "sales.details"
        super().retranslate()
        self._details()

    def watch_view(self, before: CounterView | None, view: CounterView | None) -> None:
        """A sale changed: read the list again, if it is looked at."""
        if self.is_current and view is not None and (before is None or _sold(before) != _sold(view)):
            self._read()

    def _cells(self, sale: Row) -> Sequence[Cell]:
        if isinstance(sale, BesideView):
            return beside_cells(self.console_app.texts, sale, self.console_app.zone)
        mark, tone = STATE_MARKS[sale.state]
        return (
            (clock(sale.paid_ns or sale.created_ns, self.console_app.zone), "muted"),
            (format_amount(sale.amount, with_currency=False), ""),
            (f"{mark} {self.console_app.texts(f'sale_state.{sale.state.value}')}", tone),
            (sale.reference, ""),
            (sale.payer, "muted"),
            (format_amount(sale.refunded, with_currency=False) if sale.refunded else "", "warn"),
            (f"{sale.height:,}" if sale.height else "", "muted"),
        )

    def _read(self) -> None:
        self.read(self._show, "sales")

    async def _show(self) -> None:
        search = self.query_one("#find", Input).value.strip()
        till = self.console_app.till
        rows: list[Row] = [
            *await till.sales(search, limit=self.limit),
            *await till.bills.beside.found(search, self.limit),
        ]
        sales = tuple(sorted(rows, key=_made_ns, reverse=True)[: self.limit])

        def empty() -> str:
            texts = self.console_app.texts
            return texts("sales.none_found", search=search) if search else texts("sales.none")

        self.found.show(sales, empty=empty)
        self._details()

    @on(Input.Changed, "#find")
    def searched(self) -> None:
        """Find while typing."""
        self.limit = PAGE_OF_SALES
        self._read()

    @on(LineList.EndReached, "#sales-list")
    def more(self) -> None:
        """Older sales, a page at a time."""
        if len(self.found.items) == self.limit < MOST_SHOWN:
            self.limit += PAGE_OF_SALES
            self._read()

    @on(Input.Submitted, "#find")
    def found_it(self) -> None:
        """Enter goes to the list."""
        self.found.focus()

    @on(LineList.Moved)
    def moved(self) -> None:
        """Another sale."""
        self.forget_why()
        self._details()
        self.refresh_bindings()

    def scanned(self, code: str) -> None:
        """A scanned receipt is looked for."""
        self.query_one("#find", Input).value = code[:64]
        self.found.focus()

    def _details(self) -> None:
        facts, sale, self.bill = self.query_one("#sale", Facts), self.found.present, None
        facts.note = "sales.choose"
        facts.facts = self._facts(sale) if sale is not None else ()
        if sale is not None:
            self.read(lambda: self._add_bill(sale), "bill")

    async def _add_bill(self, sale: Row) -> None:
        """What was rung up for it, where anything was."""
        bill = await self._bill_of(sale)
        if bill is not None and sale is self.found.present:
            self.bill = bill
            self.query_one("#sale", Facts).facts = (*self._facts(sale), *bill_facts(self.console_app.texts, bill))
            if bill.by_kind:
                # What of it may still go back is known only now.
                self.refresh_bindings()

    async def _bill_of(self, sale: Row) -> BillView | None:
        bills = self.console_app.till.bills
        return await (bills.booked(sale.number) if isinstance(sale, BesideView) else bills.of_sale(sale.reference))

    def _facts(self, sale: Row) -> tuple[Fact, ...]:
        texts, zone = self.console_app.texts, self.console_app.zone
        if isinstance(sale, BesideView):
            return beside_facts(texts, sale, zone)
        mark, tone = STATE_MARKS[sale.state]
        facts = [
            Fact("sales.amount", format_amount(sale.amount)),
            Fact("sales.state", f"{mark} {texts(f'sale_state.{sale.state.value}')}", tone),
            Fact("sales.reference", sale.reference),
            Fact("sales.created", day_and_clock(sale.created_ns, zone)),
        ]
        if sale.paid_ns:
            facts.append(Fact("sales.paid", day_and_clock(sale.paid_ns, zone)))
        if sale.presented == "wall":
            facts.append(Fact("sales.how", texts("sales.by_wall")))
        if sale.payer:
            facts.append(Fact("sales.payer", sale.payer))
        if sale.height:
            facts.append(Fact("sales.height", f"{sale.height:,}"))
        if sale.fee is not None:
            facts.append(Fact("sales.fee", format_amount(sale.fee)))
        if sale.refunded is not None and sale.refunded.minor:
            facts.append(Fact("sales.refunded", format_amount(sale.refunded), "warn"))
        if sale.money_state:
            facts.append(Fact("sales.where", texts.known(f"money_state.{sale.money_state}", sale.money_state)))
        if sale.staff:
            facts.append(Fact("shift.staff", named(texts, sale.staff)))
        if sale.problem is not None:
            facts.append(Fact("sales.problem", texts.either(sale.problem.what_en, sale.problem.what_zh), "bad"))
            facts.append(Fact("sales.next", texts.either(sale.problem.next_en, sale.problem.next_zh)))
        if sale.tx_hash:
            facts.append(Fact("sales.hash", sale.tx_hash, "muted"))
        return tuple(facts)

    # -- keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A refund is offered where something came in and is left."""
        able = True
        if action == "refund":
            able = self._returnable()
        elif action in {"print", "receipt"}:
            able = self.has_receipt() and (action == "receipt" or self.can_print())
        if able:
            return super().check_action(action, parameters)
        # What cannot be done with this one is not offered, and `on_key` says why.
        allowed = action not in self.RIGHTS or self.may(self.RIGHTS[action])
        return None if allowed and self.found.present is not None else False

    def on_key(self, event: events.Key) -> None:
        """Who presses what cannot be done with the sale under the cursor is told why."""
        self.explain(event, self._why_not)

    def _why_not(self, action: str) -> Told:
        texts, row = self.console_app.texts, self.found.present
        if isinstance(row, SaleView) and row.state not in PAID:
            name = "only_paid" if action == "refund" else "no_receipt"
            return Told(texts(f"sales.{name}", state=texts(f"sale_state.{row.state.value}")))
        if action == "refund":
            return Told(texts("sales.all_back"))
        return Told(texts("sales.no_printer"), next_step=texts("sales.no_printer_next"))

    def paper_sale(self) -> SaleView | None:
        """The one under the cursor."""
        return self.found.present if isinstance(self.found.present, SaleView) else None

    def paper_bill(self) -> str:
        """The one under the cursor, where it is beside the ledger."""
        return self.found.present.reference if isinstance(self.found.present, BesideView) else ""

    def action_find(self) -> None:
        """Into the field."""
        self.query_one("#find", Input).focus()

    def action_back(self) -> None:
        """Out of the field, and all sales again."""
        self.told(None)
        self.query_one("#find", Input).value = ""
        self.found.focus()

    def _returnable(self) -> bool:
        row = self.found.present
        if isinstance(row, BesideView):
            return row.returned.minor < row.amount.minor
        return row is not None and bool(parts_left(row, self.bill))

    def action_refund(self) -> None:
        """Ask which part where there are several, for items where there are some; then amount, amount again and PIN."""
        row = self.found.present
        if row is not None:
            self.read(partial(self._ask_part, row), "refund")

    async def _ask_part(self, row: Row) -> None:
        bill = await self._bill_of(row)
        parts = parts_left(row, bill)

        def chosen(part: KindView | None) -> None:
            if part is not None and part.kind is TenderKind.LEDGER and isinstance(row, SaleView):
                self.read(partial(self._choose_items, row.reference, part, partial(self._ask_refund, row)), "items")
            elif part is not None and bill is not None:
                ask = partial(self._ask_give_back, bill.reference, part)
                self.read(partial(self._choose_items, bill.reference, part, ask), "items")

        if len(parts) > 1:
            self.app.push_screen(ChoosePart(row.reference, parts), chosen)
        else:
            chosen(next(iter(parts), None))

    async def _choose_items(self, reference: str, part: KindView, ask: Callable[[Amount | None, str], None]) -> None:
        """Which items go back, where there are some; then `ask` for what they come to, named so."""
        items = await self.console_app.till.items.of(reference)

        def chosen(pieces: dict[int, int] | None) -> None:
            if pieces:
                cases = self.console_app.till.items
                ask(cases.amount(items, pieces), cases.reason(pieces))
            elif pieces is not None:
                ask(None, "")

        if any(each.refunded < each.pieces for each in items):
            self.app.push_screen(ChooseItems(items, part.left), chosen)
        else:
            ask(None, "")

    def _ask_give_back(self, reference: str, part: KindView, suggested: Amount | None, reason: str) -> None:
        texts, beside = self.console_app.texts, self.console_app.till.bills.beside
        whose = "" if self.may(Right.REFUND) else "approval.pin"

        async def send(entered: Entered) -> None:
            why = reason if entered.amount == suggested else ""
            await beside.give_back(
                reference, part.kind, entered.amount, pin=entered.pin, typed_amount=entered.again, reason=why
            )  # fmt: skip

        def sent(amount: Amount | None) -> None:
            if amount is not None:
                kind = texts(f"tender.{part.kind.value}")
                self.told(Told(texts("money_back.done", amount=format_amount(amount), kind=kind), good=True))
                self._read()

        self.app.push_screen(MoneyForm(give_back_asked(texts, reference, part, whose, suggested), send), sent)

    def _ask_refund(self, sale: SaleView, suggested: Amount | None, reason: str) -> None:
        texts = self.console_app.texts
        refunded = sale.refunded or Amount(0, sale.amount.currency)
        asked = Asked(
            about="refund",
            title=texts("refund.title", reference=sale.reference),
            detail=texts("refund.paid", amount=format_amount(sale.amount), refunded=format_amount(refunded)),
            most=sale.amount - refunded,
            warning=texts("refund.warning"),
            twice=True,
            pin=True,
            whose_pin="" if self.may(Right.REFUND) else "approval.pin",
            suggested=suggested,
        )
        till = self.console_app.till

        async def send(entered: Entered) -> None:
            # Another amount than the items': it is no refund of those items any more.
            why = reason if entered.amount == suggested else ""
            await till.refund(
                sale.reference, entered.amount, pin=entered.pin, typed_amount=entered.again, reason=why
            )  # fmt: skip

        def sent(amount: Amount | None) -> None:
            if amount is not None:
                done = texts("refund.done", amount=format_amount(amount), reference=sale.reference)
                self.told(Told(done, good=True))
                self._read()

        self.app.push_screen(MoneyForm(asked, send), sent)


def _made_ns(row: Row) -> int:
    return row.at_ns if isinstance(row, BesideView) else row.created_ns


def _sold(view: CounterView) -> tuple[object, object]:
    return view.recent, view.taken
