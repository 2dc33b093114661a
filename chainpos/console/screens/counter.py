"""The counter: key an amount, show the code, see PAID, next. It refuses digits while a sale waits, and says so."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import events, on
from textual.binding import BindingType
from textual.containers import Container, Horizontal, Vertical
from textual.geometry import Size
from textual.reactive import reactive
from textual.widget import Widget

from chainpos.console.keymap import key
from chainpos.console.scanner import normalised
from chainpos.console.screens.enlarged import EnlargedCode
from chainpos.console.screens.question import Question
from chainpos.console.screens.with_paper import WithPaper
from chainpos.console.showing import FINISHED, LastPaid, Showing, Stage, showing
from chainpos.console.widgets.amount_due import AmountDue
from chainpos.console.widgets.key_line import KeyLine
from chainpos.console.widgets.keypad import Keypad, PadKey
from chainpos.console.widgets.link_letters import LinkLetters
from chainpos.console.widgets.notice import Notice, Told
from chainpos.console.widgets.qr_picture import MOST_SCALE, QrPicture, picture_size, scale_for
from chainpos.console.widgets.recent import Recent
from chainpos.console.widgets.sale_face import SaleFace
from chainpos.console.widgets.stage_lines import StageLines
from chainpos.core.values.amount import Amount, format_amount
from chainpos.errors import UserFacingError
from chainpos.till.views import CounterView, SaleState, SaleView

MOST_KEYED = 15
LEAST_LEFT = 21
COMFORTABLE_LEFT = 44
TICK_S = 0.2


class CounterScreen(WithPaper):
    """What is shown is decided by `showing`; this screen keeps what was keyed and asks the till."""

    NAME: ClassVar[str] = "counter"
    BINDINGS: ClassVar[list[BindingType]] = [
        key("enter", "enter", "counter.enter"),
        key("escape", "back", "counter.back"),
        key("backspace", "undo", "counter.undo", show=False),
        key("space", "enlarge", "counter.enlarge"),
        key("f6", "aside", "counter.aside"),
        key("p", "print", "paper.print"),
        key("v", "receipt", "paper.receipt"),
    ]

    keyed: reactive[str] = reactive("")
    again: reactive[str] = reactive("")
    # The payment that a person has seen and left: it need not stay any longer.
    dismissed: reactive[str] = reactive("")

    def __init__(self) -> None:
        super().__init__()
        self.shown = Showing(Stage.ENTRY)

    def content(self) -> Iterable[Widget]:
        """Words and numbers to the left, the code or the keypad to the right."""
        left = Vertical(
            AmountDue(id="due"), StageLines(id="stage"), LinkLetters(id="link"), Notice(id="told"),
            KeyLine(id="keys-left"), Recent(id="recent"), id="left",
        )  # fmt: skip
        right = Container(QrPicture(id="code"), SaleFace(id="face"), Keypad(id="pad"), id="right")
        yield Horizontal(left, right, id="counter")

    def on_mount(self) -> None:
        """Count down."""
        super().on_mount()
        self.set_interval(TICK_S, self.look)
        self.look()

    def on_resize(self) -> None:
        """Another size may show the code or not."""
        self.look()

    def told(self, told: Told | None) -> None:
        """Beside the amount, where it covers nothing."""
        self.query_one("#told", Notice).told = told

    # -- attributes down

    def watch_view(self, view: CounterView | None) -> None:
        """The till says something new."""
        if view is not None and self.is_mounted:
            self.look()

    def watch_keyed(self) -> None:
        """Something was keyed."""
        if self.is_mounted:
            self.look()

    def _keyed_amount(self) -> Amount | None:
        if not self.keyed or self.view is None:
            return None
        try:
            return self.console_app.till.parse_keyed(self.keyed)
        except UserFacingError:
            return Amount(0, self.view.shop.currency)

    def look(self) -> None:
        """Decide what to show and hand it down. Cheap where nothing changed: it runs five times a second."""
        if self.view is None or not self.is_mounted:
            return
        now_ns = self.console_app.now_ns()
        keyed = self._keyed_amount()
        shown = showing(self.view.sale, keyed, now_ns, last_paid=self._last_paid(), again=self.again)
        stage = self.query_one("#stage", StageLines)
        stage.left = StageLines.left_of(shown)
        # The countdown is its own attribute: without it nothing changed until something did.
        steady = Showing(shown.stage, shown.amount, shown.sale, 0, shown.payable, shown.also_paid)
        stage.shown, stage.network = steady, self.view.network
        amount = self.query_one("#due", AmountDue)
        amount.amount, amount.currency = shown.amount, self.view.shop.currency
        amount.due = shown.stage is not Stage.ENTRY and not self.keyed
        self.query_one("#recent", Recent).sales = self.view.recent
        self.query_one("#face", SaleFace).shown = steady
        changed = (shown.stage, shown.payable, shown.sale) != (self.shown.stage, self.shown.payable, self.shown.sale)
        self.shown = shown
        self._arrange()
        if changed:
            self.refresh_bindings()

    def _arrange(self) -> None:
        sale, size = self.shown.sale, self.size
        qr = sale.qr if sale is not None and self.shown.shows_code else None
        below = max(size.height - 1, 0)
        frame, scale = 2, 0
        if qr is not None and self.console_app.glyphs != "ascii":
            # The code comes before the tabs and the line of keys: those give way on a low screen.
            for frame in (2, 1, 0):
                room = Size(max(size.width - LEAST_LEFT, 0), max(below - frame, 0))
                if scale := scale_for(qr, room, 1):
                    break
            roomy = Size(max(size.width - COMFORTABLE_LEFT, 0), max(below - frame, 0))
            scale = max(scale, scale_for(qr, roomy, MOST_SCALE)) if scale else 0
            frame = frame if scale else 2
        self.query_one("#tabs").display = frame == 2
        self.query_one("#keys").display = frame >= 1
        self.query_one("#keys-left").display = frame == 0
        self._place_right(qr is not None, picture_size(qr, scale).width if qr is not None and scale else 0)
        link = self.query_one("#link", LinkLetters)
        link.link = sale.link if sale is not None and qr is not None else ""
        link.alone = not scale
        self.query_one("#stage", StageLines).with_code = bool(scale)
        self.query_one("#code", QrPicture).qr = qr if scale else None
        amount = self.query_one("#due", AmountDue)
        amount.rows = 3 if below < 21 else 5 if below < 34 else 7 if below < 50 else 9

    def _place_right(self, waiting: bool, code_width: int) -> None:  # noqa: FBT001 (two facts of one decision)
        right, width = self.query_one("#right"), self.size.width
        entry = self.shown.stage is Stage.ENTRY
        narrow = width < 56
        self.query_one("#code").display = bool(code_width)
        self.query_one("#face").display = not waiting and not entry
        self.query_one("#pad").display = entry
        right.display = bool(code_width) if waiting else not (entry and (narrow or self.size.height < 16))
        self.query_one("#left").display = not (narrow and not entry and not waiting)
        usual = max(min(width // 2 + 1, 76), 30) if width >= 76 else max(width - 30, 20)
        right.styles.width = code_width or ("1fr" if narrow and not entry else usual)

    # -- keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what can be done now is offered."""
        stage, keyed = self.shown.stage, bool(self.keyed)
        if action == "enter":
            return keyed or stage in FINISHED or stage is Stage.REFUSED
        if action == "back":
            return keyed or stage is not Stage.ENTRY
        if action == "undo":
            return keyed
        if action == "enlarge":
            return stage is Stage.WAITING and self.shown.sale is not None and self.shown.sale.qr is not None
        if action in {"print", "receipt"}:
            return self.can_print() if action == "print" else self.has_receipt()
        if action == "aside":
            return stage in {Stage.WAITING, Stage.SEEN, Stage.REFUSED}
        return super().check_action(action, parameters)

    def paper_sale(self) -> SaleView | None:
        """The sale in hand; nothing while the next one is being keyed."""
        return None if self.keyed else self.shown.sale

    def name_keys(self) -> None:
        """What Enter and Esc mean just now, for the line of keys."""
        stage = self.shown.stage
        enter = "counter.enter"
        if not self.keyed:
            again = "counter.again" if self.shown.payable else "counter.same"
            enter = {Stage.REFUSED: again, Stage.EXPIRED: "counter.same"}.get(stage, "counter.next")
        waiting = stage in {Stage.WAITING, Stage.SEEN, Stage.REFUSED}
        names = {"counter.enter": enter, "counter.back": "counter.cancel" if waiting else "counter.back"}
        for line in self.query(KeyLine):
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
        if len(character) == 1 and character in "0123456789.":
            event.stop()
            event.prevent_default()
            self.key_in(character)

    def on_paste(self, event: events.Paste) -> None:
        """A pasted amount is keyed, a pasted code is taken for a scan."""
        text = normalised(event.text.strip())[:4_096]
        if text and len(text) <= MOST_KEYED and all(each in "0123456789.," for each in text):
            for each in text.replace(",", ""):
                self.key_in(each)
        elif text:
            self.scanned(text)

    @on(PadKey.Pressed)
    def pad_pressed(self, message: PadKey.Pressed) -> None:
        """The keypad on the screen."""
        if message.key == "enter":
            self.action_enter()
        elif message.key == "backspace":
            self.action_undo()
        else:
            self.key_in(message.key)

    def key_in(self, character: str) -> None:
        """One more digit, or the point."""
        if self.shown.stage in {Stage.WAITING, Stage.SEEN, Stage.REFUSED}:
            texts = self.console_app.texts
            self.told(Told(texts("counter.waiting_digits", aside="F6")))
            return
        self.told(None)
        if len(self.keyed) < MOST_KEYED and not (character == "." and "." in self.keyed):
            self.keyed += character

    def action_undo(self) -> None:
        """Before the code is shown, a digit can be taken back."""
        self.told(None)
        self.keyed = self.keyed[:-1]

    def action_enter(self) -> None:
        """The code for what was keyed; else on from a finished sale."""
        self.told(None)
        stage, sale = self.shown.stage, self.shown.sale
        if self.keyed:
            self._request()
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
        if self.view is not None and self.view.sale is not None:
            await till.dismiss()
        await till.request(amount)
        self.keyed, self.again = "", ""
        self.show_now()

    async def _dismiss(self) -> None:
        if self.shown.sale is not None and self.shown.stage is Stage.PAID:
            self.dismissed = self.shown.sale.reference
        await self.console_app.till.dismiss()
        self.show_now()

    def _last_paid(self) -> LastPaid | None:
        last = self.console_app.last_paid
        return None if last is not None and last.sale.reference == self.dismissed else last

    def show_now(self) -> None:
        """The till's view after something we asked of it, without waiting for it to come by itself."""
        self.console_app.take(self.console_app.till.counter())

    def action_back(self) -> None:
        """Clear what was keyed; ask before an unpaid sale is cancelled; leave a finished one."""
        self.told(None)
        if self.keyed:
            self.keyed = ""
        elif self.shown.stage in {Stage.WAITING, Stage.SEEN, Stage.REFUSED}:
            self._ask_to_cancel()
        elif self.shown.sale is not None:
            self.change(self._dismiss, "sale")

    def _ask_to_cancel(self) -> None:
        texts, sale = self.console_app.texts, self.shown.sale
        if sale is None:
            return

        def answered(yes: bool | None) -> None:  # noqa: FBT001 (Textual calls it)
            if yes:
                self.change(lambda: self._cancel(sale.reference), "sale")

        self.app.push_screen(Question("cancel", texts("cancel.detail", amount=format_amount(sale.amount))), answered)

    async def _cancel(self, reference: str) -> None:
        await self.console_app.till.cancel(reference)
        await self.console_app.till.dismiss()
        self.again = ""
        self.show_now()

    def action_aside(self) -> None:
        """The next customer first: the sale stays payable and watched."""
        self.told(None)
        self.change(self._dismiss, "sale")

    def action_enlarge(self) -> None:
        """The code alone on the screen."""
        sale = self.shown.sale
        if sale is not None and sale.qr is not None:
            self.app.push_screen(EnlargedCode(sale))

    # -- scans

    def scanned(self, code: str) -> None:
        """A customer's code came from the scanner: charge it the amount that stands here."""
        texts, sale = self.console_app.texts, self.shown.sale
        self.told(None)
        if self.shown.stage is Stage.SEEN:
            self.told(Told(texts("counter.scan_busy"), texts("counter.money_none")))
            return
        waiting = self.shown.stage in {Stage.WAITING, Stage.REFUSED} and sale is not None
        amount = sale.amount if waiting and sale is not None else self._keyed_amount()
        if amount is None or not amount.minor:
            self.told(Told(texts("counter.scan_first"), texts("counter.money_none")))
            return
        self.told(Told(texts("counter.charging"), good=True))
        # One sale, one way to pay it: the shown code must not stay payable beside the scanned one.
        cancel_first = sale.reference if waiting and sale is not None else ""
        self.change(lambda: self._charge(code, amount, cancel_first), "sale")

    async def _charge(self, code: str, amount: Amount, cancel_first: str) -> None:
        till = self.console_app.till
        if cancel_first:
            cancelled = await till.cancel(cancel_first)
            if cancelled.state is not SaleState.CANCELLED:
                self.show_now()
                return
        if self.view is not None and self.view.sale is not None:
            await till.dismiss()
        await till.charge(code, amount)
        self.keyed, self.again = "", ""
        self.told(None)
        self.show_now()

    def forget(self, first: str) -> None:
        """Take back the first key of a scan, which was keyed before it could be told from a person's."""
        if first and self.keyed.endswith(normalised(first)):
            self.keyed = self.keyed[: -len(normalised(first))]

    def scan_broken(self) -> None:
        """A scan lost its end."""
        texts = self.console_app.texts
        self.told(Told(texts("counter.scan_broken"), texts("counter.money_none")))
