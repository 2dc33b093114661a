"""Running text, cleaned: what the dialogs are made of."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.reactive import reactive

from chainpos.console.cells import wrap
from chainpos.console.widgets.lines_panel import LinesPanel, line


def words(text: str, width: int) -> list[Content]:
    """A text over as many lines as it needs."""
    return [line(row) for row in wrap(text, width)]


class Words(LinesPanel):
    """A text over as many lines as it needs."""

    text: reactive[str] = reactive("", layout=True)

    def __init__(self, text: str = "", *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self.text = text

    def lines(self, width: int) -> Sequence[Content]:
        """In the colour of its style."""
        return words(self.text, width)


class Heading(LinesPanel):
    """What a dialog is called, and below it what it is about."""

    def __init__(self, title: str, detail: str = "") -> None:
        super().__init__()
        self.title, self.detail = title, detail

    def lines(self, width: int) -> Sequence[Content]:
        """The title by its colour and weight."""
        rows = [line(row, "$accent bold") for row in wrap(self.title, width)]
        return [*rows, Content(), *words(self.detail, width)] if self.detail else rows
