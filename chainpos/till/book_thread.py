"""The shop's book behind one thread: its fsyncs never hold up the counter, and its writes keep their order.

It refuses new sales once a write has failed: a sale that cannot be booked must not be shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from chainpos.errors import EXIT_CORRUPT, StoreError, UserFacingError
from chainpos.store.shop import AgainstTheBook, GaveWay, ShopBook

T = TypeVar("T")


class BookFailed(UserFacingError, StoreError):
    """The book could not be read or written: told to whoever asked, and remembered."""

    def __init__(self, failure: StoreError) -> None:
        UserFacingError.__init__(
            self,
            f"The shop's book cannot be written: {failure}.",
            next_step="Make room on the disk or mend it, then start the till again; sales are closed until then.",
            exit_code=EXIT_CORRUPT,
        )


class BookRefused(UserFacingError, StoreError):
    """The book has it otherwise than whoever asked believed. Nothing is wrong with it, and nothing was written."""

    def __init__(self, refusal: AgainstTheBook) -> None:
        UserFacingError.__init__(
            self,
            f"The shop's book has it otherwise: {refusal}.",
            next_step="Look again; if it stays so, start the till again: it goes on from its book.",
        )


class BookThread:
    """Runs calls on the book one after another. `failure` is the first write that failed, if any did.

    What may take long is read with `read` or `study`: it gives way, so that no sale waits for a report or a search, and
    no search for a report.
    """

    def __init__(self, book: ShopBook) -> None:
        self.book = book
        self.failure: StoreError | None = None
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="book")
        self._calls = self._reads = 0

    async def call(self, work: Callable[[], T]) -> T:
        """What `work` returned. Raises what it raised; a StoreError is remembered and becomes BookFailed.

        AgainstTheBook becomes BookRefused, and closes no sales.
        """
        self._calls += 1
        try:
            return await self._run(work)
        finally:
            self._calls -= 1

    async def read(self, work: Callable[[], T]) -> T:
        """As `call`, for `work` that only reads: a call that comes meanwhile goes first, and `work` begins anew."""
        self._reads += 1
        try:
            return await self._giving_way(work, lambda: self._calls > 0)
        finally:
            self._reads -= 1

    async def study(self, work: Callable[[], T]) -> T:
        """As `read`, for what takes long, as a report does: who just looks at a list goes first too."""
        return await self._giving_way(work, lambda: self._calls > 0 or self._reads > 0)

    async def _giving_way(self, work: Callable[[], T], wanted: Callable[[], bool]) -> T:
        while True:
            try:
                return await self._run(lambda: self.book.giving_way(work, wanted))
            except GaveWay:
                continue

    async def _run(self, work: Callable[[], T]) -> T:
        try:
            asked = asyncio.get_running_loop().run_in_executor(self._pool, work)
        except RuntimeError as error:
            # The till has ended: who still asks is ending too, and nobody waits for the answer.
            raise asyncio.CancelledError from error
        try:
            return await asked
        except AgainstTheBook as refusal:
            raise BookRefused(refusal) from refusal
        except StoreError as error:
            self.failure = self.failure or error
            raise BookFailed(self.failure) from error

    def post(self, work: Callable[[], None]) -> None:
        """Write without waiting; what fails or is refused is remembered, as nobody is there to be told."""
        self._pool.submit(work).add_done_callback(self._note)

    def require_sound(self) -> None:
        """Raises UserFacingError once a write has failed."""
        if self.failure is not None:
            raise BookFailed(self.failure)

    async def close(self) -> None:
        """Let what was posted end."""
        await asyncio.get_running_loop().run_in_executor(None, self._pool.shutdown)

    def _note(self, done: Future[None]) -> None:
        error = done.exception()
        if isinstance(error, StoreError):
            self.failure = self.failure or error
        elif error is not None:
            self.failure = self.failure or StoreError(f"{type(error).__name__}: {error}")
