"""How long work tells of itself: what it is at, how far, how fast, and the end where that is known.

On a terminal alone, by one line that replaces itself. What is over before the first of them is due tells nothing.
"""

from __future__ import annotations

import shutil
import sys
import time
from typing import Final

from chainpos.cli.output import progress

EVERY_S: Final = 0.2
_CELLS: Final = 10


class Pace:
    """Tells of one piece of work. `what` leads the line; `unit` is what it counts."""

    def __init__(self, what: str = "height", unit: str = "blocks") -> None:
        self._on_terminal = sys.stderr.isatty()
        self._told = self._began = time.monotonic()
        self._what, self._unit, self._first = what, unit, 0

    def stage(self, what: str, unit: str) -> None:
        """The work's next part begins: it counts anew. The same part again is no other."""
        if (what, unit) != (self._what, self._unit):
            self._began = time.monotonic()
            self._what, self._unit, self._first = what, unit, 0
            progress(f"{what} …")

    def tell(self, done: int, of: int = 0) -> None:
        """How far it is; of how much, 0 where nobody knows."""
        now = time.monotonic()
        self._first = self._first or done
        if not self._on_terminal or now - self._told < EVERY_S:
            return
        self._told = now
        rate = (done - self._first + 1) / max(now - self._began, 1e-9)
        left_s = max(of - done, 0) / max(rate, 1e-9) if of else None
        end = "" if left_s is None else f" of {of:,}, {duration(left_s)} to go"
        line = f"{_bar(done, of)}{self._what} {done:,}{end}, {rate:,.0f} {self._unit}/s"
        progress(line[: shutil.get_terminal_size().columns - 1])


def duration(seconds: float) -> str:
    """A time to wait, as people say it: the two largest units at most."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest_s = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest_s:02} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min"


def _bar(done: int, of: int) -> str:
    """Plain signs: the terminal may know no others."""
    if not of:
        return ""
    share = min(done / of, 1.0)
    full = int(share * _CELLS)
    return f"[{'#' * full}{'-' * (_CELLS - full)}] {int(share * 100):3} % "
