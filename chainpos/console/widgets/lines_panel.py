"""A panel that is a list of lines made to measure: the one way in which this room draws text. Never markup."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Final, Self

from textual.content import Content
from textual.geometry import Region, Size
from textual.selection import Selection
from textual.strip import Strip
from textual.widget import Widget

from chainpos.console.cells import cut, fit, width_of
from chainpos.console.widgets.kept import Keeping
from chainpos.console.widgets.lines_visual import DrawnLines, LinesVisual

_NO_LINE: Final = Strip([], 0)


class LinesPanel(Keeping):
    """Subclasses say their lines for a width; the height follows."""

    # The lines that were made last, and for which room: they are asked for when measuring, and again when drawing.
    _made: Sequence[Content] = ()
    _made_for: tuple[int, Size] | None = None
    _laid_out_with: tuple[object, ...] = ()

    @cached_property
    def _drawn(self) -> DrawnLines:
        return DrawnLines()

    def lines(self, width: int) -> Sequence[Content]:
        """At most `width` cells each. What they hang on changes with `refresh`, as all that is drawn."""
        raise NotImplementedError

    def _lines(self, width: int) -> Sequence[Content]:
        room = width, self.room
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
        room = self.room
        return LinesVisual(self._lines(room.width)[: max(room.height, 0)], self._drawn, self.app.theme)

    def render_line(self, y: int) -> Strip:
        """One of the lines; below the last one nothing, which its ground fills."""
        if self._dirty_regions:
            self._render_content()
        lines = self._render_cache.lines
        return lines[y] if y < len(lines) else _NO_LINE

    def get_selection(self, selection: Selection) -> tuple[str, str]:
        """What is selected with the mouse."""
        return selection.extract("\n".join(line.plain for line in self._lines(self.room.width))), "\n"

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """Draw again. The screen is laid out anew if the number of lines differs and not else: that costs all of it."""
        self._made_for = None
        return super().refresh(*regions, repaint=repaint, layout=layout or repaint, recompose=recompose)

    def _check_refresh(self) -> None:
        # Looked at once, when all that was to be set is set.
        if self._layout_required and not self._needs_layout():
            self._layout_required = False
        super()._check_refresh()

    def _spacing(self) -> tuple[object, ...]:
        styles = self.styles
        return styles.margin, styles.gutter, styles.width, styles.height

    def _size_updated(self, size: Size, virtual_size: Size, container_size: Size, layout: bool = True) -> bool:  # noqa: FBT001, FBT002
        # It was laid out: with what, a change of its styles is compared with.
        self._laid_out_with = self._spacing()
        return super()._size_updated(size, virtual_size, container_size, layout)

    def _needs_layout(self) -> bool:
        if not self.display:
            # What was there leaves its room to others. What was not is laid out when it is shown.
            was_there, self._laid_out_with = bool(self._laid_out_with), ()
            return was_there
        width, height = self.room
        if not self.is_mounted or not width or not height or self._laid_out_with != self._spacing():
            return True
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
