"""What was drawn is kept until it changes: Textual looks up its colours and goes through its lines at every drawing.

It is Textual's own cache of lines, and forgets when that does. It refuses links under the mouse: none of ours has one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rich.segment import Segment
from textual._styles_cache import StylesCache
from textual.color import Color
from textual.css.styles import StylesBase
from textual.filter import LineFilter
from textual.geometry import Region, Size, Spacing
from textual.reactive import Reactive
from textual.strip import Strip
from textual.widget import Widget


class _Kept(StylesCache):
    _strips: list[Strip] | None = None
    _asked: tuple[Region, Size, tuple[LineFilter, ...]] | None = None
    # Whether a line is its text on its ground and no more: Textual asks at each line for all that it might have.
    _bare: bool = False
    _blank: Strip | None = None

    def set_dirty(self, *regions: Region) -> None:
        super().set_dirty(*regions)
        self._strips = None

    def clear(self) -> None:
        super().clear()
        self._strips = None

    def render_widget(self, widget: Widget, crop: Region) -> list[Strip]:
        asked = crop, widget.outer_size, tuple(widget.get_line_filters())
        if self._strips is None or self._asked != asked:
            self._bare, self._blank = _is_bare(widget), None
            self._strips, self._asked = super().render_widget(widget, crop), asked
        return self._strips

    def render_line(
        self,
        styles: StylesBase,
        y: int,
        size: Size,
        content_size: Size,
        padding: Spacing,
        base_background: Color,
        background: Color,
        render_content_line: Callable[[int], Strip],
        *rest: Any,
    ) -> Strip:
        if not self._bare:
            return super().render_line(
                styles, y, size, content_size, padding, base_background, background, render_content_line, *rest
            )
        ground = self.get_inner_outer(base_background, background)[0].rich_style
        if not padding.top <= y < padding.top + content_size.height:
            self._blank = self._blank or Strip.blank(size.width, ground)
            return self._blank
        line = render_content_line(y - padding.top).adjust_cell_length(content_size.width, ground)
        if not padding.width:
            return line
        left, right = (Segment(" " * cells, ground) for cells in (padding.left, padding.right))
        return Strip([left, *line, right], size.width)


def _is_bare(widget: Widget) -> bool:
    styles = widget.styles
    return (
        not any(edge for edge, _ in (*styles.border, *styles.outline))
        and not styles.tint.a
        and widget.opacity == 1
        and styles.text_opacity == 1
        and not styles.has_rule("hatch")
    )


class Keeping(Widget):
    """A widget that never scrolls, and is drawn beside others that change."""

    # A layout tells its size too, and draws it: Textual would draw it a second time.
    virtual_size: Reactive[Size] = Reactive(Size(0, 0), repaint=False)
    # None of ours has a link, for which Textual would go through each strip.
    auto_links: Reactive[bool] = Reactive(False)

    def __init__(
        self,
        *children: Widget,
        name: str | None = None,
        id: str | None = None,  # noqa: A002 (Textual's signature)
        classes: str | None = None,
        disabled: bool = False,
        markup: bool = True,
    ) -> None:
        super().__init__(*children, name=name, id=id, classes=classes, disabled=disabled, markup=markup)
        self._styles_cache = _Kept()

    @property
    def room(self) -> Size:
        """For its content, as it was laid out last. Textual's own `content_size` lays all out anew to tell it."""
        gutter, (width, height) = self.styles.gutter, self.outer_size
        return Size(max(width - gutter.width, 0), max(height - gutter.height, 0))
