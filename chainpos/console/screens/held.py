"""The bills that were set aside: choose one to take it in hand again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from chainpos.console.context import context, texts_of
from chainpos.console.keymap import key
from chainpos.console.phrases import clock
from chainpos.console.screens.dialog import Dialog
from chainpos.console.widgets.ground import Box
from chainpos.console.widgets.line_list import Cell, Column, LineList
from chainpos.console.widgets.words import Words
from chainpos.core.values.amount import format_amount
from chainpos.till.views import HeldView


class HeldBills(Dialog[int | None]):
    """Answers the number of the bill that was chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [key("escape", "close", "dialog.close")]

    def __init__(self, held: Sequence[HeldView]) -> None:
        super().__init__()
        self.held = held
        columns = (Column("", 6), Column("", 0), Column("", 12, right=True), Column("", 14))
        self.list: LineList[HeldView] = LineList(columns, self._cells, lambda each: each.number, id="palette-list")

    def _cells(self, held: HeldView) -> Sequence[Cell]:
        texts = texts_of(self)
        first = texts.either(held.first_en, held.first_zh)
        more = texts("held.more", count=held.items - 1) if held.items > 1 else ""
        state = texts("held.paying") if held.paying else ""
        return (
            (clock(held.since_ns, context(self).zone, seconds=False), "muted"),
            (f"{first} {more}", ""),
            (format_amount(held.charged, with_currency=False), ""),
            (state, "warn"),
        )

    def compose(self) -> ComposeResult:
        """The last one first."""
        with Box(classes="dialog -palette"):
            yield Words(texts_of(self)("held.title", count=len(self.held)), classes="dialog-title")
            yield self.list

    def on_mount(self) -> None:
        """Arrows and Enter."""
        self.list.show(self.held)
        self.list.focus()

    @on(LineList.Chosen)
    def _chosen(self) -> None:
        if self.list.present is not None:
            self.dismiss(self.list.present.number)

    def action_close(self) -> None:
        """None of them."""
        self.dismiss(None)
