"""python-escpos, taken in with gloves on: the bytes of a print job, and the ways to a printer.

No control byte comes from outside: every line is cleaned again here, and all but printable text is a command of ours.
It refuses nothing of what it is given to print: a character that no receipt printer has becomes a question mark.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from chainpos.core.checkout.qr import qr_modules
from chainpos.core.checkout.qr_mask import Modules
from chainpos.core.checkout.receipt import WIDE_COLUMNS
from chainpos.core.values.text import clean

if TYPE_CHECKING:
    from PIL import Image

# The commands that a printer of so many columns understands, and how many dots its head has.
_PROFILES: Final = {True: ("TM-T20II", 576), False: ("POS-5890", 384)}
_CHINESE_MODE: Final = b"\x1c&"
# Asked within the stream, so that the answer says that all before it was printed: paper sensor.
ANSWER_WHEN_PRINTED: Final = b"\x1dr\x01"
QUIET: Final = 4
MAX_QR_VERSION: Final = 25
_MOST_DOTS_A_MODULE: Final = 8


@cache
def escpos() -> Any:
    """The library. It reads its table of printers at the first use, which takes a third of a second."""
    # Its import calls logging.basicConfig, which would write over the screen, and leaves a folder in /tmp behind.
    if not logging.root.handlers:
        logging.root.addHandler(logging.NullHandler())
    import escpos.capabilities
    import escpos.exceptions
    import escpos.printer

    if "ESCPOS_CAPABILITIES_PICKLE_DIR" not in os.environ:
        shutil.rmtree(escpos.capabilities.pickle_dir, ignore_errors=True)
    return escpos


def write(printer: Any, content: bytes) -> None:
    """Send bytes as they are. The library has no public way to do that."""
    printer._raw(content)  # noqa: SLF001


def job_bytes(lines: Sequence[str], codes: Sequence[str] = (), *, columns: int, after: Sequence[str] = ()) -> bytes:
    """A print job: the lines, then each of `codes` as a QR code, then the lines `after`. Text as GB18030."""
    profile, dots = _PROFILES[columns >= WIDE_COLUMNS]
    printer = escpos().printer.Dummy(profile=profile)
    printer.hw("INIT")
    write(printer, _CHINESE_MODE)
    for line in lines:
        write(printer, _encoded(line) + b"\n")
    for text in codes:
        picture = qr_picture(qr_modules(text, max_version=MAX_QR_VERSION), dots)
        printer.image(picture, impl="bitImageRaster", center=True)
    for line in after:
        write(printer, _encoded(line) + b"\n")
    printer.cut()
    output: bytes = printer.output
    return output


def qr_picture(modules: Modules, dots: int) -> Image.Image:
    """The code in black on white with its quiet zone, at most `dots` wide, each module the same whole number of dots.

    Raises ValueError where not even one dot a module fits.
    """
    from PIL import Image

    side = len(modules) + 2 * QUIET
    scale = min(dots // side, _MOST_DOTS_A_MODULE)
    if not scale:
        raise ValueError("the code does not fit the paper")
    picture = Image.new("1", (side, side), 1)
    for y, row in enumerate(modules):
        for x, dark in enumerate(row):
            if dark:
                picture.putpixel((x + QUIET, y + QUIET), 0)
    return picture.resize((side * scale, side * scale), Image.Resampling.NEAREST)


def _encoded(line: str) -> bytes:
    return b"".join(_character(each) for each in clean(line))


def _character(character: str) -> bytes:
    encoded = character.encode("gb18030", errors="replace")
    # Four bytes are beyond what the printers' own font has, and some take them for something else.
    return encoded if len(encoded) <= 2 else b"?"
