"""What is still to be typed, and below it what was refused: one panel, that a form tells everything in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual.content import Content
from textual.reactive import reactive

from chainpos.console.cells import fit
from chainpos.console.widgets.lines_panel import LinesPanel, line
from chainpos.console.widgets.notice import Told, told_lines
from chainpos.console.widgets.words import words

MOST_TOLD: Final = 6


class Hint(LinesPanel):
    """The hint in the form's own ink, what was refused as a notice says it."""

    text: reactive[str] = reactive("", layout=True)
    told: reactive[Told | None] = reactive(None, layout=True)

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self.text = text

    def lines(self, width: int) -> Sequence[Content]:
        """A line between the two."""
        rows = words(self.text, width)
        if self.told is None:
            return rows
        return [*rows, *([Content()] if rows else []), *_refused(self.told, width)]


def _refused(told: Told, width: int) -> list[Content]:
    rows = told_lines(told, width - 2)[:MOST_TOLD]
    return [line(f" {fit(row.plain, width - 2)} ", f"$bad-ink on $bad {'bold' if row.spans else ''}") for row in rows]
