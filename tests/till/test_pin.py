"""The PIN: right opens, wrong is counted and slowed, across restarts."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainpos.errors import UserFacingError
from chainpos.store.shop import ShopBook
from chainpos.till.pin import Cost, PinRecord, has_pin, require_pin, set_pin, wait_s

S = 1_000_000_000


def test_the_right_pin_opens_and_it_is_not_in_the_book_in_the_clear(tmp_path: Path) -> None:
    with ShopBook(tmp_path / "shop.db") as book:
        assert not has_pin(book)
        with pytest.raises(UserFacingError, match="No PIN"):
            require_pin(book, "4711", 0)
        set_pin(book, "4711")
        require_pin(book, "4711", 0)
        record = book.setting("pin", PinRecord)
        assert record is not None
        assert record.wrong == 0
    assert b"4711" not in (tmp_path / "shop.db").read_bytes()


@pytest.mark.parametrize("pin", ["", "123", "1" * 13, "12a4", "１２３４", " 1234"])
def test_a_pin_is_four_to_twelve_digits(tmp_path: Path, pin: str) -> None:
    with ShopBook(tmp_path / "shop.db") as book, pytest.raises(UserFacingError, match="digits"):
        set_pin(book, pin)


def test_wrong_guesses_close_the_door_for_longer_each_time_and_across_restarts(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    now = 0
    with ShopBook(path) as book:
        set_pin(book, "4711", cost=Cost())
        for _ in range(5):
            with pytest.raises(UserFacingError, match="PIN is wrong"):
                require_pin(book, "0000", now)
    with ShopBook(path) as book:
        with pytest.raises(UserFacingError, match="in 5 s"):
            require_pin(book, "4711", now)
        for wrong in range(6, 11):
            now += wait_s(wrong - 1) * S
            with pytest.raises(UserFacingError, match="PIN is wrong"):
                require_pin(book, "0000", now)
        with pytest.raises(UserFacingError, match="in 1800 s"):
            require_pin(book, "4711", now)
        require_pin(book, "4711", now + 1800 * S)
        require_pin(book, "4711", now + 1800 * S)


def test_the_waits_grow() -> None:
    assert [wait_s(wrong) for wrong in range(12)] == [0, 0, 0, 0, 0, 5, 10, 20, 40, 80, 1800, 1800]
