"""What all dialogs are: over the screen that asked, with nothing worked out twice. They refuse keys meant for below."""

from __future__ import annotations

from functools import lru_cache
from typing import Generic, Self

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.geometry import Region
from textual.screen import ModalScreen, ScreenResultType
from textual.strip import Strip

from chainpos.console.screens.put_up import PutUp


class Dialog(ModalScreen[ScreenResultType], PutUp[ScreenResultType], Generic[ScreenResultType]):
    """Answers once. While it is `sending`, what was asked of the till is being done, and nothing takes it away."""

    sending: bool = False
    # What lies below, tinted: drawn once, and again where something changed there.
    _below: tuple[Strip, ...] = ()
    _below_in: Color | None = None
    # Its box is drawn first: what it covers stands on the terminal already, and is tinted a moment later.
    _box_alone: bool = False
    _box_drawn: bool = False

    def _compositor_refresh(self) -> None:
        boxes = {box.region for box in self.children if box.display and box.region}
        if self._box_drawn or not boxes or self is not self.app.screen or self.styles.background.a == 1:
            super()._compositor_refresh()
            return
        self._box_drawn = self._box_alone = True
        self._compositor._dirty_regions = boxes  # noqa: SLF001 - there is no public way to draw a part
        super()._compositor_refresh()
        self._box_alone = False
        self.refresh()

    def render_lines(self, crop: Region) -> list[Strip]:
        """What lies below, unless only the box is wanted."""
        return [Strip.blank(crop.width)] * crop.height if self._box_alone else super().render_lines(crop)

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """Draw again. Regions are named where something below changed."""
        if regions:
            self._below = ()
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def render_line(self, y: int) -> Strip:
        """What lies below. Textual would send all of it through Rich at each of the three times that it draws one."""
        tint, width, height = self.styles.background, *self.size
        if tint.a == 1:
            # The lock: nothing of the shop is read behind it.
            return super().render_line(y)
        if len(self._below) != height or self._below_in != tint or self._below[0].cell_length != width:
            below = self.app.screen_stack[self.app.screen_stack.index(self) - 1]
            strips = below._compositor.render_strips(self.size)  # noqa: SLF001 - as Textual's own does it
            self._below, self._below_in = tuple(_tinted_line(strip, tint) for strip in strips), tint
        return self._below[y]


def _tinted_line(strip: Strip, tint: Color) -> Strip:
    segments = (Segment(text, _tinted(style or Style.null(), tint)) for text, style, _ in strip)
    return Strip(segments, strip.cell_length)


@lru_cache(maxsize=1_000)
def _tinted(style: Style, tint: Color) -> Style:
    ink, ground = (
        (Color.from_rich_color(colour) + tint).rich_color if colour is not None else None
        for colour in (style.color, style.bgcolor)
    )
    return style.clear_meta_and_links() + Style.from_color(ink, ground)
