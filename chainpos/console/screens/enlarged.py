"""The code alone, as large as the terminal allows, on white. `e` shows it as EMVCo's; any other key returns."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.geometry import Size

from chainpos.console.context import context
from chainpos.console.keymap import key
from chainpos.console.screens.dialog import Dialog
from chainpos.console.widgets.link_letters import LinkLetters
from chainpos.console.widgets.qr_picture import QrPicture, picture_size, scale_for
from chainpos.console.widgets.words import Words
from chainpos.core.values.amount import format_amount
from chainpos.till.views import CounterView, Qr, SaleState, SaleView


class EnlargedCode(Dialog[None]):
    """It closes by itself when the sale no longer waits, so that PAID is never behind it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        key("escape,space,enter", "close", "dialog.close"),
        key("e", "emvco", "dialog.emvco"),
    ]

    def __init__(self, sale: SaleView) -> None:
        super().__init__()
        self.sale = sale
        self.emvco: Qr | None = None
        self.as_emvco = False

    def compose(self) -> ComposeResult:
        """The code, or its address where it does not fit."""
        yield QrPicture(id="large-code")
        yield LinkLetters(id="large-link")
        yield Words(id="large-caption")

    def on_mount(self) -> None:
        """Follow the sale."""
        context(self).followers.add(self, self._take)
        told = context(self).till.paper.emvco(self.sale.reference)
        self.emvco, self.as_emvco = told.qr, told.chosen
        self._arrange()

    def on_resize(self) -> None:
        """Another size, another scale."""
        self._arrange()

    def _arrange(self) -> None:
        if self.sale.qr is None or not self.is_mounted:
            return
        room = Size(self.size.width, self.size.height)
        as_emvco = self.emvco is not None and self.as_emvco
        # One that does not fit is said, and the link's is there all the same.
        too_large = self.emvco if self.emvco is not None and as_emvco and not scale_for(self.emvco, room) else None
        shown = self.emvco if self.emvco is not None and as_emvco and too_large is None else self.sale.qr
        texts = context(self).texts
        code, link = self.query_one("#large-code", QrPicture), self.query_one("#large-link", LinkLetters)
        scale = scale_for(shown, room) if context(self).glyphs != "ascii" else 0
        needed = picture_size(shown, max(scale, 1))
        code.qr = shown if scale else None
        code.display = bool(scale)
        code.styles.height = needed.height
        link.link, link.alone, link.display = self.sale.link, True, not scale
        caption = self.query_one("#large-caption", Words)
        caption.display = self.size.height > needed.height or not scale
        more = picture_size(shown, scale + 1)
        words = [format_amount(self.sale.amount), texts("counter.enlarged")]
        if too_large is not None:
            size = picture_size(too_large)
            words[1:] = [texts("counter.emvco_too_large", columns=size.width, rows=size.height)]
        elif scale and self.emvco is not None:
            words.append(texts("counter.as_link" if as_emvco else "counter.as_emvco"))
        if too_large is None and self.size.width >= 76 and scale < 3:
            words.append(texts("counter.enlarged_more", columns=more.width, rows=more.height + 1))
        caption.text = "  ·  ".join(words)

    def _take(self, view: CounterView) -> None:
        same = view.sale is not None and view.sale.reference == self.sale.reference
        if not same or view.sale is None or view.sale.state is not SaleState.WAITING:
            self.dismiss(None)

    def on_key(self, event: events.Key) -> None:
        """Any key returns."""
        event.stop()
        if event.key == "e":
            self.action_emvco()
        else:
            self.action_close()

    def action_emvco(self) -> None:
        """The same request as EMVCo's code, for wallets that read that; and back. The customer's display follows."""
        self.as_emvco = not self.as_emvco
        context(self).till.paper.show_emvco(self.sale.reference, chosen=self.as_emvco)
        self._arrange()

    def on_click(self) -> None:
        """So does a click."""
        self.action_close()

    def action_close(self) -> None:
        """Back to the counter."""
        self.dismiss(None)
