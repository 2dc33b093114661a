"""What is done whole: an act that goes on to its end, also where whoever asked for it is cut off meanwhile.

What the till knows must not part from its book: a form that closes or a connection that breaks between the two would
leave money booked that no screen knows. It refuses nothing, and keeps nobody waiting who is cut off.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any, Final, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
# The loop holds a task only while it waits for something.
_going_on: Final[set[asyncio.Task[Any]]] = set()


def whole(act: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """The act as a task of its own, from its first lock to its last line; raises what it raises to who still asks."""

    @functools.wraps(act)
    async def asked(*args: P.args, **named: P.kwargs) -> T:
        if asyncio.current_task() in _going_on:
            # A part of an act that is whole already: between its parts nobody else's turn comes.
            return await act(*args, **named)
        task = asyncio.create_task(act(*args, **named), name=act.__qualname__)
        _going_on.add(task)
        task.add_done_callback(_ended)
        await asyncio.wait({task})
        return task.result()

    return asked


def _ended(task: asyncio.Task[Any]) -> None:
    _going_on.discard(task)
    if not task.cancelled():
        # Nobody may be left to be told: a book that failed says so itself.
        task.exception()
