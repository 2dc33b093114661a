"""Staff and shifts in the shop's book: one open shift, closed ones that stand, what the tables themselves refuse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlite_utils import Database

from chainpos.errors import StoreError
from chainpos.store.shop import ShopBook
from chainpos.store.shop_bills import CASH, COMPLETE, RECEIVED, RETURNED, BillRow, ShopBills, TenderRow
from chainpos.store.shop_schema import MIGRATIONS, migrate
from chainpos.store.shop_shifts import Counted, DrawerRow, ShiftRow, ShopShifts, StaffRow, TaxBackRow

FIRST = ShiftRow(
    number=1, currency="CNY", opened_ns=10, opened_by="Mei", float_minor=500, from_sale=0, from_height=7
)  # fmt: skip
CLOSED = msgspec.structs.replace(
    FIRST, closed_ns=20, closed_by="Wang", to_sale=4, to_height=9, document=b"{}", signature=b"s"
)


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


def cash(book: ShopBook, bill: int, at_ns: int) -> int:
    """A complete bill of 300, paid in cash; its tender."""
    bills = ShopBills(book)
    bills.put(
        BillRow(
            number=bill, reference=f"B{bill}", state=COMPLETE, cart=b"{}", currency="CNY", due_minor=300,
            charged_minor=300, created_ns=at_ns, changed_ns=at_ns, closed_ns=at_ns,
        )
    )  # fmt: skip
    return bills.add_tender(
        TenderRow(
            bill=bill, kind=CASH, amount_minor=300, currency="CNY", state=RECEIVED, given_minor=300, created_ns=at_ns,
            received_ns=at_ns,
        )
    )  # fmt: skip


def test_what_a_closed_shift_counted_no_later_one_counts_and_what_it_did_not_the_next_one_does(
    shifts: ShopShifts,
) -> None:
    """The third came between the last look and the end; the fourth after a clock was set back by years."""
    shifts.begin(FIRST)
    first, second = cash(shifts.book, 1, 50), cash(shifts.book, 2, 50)
    late = cash(shifts.book, 3, 50)
    shifts.end(CLOSED, Counted((first, second), (), (1, 2)))
    early = cash(shifts.book, 4, 1)
    assert [row.id for row in shifts.received_uncounted()] == [late, early]
    assert shifts.bills_uncounted() == (3, 4)
    ShopBills(shifts.book).end_tender(first, RETURNED, 2)
    assert [row.id for row in shifts.received_uncounted()] == [late, early]
    assert [row.id for row in shifts.returned_uncounted()] == [first]


def test_what_a_report_told_of_the_tax_of_refunds_is_kept_with_its_end_and_by_bill(shifts: ShopShifts) -> None:
    for bill in (1, 2):
        cash(shifts.book, bill, 50)
    shifts.begin(FIRST)
    first = TaxBackRow("a/R1", 1, 130_000, 113, 13), TaxBackRow("a/R1", 1, -1, 7, 0), TaxBackRow("b/R1", 2, 0, 5, 0)
    shifts.end(CLOSED, Counted((), (), (1,)), first)
    assert (shifts.tax_back_of(1), shifts.tax_back_of(2)) == ([*first[:2]], [first[2]])
    assert shifts.tax_back_of(3) == []
    # The second was not counted, though a refund of it was told: money that went back before all of it was in.
    assert shifts.tax_back_to_tell_again() == (2,)


def test_a_shift_is_not_ended_where_what_it_counted_cannot_be_written(shifts: ShopShifts) -> None:
    shifts.begin(FIRST)
    drawer = cash(shifts.book, 1, 50)
    with pytest.raises(StoreError):
        shifts.end(
            msgspec.structs.replace(CLOSED, document=b""), Counted((drawer,), (), (1,)), [TaxBackRow("a", 1, 0, 5, 0)]
        )
    assert shifts.tax_back_of(1) == []
    assert shifts.open_shift() == FIRST
    assert [row.id for row in shifts.received_uncounted()] == [drawer]


def test_an_older_book_keeps_for_counted_what_its_shifts_counted_by_time() -> None:
    """Closed at 20 and open since: what came at 15 was counted, what came at 25 is the open shift's."""
    db: Any = Database(memory=True)
    before = next(at for at, script in enumerate(MIGRATIONS) if "from_sale" in script)
    migrate(db, MIGRATIONS[:before])
    db["shifts"].insert_all(
        {
            "number": number, "currency": "CNY", "opened_ns": 10 * number, "opened_by": "Mei", "float_minor": 0,
            "from_ns": 10 * number, "from_height": 0, "closed_ns": 20 if number == 1 else 0,
            "document": b"{}" if number == 1 else b"",
        }
        for number in (1, 2)
    )  # fmt: skip
    for bill, at_ns in ((1, 15), (2, 25)):
        db["bills"].insert(
            {
                "number": bill, "reference": f"B{bill}", "state": "complete", "cart": b"{}", "currency": "CNY",
                "created_ns": at_ns, "changed_ns": at_ns, "closed_ns": at_ns,
            }
        )  # fmt: skip
        db["tenders"].insert(
            {
                "bill": bill, "kind": "cash", "amount_minor": 5, "given_minor": 5, "currency": "CNY",
                "state": "received", "created_ns": at_ns, "received_ns": at_ns,
            }
        )  # fmt: skip
    migrate(db)
    assert [row["received_in"] for row in db.query("SELECT received_in FROM tenders ORDER BY id")] == [1, 0]
    assert [row["counted_in"] for row in db.query("SELECT counted_in FROM bills ORDER BY number")] == [1, 0]
