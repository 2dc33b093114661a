"""What is wrong with this till, as far as it can see: its book cannot be written, its key is not the shop's, its clock.

A clock is held against the time of blocks that were verified here, which no single machine sets. It refuses to call a
clock wrong for an old block: only one that has just come tells that a clock is ahead. It refuses to call a
till a stranger by what its node knew before it was out of reach: such a till sells.
"""

from __future__ import annotations

from typing import Final

from chainpos.core.chain.header import Header
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.errors import UserFacingError
from chainpos.inspect.views import Link
from chainpos.node.clock import Clock
from chainpos.till.book_thread import BookThread
from chainpos.till.desk import Desk
from chainpos.till.identity import NOT_ADDED
from chainpos.till.views import FaultView

# Requests live for two minutes: half of that wrong, and customers are refused.
MOST_SKEW_S: Final = 60
BOOK: Final = "book"
BOOK_BROKEN: Final = "book_broken"
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
    def stranger_as(self) -> str:
        """Why no code of this till can be paid (`identity`), where its node is at the network's tip and knows it."""
        return self._desk.stranger_as if self._desk.network.link is Link.ONLINE else ""

    def require_known(self) -> None:
        """Raises UserFacingError where no code of this till can be paid."""
        why, shop = self.stranger_as, self._desk.identity.merchant
        if why == NOT_ADDED:
            raise UserFacingError(
                f"This till is not {shop}'s yet: no code can be paid.",
                next_step="Ask the shop's owner to add this till's key; sales go on by themselves then.",
            )
        if why:
            raise UserFacingError(
                f"{shop} has taken this till out: no code can be paid.",
                next_step="Ask the shop's owner, and set this till up anew with another key.",
            )

    @property
    def view(self) -> tuple[FaultView, ...]:
        """Worst first."""
        found = []
        if self._book.failure is not None:
            found.append(FaultView(BOOK if self._book.passing else BOOK_BROKEN, reason=str(self._book.failure)))
        if self.stranger_as:
            found.append(FaultView(self.stranger_as, reason=self._desk.identity.merchant))
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
