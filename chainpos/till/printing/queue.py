"""Jobs on their way to the printer, one after another: each is in the book before it is sent, and is sent once.

It refuses to hold up a sale: what the printer cannot take waits, is said on the screen, and is tried again by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial
from typing import Final

from chainpos.errors import StoreError, UserFacingError
from chainpos.node.clock import Clock
from chainpos.store.shop_prints import MAX_WAITING, PRINTED, SENDING, UNSURE, WAITING, PrintRow, ShopPrints
from chainpos.till.book_thread import BookThread
from chainpos.till.printing.device import PrinterProblem, send
from chainpos.till.views import PrinterView

TRY_AGAIN_S: Final = 5.0
RECEIPT: Final = "receipt"
REQUEST: Final = "request"
SLIP: Final = "slip"
REPORT: Final = "report"


class PrintQueue:
    """`view` is how the printer stands; `changed` is called when that changes."""

    def __init__(self, address: str, book: BookThread, clock: Clock, changed: Callable[[], None]) -> None:
        self.view = PrinterView(is_set=bool(address))
        self._address = address
        self._book = book
        self._prints = ShopPrints(book.book)
        self._clock = clock
        self._changed = changed
        self._wake = asyncio.Event()

    async def add(self, kind: str, reference: str, make: Callable[[int], bytes]) -> int:
        """Queue a job; which copy it is, 0 for the first. `make` gives its bytes for a copy's number.

        One that waits already is not queued again. Raises UserFacingError.
        """
        self.require_printer()
        copy = await self._book.call(lambda: self._queue(kind, reference, make))
        self._wake.set()
        return copy

    def require_printer(self) -> None:
        """Raises UserFacingError where none is set."""
        if not self._address:
            raise UserFacingError(
                "This till has no printer.", next_step='Name one in till.json: "printer": "tcp:ADDRESS:9100".'
            )

    def copies(self, kind: str, reference: str) -> int:
        """How many jobs there were of this; to be asked in the book's thread."""
        return self._prints.copies(kind, reference)

    def try_now(self) -> None:
        """Somebody has put paper in: do not wait for the next try."""
        self._wake.set()

    async def give_up(self) -> int:
        """Take out all that waits; how many there were."""
        dropped = await self._book.call(self._prints.drop_waiting)
        self._see("", 0)
        return dropped

    async def run(self) -> None:
        """Send what waits, until cancelled."""
        begun = False
        while True:
            # A book that cannot be written closes the sales by itself, and says so.
            with contextlib.suppress(StoreError):
                # Before anything is sent: what was being sent when the till died is told from what is sent now.
                begun = begun or await self._begin()
                await self._send_all()
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TRY_AGAIN_S):
                    await self._wake.wait()

    def _queue(self, kind: str, reference: str, make: Callable[[int], bytes]) -> int:
        copies = self._prints.copies(kind, reference)
        if self._prints.waiting_of(kind, reference):
            return copies - 1
        if self._prints.waiting() >= MAX_WAITING:
            raise UserFacingError("Too much waits for the printer.", next_step="Mend the printer first.")
        now_ns = self._clock.now_ns()
        self._prints.add(PrintRow(kind=kind, reference=reference, copy=copies, job=make(copies), created_ns=now_ns))
        return copies

    async def _begin(self) -> bool:
        if await self._book.call(self._prints.begin):
            self._see("unsure", await self._book.call(self._prints.waiting))
        return True

    async def _send_all(self) -> None:
        while (row := await self._book.call(self._prints.next)) is not None:
            await self._book.call(partial(self._prints.move, row.id, SENDING))
            try:
                await asyncio.to_thread(send, self._address, row.job)
            except PrinterProblem as problem:
                # Begun and not ended: it may come out when the paper is in, and must not come out twice.
                state = UNSURE if problem.begun else WAITING
                await self._book.call(partial(self._prints.move, row.id, state))
                waiting = await self._book.call(self._prints.waiting)
                self._see(f"{problem.kind}_begun" if problem.begun else problem.kind, waiting)
                return
            await self._book.call(partial(self._prints.move, row.id, PRINTED))
            self._see("", await self._book.call(self._prints.waiting))

    def _see(self, problem: str, waiting: int) -> None:
        view = PrinterView(is_set=True, problem=problem, waiting=waiting)
        if view != self.view:
            self.view = view
            self._changed()
