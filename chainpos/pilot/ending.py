"""Ending in good order: a signal cancels the work, so that every `finally` still stops its processes.

A second signal of the same kind is taken as it comes: whoever sends two means it.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run_until_signalled(work: Coroutine[Any, Any, T]) -> T:
    """What `work` returns. Raises SystemExit(128 + signal) where SIGTERM or SIGHUP ended it, after its clean-up."""
    return asyncio.run(_until_signalled(work))


async def _until_signalled(work: Coroutine[Any, Any, T]) -> T:
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(work)
    received: list[int] = []

    def end(number: int) -> None:
        received.append(number)
        loop.remove_signal_handler(number)
        task.cancel()

    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        # Windows has no SIGHUP, and its event loop takes no handlers: there the console's own way of leaving remains.
        if number is not None and hasattr(signal, "SIGHUP"):
            loop.add_signal_handler(number, end, number)
    try:
        return await task
    except asyncio.CancelledError:
        if received:
            raise SystemExit(128 + received[0]) from None
        raise
