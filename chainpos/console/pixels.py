"""Pictures of a few pixels as lines of half blocks: the digits of an amount, the mark of a state. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

Pixels = Sequence[Sequence[bool]]

# The seven segments of a digit: top, upper right, lower right, bottom, lower left, upper left, middle.
_SEGMENTS: Final = {
    "0": "abcdef", "1": "bc", "2": "abged", "3": "abgcd", "4": "fgbc", "5": "afgcd", "6": "afgedc", "7": "abc",
    "8": "abcdefg", "9": "abcdfg", "-": "g", " ": "",
}  # fmt: skip


@dataclass(frozen=True)
class Face:
    """A size of digit, in pixels: `wide` by `high`, strokes of `stroke`; two pixels are one row of cells."""

    wide: int
    high: int
    stroke: int

    @property
    def rows(self) -> int:
        """How many terminal rows an amount in this face takes."""
        return (self.high + 1) // 2

    @property
    def gap(self) -> int:
        """Pixels between digits."""
        return 1 if self.stroke == 1 else self.stroke

    def width_of(self, text: str) -> int:
        """How many columns the text takes."""
        return sum((self.stroke if each in ".," else self.wide) + self.gap for each in text) - self.gap


FACES: Final = (Face(12, 18, 3), Face(9, 14, 2), Face(6, 10, 2), Face(5, 8, 1), Face(4, 6, 1), Face(3, 6, 1))
SMALLEST: Final = FACES[-1]


def _digit(character: str, face: Face) -> list[list[bool]]:
    wide, high, s = face.wide, face.high, face.stroke
    if character in ".,":
        grid = [[False] * s for _ in range(high)]
        for y in range(high - s, high):
            grid[y] = [True] * s
        if character == ",":
            # A group separator sits half a stroke lower in the eye: longer than the point.
            grid[high - 2 * s if s > 1 else high - 2] = [True] * s
            for y in range(high - 2 * s, high):
                grid[y] = [True] * s
        return grid
    grid = [[False] * wide for _ in range(high)]
    middle = (high - s) // 2
    boxes = {
        "a": (0, 0, wide, s), "g": (0, middle, wide, s), "d": (0, high - s, wide, s),
        "f": (0, 0, s, middle + s), "b": (wide - s, 0, s, middle + s),
        "e": (0, middle, s, high - middle), "c": (wide - s, middle, s, high - middle),
    }  # fmt: skip
    for segment in _SEGMENTS[character]:
        left, top, w, h = boxes[segment]
        for y in range(top, top + h):
            grid[y][left : left + w] = [True] * w
    return grid


def half_blocks(pixels: Pixels) -> tuple[str, ...]:
    """Lines of half blocks: the upper pixel of a cell is a row above the lower one."""
    lines = []
    for y in range(0, len(pixels), 2):
        upper = pixels[y]
        lower = pixels[y + 1] if y + 1 < len(pixels) else [False] * len(upper)
        lines.append("".join(" ▄▀█"[2 * u + w] for u, w in zip(upper, lower, strict=True)))
    return tuple(lines)


@lru_cache(64)
def big_number(text: str, face: Face) -> tuple[str, ...]:
    """Lines of half blocks for digits with points and commas."""
    rows: list[list[bool]] = [[] for _ in range(face.high)]
    for index, character in enumerate(text):
        for row, drawn in zip(rows, _digit(character, face), strict=True):
            row.extend([False] * (face.gap if index else 0) + drawn)
    return half_blocks(rows)


def fitting_number(text: str, width: int, rows: int) -> tuple[str, ...]:
    """The number as large as `width` columns and `rows` rows allow; over two rows of digits if one is too long."""
    for face in FACES:
        if face.rows <= rows and face.width_of(text) <= width:
            return big_number(text, face)
    head, comma, tail = text.rpartition(",")
    while comma and SMALLEST.width_of(head + comma) > width:
        head, comma, _ = head.rpartition(",")
        tail = text[len(head) + 1 :]
    if comma and 2 * SMALLEST.rows <= rows and SMALLEST.width_of(tail) <= width:
        upper, lower = big_number(head + comma, SMALLEST), big_number(tail, SMALLEST)
        both = max(len(upper[0]), len(lower[0]))
        return tuple(line.rjust(both) for line in upper) + tuple(line.rjust(both) for line in lower)
    return ()


def drawing(*rows: str) -> tuple[str, ...]:
    """Lines of half blocks for a picture written with # for ink."""
    wide = max(map(len, rows))
    return half_blocks([[each == "#" for each in row.ljust(wide)] for row in rows])


TICK: Final = drawing(
    "                ###",
    "               ####",
    "              #### ",
    "             ####  ",
    "            ####   ",
    "###        ####    ",
    "####      ####     ",
    " ####    ####      ",
    "  ####  ####       ",
    "   ########        ",
    "    ######         ",
    "     ####          ",
)
CROSS: Final = drawing(
    "###        ###",
    "####      ####",
    " ####    #### ",
    "  ####  ####  ",
    "   ########   ",
    "    ######    ",
    "    ######    ",
    "   ########   ",
    "  ####  ####  ",
    " ####    #### ",
    "####      ####",
    "###        ###",
)
HOURGLASS: Final = drawing(
    "##############",
    "##############",
    " ##        ## ",
    "  ##      ##  ",
    "   ##    ##   ",
    "    ##  ##    ",
    "    ##  ##    ",
    "   ## ## ##   ",
    "  ## #### ##  ",
    " ## ###### ## ",
    "##############",
    "##############",
)
DIAMOND: Final = drawing(
    "      ##      ",
    "     ####     ",
    "    ##  ##    ",
    "   ##    ##   ",
    "  ##      ##  ",
    " ##        ## ",
    " ##        ## ",
    "  ##      ##  ",
    "   ##    ##   ",
    "    ##  ##    ",
    "     ####     ",
    "      ##      ",
)
CLOCK_OUT: Final = drawing(
    "    ######    ",
    "  ##      ##  ",
    " #    ##    # ",
    "#     ##     #",
    "#     ##     #",
    "#     ##     #",
    "#     #####  #",
    "#      ####  #",
    "#            #",
    " #          # ",
    "  ##      ##  ",
    "    ######    ",
)
COINS: Final = drawing(
    "     ########     ",
    "   ##        ##   ",
    "  #            #  ",
    "   ##        ##   ",
    "  #  ########  #  ",
    "   ##        ##   ",
    "  #  ########  #  ",
    "   ##        ##   ",
    "  #  ########  #  ",
    "  #            #  ",
    "   ##        ##   ",
    "     ########     ",
)
