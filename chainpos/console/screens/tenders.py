"""Taking money beside the ledger, or a part by code: cash with its change, a card on another terminal, a voucher.

It says that none of this is on the ledger, and refuses more than is due for anything but cash.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive, var
from textual.widgets import Input

from chainpos.console.cells import width_of
from chainpos.console.context import context, texts_of
from chainpos.console.keymap import key
from chainpos.console.phrases import parts_of
from chainpos.console.scanner import normalised
from chainpos.console.screens.dialog import Dialog
from chainpos.console.widgets.field import Field
from chainpos.console.widgets.ground import Box
from chainpos.console.widgets.hint import Hint
from chainpos.console.widgets.lines_panel import LinesPanel, line
from chainpos.console.widgets.notice import Told
from chainpos.console.widgets.words import Heading, Words
from chainpos.core.values.amount import Amount, format_amount
from chainpos.errors import UserFacingError
from chainpos.till.views import TenderKind

KINDS = (TenderKind.CASH, TenderKind.CARD, TenderKind.VOUCHER, TenderKind.LEDGER)


class KindLine(LinesPanel):
    """The kinds side by side, the chosen one marked; a click chooses."""

    class Chosen(Message):
        """A kind was clicked."""

        def __init__(self, kind: TenderKind) -> None:
            self.kind = kind
            super().__init__()

    kind: reactive[TenderKind] = reactive(TenderKind.CASH)

    def _labels(self) -> list[tuple[TenderKind, str]]:
        texts = texts_of(self)
        return [(kind, f" {texts(f'tender.{kind.value}')} ") for kind in KINDS]

    def lines(self, width: int) -> Sequence[Content]:
        """One line."""
        styles = {True: "$accent-ink on $accent bold", False: "$muted"}
        labels = [line(label, styles[kind is self.kind]) for kind, label in self._labels()]
        return [Content.assemble(*labels).truncate(width)]

    def on_click(self, event: events.Click) -> None:
        """Which kind lies under the pointer."""
        left = self.content_region.x - self.region.x
        for kind, label in self._labels():
            if left <= event.x < left + width_of(label):
                self.post_message(self.Chosen(kind))
                return
            left += width_of(label)


class TenderForm(Dialog[bool]):
    """`due` is what remains; `send` is given the kind and the amount that was handed over."""

    BINDINGS: ClassVar[list[BindingType]] = [
        key("escape", "close", "dialog.close"),
        key("down,tab", "kind(1)", "dialog.next_field", show=False),
        key("up,shift+tab", "kind(-1)", "dialog.previous_field", show=False),
    ]

    kind: var[TenderKind] = var(TenderKind.CASH)

    def __init__(self, due: Amount, send: Callable[[TenderKind, Amount], Awaitable[object]]) -> None:
        super().__init__()
        self.due, self.send = due, send
        self.sending = False

    def compose(self) -> ComposeResult:
        """What is due, with what it is paid, how much of it."""
        texts = context(self).texts
        with Box(classes="dialog"):
            yield Heading(texts("tender.title", amount=format_amount(self.due)))
            yield KindLine(id="kinds")
            whole = format_amount(self.due, with_currency=False)
            yield Field(label=texts("tender.given"), placeholder=whole, id="tender-field", max_length=24)
            yield Words(id="tender-then", classes="dialog-text")
            yield Hint()

    def on_mount(self) -> None:
        """Cash is what most hands hold."""
        self.query_one(Input).focus()
        self._look()

    def _amount(self) -> Amount | None:
        text = normalised(self.query_one(Input).value).strip()
        if not text:
            return self.due
        try:
            return context(self).till.parse_keyed(text)
        except UserFacingError:
            return None

    def _look(self) -> None:
        texts, amount = context(self).texts, self._amount()
        self.query_one(KindLine).kind = self.kind
        self.query_one(Field).label = texts("tender.given" if self.kind is TenderKind.CASH else "tender.amount")
        then = ""
        if amount is not None and amount.minor:
            after = amount.minor - self.due.minor
            rest = format_amount(Amount(abs(after), self.due.currency))
            if after < 0:
                then = texts("tender.then_due", amount=rest)
            elif after > 0:
                then = texts("tender.then_change" if self.kind is TenderKind.CASH else "tender.too_much", amount=rest)
            else:
                then = texts("tender.then_all")
        self.query_one("#tender-then", Words).text = then
        hint = "tender.on_ledger" if self.kind is TenderKind.LEDGER else f"tender.hint_{self.kind.value}"
        self.query_one(Hint).text = texts(hint)

    def watch_kind(self) -> None:
        """Another kind, another meaning of the amount."""
        if self.is_mounted:
            self._look()

    @on(KindLine.Chosen)
    def kind_clicked(self, message: KindLine.Chosen) -> None:
        """By the mouse."""
        self.kind = message.kind

    @on(Input.Changed)
    def typed(self) -> None:
        """Say at once what follows from it."""
        self.query_one(Hint).told = None
        self._look()

    def action_kind(self, by: int) -> None:
        """The next kind."""
        self.kind = KINDS[(KINDS.index(self.kind) + by) % len(KINDS)]

    @on(Input.Submitted)
    def submitted(self) -> None:
        """Money comes in: Enter takes it."""
        amount = self._amount()
        if amount is None:
            self.query_one(Hint).told = Told(context(self).texts("tender.unreadable"))
        elif not self.sending:
            self.sending = True
            send: Callable[[], Awaitable[None]] = partial(self._send, amount)
            self.run_worker(send, name="tender")

    async def _send(self, amount: Amount) -> None:
        try:
            await self.send(self.kind, amount)
        except UserFacingError as error:
            self.sending = False
            what, money, next_step = parts_of(context(self).texts, error)
            self.query_one(Hint).told = Told(what, money, next_step)
        else:
            self.dismiss(True)

    def action_close(self) -> None:
        """Nothing was taken."""
        if not self.sending:
            self.dismiss(False)
