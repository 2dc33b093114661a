"""Lines made to measure, as Textual draws them: each by itself and once, where Textual would look for places to wrap.

What it cannot do so (aligned text, a line that is too long, a selection with the mouse) it leaves to Textual.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.segment import Segment
from textual.content import Content, Span
from textual.css.styles import RulesMap
from textual.strip import Strip
from textual.style import Style
from textual.visual import RenderOptions, Visual

_AT_THE_LEFT: Final = {"left", "start"}


class DrawnLines:
    """The lines that a panel drew last, and in which style and theme: most of them are drawn again as they were."""

    def __init__(self) -> None:
        self._for: tuple[Style, str] | None = None
        self._strips: dict[tuple[str, tuple[Span, ...], int], Strip] = {}

    def draw(self, lines: Sequence[Content], style: Style, theme: str, options: RenderOptions) -> list[Strip]:
        """A strip for each; the names of colours are the theme's."""
        known = self._strips if self._for == (style, theme) else {}
        self._for, self._strips = (style, theme), {}
        for y, line in enumerate(lines):
            key = line.plain, tuple(line.spans), y
            self._strips[key] = known.get(key) or _strip(line, y, style, options)
        return list(self._strips.values())


class LinesVisual(Visual):
    """Lines, of which none is wider than the room is; `drawn` keeps what they look like in the `theme`."""

    def __init__(self, lines: Sequence[Content], drawn: DrawnLines, theme: str) -> None:
        self.lines, self._drawn, self._theme = lines, drawn, theme

    def render_strips(self, width: int, height: int | None, style: Style, options: RenderOptions) -> list[Strip]:
        """As Textual asks for it."""
        lines = self.lines[:height]
        if (
            options.selection is not None
            or options.rules.get("text_align", "left") not in _AT_THE_LEFT
            or any(line.cell_length > width for line in lines)
        ):
            return Content("\n").join(lines).render_strips(width, height, style, options)
        return self._drawn.draw(lines, style, self._theme, options)

    def get_optimal_width(self, rules: RulesMap, container_width: int) -> int:  # noqa: ARG002 (Textual's signature)
        """That of the widest."""
        return max((line.cell_length for line in self.lines), default=0)

    def get_height(self, rules: RulesMap, width: int) -> int:  # noqa: ARG002
        """A row each."""
        return len(self.lines)


def _strip(line: Content, y: int, style: Style, options: RenderOptions) -> Strip:
    segments, x = [], 0
    # Of no text in a style Textual would make nothing at all.
    content = line if line.plain else line.without_spans
    for text, own in content.render(style, end="", parse_style=options.get_style):
        # Where it stands is in the style: selecting with the mouse needs it.
        segments.append(Segment(text, (style + own).rich_style_with_offset(x, y)))
        x += len(text)
    return Strip(segments, line.cell_length)
