"""What the counter shows and where: amount and words to the left, the code, a face, a bill or the keypad to the right.

What is shown is decided by `showing`. It never draws a part of a code: where there is no room the address stands.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from textual.geometry import Size
from textual.reactive import var
from textual.widget import Widget

from chainpos.console.screens.bill_keys import BUSY, LISTED, BillKeys
from chainpos.console.showing import FINISHED, LastPaid, Showing, Stage, showing
from chainpos.console.widgets.amount_due import AmountDue
from chainpos.console.widgets.bill_list import BillList
from chainpos.console.widgets.ground import Room, Row, Stack
from chainpos.console.widgets.key_line import KeyLine
from chainpos.console.widgets.keypad import Keypad
from chainpos.console.widgets.link_letters import LinkLetters
from chainpos.console.widgets.notice import Notice, Told
from chainpos.console.widgets.qr_picture import MOST_SCALE, QrPicture, picture_size, scale_for
from chainpos.console.widgets.recent import Recent
from chainpos.console.widgets.sale_face import SaleFace
from chainpos.console.widgets.stage_lines import StageLines
from chainpos.core.values.amount import Amount
from chainpos.errors import UserFacingError
from chainpos.till.views import CounterView

# Below this many rows the keys of the keypad stand close.
ROOMY_ROWS = 24
LEAST_LEFT = 21
COMFORTABLE_LEFT = 44
TICK_S = 0.2


class CounterFace(BillKeys):
    """The counter without its own keys."""

    # The payment that a person has seen and left: it need not stay any longer.
    dismissed: var[str] = var("")

    def __init__(self) -> None:
        super().__init__()
        self.shown = Showing(Stage.ENTRY)

    def content(self) -> Iterable[Widget]:
        """Words and numbers to the left, the code or the keypad to the right."""
        left = Stack(
            AmountDue(id="due"), StageLines(id="stage"), LinkLetters(id="link"), Notice(id="told"),
            KeyLine(id="keys-left"), BillList(id="bill-brief"), Recent(id="recent"), id="left",
        )  # fmt: skip
        right = Room(QrPicture(id="code"), SaleFace(id="face"), BillList(id="bill"), Keypad(id="pad"), id="right")
        yield Row(left, right, id="counter")

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
        self.told_to_wait = False
        self.query_one("#told", Notice).told = told

    # -- attributes down

    def watch_view(self, view: CounterView | None) -> None:
        """The till says something new."""
        if view is not None and self.is_mounted:
            self.look()

    def watch_keyed(self, before: str, keyed: str) -> None:
        """Something was keyed."""
        if self.is_mounted:
            self.look()
            if bool(before) != bool(keyed):
                # What Enter means hangs on it, also where the stage stays what it was.
                self.refresh_bindings()

    def keyed_amount(self) -> Amount | None:
        """What was keyed; zero for what is no amount yet, None where nothing was keyed."""
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
        keyed = self.keyed_amount()
        bill = self.view.bill
        shown = showing(self.view.sale, keyed, now_ns, last_paid=self._last_paid(), again=self.again, bill=bill)
        stage = self.query_one("#stage", StageLines)
        stage.left = StageLines.left_of(shown)
        # The countdown and the amount are attributes of their own: without them nothing changed until something did.
        steady = replace(shown, left_ns=0, amount=None)
        # Under the amount of the next sale it must not say that it is paid: the finished one stays beside it.
        of_keyed = replace(steady, stage=Stage.ENTRY, sale=None)
        stage.shown = of_keyed if keyed is not None and shown.stage in FINISHED else steady
        stage.network, stage.faults = self.view.network, self.view.faults
        amount = self.query_one("#due", AmountDue)
        amount.amount, amount.currency = shown.amount, self.view.shop.currency
        amount.caption = self._caption(shown)
        recent = self.query_one("#recent", Recent)
        recent.sales, recent.held, recent.taken = self.view.recent, len(self.view.held), self.view.taken
        self._list_bill(shown)
        before = self.shown
        changed = (shown.stage, shown.payable, shown.sale) != (before.stage, before.payable, before.sale)
        changed |= (shown.bill is None) != (before.bill is None)
        self.shown = shown
        if self.told_to_wait and shown.stage not in BUSY:
            # It has ended.
            self.told(None)
        self._arrange()
        face = self.query_one("#face", SaleFace)
        if face.display:
            face.shown = steady
        if changed:
            self.refresh_bindings()

    def _caption(self, shown: Showing) -> str:
        if self.keyed or shown.stage is Stage.ENTRY:
            return "counter.keyed"
        if shown.stage is Stage.TAKEN and shown.bill is not None:
            return "counter.change" if shown.bill.change.minor else "counter.received"
        return "counter.still_due" if shown.stage is Stage.PART else "counter.due"

    def _list_bill(self, shown: Showing) -> None:
        whole, brief = self.query_one("#bill", BillList), self.query_one("#bill-brief", BillList)
        brief.brief = True
        whole.bill = brief.bill = shown.bill
        whole.cursor = self.line_at() if shown.stage in LISTED else -1
        whole.display = shown.stage in LISTED
        brief.display = shown.bill is not None and shown.stage not in LISTED
        self.query_one("#recent").display = not brief.display

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
        listed = self.shown.stage in LISTED
        narrow = width < 56
        self.query_one("#code").display = bool(code_width)
        self.query_one("#face").display = not waiting and not entry and not listed
        pad = self.query_one("#pad", Keypad)
        pad.display, pad.between = entry, 0 if self.size.height < ROOMY_ROWS else 1
        right.display = bool(code_width) if waiting else not (entry and (narrow or self.size.height < 16))
        self.query_one("#left").display = not (narrow and not entry and not waiting)
        usual = max(min(width // 2 + 1, 76), 30) if width >= 76 else max(width - 30, 20)
        right.styles.width = code_width or ("1fr" if narrow and not entry else usual)

    def _last_paid(self) -> LastPaid | None:
        last = self.console_app.last_paid
        return None if last is not None and last.sale.reference == self.dismissed else last
