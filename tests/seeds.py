"""How much of the random tests a gate runs, always the same; CHAINPOS_EXPLORE=20 is twenty times as much, and anew."""

from __future__ import annotations

import os

EXPLORE = int(os.environ.get("CHAINPOS_EXPLORE", "0"))


def rounds(count: int) -> int:
    """That many examples, or as many times more as are asked for by hand."""
    return count * max(EXPLORE, 1)


def seeds(count: int) -> range:
    """That many seeds, or as many times more as are asked for by hand."""
    return range(rounds(count))
