"""A small plot of bars in text: how something went lately, the newest at the right, at a glance."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.content import Content
from textual.reactive import reactive

from chainpos.console.context import texts_of
from chainpos.console.widgets.lines_panel import LinesPanel, line, rule

BARS = " ▁▂▃▄▅▆▇█"
# A few values are drawn wider, as a single column is hard to see.
MOST_WIDE = 4
_EIGHTHS = len(BARS) - 1


def bars(values: Sequence[int], width: int, rows: int) -> list[str]:
    """Rows of bars, the top one first, for the last `width` values. The largest fills the rows; 0 leaves a blank."""
    shown = values[-width:] if width > 0 else ()
    most = max(shown, default=0)
    if most <= 0:
        return [" " * len(shown)] * rows
    heights = [-(-value * rows * _EIGHTHS // most) for value in shown]
    return [
        "".join(BARS[min(max(height - below * _EIGHTHS, 0), _EIGHTHS)] for height in heights)
        for below in range(rows - 1, -1, -1)
    ]


class Plot(LinesPanel):
    """`heading` is a text's key, `telling` says a value with its unit; `note` stands where there are no values."""

    values: reactive[tuple[int, ...]] = reactive((), layout=True)
    rows: reactive[int] = reactive(2, layout=True)

    def __init__(
        self,
        heading: str,
        telling: Callable[[int], str],
        *,
        note: str = "plot.none",
        id: str | None = None,  # noqa: A002 (Textual's name)
    ) -> None:
        super().__init__(id=id)
        self.heading, self.telling, self.note = heading, telling, note

    def lines(self, width: int) -> Sequence[Content]:
        """The heading with the newest and the largest value, then the bars."""
        texts = texts_of(self)
        heading, shown = texts(self.heading), self.values[-width:]
        if not shown:
            return [rule(heading, width), line(texts(self.note), "$muted", width=width)]
        told = texts("plot.told", now=self.telling(shown[-1]), most=self.telling(max(shown)))
        wide = max(min(width // len(shown), MOST_WIDE), 1)
        drawn = [
            Content.styled("".join(each * wide for each in row), "$accent") for row in bars(shown, width, self.rows)
        ]
        return [rule(f"{heading} · {told}", width), *drawn]
