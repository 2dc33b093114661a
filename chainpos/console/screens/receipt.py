"""A receipt on the screen, and its proof as codes for a customer's camera, one after another."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.geometry import Size

from chainpos.console.context import context, texts_of
from chainpos.console.keymap import key
from chainpos.console.phrases import parts_of
from chainpos.console.screens.dialog import Dialog
from chainpos.console.screens.save_as import KINDS, PROOF_KIND, SaveAs
from chainpos.console.widgets.lines_panel import LinesPanel, line
from chainpos.console.widgets.notice import Notice, Told
from chainpos.console.widgets.qr_picture import QrPicture, scale_for
from chainpos.console.widgets.words import Words
from chainpos.errors import UserFacingError
from chainpos.till.views import PaperView

# In the home folder, where a shopkeeper finds it.
RECEIPTS: Final = "chainpos-receipts"


class Sheet(LinesPanel):
    """The receipt's own lines, as they would be printed."""

    def __init__(self, rows: Sequence[str]) -> None:
        super().__init__(id="sheet")
        self.rows = rows

    def lines(self, width: int) -> Sequence[Content]:
        """Line by line."""
        return [line(row, width=width) for row in self.rows]


class ReceiptScreen(Dialog[None]):
    """Scrolls; prints; shows the proof."""

    BINDINGS: ClassVar[list[BindingType]] = [
        key("escape,enter", "dismiss", "dialog.close"),
        key("p", "print", "dialog.print"),
        key("q", "proof", "dialog.proof"),
        key("s", "save", "dialog.save"),
        key("up,k", "scroll(-1)", "panel.up", show=False),
        key("down,j", "scroll(1)", "panel.down", show=False),
        key("pageup", "scroll(-6)", "panel.page_up", show=False),
        key("pagedown,space", "scroll(6)", "panel.page_down", show=False),
    ]

    def __init__(self, paper: PaperView) -> None:
        super().__init__()
        self.paper = paper

    def compose(self) -> ComposeResult:
        """The sheet, and what its keys do."""
        texts = texts_of(self)
        box = VerticalScroll(Sheet(self.paper.lines), classes="dialog -receipt", can_focus=False)
        # As content: a text would be taken for markup.
        box.border_title = line(texts("paper.title", reference=self.paper.reference))
        box.border_subtitle = Content(texts("paper.keys_beside" if self.paper.beside else "paper.keys")).plain
        yield box
        yield Notice(id="receipt-notice")

    def action_scroll(self, by: int) -> None:
        """Up or down."""
        self.query_one(VerticalScroll).scroll_relative(y=by * 2, animate=False)

    def action_print(self) -> None:
        """Another copy, or the first."""
        self.run_worker(self._done(self._print), name="print", group="paper", exclusive=True)

    def action_save(self) -> None:
        """As text, picture, document or proof, where a person finds it."""

        def chosen(kind: str | None) -> None:
            if kind is not None:
                self.run_worker(self._done(partial(self._save, kind)), name="save", group="paper", exclusive=True)

        kinds = [kind for kind in KINDS if not (self.paper.beside and kind == PROOF_KIND)]
        self.app.push_screen(SaveAs(f"~/{RECEIPTS}", kinds), chosen)

    async def _print(self) -> str:
        texts = texts_of(self)
        copy = await context(self).till.paper.print_receipt(self.paper.reference)
        return texts("paper.copy_sent", number=copy) if copy else texts("paper.sent")

    async def _save(self, kind: str) -> str:
        path = Path.home() / RECEIPTS / f"{self.paper.reference}.{kind}"
        return texts_of(self)("paper.saved", path=await context(self).till.paper.save(self.paper.reference, path))

    async def _done(self, work: Callable[[], Awaitable[str]]) -> None:
        notice = self.query_one(Notice)
        try:
            notice.told = Told(await work(), good=True)
        except UserFacingError as error:
            what, money, next_step = parts_of(texts_of(self), error)
            notice.told = Told(what, money, next_step)

    def action_proof(self) -> None:
        """Its proof as codes, where the payment is confirmed."""
        if self.paper.codes:
            self.app.push_screen(ProofCodes(self.paper))
        else:
            key = "paper.beside" if self.paper.beside else "paper.no_proof"
            self.query_one(Notice).told = Told(texts_of(self)(key))


class ProofCodes(Dialog[None]):
    """One code at a time, as large as fits; the same codes again from the beginning after the last."""

    BINDINGS: ClassVar[list[BindingType]] = [
        key("escape", "dismiss", "dialog.close"),
        key("right,space,enter,down", "turn(1)", "dialog.next_code"),
        key("left,up,backspace", "turn(-1)", "dialog.previous_code"),
    ]

    def __init__(self, paper: PaperView) -> None:
        super().__init__()
        self.paper, self.at = paper, 0

    def compose(self) -> ComposeResult:
        """The code, and which it is."""
        yield QrPicture(id="large-code")
        yield Words(id="large-caption")

    def on_mount(self) -> None:
        """The first one."""
        self._arrange()

    def on_resize(self) -> None:
        """Another size, another scale."""
        self._arrange()

    def action_turn(self, by: int) -> None:
        """To the next code or back."""
        self.at = (self.at + by) % len(self.paper.codes)
        self._arrange()

    def _arrange(self) -> None:
        if not self.is_mounted:
            return
        texts, code = texts_of(self), self.paper.codes[self.at]
        picture, caption = self.query_one(QrPicture), self.query_one(Words)
        room = Size(self.size.width, self.size.height - 1)
        fits = bool(scale_for(code, room)) and context(self).glyphs != "ascii"
        picture.display, picture.qr = fits, code if fits else None
        picture.styles.height = room.height
        words = texts("paper.code", number=self.at + 1, count=len(self.paper.codes))
        caption.text = words if fits else f"{words}: {code.text}"
