"""A panel that is a list of lines made to measure: the one way in which this room draws text. Never markup."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Self

from textual.content import Content
from textual.geometry import Region, Size
from textual.selection import Selection
from textual.widget import Widget

from chainpos.console.cells import cut, fit, width_of
from chainpos.console.widgets.kept import Keeping
from chainpos.console.widgets.lines_visual import DrawnLines, LinesVisual


class LinesPanel(Keeping):
    """Subclasses say their lines for a width; the height follows."""

    # The lines that were made last, and for which room: they are asked for when measuring, and again when drawing.
    _made: Sequence[Content] = ()
    _made_for: tuple[int, Size] | None = None

    @cached_property
    def _drawn(self) -> DrawnLines:
        return DrawnLines()

    def lines(self, width: int) -> Sequence[Content]:
        """At most `width` cells each. What they hang on changes with `refresh`, as all that is drawn."""
        raise NotImplementedError

    def _lines(self, width: int) -> Sequence[Content]:
        room = width, self.content_size
        if self._made_for != room:
            self._made, self._made_for = self.lines(width), room
        return self._made

    def get_content_width(self, container: Size, viewport: Size) -> int:  # noqa: ARG002 (Textual's signature)
        """All there is."""
        return container.width

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        """As many rows as lines."""
        return len(self._lines(width))

    def render(self) -> LinesVisual:
        """The lines that fit."""
        room = self.content_size
        return LinesVisual(self._lines(room.width)[: max(room.height, 0)], self._drawn, self.app.theme)

    def get_selection(self, selection: Selection) -> tuple[str, str]:
        """What is selected with the mouse."""
        return selection.extract("\n".join(line.plain for line in self._lines(self.content_size.width))), "\n"

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """Draw again. The screen is laid out anew if the number of lines differs and not else: that costs all of it."""
        self._made_for = None
        return super().refresh(
            *regions, repaint=repaint, layout=self._height_differs(asked=layout), recompose=recompose
        )

    def _height_differs(self, *, asked: bool) -> bool:
        if not self.display:
            # Nobody sees it; it is laid out when it is shown.
            return False
        width, height = self.content_size
        if not self.is_mounted or not width or not height:
            return asked
        return _is_auto(self) and len(self._lines(width)) != height

    def changed(self) -> None:
        """Draw again; the number of lines may differ."""
        self.refresh(layout=True)


def _is_auto(widget: Widget) -> bool:
    height = widget.styles.height
    return height is not None and height.is_auto


def line(text: str, style: str = "", *, width: int = 0) -> Content:
    """One line of cleaned text in a style such as "$good-text bold", cut to `width` if that is given."""
    safe = cut(text, width or 400)
    return Content.styled(safe, style) if style else Content(safe)


def spread(left: Content, right: Content, width: int) -> Content:
    """Two texts at the two ends of a line; the left one gives way."""
    room = width - right.cell_length
    if left.cell_length > room - 1:
        left = left.truncate(max(room - 1, 0), ellipsis=True)
    return Content.assemble(left, " " * max(room - left.cell_length, 0), right)


def rule(title: str, width: int) -> Content:
    """A quiet heading with a hair line to the end of the row."""
    head = fit(title, min(width, width_of(title)))
    rest = max(width - width_of(head) - 1, 0)
    return Content.assemble((head, "$muted bold"), " " if rest else "", ("─" * rest, "$line"))
