"""The customer's side of the counter: the amount as large as it can be, the lines, the code, and whether it is PAID.

It shows what the till says and nothing else; where the till is silent it says that the counter is closed.
"""

from __future__ import annotations

from dataclasses import replace

from textual.app import ComposeResult
from textual.containers import Container, Horizontal, Vertical
from textual.geometry import Size
from textual.reactive import reactive
from textual.screen import Screen

from chainpos.console.context import texts_of
from chainpos.console.showing import Showing, Stage, showing
from chainpos.console.widgets.amount_due import AmountDue
from chainpos.console.widgets.bill_list import BillList
from chainpos.console.widgets.link_letters import LinkLetters
from chainpos.console.widgets.qr_picture import MOST_SCALE, QrPicture, picture_size, scale_for
from chainpos.console.widgets.sale_face import SaleFace
from chainpos.console.widgets.stage_lines import StageLines
from chainpos.console.widgets.words import Words
from chainpos.till.display import DisplayView

LEAST_LEFT = 24
LISTED = frozenset({Stage.RINGING, Stage.PART})


class CustomerScreen(Screen[None]):
    """`told` is what the till says; None while it is silent."""

    told: reactive[DisplayView | None] = reactive(None)
    now_ns: reactive[int] = reactive(0)

    def compose(self) -> ComposeResult:
        """The shop's name on top, the amount to the left, the code, a face or the lines to the right."""
        yield Words(id="shop")
        left = Vertical(
            AmountDue(id="due"), StageLines(id="stage"), LinkLetters(id="link"), BillList(id="bill-brief"), id="left"
        )
        right = Container(QrPicture(id="code"), SaleFace(id="face"), BillList(id="bill"), id="right")
        yield Horizontal(left, right, id="counter")
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
        self._right(shown)

    def _numbers(self, shown: Showing, told: DisplayView) -> None:
        due = self.query_one("#due", AmountDue)
        due.amount, due.currency, due.rows = shown.amount, told.currency, 9
        taken = shown.stage is Stage.TAKEN and shown.bill is not None
        change = taken and shown.bill is not None and bool(shown.bill.change.minor)
        part = "counter.still_due" if shown.stage is Stage.PART else "counter.due"
        due.caption = "counter.change" if change else "counter.received" if taken else part
        stage = self.query_one("#stage", StageLines)
        stage.left, stage.for_customer = StageLines.left_of(shown), True
        stage.shown = replace(shown, left_ns=0)
        self.query_one("#face", SaleFace).for_customer = True
        self.query_one("#face", SaleFace).shown = stage.shown

    def _right(self, shown: Showing) -> None:
        sale = shown.sale
        qr = sale.qr if sale is not None and shown.shows_code else None
        room = Size(max(self.size.width - LEAST_LEFT, 0), max(self.size.height - 1, 0))
        scale = scale_for(qr, room, MOST_SCALE) if qr is not None else 0
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
