"""In which form a receipt is to be saved: a list of them, arrows and Enter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from chainpos.console.context import texts_of
from chainpos.console.keymap import key
from chainpos.console.screens.dialog import Dialog
from chainpos.console.widgets.ground import Box
from chainpos.console.widgets.line_list import Cell, Column, LineList
from chainpos.console.widgets.words import Words

# What a shop hands to customers most often comes first.
PROOF_KIND: Final = "cpr"
KINDS: Final = ("pdf", "png", "txt", PROOF_KIND)


class SaveAs(Dialog[str | None]):
    """Answers the ending of the file, None for no file."""

    BINDINGS: ClassVar[list[BindingType]] = [key("escape", "close", "dialog.close")]

    def __init__(self, folder: str, kinds: Sequence[str] = KINDS) -> None:
        super().__init__()
        self.folder, self.kinds = folder, kinds
        columns = (Column("", 6), Column("", 0))
        self.list: LineList[str] = LineList(columns, self._cells, lambda each: each, id="kinds-list")

    def _cells(self, kind: str) -> Sequence[Cell]:
        return (f".{kind}", "accent"), (texts_of(self)(f"paper.as_{kind}"), "")

    def compose(self) -> ComposeResult:
        """The forms, and where the file will be."""
        texts = texts_of(self)
        with Box(classes="dialog"):
            yield Words(texts("paper.save_as"), classes="dialog-title")
            yield self.list
            yield Words(texts("paper.save_hint", folder=self.folder), classes="dialog-text")

    def on_mount(self) -> None:
        """Arrows and Enter."""
        self.list.show(self.kinds)
        self.list.focus()

    @on(LineList.Chosen)
    def _chosen(self) -> None:
        self.dismiss(self.list.present)

    def action_close(self) -> None:
        """None."""
        self.dismiss(None)
