"""The PIN: right opens, wrong is counted and slowed, across restarts."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainpos.errors import UserFacingError
from chainpos.store.shop import ShopBook
from chainpos.till.pin import Cost, Guesses, PinRecord, has_pin, require_pin, set_pin, wait_s

from .conftest import HandClock

S = 1_000_000_000


def guess_wrong(book: ShopBook, guesses: Guesses, *, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(UserFacingError, match="PIN is wrong"):
            require_pin(book, "0000", guesses)


def test_the_right_pin_opens_and_it_is_not_in_the_book_in_the_clear(tmp_path: Path) -> None:
    # A long one: four digits may happen to be in the hash.
    pin = "471147114711"
    with ShopBook(tmp_path / "shop.db") as book:
        assert not has_pin(book)
        with pytest.raises(UserFacingError, match="No PIN"):
            require_pin(book, pin, Guesses(HandClock()))
        set_pin(book, pin)
        require_pin(book, pin, Guesses(HandClock()))
        record = book.setting("pin", PinRecord)
        assert record is not None
        assert record.wrong == 0
    assert pin.encode() not in (tmp_path / "shop.db").read_bytes()


@pytest.mark.parametrize("pin", ["", "123", "1" * 13, "12a4", "１２３４", " 1234"])
def test_a_pin_is_four_to_twelve_digits(tmp_path: Path, pin: str) -> None:
    with ShopBook(tmp_path / "shop.db") as book, pytest.raises(UserFacingError, match="digits"):
        set_pin(book, pin)


def test_wrong_guesses_close_the_door_for_longer_each_time_and_across_restarts(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    clock = HandClock()
    with ShopBook(path) as book:
        set_pin(book, "4711", cost=Cost())
        guess_wrong(book, Guesses(clock), times=5)
    clock.restart()
    with ShopBook(path) as book:
        guesses = Guesses(clock)
        with pytest.raises(UserFacingError, match="in 5 s"):
            require_pin(book, "4711", guesses)
        for wrong in range(6, 11):
            clock.go_on(wait_s(wrong - 1))
            guess_wrong(book, guesses)
        with pytest.raises(UserFacingError, match="in 1800 s"):
            require_pin(book, "4711", guesses)
        clock.go_on(1800)
        require_pin(book, "4711", guesses)
        require_pin(book, "4711", guesses)


@pytest.mark.parametrize("days", [1, 3_650, -1, -3_650])
def test_a_clock_that_is_set_ends_no_wait_and_makes_none_longer(tmp_path: Path, days: int) -> None:
    clock = HandClock()
    with ShopBook(tmp_path / "shop.db") as book:
        set_pin(book, "4711", cost=Cost())
        guesses = Guesses(clock)
        guess_wrong(book, guesses, times=5)
        clock.wall_ns += days * 86_400 * S
        with pytest.raises(UserFacingError, match="in 5 s"):
            require_pin(book, "4711", guesses)
        clock.go_on(5)
        require_pin(book, "4711", guesses)


@pytest.mark.parametrize("again", [False, True])
def test_a_clock_set_back_while_the_till_was_away_costs_one_wait_more_and_not_years(
    tmp_path: Path, again: bool
) -> None:
    """`again`: the program ends after each try, as on the command line."""
    clock = HandClock()
    with ShopBook(tmp_path / "shop.db") as book:
        set_pin(book, "4711", cost=Cost())
        guesses = Guesses(clock)
        guess_wrong(book, guesses, times=5)
        clock.wall_ns -= 3_650 * 86_400 * S
        clock.restart()
        guesses = Guesses(clock)
        with pytest.raises(UserFacingError, match="in 5 s"):
            require_pin(book, "4711", guesses)
        clock.go_on(5)
        require_pin(book, "4711", Guesses(clock) if again else guesses)


def test_the_waits_grow() -> None:
    assert [wait_s(wrong) for wrong in range(12)] == [0, 0, 0, 0, 0, 5, 10, 20, 40, 80, 1800, 1800]
