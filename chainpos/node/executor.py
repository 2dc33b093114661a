"""The one thread in which the ledger's state is read and moved, beside the event loop.

It refuses more work than its queue holds. Blocks go first, then reads, then checks of waiting transactions: a flood of
transactions must never hold up a block.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import queue
import sys
import threading
from collections.abc import Callable
from enum import IntEnum
from typing import Any, Final, NamedTuple, TypeVar

from chainpos.errors import ChainposError

R = TypeVar("R")
MAX_QUEUED: Final = 10_000


class Urgency(IntEnum):
    """What goes first."""

    BLOCK = 0
    READ = 1
    CHECK = 2
    LAST = 9


class ExecutorBusy(ChainposError):
    """Too much is queued; whoever asked should come again later."""


class _Job(NamedTuple):
    urgency: Urgency
    number: int
    work: Callable[[], Any] | None
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]


class Executor:
    """Runs one call at a time. Jobs of one urgency run in the order in which they came."""

    def __init__(self, name: str = "ledger", *, gives_way: bool = False) -> None:
        """With `gives_way` its thread never interrupts another process when it wakes; on Linux alone."""
        # The numbers are unique, so that the queue never compares what comes after them.
        self._queue: queue.PriorityQueue[_Job] = queue.PriorityQueue()
        self._numbers = itertools.count()
        self._closed = False
        self._gives_way = gives_way
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    async def run(self, urgency: Urgency, work: Callable[[], R]) -> R:
        """What `work` returned or raised. If the caller is cancelled, work that has begun still ends.

        Raises ExecutorBusy when too much waits already, or when the executor was closed.
        """
        if self._closed or (urgency is not Urgency.BLOCK and self._queue.qsize() >= MAX_QUEUED):
            raise ExecutorBusy("the node is busy")
        result: R = await self._submit(urgency, work)
        return result

    async def close(self) -> None:
        """Let the queued blocks and reads end, and the thread with them."""
        if not self._closed:
            self._closed = True
            await self._submit(Urgency.LAST, None)
            self._thread.join()

    def _submit(self, urgency: Urgency, work: Callable[[], Any] | None) -> asyncio.Future[Any]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._queue.put(_Job(urgency, next(self._numbers), work, loop, future))
        return future

    def _run(self) -> None:
        if self._gives_way:
            _give_way()
        while True:
            job = self._queue.get()
            if job.work is None:
                self._answer(job, None, None)
                return
            if job.future.cancelled():
                continue
            result, error = None, None
            try:
                result = job.work()
            except BaseException as raised:  # noqa: BLE001 - it is raised again where the work was asked for
                error = raised
            self._answer(job, result, error)
            # Without this, the last job's block would live until the next job comes.
            del job, result, error

    def _answer(self, job: _Job, result: Any, error: BaseException | None) -> None:
        def deliver() -> None:
            if job.future.done():
                return
            if error is None:
                job.future.set_result(result)
            else:
                job.future.set_exception(error)

        # A loop that was closed meanwhile has nobody left who waits.
        with contextlib.suppress(RuntimeError):
            job.loop.call_soon_threadsafe(deliver)


def _give_way() -> None:
    if sys.platform == "linux":
        # Its share of the processor stays what it is. Where it is not granted, nothing is lost.
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
