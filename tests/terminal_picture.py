"""Pictures of a terminal: what a program wrote, through a terminal in memory (pyte), as pixels (Pillow).

Half blocks are drawn as exact rectangles, not from a font, so that a QR decoder sees what a good terminal shows.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import Final

import pyte
from PIL import Image, ImageDraw, ImageFont

CELL: Final = (8, 16)
_INK: Final = (204, 204, 204)
_GROUND: Final = (0, 0, 0)
# The 16 colours as pyte names them, in the values of a common terminal (VS Code's and xterm's lie nearby).
_NAMED: Final = {
    "black": (0, 0, 0), "red": (205, 49, 49), "green": (13, 188, 121), "brown": (229, 229, 16),
    "blue": (36, 114, 200), "magenta": (188, 63, 188), "cyan": (17, 168, 205), "white": (229, 229, 229),
    "brightblack": (102, 102, 102), "brightred": (241, 76, 76), "brightgreen": (35, 209, 139),
    "brightbrown": (245, 245, 67), "brightblue": (59, 142, 234), "brightmagenta": (214, 112, 214),
    "bfightmagenta": (214, 112, 214), "brightcyan": (41, 184, 219), "brightwhite": (255, 255, 255),
}  # fmt: skip
# Left, top, right, bottom in eighths of a cell.
_BLOCKS: Final = {
    "█": (0, 0, 8, 8), "▀": (0, 0, 8, 4), "▄": (0, 4, 8, 8), "▁": (0, 7, 8, 8), "▂": (0, 6, 8, 8),
    "▃": (0, 5, 8, 8), "▅": (0, 3, 8, 8), "▆": (0, 2, 8, 8), "▇": (0, 1, 8, 8), "▌": (0, 0, 4, 8), "▐": (4, 0, 8, 8),
}  # fmt: skip
_FONTS: Final = (
    "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf",
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
)

Rgb = tuple[int, int, int]


def _colour(name: str, otherwise: Rgb) -> Rgb:
    if name == "default":
        return otherwise
    if name in _NAMED:
        return _NAMED[name]
    return int(name[0:2], 16), int(name[2:4], 16), int(name[4:6], 16)


@cache
def _font(wide: bool) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    order = _FONTS[1:] if wide else _FONTS
    for path in order:
        if Path(path).exists():
            return ImageFont.truetype(path, 14 if wide else 13)
    return ImageFont.load_default()


def screen_of(ansi: str, columns: int, rows: int) -> pyte.Screen:
    """The terminal after the program's output."""
    screen = pyte.Screen(columns, rows)
    stream = pyte.Stream(screen)
    stream.feed(ansi)
    return screen


def picture(ansi: str, columns: int, rows: int, *, scale: int = 1) -> Image.Image:
    """The terminal as an image, `scale` times 8 by 16 pixels a cell."""
    screen = screen_of(ansi, columns, rows)
    wide, high = CELL[0] * scale, CELL[1] * scale
    image = Image.new("RGB", (columns * wide, rows * high), _GROUND)
    draw = ImageDraw.Draw(image)
    for y in range(rows):
        for x in range(columns):
            cell = screen.buffer[y][x]
            ink, ground = _colour(cell.fg, _INK), _colour(cell.bg, _GROUND)
            if cell.reverse:
                ink, ground = ground, ink
            left, top = x * wide, y * high
            span = wide * (2 if cell.data and x + 1 < columns and screen.buffer[y][x + 1].data == "" else 1)
            if cell.data:
                draw.rectangle((left, top, left + span - 1, top + high - 1), fill=ground)
            _draw_cell(draw, cell.data, (left, top, wide, high), ink, span > wide)
    return image


def _draw_cell(draw: ImageDraw.ImageDraw, text: str, box: tuple[int, int, int, int], ink: Rgb, double: bool) -> None:
    left, top, wide, high = box
    if text in _BLOCKS:
        a, b, c, d = _BLOCKS[text]
        draw.rectangle(
            (left + a * wide // 8, top + b * high // 8, left + c * wide // 8 - 1, top + d * high // 8 - 1), fill=ink
        )
    elif text and text in "─━":
        draw.rectangle((left, top + high // 2, left + wide - 1, top + high // 2 + (text == "━")), fill=ink)
    elif text.strip():
        draw.text((left, top), text, fill=ink, font=_font(double))


def ansi_of_capture(capture: str) -> str:
    """What `tmux capture-pane -e -p -N` printed, as a terminal would take it: each line at its place.

    tmux lets colours run on from one line into the next, so nothing is reset between them.
    """
    return "".join(f"\x1b[{row + 1};1H{line}" for row, line in enumerate(capture.split("\n")))


def main() -> None:
    """`terminal_picture.py COLUMNS ROWS FILE < ansi`: for looking at screens."""
    columns, rows, target = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    picture(ansi_of_capture(sys.stdin.read()), columns, rows).save(target)


if __name__ == "__main__":
    main()
