"""A form for money that leaves the shop: the amount, where asked the amount again and the PIN. Enter never sends it.

It keeps a PIN no longer than one try, and shows a refusal where it was typed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Input

from chainpos.console.context import context
from chainpos.console.keymap import key
from chainpos.console.phrases import parts_of
from chainpos.console.scanner import normalised
from chainpos.console.screens.dialog import Dialog
from chainpos.console.widgets.field import Field
from chainpos.console.widgets.ground import Box, Row
from chainpos.console.widgets.hint import Hint
from chainpos.console.widgets.key_line import key_name
from chainpos.console.widgets.notice import Told
from chainpos.console.widgets.way import Way
from chainpos.console.widgets.words import Heading
from chainpos.core.values.amount import Amount, format_amount
from chainpos.errors import MAY_MOVE_MONEY, UserFacingError

CONFIRM_KEY = "ctrl+y"


class Entered(msgspec.Struct, frozen=True):
    """What was typed. `again`, `pin` and `reason` are empty where the form does not ask for them."""

    amount: Amount
    again: str
    pin: str
    reason: str = ""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What the form says and asks. `about` is where its texts are; `most` is the largest amount.

    `zero` is whether nothing is an amount here; `whose_pin` the key of a text that says whose PIN, if not one's own;
    `suggested` stands in the amount's field to begin with.
    """

    about: str
    title: str
    detail: str
    most: Amount
    warning: str = ""
    twice: bool = False
    pin: bool = False
    whose_pin: str = ""
    reason: bool = False
    zero: bool = False
    suggested: Amount | None = None


class MoneyForm(Dialog[Amount | None]):
    """Answers the amount that was sent, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        key("escape", "keep", "dialog.close"),
        key(CONFIRM_KEY, "confirm", "dialog.confirm", priority=True),
        key("down,tab", "app.focus_next", "dialog.next_field", show=False),
        key("up,shift+tab", "app.focus_previous", "dialog.previous_field", show=False),
    ]

    def __init__(self, asked: Asked, send: Callable[[Entered], Awaitable[object]]) -> None:
        super().__init__()
        self.asked, self.send = asked, send
        self.sending = False

    def compose(self) -> ComposeResult:
        """Fields above, the two ways out below."""
        texts, about = context(self).texts, self.asked.about
        with Box(classes="dialog"):
            yield Heading(self.asked.title, self.asked.detail)
            yield Field(label=texts(f"{about}.amount"), id="form-amount", max_length=32)
            if self.asked.twice:
                yield Field(label=texts(f"{about}.again"), id="form-again", max_length=32)
            if self.asked.reason:
                yield Field(label=texts(f"{about}.reason"), id="form-reason", max_length=80)
            if self.asked.pin:
                whose = texts(self.asked.whose_pin or f"{about}.pin")
                yield Field(label=whose, id="form-pin", password=True, max_length=32)
            yield Hint()
            with Row(classes="dialog-buttons"):
                yield Way(f"{texts(f'{about}.keep')} · {key_name(texts, 'escape')}", id="keep")
                yield Way(texts(f"{about}.confirm_none"), id="confirm", classes="-danger", disabled=True)

    def on_mount(self) -> None:
        """Begin at the amount; where it is known already, at what is still to be typed."""
        field = self.query_one("#form-amount", Input)
        if self.asked.suggested is not None:
            field.value = format_amount(self.asked.suggested, with_currency=False).replace(",", "")
            field = self.query(Input)[1] if len(self.query(Input)) > 1 else field
        field.focus()
        self._look()

    # -- what was typed

    def _typed(self, name: str) -> str:
        fields = self.query(f"#form-{name}").results(Input)
        return next((field.value for field in fields), "")

    def _amount(self, text: str) -> Amount | None:
        if not text.strip():
            # Nothing is no amount, also where zero is one: it has to be typed.
            return None
        try:
            amount = context(self).till.parse_keyed(normalised(text).strip())
        except UserFacingError:
            return None
        return amount if amount.minor or self.asked.zero else None

    def _is_unreadable(self, text: str) -> bool:
        try:
            context(self).till.parse_keyed(normalised(text).strip())
        except UserFacingError:
            return bool(text.strip())
        return False

    def _wrong(self) -> str:
        texts, about = context(self).texts, self.asked.about
        amount = self._amount(self._typed("amount"))
        if amount is None:
            if self._is_unreadable(self._typed("amount")):
                return texts("money_form.no_amount")
            return texts("money_form.type_it") if self.asked.zero else self.asked.warning or self.asked.detail
        if amount.minor > self.asked.most.minor:
            return texts(f"{about}.too_much", amount=format_amount(self.asked.most))
        if self.asked.twice and self._amount(self._typed("again")) != amount:
            return texts(f"{about}.differ") if self._typed("again") else texts(f"{about}.again")
        if self.asked.reason and not self._typed("reason").strip():
            return texts(f"{about}.no_reason")
        return texts(f"{about}.no_pin") if self.asked.pin and not self._typed("pin") else ""

    def _look(self) -> None:
        texts, about = context(self).texts, self.asked.about
        amount = self._amount(self._typed("amount"))
        wrong = self._wrong()
        button = self.query_one("#confirm", Way)
        button.disabled = bool(wrong) or self.sending
        label = texts(f"{about}.confirm", amount=format_amount(amount)) if amount else texts(f"{about}.confirm_none")
        button.label = f"{label} · {key_name(texts, CONFIRM_KEY)}"
        ready = texts(f"{about}.ready", key=key_name(texts, CONFIRM_KEY))
        hint = texts(f"{about}.working") if self.sending else wrong or ready
        self.query_one(Hint).text = hint

    @on(Input.Changed)
    def typed(self) -> None:
        """Say at once what is still missing."""
        self.query_one(Hint).told = None
        self._look()

    @on(Input.Submitted)
    def next_field(self) -> None:
        """Enter goes on to the next field and no further."""
        if self.focused is not None and self.focused.id != list(self.query(Input))[-1].id:
            self.focus_next(Input)

    # -- the two ways out

    @on(Way.Pressed, "#keep")
    def action_keep(self) -> None:
        """Nothing is sent."""
        if not self.sending:
            self.dismiss(None)

    @on(Way.Pressed, "#confirm")
    def action_confirm(self) -> None:
        """Send it, once."""
        amount = self._amount(self._typed("amount"))
        if amount is None or self._wrong() or self.sending:
            return
        self.sending = True
        entered = Entered(amount, self._typed("again"), self._typed("pin"), self._typed("reason"))
        # Taking the PIN away is not typing: what is told of this try must stay.
        with self.prevent(Input.Changed):
            for field in self.query("#form-pin").results(Input):
                field.value = ""
        self._look()
        self.run_worker(self._send(entered), name="send")

    async def _send(self, entered: Entered) -> None:
        try:
            await self.send(entered)
        except UserFacingError as error:
            self.sending = False
            if error.money_moved == MAY_MOVE_MONEY:
                # It is on its way: this form must not send it once more. What it says stands below.
                around = context(self)
                self.dismiss(None)
                around.tell(error)
                return
            what, money, next_step = parts_of(context(self).texts, error)
            self.query_one(Hint).told = Told(what, money, next_step)
            self._look()
            for field in self.query("#form-pin").results(Input):
                field.focus()
        else:
            self.dismiss(entered.amount)
