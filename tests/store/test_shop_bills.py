"""Bills in the shop's book: lines as they were charged, tenders beside the ledger and on it, and nothing rewritten."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from chainpos.core.checkout.cart import Cart, Discount, Line, Tax
from chainpos.errors import StoreError
from chainpos.store.shop import ShopBook
from chainpos.store.shop_bills import BillRow, ShopBills, TenderRow

T0 = 1_767_225_600_000_000_000
TEA = Line(sku="tea", name_en="Tea", name_zh="茶", unit_minor=1_200, tax=Tax(130_000))
SOUP = Line(sku="soup", name_en="Soup", name_zh="汤", unit_minor=2_550, quantity=2_000, tax=Tax(60_000, included=False))
CART = Cart("CNY", (TEA, SOUP), Discount(ppm=100_000), 200)


def make_bill(number: int, state: str = "paying", **more: object) -> BillRow:
    totals = CART.totals()
    bill = BillRow(
        number=number,
        reference=f"260101-KX-B{number:04d}",
        state=state,
        cart=msgspec.json.encode(CART),
        currency="CNY",
        items=3,
        gross_minor=totals.gross.minor,
        discount_minor=totals.discount.minor,
        tax_minor=totals.tax.minor,
        due_minor=totals.due.minor,
        tip_minor=totals.tip.minor,
        charged_minor=totals.charged.minor,
        created_ns=T0,
        changed_ns=T0,
    )
    return msgspec.structs.replace(bill, **more)


def cash(bill: int, minor: int, given: int, *, state: str = "received") -> TenderRow:
    return TenderRow(
        bill=bill, kind="cash", amount_minor=minor, currency="CNY", state=state, given_minor=given,
        change_minor=given - minor, created_ns=T0, received_ns=T0 if state == "received" else 0,
    )  # fmt: skip


def test_a_bill_its_lines_and_its_tenders_come_back_as_they_were_written(tmp_path: Path) -> None:
    with ShopBook.open(tmp_path / "shop.db") as book:
        bills = ShopBills(book)
        bill = make_bill(bills.next_number())
        bills.put_lines(bill, CART, CART.totals())
        bills.add_tender(cash(1, 1_000, 2_000))
    with ShopBook.open(tmp_path / "shop.db") as book:
        bills = ShopBills(book)
        assert bills.open_bills() == [bill] == [bills.bill(1)]
        assert bills.next_number() == 2
        lines = bills.lines(1)
        assert [(line.sku, line.quantity, line.tax_included) for line in lines] == [
            ("tea", 1_000, True),
            ("soup", 2_000, False),
        ]
        assert sum(line.due_minor for line in lines) == bill.due_minor
        assert sum(line.discount_minor + line.share_minor for line in lines) == bill.discount_minor
        assert sum(line.tax_minor for line in lines) == bill.tax_minor
        (tender,) = bills.tenders(1)
        assert (tender.given_minor, tender.change_minor) == (2_000, 1_000)
        assert msgspec.json.decode(bill.cart, type=Cart) == CART


def test_a_closed_bill_is_not_rewritten_and_neither_are_lines_that_were_paid_for(tmp_path: Path) -> None:
    with ShopBook.open(tmp_path / "shop.db") as book:
        bills = ShopBills(book)
        bills.put_lines(make_bill(1), CART, CART.totals())
        bills.add_tender(cash(1, 1_000, 1_000))
        with pytest.raises(StoreError, match="paid for"):
            bills.put_lines(make_bill(1), CART, CART.totals())
        bills.put(make_bill(1, "complete", closed_ns=T0 + 1))
        with pytest.raises(StoreError, match="closed"):
            bills.put(make_bill(1, "ringing"))
        assert bills.open_bills() == []
        assert [bill.number for bill in bills.beside_ledger()] == [1]


def test_a_tender_that_is_received_or_returned_says_when(tmp_path: Path) -> None:
    with ShopBook.open(tmp_path / "shop.db") as book:
        bills = ShopBills(book)
        bills.put(make_bill(1))
        waiting = TenderRow(
            bill=1, kind="ledger", amount_minor=500, currency="CNY", state="waiting", sale=7, created_ns=T0
        )
        ledger, drawer = bills.add_tender(waiting), bills.add_tender(cash(1, 300, 300))
        bills.end_tender(ledger, "received", T0 + 5)
        bills.end_tender(drawer, "returned", T0 + 9)
        assert [(row.state, row.received_ns, row.returned_ns) for row in bills.tenders(1)] == [
            ("received", T0 + 5, 0),
            ("returned", T0, T0 + 9),
        ]
        found = bills.bill_of_sale(7)
        assert found is not None
        assert found.number == 1
        assert bills.bill_of_sale(8) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"change_minor": 1},
        {"kind": "ledger"},
        {"sale": 3},
        {"kind": "cheque"},
        {"amount_minor": 0, "given_minor": 0},
    ],
)
def test_a_tender_that_cannot_be_is_refused_by_the_tables(tmp_path: Path, wrong: dict[str, object]) -> None:
    with ShopBook.open(tmp_path / "shop.db") as book:
        bills = ShopBills(book)
        bills.put(make_bill(1))
        with pytest.raises(StoreError):
            bills.add_tender(msgspec.structs.replace(cash(1, 300, 300), **wrong))
        assert bills.tenders(1) == []
