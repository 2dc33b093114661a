"""What stands between our drawing and a poor terminal: fewer glyphs, fewer colours. Widths never change."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, Literal

from rich.cells import cell_len
from rich.color import Color as RichColor
from rich.color import ColorSystem
from rich.palette import Palette
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

from chainpos.console.contrast import contrast

Glyphs = Literal["full", "linux", "ascii"]

# The fonts of the Linux console know the old PC characters only.
_LINUX: Final = str.maketrans(
    {"◈": "*", "▤": "#",
     "✓": "√", "✗": "x", "◐": "*", "○": "o", "●": "■", "⊘": "-", "↩": "<", "◷": "o", "▸": ">", "…": "~", "⚠": "!",
     "▁": "_", "▂": "_", "▃": "▄", "▅": "▄", "▆": "█", "▇": "█", "⌫": "<", "↑": "^", "↓": "v", "→": ">", "←": "<",
     "▔": "-", "▎": "│", "▊": "█", "━": "─", "┃": "│"}
)  # fmt: skip
_ASCII: Final = str.maketrans(
    {"◈": "%", "▤": "#",
     "✓": "+", "✗": "x", "◐": "~", "○": "o", "●": "*", "■": "#", "⊘": "-", "↩": "<", "◷": "o", "▸": ">", "…": "~",
     "·": "-", "—": "-", "–": "-", "⌫": "<", "⚠": "!", "↑": "^", "↓": "v", "→": ">", "←": "<", "•": "*",
     "│": "|", "┃": "|", "─": "-", "━": "=", "┌": "+", "┐": "+", "└": "+", "┘": "+", "├": "+", "┤": "+", "┬": "+",
     "┴": "+", "┼": "+", "╭": "+", "╮": "+", "╰": "+", "╯": "+", "▔": "-", "▁": "_", "▂": "_", "▃": "=", "▄": "=",
     "▅": "=", "▆": "#", "▇": "#", "█": "#", "▀": "#", "▌": "|", "▎": "|", "▊": "|", "▐": "|",
     "\N{RIGHT SINGLE QUOTATION MARK}": "'", "\N{LEFT DOUBLE QUOTATION MARK}": '"',
     "\N{RIGHT DOUBLE QUOTATION MARK}": '"', "×": "x"}
)  # fmt: skip


def glyphs_of(environ: Mapping[str, str] = os.environ) -> Glyphs:
    """What the terminal can be trusted to draw, by its environment.

    Python turns LANG=C into LC_CTYPE=C.UTF-8 before we see it, so that value says nothing about the terminal.
    """
    if environ.get("CHAINPOS_ASCII"):
        return "ascii"
    ctype = environ.get("LC_CTYPE", "")
    locale = environ.get("LC_ALL") or ("" if ctype == "C.UTF-8" else ctype) or environ.get("LANG", "")
    if locale in {"C", "POSIX"}:
        return "ascii"
    return "linux" if environ.get("TERM") == "linux" else "full"


@lru_cache(4_096)
def _plain(text: str, glyphs: Glyphs) -> str:
    mapped = text.translate(_LINUX if glyphs == "linux" else _ASCII)
    if glyphs == "linux" or mapped.isascii():
        return mapped
    return "".join(each if each.isascii() else "?" * cell_len(each) for each in mapped)


class PlainGlyphs(LineFilter):
    """Draws with the characters that a Linux console or an ASCII terminal has."""

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__()
        self.glyphs = glyphs

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 (Textual's signature)
        """The same cells with plainer characters."""
        return [Segment(_plain(text, self.glyphs), style, control) for text, style, control in segments]


LEGIBLE: Final = 3.0
# Rich matches colours to this palette when it writes to a terminal of 16.
_SIXTEEN: Final = Palette([
    (0, 0, 0), (170, 0, 0), (0, 170, 0), (170, 85, 0), (0, 0, 170), (170, 0, 170), (0, 170, 170), (170, 170, 170),
    (85, 85, 85), (255, 85, 85), (85, 255, 85), (255, 255, 85), (85, 85, 255), (255, 85, 255), (85, 255, 255),
    (255, 255, 255),
])  # fmt: skip


def _nearest(color: RichColor) -> RichColor:
    triplet = color.get_truecolor()
    return RichColor.from_ansi(color.downgrade(ColorSystem.STANDARD).number or 0) if triplet else color


@lru_cache(4_096)
def _in_sixteen(style: Style) -> Style:
    """The style in the 16 colours, with black or white text where the nearest colour would not be legible."""
    if style.bgcolor is None or style.color is None or style.bgcolor.is_default or style.color.is_default:
        return style
    ground, text = _nearest(style.bgcolor), _nearest(style.color)
    ground_rgb, text_rgb = _SIXTEEN[ground.number or 0], _SIXTEEN[text.number or 0]
    if contrast(ground_rgb, text_rgb) < LEGIBLE:
        dark_ground = contrast(ground_rgb, (255, 255, 255)) >= contrast(ground_rgb, (0, 0, 0))
        text = RichColor.from_ansi(15 if dark_ground else 0)
    return style + Style.from_color(text, ground)


class SixteenColours(LineFilter):
    """Keeps text legible where only 16 colours can be shown: there, two colours of a theme may become one."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 (Textual's signature)
        """The same text in the 16 colours."""
        return [Segment(text, _in_sixteen(style) if style else style, control) for text, style, control in segments]
