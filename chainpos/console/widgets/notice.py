"""A failure in words: what happened, whether money moved, what to do. It stays until a key does something."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from textual.content import Content
from textual.reactive import reactive

from chainpos.console.cells import wrap
from chainpos.console.widgets.lines_panel import LinesPanel, line


class Told(msgspec.Struct, frozen=True):
    """What to tell; `good` if it is no failure."""

    what: str
    money: str = ""
    next_step: str = ""
    good: bool = False


def told_lines(told: Told, width: int) -> list[Content]:
    """The mark and what happened in bold, the rest below."""
    mark = "✓" if told.good else "✗"
    rows = [line(row, "bold") for row in wrap(f"{mark} {told.what}", width)]
    rest = " ".join(part for part in (told.money, told.next_step) if part)
    return [*rows, *(line(row) for row in wrap(rest, width))]


class Notice(LinesPanel):
    """Nothing at all while there is nothing to tell."""

    told: reactive[Told | None] = reactive(None, layout=True)

    def watch_told(self, told: Told | None) -> None:
        """Shown only when it has something to say."""
        self.display = told is not None
        self.set_class(told is not None and told.good, "-good")

    def lines(self, width: int) -> Sequence[Content]:
        """What there is to tell."""
        return told_lines(self.told, width) if self.told is not None else []
