"""Text cut and padded to terminal cells, so that columns line up in Chinese too. Everything is cleaned on the way."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size

from chainpos.core.values.text import clean

MAX_SHOWN: int = 400
MAX_MEASURED: int = 4_000


def shown(text: str, max_characters: int = MAX_SHOWN) -> str:
    """What of a text from outside may be drawn."""
    return clean(text, max_characters=max_characters)


def width_of(text: str) -> int:
    """How many cells a text takes, a Chinese character two; of a text longer than any line, those of its beginning."""
    return cell_len(text[:MAX_MEASURED])


def cut(text: str, width: int) -> str:
    """At most `width` cells of the text, with an ellipsis where some is left out."""
    safe = shown(text, max(width, 1) + 1)
    if cell_len(safe) <= width:
        return safe
    return set_cell_size(safe, width - 1).rstrip() + "…" if width > 0 else ""


def fit(text: str, width: int, *, right: bool = False) -> str:
    """Exactly `width` cells: cut, or padded on the right (on the left if `right`)."""
    if width <= 0:
        return ""
    short = cut(text, width)
    padding = " " * (width - cell_len(short))
    return padding + short if right else short + padding


def wrap(text: str, width: int) -> list[str]:
    """Lines of at most `width` cells, broken at blanks where there are any, else between characters."""
    if width <= 0:
        return []
    lines: list[str] = []
    line = ""
    for word in _pieces(shown(text, 2_000)):
        if cell_len(line + word.rstrip()) <= width:
            line += word
            continue
        if line.strip():
            lines.append(line.rstrip())
        line = ""
        for character in word:
            if cell_len(line + character) > width:
                lines.append(line)
                line = ""
            line += character
    if line.strip():
        lines.append(line.rstrip())
    return lines


def _pieces(text: str) -> list[str]:
    """Words with the blank behind them; a wide character may stand alone."""
    pieces: list[str] = []
    word = ""
    for character in text:
        # Chinese closing marks stay with the character before them.
        if cell_len(character) == 2 and character not in "，。、；：！？）」』》":
            if word:
                pieces.append(word)
            word = character
        else:
            if word and cell_len(word[-1]) == 2 and character.isascii() and character != " ":
                pieces.append(word)
                word = ""
            word += character
            if character == " ":
                pieces.append(word)
                word = ""
    if word:
        pieces.append(word)
    return pieces
