"""A receipt, and a code for the wall, as pictures: PNG and PDF through Pillow, SVG by hand.

It refuses to draw Chinese where this machine has no font for it, and says what would help.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw, ImageFont

from chainpos.core.checkout.qr import qr_modules
from chainpos.core.checkout.qr_mask import Modules
from chainpos.core.checkout.receipt import width
from chainpos.core.values.text import clean
from chainpos.errors import EXIT_USAGE, UserFacingError
from chainpos.till.printing.commands import MAX_QR_VERSION, QUIET, qr_picture

FONT_VARIABLE: Final = "CHAINPOS_FONT"
# Dots of a character cell and of the margin, at the 203 dots an inch of receipt printers.
_CELL: Final = (12, 26)
_MARGIN: Final = 24
_DPI: Final = 203
_SIZE: Final = 20
_PLAIN_FONTS: Final = (
    "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf", "/System/Library/Fonts/Menlo.ttc",
    "C:/Windows/Fonts/consola.ttf",
)  # fmt: skip
_CHINESE_FONTS: Final = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc", "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc", "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc", "/System/Library/Fonts/PingFang.ttc",
    "/System/Library/Fonts/STHeiti Light.ttc", "C:/Windows/Fonts/msyh.ttc", "C:/Windows/Fonts/simsun.ttc",
)  # fmt: skip

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def receipt_picture(
    lines: Sequence[str], codes: Sequence[str], after: Sequence[str], *, columns: int
) -> Image.Image:  # fmt: skip
    """The receipt as black on white, as wide as `columns` of text. Raises UserFacingError where a font is missing."""
    wide = columns * _CELL[0]
    pictures = [qr_picture(qr_modules(text, max_version=MAX_QR_VERSION), wide) for text in codes]
    height = (len(lines) + len(after)) * _CELL[1] + sum(picture.height for picture in pictures)
    sheet = Image.new("1", (wide + 2 * _MARGIN, height + 2 * _MARGIN), 1)
    top = _written(sheet, lines, _MARGIN)
    for picture in pictures:
        sheet.paste(picture, ((sheet.width - picture.width) // 2, top))
        top += picture.height
    _written(sheet, after, top)
    return sheet


def wall_picture(titles: Sequence[str], code: str, notes: Sequence[str]) -> Image.Image:
    """A sheet for the wall: the shop's names, the code as large as the sheet, what it is for."""
    modules = qr_modules(code, max_version=MAX_QR_VERSION)
    scale = 12
    side = (len(modules) + 2 * QUIET) * scale
    picture = qr_picture(modules, side).resize((side, side), Image.Resampling.NEAREST)
    large, small = 40, 22
    height = len(titles) * (large + 16) + side + len(notes) * (small + 12)
    sheet = Image.new("1", (max(side, 700) + 2 * _MARGIN, height + 2 * _MARGIN), 1)
    draw, top = ImageDraw.Draw(sheet), _MARGIN
    for text in titles:
        top = _centred(draw, text, large, sheet.width, top)
    sheet.paste(picture, ((sheet.width - side) // 2, top))
    top += side
    for text in notes:
        top = _centred(draw, text, small, sheet.width, top)
    return sheet


def png_bytes(picture: Image.Image) -> bytes:
    """The picture as a PNG file."""
    out = BytesIO()
    picture.save(out, "PNG", dpi=(_DPI, _DPI))
    return out.getvalue()


def pdf_bytes(picture: Image.Image) -> bytes:
    """The picture as a PDF file of one page, at the size of the paper."""
    out = BytesIO()
    picture.save(out, "PDF", resolution=_DPI)
    return out.getvalue()


def svg_bytes(titles: Sequence[str], modules: Modules, notes: Sequence[str]) -> bytes:
    """A sheet for the wall as an SVG file, in whose text no markup can come from outside."""
    side = len(modules) + 2 * QUIET
    head, foot = 5 * len(titles) + 2, 3 * len(notes) + 2
    dark = "".join(
        f"M{x + QUIET} {y + QUIET + head}h1v1h-1z"
        for y, row in enumerate(modules)
        for x, is_dark in enumerate(row)
        if is_dark
    )
    # Under the code's own white, so that the quiet zone stays free.
    words = [(4, 4 + 5 * at, text) for at, text in enumerate(titles)]
    words += [(2, head + side + 3 + 3 * at, text) for at, text in enumerate(notes)]
    texts = "".join(
        f'<text x="{side / 2}" y="{y}" font-size="{size}" font-family="sans-serif" text-anchor="middle" '
        f'textLength="{min(side - 2, width(text) * size * 0.55):.1f}" lengthAdjust="spacingAndGlyphs">'
        f"{_escaped(text)}</text>"
        for size, y, text in words
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {head + side + foot}" '
        'shape-rendering="crispEdges">'
        f'<rect width="100%" height="100%" fill="#fff"/><path d="{dark}" fill="#000"/>{texts}</svg>\n'
    ).encode()


def _escaped(text: str) -> str:
    return clean(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _written(sheet: Image.Image, lines: Sequence[str], top: int) -> int:
    draw = ImageDraw.Draw(sheet)
    for line in lines:
        left = _MARGIN
        # Each character in its cell, so that columns stand under each other whatever the font says.
        for character in clean(line):
            cells = width(character)
            draw.text((left, top), character, font=_font(chinese=cells == 2, size=_SIZE), fill=0)
            left += cells * _CELL[0]
        top += _CELL[1]
    return top


def _centred(draw: ImageDraw.ImageDraw, text: str, size: int, sheet_width: int, top: int) -> int:
    shown = clean(text)
    font = _font(chinese=width(shown) > len(shown), size=size)
    left, _, right, _ = draw.textbbox((0, 0), shown, font=font)
    if right - left > sheet_width - 2 * _MARGIN and size > 10:
        return _centred(draw, text, size - 2, sheet_width, top)
    draw.text(((sheet_width - (right - left)) // 2 - left, top), shown, font=font, fill=0)
    return int(top + size + size // 2)


@cache
def _font(*, chinese: bool, size: int) -> Font:
    named = os.environ.get(FONT_VARIABLE, "")
    for path in (named, *(_CHINESE_FONTS if chinese else _PLAIN_FONTS)):
        if path and Path(path).is_file():
            try:
                return ImageFont.truetype(path, size)
            except OSError:
                continue
    if chinese:
        raise UserFacingError(
            "This machine has no font with Chinese characters, so no picture can be drawn.",
            next_step=f"Install one (fonts-noto-cjk), or name its file in {FONT_VARIABLE}. Text and printer need none.",
            money_moved="",
            exit_code=EXIT_USAGE,
        )
    return ImageFont.load_default(size)
