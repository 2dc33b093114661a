"""Text from outside, which is hostile: what may enter the ledger, and what may reach a screen.

Refused and removed alike are control characters (C0, DEL, C1), line and paragraph separators, bidirectional and
invisible formatting, variation tricks, private use, lone surrogates and non-characters. The ranges are written out
and not asked of `unicodedata`, whose tables differ between Python versions: what is text must not depend on them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

_HOSTILE_RANGES: Final = (
    (0x0000, 0x001F),  # C0: ESC, CR, LF, TAB, BEL
    (0x007F, 0x009F),  # DEL and C1
    (0x00AD, 0x00AD),  # soft hyphen
    (0x034F, 0x034F),  # combining grapheme joiner
    (0x061C, 0x061C),  # Arabic letter mark
    (0x115F, 0x1160),  # Hangul fillers
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),  # Mongolian selectors
    (0x200B, 0x200F),  # zero width, LRM, RLM
    (0x2028, 0x202E),  # separators, embeddings, overrides
    (0x2060, 0x206F),  # word joiner, isolates
    (0x3164, 0x3164),
    (0xD800, 0xF8FF),  # surrogates, private use
    (0xFDD0, 0xFDEF),  # non-characters
    (0xFE00, 0xFE0F),  # variation selectors
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFFF),
    (0x13430, 0x1345F),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    *((plane << 16 | 0xFFFE, plane << 16 | 0xFFFF) for plane in range(1, 14)),  # non-characters
    (0xE0000, 0x10FFFF),  # tags, supplementary private use
)
_HOSTILE: Final = re.compile("[" + "".join(f"\\U{low:08x}-\\U{high:08x}" for low, high in _HOSTILE_RANGES) + "]")
# A base letter may carry a few marks; a tower of them climbs out of its row.
_MARK_TOWER: Final = re.compile("[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{4,}")


class HostileText(ValueError):
    """Text that may not enter the ledger."""


def is_safe(text: str) -> bool:
    """Whether `text` has none of the refused characters."""
    return _HOSTILE.search(text) is None and _MARK_TOWER.search(text) is None


def check_text(text: str, *, max_bytes: int, min_bytes: int = 0) -> str:
    """`text` itself if it may enter the ledger: safe, `min_bytes`..`max_bytes` of UTF-8, no blank at either end.

    Raises HostileText.
    """
    if not is_safe(text):
        raise HostileText("the text has control, formatting or invisible characters")
    if not min_bytes <= len(text.encode()) <= max_bytes:
        raise HostileText(f"the text is not {min_bytes}..{max_bytes} bytes long")
    if text != text.strip():
        raise HostileText("the text begins or ends with a blank")
    return text


def replaced(text: str, by: Callable[[str], str]) -> str:
    """`text` with each refused character as `by` gives it: for forms that can write it in another way."""
    return _HOSTILE.sub(lambda found: by(found.group()), text)


def clean(text: str, *, max_characters: int = 200) -> str:
    """What of `text` may be shown: refused characters removed, the rest cut with an ellipsis. Never raises."""
    # Cut first: ten megabytes from a peer must not cost ten megabytes of matching.
    cut = text[: max_characters * 4]
    if len(cut) <= max_characters and cut.isascii() and cut.isprintable():
        return cut  # nearly all text there is, by a fifth of the work
    shown = _MARK_TOWER.sub("", _HOSTILE.sub("", cut))
    if len(shown) > max_characters:
        return shown[: max_characters - 1] + "…"
    return shown
