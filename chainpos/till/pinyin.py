"""A Chinese name as it is typed on a keyboard without Chinese: whole pinyin, and the initials of its characters."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_HAN: Final = re.compile("([\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003fffd]+)")


class Typed(NamedTuple):
    """Small letters and digits, no blanks: 牛奶500克 is "nn500k" and "niunai500ke"."""

    initials: str
    pinyin: str


def typed(name: str) -> Typed:
    """How `name` is typed; readings are those of whole words where a character has several. ü is v."""
    # Loaded here: its dictionaries take half a second that only an import of articles needs.
    from pypinyin import lazy_pinyin

    initials, whole = [], []
    for part in _HAN.split(name):
        if _HAN.fullmatch(part):
            syllables = lazy_pinyin(part)
            initials += [syllable[:1] for syllable in syllables]
            whole += syllables
        else:
            kept = "".join(part.split()).casefold()
            initials.append(kept)
            whole.append(kept)
    return Typed("".join(initials), "".join(whole))
