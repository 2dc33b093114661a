"""The shop's book behind one thread: its fsyncs never hold up the counter, and its writes keep their order.

It refuses new sales once a write has failed, until the book can be written again: a sale that cannot be booked must
not be shown. What nobody waited for is kept in its order, and written before anything else.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

from chainpos.errors import EXIT_CORRUPT, StoreError, UserFacingError
from chainpos.store.shop import AgainstTheBook, ShopBook
from chainpos.store.shop_errors import GaveWay, Unwritable

T = TypeVar("T")
FREE_IT: Final = "Make room on the disk, or close the program that holds the book; sales go on by themselves then."
MEND_IT: Final = "Restore a copy of the book or mend it, then start the till again; sales are closed until then."


class BookFailed(UserFacingError, StoreError):
    """The book could not be read or written: told to whoever asked, and remembered."""

    def __init__(self, failure: StoreError) -> None:
        UserFacingError.__init__(
            self,
            f"The shop's book cannot be written: {failure.why if isinstance(failure, Unwritable) else failure}.",
            next_step=FREE_IT if isinstance(failure, Unwritable) else MEND_IT,
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
    """Runs calls on the book one after another. `failure` is why it is closed for sales, if it is; `mend` ends it.

    What may take long is read with `read` or `study`: it gives way, so that no sale waits for a report or a search, and
    no search for a report.
    """

    def __init__(self, book: ShopBook) -> None:
        self.book = book
        self.failure: StoreError | None = None
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="book")
        self._calls = self._reads = 0
        # Of two failures that come at once the graver one stays, and no mend takes it away.
        self._judging = threading.Lock()
        # What nobody waits for and could not be written; the book's own thread alone touches it.
        self._unwritten: deque[Callable[[], None]] = deque()

    @property
    def passing(self) -> bool:
        """Whether it failed, of something that may pass: the disk is full, another program holds it."""
        return isinstance(self.failure, Unwritable)

    async def mend(self) -> None:
        """Open the sales again where the book can be written again, with all that is unwritten; else change nothing."""
        if self.passing:
            await asyncio.get_running_loop().run_in_executor(self._pool, self._mend)

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
            asked = asyncio.get_running_loop().run_in_executor(self._pool, self._in_order, work)
        except RuntimeError as error:
            # The till has ended: who still asks is ending too, and nobody waits for the answer.
            raise asyncio.CancelledError from error
        try:
            return await asked
        except AgainstTheBook as refusal:
            raise BookRefused(refusal) from refusal
        except StoreError as error:
            self._remember(error)
            raise BookFailed(self.failure or error) from error

    def post(self, work: Callable[[], None]) -> None:
        """Write without waiting; what fails or is refused is remembered, as nobody is there to be told.

        Where the book cannot be written for now, `work` is done once it can be.
        """
        self._pool.submit(self._write, work).add_done_callback(self._note)

    def require_sound(self) -> None:
        """Raises UserFacingError while the book is closed for sales."""
        failure = self.failure
        if failure is not None:
            raise BookFailed(failure)

    async def close(self) -> None:
        """Let what was posted end."""
        with contextlib.suppress(RuntimeError):
            await self.mend()
        await asyncio.get_running_loop().run_in_executor(None, self._pool.shutdown)

    # -- in the book's thread

    def _in_order(self, work: Callable[[], T]) -> T:
        if not (self._unwritten and self.passing):
            return work()
        # No write overtakes one that stands before it; who only looks needs not wait.
        with self.book.looking_only():
            return work()

    def _write(self, work: Callable[[], None]) -> None:
        if self._unwritten and self.passing:
            self._unwritten.append(work)
            return
        try:
            work()
        except Unwritable:
            self._unwritten.append(work)
            raise

    def _mend(self) -> None:
        failed: StoreError | None = None
        try:
            with self.book.at_once():
                self.book.make_room()
                failed = self._write_unwritten()
        except StoreError as error:
            failed = error
        with self._judging:
            if self.passing:
                self.failure = failed

    def _write_unwritten(self) -> StoreError | None:
        """What came of it, but for what passes: that is raised, and stays unwritten with all behind it."""
        failed = None
        while self._unwritten:
            work = self._unwritten.popleft()
            try:
                work()
            except Unwritable:
                self._unwritten.appendleft(work)
                raise
            except Exception as error:  # noqa: BLE001 - as of what is posted: nobody else would hear of it
                failed = failed or _as_failure(error)
        return failed

    def _note(self, done: Future[None]) -> None:
        error = done.exception()
        if error is not None:
            self._remember(_as_failure(error))

    def _remember(self, failure: StoreError) -> None:
        # The first stands, and gives way to one that does not pass.
        with self._judging:
            if self.failure is None or (self.passing and not isinstance(failure, Unwritable)):
                self.failure = failure


def _as_failure(error: BaseException) -> StoreError:
    return error if isinstance(error, StoreError) else StoreError(f"{type(error).__name__}: {error}")
