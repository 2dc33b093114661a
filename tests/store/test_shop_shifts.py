"""Staff and shifts in the shop's book: one open shift, closed ones that stand, what the tables themselves refuse."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from chainpos.errors import StoreError
from chainpos.store.shop import ShopBook
from chainpos.store.shop_shifts import DrawerRow, ShiftRow, ShopShifts, StaffRow

FIRST = ShiftRow(
    number=1, currency="CNY", opened_ns=10, opened_by="Mei", float_minor=500, from_ns=10, from_height=7
)  # fmt: skip
CLOSED = msgspec.structs.replace(FIRST, closed_ns=20, closed_by="Wang", to_height=9, document=b"{}", signature=b"s")


@pytest.fixture
def shifts(tmp_path: Path) -> ShopShifts:
    return ShopShifts(ShopBook(tmp_path / "shop.db"))


def test_one_shift_is_open_at_a_time(shifts: ShopShifts) -> None:
    shifts.begin(FIRST)
    assert shifts.open_shift() == FIRST
    with pytest.raises(StoreError):
        shifts.begin(msgspec.structs.replace(FIRST, number=2))
    shifts.end(CLOSED)
    assert shifts.open_shift() is None
    shifts.begin(msgspec.structs.replace(FIRST, number=2))


def test_a_closed_shift_is_not_closed_again(shifts: ShopShifts) -> None:
    shifts.begin(FIRST)
    shifts.end(CLOSED)
    with pytest.raises(StoreError, match="not open"):
        shifts.end(msgspec.structs.replace(CLOSED, document=b"[]"))
    assert shifts.shift(1) == CLOSED


def test_the_oldest_report_is_anchored_first(shifts: ShopShifts) -> None:
    for number in (1, 2):
        shifts.begin(msgspec.structs.replace(FIRST, number=number))
        shifts.end(msgspec.structs.replace(CLOSED, number=number))
    assert [row.number for row in shifts.shifts()] == [2, 1]
    for number in (1, 2):
        waiting = shifts.to_anchor()
        assert waiting is not None
        assert waiting.number == number
        shifts.anchoring(number, b"t" * 32, 11)
    assert shifts.to_anchor() is None


def test_cash_by_hand_is_kept_with_who_and_why(shifts: ShopShifts) -> None:
    shifts.begin(FIRST)
    row = DrawerRow(shift=1, at_ns=11, kind="out", amount_minor=5, reason="milk", staff="Mei")
    shifts.draw(row)
    assert shifts.drawn(1) == [msgspec.structs.replace(row, id=1)]
    for wrong in ({"kind": "gone"}, {"amount_minor": 0}, {"shift": 7}):
        with pytest.raises(StoreError):
            shifts.draw(msgspec.structs.replace(row, **wrong))


def test_a_name_is_there_once_and_a_role_is_one_of_four(shifts: ShopShifts) -> None:
    shifts.add_staff(StaffRow("Mei", "manager", 1))
    for wrong in (StaffRow("Mei", "cashier", 2), StaffRow("Li", "boss", 2)):
        with pytest.raises(StoreError):
            shifts.add_staff(wrong)
    shifts.remove_staff("Mei")
    assert shifts.staff() == []
