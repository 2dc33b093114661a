"""The short address in letters, for a terminal too small for the code. It never shows a part of either."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.reactive import reactive

from chainpos.console.cells import shown, wrap
from chainpos.console.context import texts_of
from chainpos.console.widgets.lines_panel import LinesPanel, line


class LinkLetters(LinesPanel):
    """`alone` is whether the code is not on the screen, so that this is the way to pay."""

    link: reactive[str] = reactive("", layout=True)
    alone: reactive[bool] = reactive(False, layout=True)

    def lines(self, width: int) -> Sequence[Content]:
        """The address over as many rows as it needs."""
        if not self.link or width < 8:
            return []
        caption = texts_of(self)("counter.too_small" if self.alone else "counter.link")
        address = shown(self.link)
        rows = [address[start : start + width] for start in range(0, len(address), width)]
        style = "$ink bold" if self.alone else "$muted"
        return [*(line(row, "$muted") for row in wrap(caption, width)), *(line(row, style) for row in rows)]
