"""When garbage is collected: not behind a key, and what stays is not looked at again and again."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from chainpos.console.garbage import ALL_AFTER_S, ALL_QUIET_S, LONG_S, QUIET_S, Garbage


class HandClock:
    """Moved by hand, and by so much at each full collection."""

    def __init__(self) -> None:
        self.s = 1_000.0
        self.full_takes_s = 0.0

    def now_s(self) -> float:
        return self.s

    def collected(self, phase: str, about: dict[str, int]) -> None:
        if phase == "stop" and about["generation"] == 2:
            self.s += self.full_takes_s


class Ring:
    """Garbage that only a collection finds."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def clock() -> Iterator[HandClock]:
    made = HandClock()
    thresholds = gc.get_threshold()
    gc.callbacks.append(made.collected)
    yield made
    gc.callbacks.remove(made.collected)
    gc.set_threshold(*thresholds)
    gc.unfreeze()


def old_garbage() -> weakref.ref[Ring]:
    """Some that has seen young collections."""
    ring = Ring()
    ref = weakref.ref(ring)
    for _ in range(4):
        gc.collect(1)
    return ref


def test_what_is_old_is_collected_when_nobody_has_typed_for_a_while_and_not_before(clock: HandClock) -> None:
    garbage = Garbage(clock.now_s)
    garbage.begin()
    ref = old_garbage()
    garbage.typed()
    clock.s += QUIET_S / 2
    garbage.look()
    assert ref() is not None
    clock.s += QUIET_S
    garbage.look()
    assert ref() is None


def test_a_console_at_rest_does_not_collect_again_and_again(clock: HandClock) -> None:
    garbage = Garbage(clock.now_s)
    garbage.begin()
    old_garbage()
    clock.s += QUIET_S * 2
    garbage.look()
    collections = gc.get_stats()[2]["collections"]
    for _ in range(100):
        clock.s += QUIET_S
        garbage.look()
    assert gc.get_stats()[2]["collections"] == collections


def test_what_takes_long_is_not_looked_at_again_but_after_a_long_rest(clock: HandClock) -> None:
    garbage = Garbage(clock.now_s)
    garbage.begin()
    kept, ref = [Ring()], None
    ref = weakref.ref(kept[0])
    old_garbage()
    clock.full_takes_s = LONG_S * 2
    frozen = gc.get_freeze_count()
    clock.s += QUIET_S * 2
    garbage.look()
    assert gc.get_freeze_count() > frozen
    # It was alive then, and is garbage since.
    kept.clear()
    old_garbage()
    clock.s += ALL_AFTER_S
    garbage.typed()
    clock.s += QUIET_S * 2
    garbage.look()
    assert ref() is not None
    old_garbage()
    clock.s += ALL_QUIET_S
    garbage.look()
    assert ref() is None


def test_young_garbage_is_left_to_python(clock: HandClock) -> None:
    garbage = Garbage(clock.now_s)
    garbage.begin()
    collections = gc.get_stats()[0]["collections"]
    kept: list[list[int]] = [[] for _ in range(100_000)]
    assert kept
    assert gc.get_stats()[0]["collections"] > collections
