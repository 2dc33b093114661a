"""Schedules: steps by ascending date, of which the last that has begun is in force; what is over makes room.

It refuses a step for which only one in force, or one still to come, would make room.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from chainpos.errors import MalformedBytes

S = TypeVar("S")


def followed(steps: Sequence[S], step: S, *, begun: int, at_most: int) -> tuple[S, ...]:
    """`steps` and one that follows them, `at_most` in all; `begun` of `steps` have begun, the last of them in force.

    Raises MalformedBytes where all that is kept is in force or still to come.
    """
    over = max(begun - 1, 0)
    excess = max(len(steps) + 1 - at_most, 0)
    if excess > over:
        raise MalformedBytes(f"{at_most} steps are in force or scheduled already")
    return (*steps[excess:], step)
