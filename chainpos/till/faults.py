"""What is wrong with this machine, as far as a till can see: its book cannot be written, its clock is off.

A clock is held against the time of blocks that were verified here, which no single machine sets. It refuses to call a
clock wrong for an old block: only one that has just come tells that a clock is ahead.
"""

from __future__ import annotations

from typing import Final

from chainpos.core.chain.header import Header
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.inspect.views import Link
from chainpos.node.clock import Clock
from chainpos.till.book_thread import BookThread
from chainpos.till.desk import Desk
from chainpos.till.views import FaultView

# Requests live for two minutes: half of that wrong, and customers are refused.
MOST_SKEW_S: Final = 60
BOOK: Final = "book"
AHEAD: Final = "clock_ahead"
BEHIND: Final = "clock_behind"


class Faults:
    """`view` is what is wrong now."""

    def __init__(self, desk: Desk, book: BookThread, clock: Clock) -> None:
        self._desk, self._book, self._clock = desk, book, clock
        self._ahead_s = 0
        self._told: tuple[FaultView, ...] = ()

    def take_header(self, header: Header) -> None:
        """Our own node has verified one block more; where it is at the network's tip, it was made just now."""
        network = self._desk.network
        if network.link is Link.ONLINE and header.height >= network.target_height:
            self._ahead_s = (self._clock.now_ns() - header.time_ns) // SECOND_NS

    @property
    def view(self) -> tuple[FaultView, ...]:
        """Worst first."""
        found = []
        if self._book.failure is not None:
            found.append(FaultView(BOOK, reason=str(self._book.failure)))
        # No verified block is from the future, however long ago it came.
        behind_s = self._desk.tip_time_s - self._clock.now_ns() // SECOND_NS
        if behind_s > MOST_SKEW_S:
            found.append(FaultView(BEHIND, seconds=behind_s))
        elif self._ahead_s > MOST_SKEW_S:
            found.append(FaultView(AHEAD, seconds=self._ahead_s))
        return tuple(found)

    def differ(self) -> bool:
        """Whether other things are wrong than when this was asked last."""
        now = tuple(FaultView(fault.kind) for fault in self.view)
        before, self._told = self._told, now
        return now != before
