"""How long work tells of itself on a terminal: where it is, how fast, and the end where that is known."""

from __future__ import annotations

import time
from typing import Final

from chainpos.cli.output import progress

EVERY_S: Final = 0.2


class Pace:
    """A progress line, a few times a second. `what` leads it; `unit` is what it counts."""

    def __init__(self, what: str = "height", unit: str = "blocks") -> None:
        self._what, self._unit = what, unit
        self._began = self._told = time.monotonic()
        self._first = 0

    def tell(self, done: int, of: int = 0) -> None:
        """How far it is; of how much, 0 where nobody knows."""
        now = time.monotonic()
        self._first = self._first or done
        if now - self._told < EVERY_S:
            return
        self._told = now
        rate = (done - self._first + 1) / max(now - self._began, 1e-9)
        end = f" of {of:,}, {max(of - done, 0) / max(rate, 1e-9):.0f} s to go" if of else ""
        progress(f"{self._what} {done:,}{end}, {rate:,.0f} {self._unit}/s")
