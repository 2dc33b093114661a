"""What a terminal can show, judged by what it says of itself: its size, its colours, its characters, a QR code.

It refuses to guess what only a person can see: whether a camera reads the code is asked by drawing one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from rich.console import Console
from textual.geometry import Size

from chainpos.console.filters import glyphs_of
from chainpos.console.widgets.qr_picture import picture_size
from chainpos.till.doctor import Finding, sample_code

SMALLEST: Final = Size(60, 20)
MEANT_FOR: Final = Size(80, 24)


def examine_terminal(size: tuple[int, int], environ: Mapping[str, str]) -> Iterator[Finding]:
    """What the counter's screens would have; `size` is columns and rows."""
    columns, rows = size
    found = f"{columns} columns, {rows} rows"
    needed = picture_size(sample_code())
    if columns < SMALLEST.width or rows < SMALLEST.height:
        yield Finding("terminal", "bad", found, f"Make it {SMALLEST.width} by {SMALLEST.height} or larger.")
    elif columns < MEANT_FOR.width or rows < MEANT_FOR.height or rows < needed.height:
        mend = f"Make it {MEANT_FOR.width} by {MEANT_FOR.height}: below, the code is shown as an address in letters."
        yield Finding("terminal", "look", found, mend)
    else:
        yield Finding("terminal", "good", found)
    yield _colours(environ)
    yield _characters(environ)


def _colours(environ: Mapping[str, str]) -> Finding:
    system = Console(force_terminal=True, _environ=environ).color_system
    if environ.get("NO_COLOR") or system is None:
        return Finding("colours", "good", "none, as asked: states are told by word and symbol")
    if system in {"truecolor", "256"}:
        return Finding("colours", "good", {"truecolor": "16 million", "256": "256"}[system])
    mend = "If the terminal can do more, set TERM=xterm-256color, or COLORTERM=truecolor."
    return Finding("colours", "look", "16: themes are shown coarsely", mend)


def _characters(environ: Mapping[str, str]) -> Finding:
    glyphs = glyphs_of(environ)
    if glyphs == "full":
        return Finding("characters", "good", "Unicode, with Chinese where the terminal's font has it")
    if glyphs == "linux":
        mend = "Its font has no Chinese: for it, use a terminal window, or fbterm."
        return Finding("characters", "look", "a Linux console's", mend)
    mend = "Set LANG to a UTF-8 locale, such as C.UTF-8: with ASCII alone no code can be drawn."
    return Finding("characters", "look", "ASCII", mend)
