"""Garbage is collected while nobody types: over all that a console with a large catalogue holds it takes as long as
several keys. It refuses to collect everything behind a key, and collects nothing itself that Python does cheaply.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Final

LOOK_EVERY_S: Final = 0.5
# So long must nobody have typed: longer than between the keys of a sale.
QUIET_S: Final = 1.5
# Nor is it collected again before so many young collections: a console at rest makes little garbage.
AFTER_YOUNG: Final = 2
# What takes longer has things in it that stay: what was made at the start, a catalogue.
LONG_S: Final = 0.02
# Then what stays is looked at no more, until so long after, and in a longer rest: a screen that was open then has been
# closed since.
ALL_AFTER_S, ALL_QUIET_S = 600.0, 30.0
# A young collection after so many new objects, an older one after so many young ones; the oldest, which looks at
# everything, is left to `look`, and to Python only where nobody ever rests.
THRESHOLDS: Final = (5_000, 10, 1_000)


class Garbage:
    """What collects. `now_s` is a clock that never jumps."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._typed_s = self._all_s = now_s()

    def begin(self) -> None:
        """From here on it is ours. What was made to start with is not looked at again."""
        gc.set_threshold(*THRESHOLDS)
        gc.collect()
        gc.freeze()

    def typed(self) -> None:
        """Somebody types."""
        self._typed_s = self._now_s()

    def look(self) -> None:
        """Collect, if it is the time for it."""
        begun_s = self._now_s()
        quiet_s = begun_s - self._typed_s
        if quiet_s < QUIET_S or gc.get_count()[2] < AFTER_YOUNG:
            return
        if quiet_s > ALL_QUIET_S and begun_s - self._all_s > ALL_AFTER_S:
            self._all_s = begun_s
            gc.unfreeze()
        gc.collect()
        if self._now_s() - begun_s > LONG_S:
            gc.freeze()
