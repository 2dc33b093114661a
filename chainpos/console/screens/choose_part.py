"""Which part of a bill that was paid in several ways is to go back, each the way it came. It moves nothing itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from chainpos.console.context import texts_of
from chainpos.console.keymap import key
from chainpos.console.screens.dialog import Dialog
from chainpos.console.widgets.ground import Box
from chainpos.console.widgets.line_list import Cell, Column, LineList
from chainpos.console.widgets.words import Words
from chainpos.core.values.amount import format_amount
from chainpos.till.views import KindView

COLUMNS = (
    Column("part_back.part"),
    Column("part_back.received", 12, right=True, from_width=56),
    Column("part_back.left", 12, right=True),
)


class ChoosePart(Dialog[KindView | None]):
    """Answers the part that was chosen, None for nothing. `reference` is the sale's or the bill's."""

    BINDINGS: ClassVar[list[BindingType]] = [key("escape", "close", "dialog.close")]

    def __init__(self, reference: str, parts: Sequence[KindView]) -> None:
        super().__init__()
        self.reference, self.parts = reference, parts
        self.list: LineList[KindView] = LineList(COLUMNS, self._cells, lambda each: each.kind, id="parts-list")

    def _cells(self, part: KindView) -> Sequence[Cell]:
        return (
            (texts_of(self)(f"part_back.{part.kind.value}"), ""),
            (format_amount(part.received, with_currency=False), "muted"),
            (format_amount(part.left, with_currency=False), ""),
        )

    def compose(self) -> ComposeResult:
        """The parts, where each goes, and what is left of it."""
        texts = texts_of(self)
        with Box(classes="dialog"):
            yield Words(texts("part_back.title", reference=self.reference), classes="dialog-title")
            yield self.list
            yield Words(texts("part_back.keys"), classes="dialog-text")

    def on_mount(self) -> None:
        """Arrows and Enter."""
        self.list.show(self.parts)
        self.list.focus()

    @on(LineList.Chosen)
    def _chosen(self) -> None:
        if self.list.present is not None:
            self.dismiss(self.list.present)

    def action_close(self) -> None:
        """None of them."""
        self.dismiss(None)
