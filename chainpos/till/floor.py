"""How much, and how late, governance lets a code be charged that was accepted without the network: as last read.

It is read from the till's own node while that answers, and kept in the book. It refuses to believe in anything that was
not read there: without it a code is worth nothing after its minute.
"""

from __future__ import annotations

from typing import Final

from chainpos.core.contracts.payments.messages import CODE_LIFE_S
from chainpos.core.contracts.payments.records import OFFLINE_CODES, ONLY, OfflineSchedule
from chainpos.core.values.amount import Amount
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.inspect.records import record_at
from chainpos.node.clock import Clock
from chainpos.rpc.client import RpcClient
from chainpos.till.book_thread import BookThread
from chainpos.till.desk import Desk

SETTING: Final = "offline_codes"
LOOK_EVERY_NS: Final = 60 * SECOND_NS
# What was not there, at the very beginning of a chain, may be there in a moment.
LOOK_AGAIN_NS: Final = 2 * SECOND_NS


class Floor:
    """The bounds of one till."""

    def __init__(self, book: BookThread, desk: Desk, clock: Clock) -> None:
        self._book, self._desk, self._clock = book, desk, clock
        self._bounds = book.book.setting(SETTING, OfflineSchedule) or OfflineSchedule()
        self._look_at_ns = 0

    def life_s(self, amount: Amount) -> int:
        """How long a charge of so much is good that is accepted now and cannot be sent; a minute at least."""
        bounds = self._bounds.in_force(self._clock.now_ns() // SECOND_NS)
        within = 0 < amount.minor <= bounds.cap_minor(amount.currency)
        return max(bounds.window_s, CODE_LIFE_S) if within else CODE_LIFE_S

    async def look(self, client: RpcClient) -> None:
        """An errand: read the bounds now and then. Raises as `record_at`."""
        now_ns = self._clock.monotonic_ns()
        if not self._desk.tip_height or now_ns < self._look_at_ns:
            return
        found = await record_at(client, OFFLINE_CODES, ONLY, self._desk.tip_height) or OfflineSchedule()
        self._look_at_ns = now_ns + (LOOK_EVERY_NS if found.steps else LOOK_AGAIN_NS)
        if found != self._bounds:
            await self._book.call(lambda: self._book.book.save_setting(SETTING, found))
            self._bounds = found
