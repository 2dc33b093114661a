"""The customer's side of the counter: the amount as large as it can be, the lines, the code, and whether it is PAID.

It shows what the till says and nothing else; where the till is silent it says that the counter is closed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.geometry import Size
from textual.reactive import var
from textual.screen import Screen

from chainpos.console.context import texts_of
from chainpos.console.keymap import key
from chainpos.console.showing import Showing, Stage, showing
from chainpos.console.widgets.amount_due import LEAST_ROWS, AmountDue
from chainpos.console.widgets.bill_list import BillList
from chainpos.console.widgets.ground import Room, Row, Stack
from chainpos.console.widgets.link_letters import LinkLetters
from chainpos.console.widgets.qr_picture import MOST_SCALE, QrPicture, picture_size, scale_for
from chainpos.console.widgets.sale_face import SaleFace
from chainpos.console.widgets.stage_lines import StageLines
from chainpos.console.widgets.words import Words
from chainpos.core.values.amount import format_amount
from chainpos.till.display import DisplayView
from chainpos.till.views import Qr

LEAST_LEFT = 24
# What stands beside the address: below so many rows of screen all else gives way; the shop and the amount, the state.
ROOMY, CRAMPED_ROWS, STAGE_ROWS, SIDES = 18, 6, 3, 4
LISTED = frozenset({Stage.RINGING, Stage.PART})


class CustomerScreen(Screen[None]):
    """`told` is what the till says; None while it is silent. A key turns the chosen code into the other."""

    BINDINGS: ClassVar[list[BindingType]] = [key("e", "emvco", "dialog.emvco")]

    told: var[DisplayView | None] = var(None)
    _turned: str = ""  # the sale whose other code was asked for here
    now_ns: var[int] = var(0)

    def compose(self) -> ComposeResult:
        """The shop's name on top, the amount to the left, the code, a face or the lines to the right."""
        yield Words(id="shop")
        left = Stack(
            AmountDue(id="due"), StageLines(id="stage"), Words(id="other-code"), LinkLetters(id="link"),
            BillList(id="bill-brief"), id="left",
        )  # fmt: skip
        right = Room(QrPicture(id="code"), SaleFace(id="face"), BillList(id="bill"), id="right")
        yield Row(left, right, id="counter")
        yield Words(id="closed")

    def on_mount(self) -> None:
        """Draw what is known."""
        self.look()

    def on_resize(self) -> None:
        """Another size, another scale."""
        self.look()

    def watch_told(self) -> None:
        """The till said something else."""
        if self.is_mounted:
            self.look()

    def watch_now_ns(self) -> None:
        """The countdown goes on."""
        if self.is_mounted:
            self.look()

    def action_emvco(self) -> None:
        """The other code of the sale that waits, and back."""
        sale = self.told.sale if self.told is not None else None
        if sale is not None:
            self._turned = "" if self._turned == sale.reference else sale.reference
            self.look()

    def look(self) -> None:
        """Hand down what is to be shown."""
        texts, told = texts_of(self), self.told
        shown = Showing(Stage.ENTRY)
        if told is not None:
            shown = showing(told.sale, None, self.now_ns, bill=told.bill)
        idle = shown.stage is Stage.ENTRY
        self.query_one("#counter").display = not idle
        closed = self.query_one("#closed", Words)
        closed.display, closed.text = idle, texts("display.closed" if told is None else "display.welcome")
        name = texts.either(told.name_en, told.name_zh) if told is not None else ""
        demo = f"{texts('status.demo')} · " if told is not None and told.demo else ""
        self.query_one("#shop", Words).text = f"{demo}{name}"
        if told is None or idle:
            return
        self._numbers(shown, told)
        self._right(shown, self._code(shown, told))
        self._cramp(shown)

    def _numbers(self, shown: Showing, told: DisplayView) -> None:
        due = self.query_one("#due", AmountDue)
        due.amount, due.currency, due.rows = shown.amount, told.currency, 9
        self.query_one("#stage").display = True
        taken = shown.stage is Stage.TAKEN and shown.bill is not None
        change = taken and shown.bill is not None and bool(shown.bill.change.minor)
        part = "counter.still_due" if shown.stage is Stage.PART else "counter.due"
        due.caption = "counter.change" if change else "counter.received" if taken else part
        stage = self.query_one("#stage", StageLines)
        stage.left, stage.for_customer = StageLines.left_of(shown), True
        stage.shown = replace(shown, left_ns=0)
        self.query_one("#face", SaleFace).for_customer = True
        self.query_one("#face", SaleFace).shown = stage.shown

    @property
    def _room(self) -> Size:
        return Size(max(self.size.width - LEAST_LEFT, 0), max(self.size.height - 1, 0))

    def _code(self, shown: Showing, told: DisplayView) -> Qr | None:
        """The code to show: EMVCo's where it is chosen and fits, else the link's. Too small a screen says so."""
        sale, emvco, words = shown.sale, told.emvco.qr, self.query_one("#other-code", Words)
        words.display = False
        if sale is None or not shown.shows_code:
            return None
        if emvco is None or sale.qr is None:
            return sale.qr
        texts, fits = texts_of(self), bool(scale_for(emvco, self._room))
        chosen = told.emvco.chosen != (self._turned == sale.reference)
        needed = picture_size(emvco)
        if chosen and not fits:
            size = {"columns": needed.width + LEAST_LEFT, "rows": needed.height + 1}
            words.text, words.display = texts("counter.emvco_too_large", **size), True
        elif fits:
            words.text, words.display = texts("counter.as_link" if chosen else "counter.as_emvco"), True
        return emvco if chosen and fits else sale.qr

    def _cramp(self, shown: Showing) -> None:
        """Without room for the code, what is left is the address, whole, and the amount; or the word that it is so."""
        link, closed, sale = self.query_one("#link", LinkLetters), self.query_one("#closed", Words), shown.sale
        width, height = self.size
        letters = len(link.lines(width - SIDES)) if link.link and link.alone else 0
        cramped = bool(letters) and height < ROOMY
        self.set_class(cramped, "-cramped")
        if not cramped or sale is None:
            return
        self.query_one("#due", AmountDue).rows = LEAST_ROWS
        self.query_one("#stage").display = letters + CRAMPED_ROWS + STAGE_ROWS <= height
        self.query_one("#other-code").display = self.query_one("#bill-brief").display = False
        if letters + CRAMPED_ROWS > height or width < LEAST_LEFT:
            self.query_one("#counter").display, closed.display = False, True
            closed.text = f"{format_amount(sale.amount)} · {texts_of(self)('display.no_room')}"

    def _right(self, shown: Showing, qr: Qr | None) -> None:
        sale = shown.sale
        scale = scale_for(qr, self._room, MOST_SCALE) if qr is not None else 0
        code, link = self.query_one("#code", QrPicture), self.query_one("#link", LinkLetters)
        code.qr, code.display = qr if scale else None, bool(scale)
        link.link, link.alone = sale.link if sale is not None and qr is not None else "", not scale
        whole, brief = self.query_one("#bill", BillList), self.query_one("#bill-brief", BillList)
        whole.bill = brief.bill = shown.bill
        whole.cursor = shown.bill.touched if shown.stage in LISTED and shown.bill is not None else -1
        whole.display, brief.brief = shown.stage in LISTED, True
        brief.display = shown.bill is not None and not whole.display
        self.query_one("#face").display = qr is None and not whole.display
        right = self.query_one("#right")
        right.display = bool(scale) or qr is None
        right.styles.width = picture_size(qr, scale).width if qr is not None and scale else "1fr"
