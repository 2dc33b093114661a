"""A QR code's modules for a text: the smallest version at error correction M. It draws nothing.

It refuses texts that need a larger version than a screen at 80x24 can show, unless the caller allows one.
"""

from __future__ import annotations

from typing import Final

from qrcode.constants import ERROR_CORRECT_M
from qrcode.exceptions import DataOverflowError
from qrcode.main import QRCode
from qrcode.util import MODE_8BIT_BYTE, MODE_ALPHA_NUM, QRData

from chainpos.core.checkout.qr_mask import Modules, best_masked

# Alphanumeric mode, ISO/IEC 18004 table 5.
ALPHANUMERIC: Final = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:")
# 33 modules and the quiet zone of 4 on both sides are 21 rows of half blocks.
SCREEN_VERSION: Final = 4
MAX_VERSION: Final = 40


class QrTooLarge(ValueError):
    """A text that does not fit the largest version allowed."""


def qr_modules(text: str, *, max_version: int = SCREEN_VERSION) -> Modules:
    """The dark modules, row by row, without the quiet zone: a square of 17 + 4 * version.

    Upper-case alphanumeric texts take 5.5 bits a character, all others are bytes of UTF-8. Raises QrTooLarge.
    """
    if not text:
        raise QrTooLarge("an empty text has no QR code")
    mode = MODE_ALPHA_NUM if all(character in ALPHANUMERIC for character in text) else MODE_8BIT_BYTE
    code: QRCode[object] = QRCode(error_correction=ERROR_CORRECT_M, border=0)
    code.add_data(QRData(text.encode(), mode=mode))
    try:
        code.best_fit()
    except (DataOverflowError, ValueError) as error:
        raise QrTooLarge("no QR code holds so long a text") from error
    if code.version > max_version:
        raise QrTooLarge(f"the text needs a QR code of version {code.version}, over {max_version}")
    return best_masked(code)
