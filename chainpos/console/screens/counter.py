"""The counter: key an amount, show the code, see PAID, next. It refuses digits while a sale waits, and says so."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ClassVar

from textual import events, on
from textual.worker import Worker

from chainpos.console.phrases import parts_of
from chainpos.console.scanner import normalised
from chainpos.console.screens.bill_keys import BUSY, LISTED
from chainpos.console.screens.counter_face import CounterFace
from chainpos.console.screens.enlarged import EnlargedCode
from chainpos.console.screens.question import Question
from chainpos.console.screens.with_paper import PAID
from chainpos.console.showing import FINISHED, Stage
from chainpos.console.widgets.key_line import KeyLine
from chainpos.console.widgets.keypad import Keypad
from chainpos.console.widgets.notice import Told
from chainpos.core.values.amount import Amount, format_amount
from chainpos.errors import UserFacingError
from chainpos.till.codes import MustConfirm, is_customer_code
from chainpos.till.views import BillView, Link, SaleState, SaleView

MOST_KEYED = 15
# Longer than a key takes to arrive, shorter than a person takes to the next one.
SWALLOW_S = 0.1


class CounterScreen(CounterFace):
    """What is shown is decided by `showing`; this screen keeps what was keyed and asks the till."""

    NAME: ClassVar[str] = "counter"
    swallowed = ""
    _later: Callable[[], None] | None = None

    # -- keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what can be done now is offered."""
        stage, keyed = self.shown.stage, bool(self.keyed)
        if (able := self.bill_action(action)) is not None:
            return able
        if action == "enter":
            return keyed or stage in FINISHED or stage in LISTED or stage is Stage.REFUSED
        if action == "back":
            return keyed or stage is not Stage.ENTRY
        if action == "undo":
            return keyed or self._undoable()
        if action == "enlarge":
            return stage is Stage.WAITING and self.shown.sale is not None and self.shown.sale.qr is not None
        if action in {"print", "receipt"}:
            return self.can_print() if action == "print" else self.has_receipt()
        if action == "aside":
            return stage in BUSY or stage in LISTED or bool(self.view and self.view.held)
        return super().check_action(action, parameters)

    def paper_sale(self) -> SaleView | None:
        """The sale in hand; nothing while the next one is being keyed."""
        return None if self.keyed else self.shown.sale

    def name_keys(self) -> None:
        """What Enter and Esc mean just now, for the line of keys."""
        stage = self.shown.stage
        enter = "counter.enter"
        if not self.keyed and stage not in LISTED:
            again = "counter.again" if self.shown.payable else "counter.same"
            enter = {Stage.REFUSED: again, Stage.EXPIRED: "counter.same"}.get(stage, "counter.next")
        back = "counter.cancel" if stage in BUSY else "counter.give_back" if stage is Stage.PART else "counter.back"
        aside = "counter.aside" if stage in BUSY or stage in LISTED else "counter.take_back"
        undo = "counter.undo" if self.keyed else "counter.undo_change"
        names = {"counter.enter": enter, "counter.back": back, "counter.aside": aside, "counter.undo": undo}
        for place in ("#keys", "#keys-left"):
            line = self.query_one(place, KeyLine)
            line.renames = names
            line.refresh()

    def refresh_bindings(self) -> None:
        """The names of keys follow the stage."""
        if self.is_mounted:
            self.name_keys()
        super().refresh_bindings()

    def on_key(self, event: events.Key) -> None:
        """Digits and the point, also as an IME types them, whatever has the focus."""
        character = normalised(event.character or "")
        if character and self.swallowed.casefold().startswith(character.casefold()):
            event.stop()
            event.prevent_default()
            self.swallowed = self.swallowed[len(character) :]
        elif len(character) == 1 and character in "0123456789.":
            event.stop()
            event.prevent_default()
            self.key_in(character)
        elif len(character) == 1 and character.isalpha() and self.bill_action("search") and not self._bound(event):
            event.stop()
            event.prevent_default()
            self.action_search(character)

    def _bound(self, event: events.Key) -> bool:
        bound = self.active_bindings.get(event.key)
        return bound is not None and bound.enabled

    def on_paste(self, event: events.Paste) -> None:
        """A pasted amount is keyed, a pasted code is taken for a scan."""
        text = normalised(event.text.strip())[:4_096]
        if text and len(text) <= MOST_KEYED and all(each in "0123456789.," for each in text):
            for each in text.replace(",", ""):
                self.key_in(each)
        elif text:
            self.scanned(text)

    @on(Keypad.Pressed)
    def pad_pressed(self, message: Keypad.Pressed) -> None:
        """The keypad on the screen."""
        if message.key == "enter":
            self.action_enter()
        elif message.key == "backspace":
            self.action_undo()
        else:
            self.key_in(message.key)

    def key_in(self, character: str) -> None:
        """One more digit, or the point."""
        if self._refuse_while_busy():
            return
        self.told(None)
        if len(self.keyed) >= MOST_KEYED or (character == "." and "." in self.keyed):
            return
        if character != ".":
            try:
                self.console_app.till.parse_keyed(self.keyed + character)
            except UserFacingError as error:
                # What stands there is an amount, and stays.
                self.tell(error)
                return
        self.keyed += character

    def action_undo(self) -> None:
        """Before the code is shown, a digit or the last change of the bill can be taken back."""
        self.told(None)
        if self.keyed:
            self.keyed = self.keyed[:-1]
        elif self._undoable():
            self.undo_change()

    def _undoable(self) -> bool:
        bill = self.view.bill if self.view is not None else None
        return bill is not None and bill.undoable and self.shown.stage not in BUSY

    def _taken_later(self, action: Callable[[], None], name: str) -> bool:
        """Whether the sale is still changing: then the key waits until it has, and means what it means then."""
        if not self.changing("sale"):
            return False
        self._later = lambda: action() if self.check_action(name, ()) else None
        return True

    @on(Worker.StateChanged)
    def take_later(self, message: Worker.StateChanged) -> None:
        """The last key that waited for the sale."""
        if message.worker.group == "sale" and not self.changing("sale"):
            later, self._later = self._later, None
            if later is not None:
                later()

    def action_enter(self) -> None:
        """The code for what was keyed; else on from a finished sale."""
        if self._taken_later(self.action_enter, "enter"):
            return
        self.told(None)
        stage, sale, bill = self.shown.stage, self.shown.sale, self.bill
        if self.keyed and stage in LISTED:
            self.told(Told(self.console_app.texts("counter.digits_on_bill")))
        elif self.keyed:
            self._request()
        elif stage in LISTED or (stage is Stage.EXPIRED and bill is not None):
            self.change(self._bill_code, "sale")
        elif stage is Stage.TAKEN:
            self.change(self._dismiss, "sale")
        elif sale is None:
            self.told(Told(self.console_app.texts("counter.no_zero")))
        elif stage is Stage.REFUSED and self.shown.payable:
            self.again = sale.reference
            self.look()
        elif stage in {Stage.EXPIRED, Stage.REFUSED}:
            cancel_first = sale.reference if stage is Stage.REFUSED else ""
            self.change(lambda: self._new_code(sale.amount, cancel_first), "sale")
        elif stage in FINISHED:
            self.change(self._dismiss, "sale")

    def _request(self) -> None:
        try:
            amount = self.console_app.till.parse_keyed(self.keyed)
        except UserFacingError as error:
            self.tell(error)
            return
        if not amount.minor:
            self.told(Told(self.console_app.texts("counter.no_zero")))
            return
        self.change(lambda: self._new_code(amount, ""), "sale")

    async def _new_code(self, amount: Amount, cancel_first: str) -> None:
        till = self.console_app.till
        if cancel_first:
            await till.cancel(cancel_first)
            if self.bill is not None:
                await self._bill_code()
                return
        if self.view is not None and (self.view.sale is not None or self.view.bill is not None):
            await till.dismiss()
        await till.request(amount)
        self.keyed, self.again = "", ""
        self.show_now()

    async def _bill_code(self) -> None:
        """The code for what remains of the bill."""
        await self.console_app.till.bills.show_code()
        self.keyed, self.again, self.times, self.cursor = "", "", "", -1
        self.show_now()

    async def _dismiss(self) -> None:
        if self.shown.sale is not None and self.shown.stage is Stage.PAID:
            self.dismissed = self.shown.sale.reference
        await self.console_app.till.dismiss()
        self.show_now()

    def show_now(self) -> None:
        """The till's view after something we asked of it, without waiting for it to come by itself."""
        self.console_app.take(self.console_app.till.counter())

    def action_back(self) -> None:
        """Clear what was keyed; ask before an unpaid sale is cancelled; leave a finished one."""
        if self._taken_later(self.action_back, "back"):
            return
        self.told(None)
        if self.keyed:
            self.keyed = ""
        elif self.times:
            self.times = ""
        elif self.shown.stage in BUSY:
            self._ask_to_cancel()
        elif self.shown.stage in LISTED:
            self.ask_to_give_up()
        elif self.bill is not None and self.shown.stage in {Stage.EXPIRED, Stage.CANCELLED}:
            self.change(lambda: self._back_to_bill(self.bill), "sale")
        elif self.shown.stage is Stage.TAKEN or self.shown.sale is not None:
            self.change(self._dismiss, "sale")

    def _ask_to_cancel(self) -> None:
        texts, sale = self.console_app.texts, self.shown.sale
        if sale is None:
            return

        def answered(yes: bool | None) -> None:  # noqa: FBT001 (Textual calls it)
            if yes:
                self.change(lambda: self._cancel(sale.reference), "sale")

        online = self.view is not None and self.view.network.link is Link.ONLINE
        detail = texts("cancel.detail" if online else "cancel.detail_offline", amount=format_amount(sale.amount))
        self.app.push_screen(Question("cancel", detail), answered)

    async def _cancel(self, reference: str) -> None:
        till, bill = self.console_app.till, self.bill
        cancelled = await till.cancel(reference)
        self.again = ""
        if bill is not None and cancelled.state is SaleState.CANCELLED:
            await self._back_to_bill(bill)
            return
        if cancelled.state not in PAID:
            await till.dismiss()
        self.show_now()
        if cancelled.state in {SaleState.WAITING, SaleState.SEEN, SaleState.REFUSED}:
            texts = self.console_app.texts
            self.told(Told(texts("cancel.on_its_way"), next_step=texts("cancel.watched")))

    async def _back_to_bill(self, bill: BillView | None) -> None:
        if bill is not None:
            await self.console_app.till.bills.take_up(bill.number)
        self.show_now()

    def action_aside(self) -> None:
        """The next customer first: a sale stays payable and watched, a bill is held; on an empty counter it returns."""
        if self._taken_later(self.action_aside, "aside"):
            return
        self.told(None)
        if self.shown.stage not in BUSY:
            self.hold_or_take_back()
            return
        self.change(self._dismiss, "sale")

    def action_enlarge(self) -> None:
        """The code alone on the screen."""
        sale = self.shown.sale
        if sale is not None and sale.qr is not None:
            self.app.push_screen(EnlargedCode(sale))

    # -- scans

    def scanned(self, code: str) -> None:
        """An article's bar code goes on the bill; a customer's code is charged the amount that stands here."""
        texts, sale = self.console_app.texts, self.shown.sale
        if is_customer_code(code) and self._taken_later(partial(self.scanned, code), "scan"):
            return
        self.told(None)
        if self.scan_proof(code):
            return
        if not is_customer_code(code):
            self.scan_article(code)
            return
        if self.shown.stage in {Stage.SEEN, Stage.CHARGING}:
            self.told(Told(texts("counter.scan_busy"), texts("counter.money_none")))
            return
        waiting = self.shown.stage in {Stage.WAITING, Stage.REFUSED} and sale is not None
        listed = self.shown.stage in LISTED and self.bill is not None and not self.keyed
        amount = sale.amount if waiting and sale is not None else self.keyed_amount()
        if listed and self.bill is not None:
            amount = self.bill.remaining
        if amount is None or not amount.minor:
            self.told(Told(texts("counter.scan_first"), texts("counter.money_none")))
            return
        self.told(Told(texts("counter.charging"), good=True))
        # One sale, one way to pay it: the shown code must not stay payable beside the scanned one.
        cancel_first = sale.reference if waiting and sale is not None else ""
        self.change(lambda: self._charge(code, amount, cancel_first), "sale")

    async def _charge(self, code: str, amount: Amount, cancel_first: str) -> None:
        till, keyed = self.console_app.till, self.keyed
        try:
            # Before the waiting code is cancelled: it is what the customer may have to confirm by.
            till.check_code(code, amount)
        except MustConfirm as error:
            await self._let_confirm(error, amount, waits=bool(cancel_first))
            return
        if cancel_first:
            cancelled = await till.cancel(cancel_first)
            if cancelled.state is not SaleState.CANCELLED:
                self.show_now()
                return
        if self.bill is not None and not self.keyed:
            await till.bills.charge(code, amount)
        else:
            if self.view is not None and self.view.sale is not None:
                await till.dismiss()
            await till.charge(code, amount)
        # The next amount may be keyed by now.
        self.keyed, self.again = self.keyed.removeprefix(keyed), ""
        self.told(None)
        self.show_now()

    async def _let_confirm(self, error: MustConfirm, amount: Amount, *, waits: bool) -> None:
        """The shop's own code, at once, for what the customer must confirm on their own screen."""
        texts, shown = self.console_app.texts, waits or bool(self.keyed)
        if not waits and self.keyed:
            await self._new_code(amount, "")
        what, money, _ = parts_of(texts, error)
        self.told(Told(what, money, texts("counter.confirm_there" if shown else "counter.confirm_enter")))

    def forget(self, first: str) -> None:
        """Take back the beginning of a scan, which was keyed before it could be told from a person's."""
        plain = normalised(first)
        keyed = next(plain[:n] for n in range(len(plain), -1, -1) if self.keyed.endswith(plain[:n]))
        self.keyed = self.keyed.removesuffix(keyed)
        # The rest is still on its way here, where it would be keyed or open the search.
        self.swallowed = plain.removeprefix(keyed)
        if self.swallowed:
            self.set_timer(SWALLOW_S, self._swallow_no_more)

    def _swallow_no_more(self) -> None:
        self.swallowed = ""
