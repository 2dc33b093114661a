"""What was drawn is kept until it changes: Textual looks up its colours and goes through its lines at every drawing.

It is Textual's own cache of lines, and forgets when that does. It refuses links under the mouse: none of ours has one.
"""

from __future__ import annotations

from textual._styles_cache import StylesCache
from textual.filter import LineFilter
from textual.geometry import Region, Size
from textual.reactive import Reactive
from textual.strip import Strip
from textual.widget import Widget


class _Kept(StylesCache):
    _strips: list[Strip] | None = None
    _asked: tuple[Region, Size, tuple[LineFilter, ...]] | None = None

    def set_dirty(self, *regions: Region) -> None:
        super().set_dirty(*regions)
        self._strips = None

    def clear(self) -> None:
        super().clear()
        self._strips = None

    def render_widget(self, widget: Widget, crop: Region) -> list[Strip]:
        asked = crop, widget.region.size, tuple(widget.get_line_filters())
        if self._strips is None or self._asked != asked:
            self._strips, self._asked = super().render_widget(widget, crop), asked
        return self._strips


class Keeping(Widget):
    """A widget that never scrolls, and is drawn beside others that change."""

    # A layout tells its size too, and draws it: Textual would draw it a second time.
    virtual_size: Reactive[Size] = Reactive(Size(0, 0), repaint=False)

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
