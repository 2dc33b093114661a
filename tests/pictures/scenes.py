"""What a picture is made of: its name, the words beside it, and the way there from the first screen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from textual.pilot import Pilot

PAID = "XM13-00180"


class Scene(NamedTuple):
    """One picture: `name` of its file, `told` beside it, and the way there."""

    name: str
    told: str
    play: Callable[[Pilot[int]], Awaitable[None]]
