"""The only wall clock of a node; whoever needs the time is handed one of these.

It refuses nothing. Core never sees it: core is given block times, and `now_ns` where a rule needs the present.
"""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """What a node asks of time."""

    def now_ns(self) -> int:
        """Unix time in ns, UTC. It may jump either way when the machine's clock is set."""

    def monotonic_ns(self) -> int:
        """Nanoseconds since some fixed moment; never goes back."""


class SystemClock:
    """The machine's own clock."""

    def now_ns(self) -> int:
        """Unix time in ns, UTC."""
        return time.time_ns()

    def monotonic_ns(self) -> int:
        """Nanoseconds since some fixed moment; never goes back."""
        return time.monotonic_ns()
