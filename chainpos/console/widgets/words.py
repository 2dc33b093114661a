"""Running text and a field to type in, both cleaned: what the dialogs are made of."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Input

from chainpos.console.cells import shown, wrap
from chainpos.console.widgets.lines_panel import LinesPanel, line


class Words(LinesPanel):
    """A text over as many lines as it needs."""

    text: reactive[str] = reactive("", layout=True)

    def __init__(self, text: str = "", *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self.text = text

    def lines(self, width: int) -> Sequence[Content]:
        """In the colour of its style."""
        return [line(row) for row in wrap(self.text, width)]


class Field(Input):
    """A field that keeps nothing it may not show: a paste is text from outside too."""

    def validate_value(self, value: str) -> str:
        """The text without control and invisible characters."""
        return shown(value)

    def validate(self, value: str) -> None:
        """Its form judges what is typed. Textual would find it valid, and work its styles out again for that."""
