"""The QR as half blocks: black glyphs on explicit white with the full quiet zone, or not at all.

It refuses to draw a part of a code: where it does not fit, `fits` says so and the screen shows the address in letters.
Black and white are the two colours here that no theme may change; a camera must read them.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.reactive import reactive
from textual.strip import Strip

from chainpos.console.widgets.kept import Keeping
from chainpos.till.views import Qr

QUIET: Final = 4
MOST_SCALE: Final = 3
_HALVES: Final = {("0", "0"): " ", ("0", "1"): "▄", ("1", "0"): "▀", ("1", "1"): "█"}
_CODE: Final = Style(color="#000000", bgcolor="#ffffff", bold=False, dim=False, reverse=False)


def picture_size(qr: Qr, scale: int = 1) -> Size:
    """Columns and rows that the code takes, quiet zone and all."""
    side = (len(qr.modules) + 2 * QUIET) * scale
    return Size(side, (side + 1) // 2)


def scale_for(qr: Qr, room: Size, most: int = MOST_SCALE) -> int:
    """The largest whole scale at which all of it fits; 0 if none does."""
    for scale in range(most, 0, -1):
        needed = picture_size(qr, scale)
        if needed.width <= room.width and needed.height <= room.height:
            return scale
    return 0


@lru_cache(8)
def picture_rows(qr: Qr, scale: int) -> tuple[str, ...]:
    """The rows of half blocks, light around; the last row's lower half is light too."""
    side = len(qr.modules) + 2 * QUIET
    beside, blank = "0" * (QUIET * scale), "0" * (side * scale)
    tall = [blank] * (QUIET * scale)
    for row in qr.modules:
        code = "".join("1" if dark else "0" for dark in row)
        tall += [f"{beside}{code.replace('0', '0' * scale).replace('1', '1' * scale)}{beside}"] * scale
    tall += [blank] * (QUIET * scale + len(tall) % 2)
    return tuple(_half_blocks(tall[y], tall[y + 1]) for y in range(0, len(tall), 2))


def _half_blocks(upper: str, lower: str) -> str:
    if upper == lower:
        return upper.replace("0", " ").replace("1", "█")
    return "".join(map(_HALVES.__getitem__, zip(upper, lower, strict=True)))


class QrPicture(Keeping):
    """Draws `qr` in the middle of its room, as large as fits."""

    qr: reactive[Qr | None] = reactive(None, layout=True)

    @property
    def scale(self) -> int:
        """The scale it is drawn at; 0 if it is not drawn."""
        return scale_for(self.qr, self.size) if self.qr is not None else 0

    _drawn: tuple[Strip, ...] = ()
    _drawn_for: tuple[object, ...] = ()

    def render_lines(self, crop: Region) -> list[Strip]:
        """The rows of one picture: without borders, each is what it is."""
        filters = self.get_line_filters()
        asked = self.qr, self.size, self.rich_style, *filters
        if self._drawn_for != asked:
            ground = self.background_colors[1]
            rows = tuple(self._picture())
            for each in filters:
                rows = tuple(row.apply_filter(each, ground) for row in rows)
            self._drawn, self._drawn_for = rows, asked
        rows = self._drawn[crop.y : crop.bottom]
        return [row if crop.width == row.cell_length else row.crop(crop.x, crop.right) for row in rows]

    def _picture(self) -> Iterator[Strip]:
        (width, height), ground, scale = self.size, self.rich_style, self.scale
        rows = picture_rows(self.qr, scale) if self.qr is not None and scale else ()
        blank, top = Strip.blank(width, ground), (height - len(rows)) // 2
        yield from [blank] * top
        for row in rows:
            left = (width - len(row)) // 2
            sides = Segment(" " * left, ground), Segment(" " * (width - left - len(row)), ground)
            yield Strip([sides[0], Segment(row, _CODE), sides[1]], width)
        yield from [blank] * (height - top - len(rows))
