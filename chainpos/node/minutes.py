"""What happened in each of the last minutes: blocks, transactions, and how long these had waited. Times are Unix ns.

It refuses to grow: minutes beyond the last thirty are forgotten, and of a busy minute's waits a bounded sample counts.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from statistics import median
from typing import Final

MINUTES_KEPT: Final = 30
MAX_WAITS: Final = 500
_MINUTE_NS: Final = 60_000_000_000


class _Minute:
    __slots__ = ("blocks", "minute", "transactions", "wait_ms", "waits_ms")

    def __init__(self, minute: int) -> None:
        self.minute = minute
        self.blocks = 0
        self.transactions = 0
        self.waits_ms: list[int] = []
        self.wait_ms = 0

    def typical_wait_ms(self) -> int:
        """The median; 0 where nothing waited here. Taken once for a minute that is over, whose waits then go."""
        return max(round(median(self.waits_ms)), 1) if self.waits_ms else self.wait_ms


class Minutes:
    """Counts of one run, since `started_ns`."""

    def __init__(self, started_ns: int) -> None:
        self._started_ns = started_ns
        self._kept: deque[_Minute] = deque(maxlen=MINUTES_KEPT)

    def block(self, transactions: int, waits_ms: Sequence[int], now_ns: int) -> None:
        """A block came; `waits_ms` are of those transactions that had waited in this node's mempool."""
        minute = now_ns // _MINUTE_NS
        if not self._kept or self._kept[-1].minute != minute:
            if self._kept:
                over = self._kept[-1]
                over.wait_ms = over.typical_wait_ms()
                over.waits_ms.clear()
            self._kept.append(_Minute(minute))
        present = self._kept[-1]
        present.blocks += 1
        present.transactions += transactions
        present.waits_ms.extend(waits_ms[: MAX_WAITS - len(present.waits_ms)])

    def series(self, now_ns: int) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
        """Blocks, transactions, and the typical wait in ms, by minute, the oldest first; 0 where there was nothing."""
        kept = {each.minute: each for each in self._kept}
        this = now_ns // _MINUTE_NS
        first = max(self._started_ns // _MINUTE_NS, this - MINUTES_KEPT + 1)
        rows = [kept.get(minute) or _Minute(minute) for minute in range(first, this + 1)]
        return (
            tuple(each.blocks for each in rows),
            tuple(each.transactions for each in rows),
            tuple(each.typical_wait_ms() for each in rows),
        )
