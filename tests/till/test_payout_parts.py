"""A payout is told whole, to the minor unit, whatever it is made of; and a comparison is by the rates of the time."""

from __future__ import annotations

from pathlib import Path

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from chainpos.core.contracts.fees.records import Comparison, PublishedRate
from chainpos.core.contracts.settlement.records import FAILED, PAID_OUT, Payout, Through
from chainpos.store.shop import Fact, SaleRow, ShopBook
from chainpos.store.shop_money import paid_sales, takings_minor
from chainpos.till.payout_parts import cost_elsewhere, payout_parts

SECOND_NS = 1_000_000_000


def sale(number: int, entry: int = 0, debtor: str = "", batch: int = 0, *, minor: int = 1_000, fee: int = 2) -> SaleRow:
    return SaleRow(
        number=number, reference=f"S{number}", request_id=b"", request=b"", signature=b"", presented="link",
        amount_minor=minor, currency="CNY", memo="", created_ns=0, expires_ns=0, state="paid", height=1,
        fee_minor=fee, debtor=debtor, batch=batch, entry=entry,
    )  # fmt: skip


def payout(entry_through: int, amount: int, *, opening: int = 0, closing: int = 0, **more: object) -> Payout:
    made = Payout("bank", "CN-1", amount, PAID_OUT, opening, closing, entry_through, (), b"", 1, 1)
    return msgspec.structs.replace(made, **more)


def test_a_payout_names_the_sales_that_became_available_before_it_and_after_the_one_before() -> None:
    payouts = (payout(2, 1_996), payout(3, 500, closing=498, through=(Through("west", 1),)))
    sales = [sale(1, 1), sale(2, 2), sale(3, 3), sale(4, debtor="west", batch=1), sale(5, debtor="west", batch=2)]
    first, second = (payout_parts(number, payouts, sales, "CNY") for number in (1, 2))
    assert [part.reference for part in first.sales] == ["S1", "S2"]
    assert first.others_minor == 0
    assert [part.reference for part in second.sales] == ["S3", "S4"]
    assert second.others_minor == 500 + 498 - 2 * 998


def test_a_failed_payouts_sales_stay_named_with_it() -> None:
    payouts = (payout(1, 998, state=FAILED, returned_entry=2), payout(2, 998))
    assert [part.reference for part in payout_parts(1, payouts, [sale(1, 1)], "CNY").sales] == ["S1"]
    again = payout_parts(2, payouts, [sale(1, 1)], "CNY")
    assert (again.sales, again.others_minor) == ((), 998)


@given(
    opening=st.integers(0, 10**6),
    closing=st.integers(0, 10**6),
    amount=st.integers(1, 10**7),
    sales=st.lists(st.tuples(st.integers(1, 9), st.integers(3, 10**5)), max_size=12),
)
def test_all_parts_of_any_payout_come_to_it(
    opening: int, closing: int, amount: int, sales: list[tuple[int, int]]
) -> None:
    rows = [sale(number, entry, minor=minor) for number, (entry, minor) in enumerate(sales)]
    parts = payout_parts(1, (payout(5, amount, opening=opening, closing=closing),), rows, "CNY")
    own = sum(minor - 2 for entry, minor in sales if entry <= 5)
    assert sum(part.net.minor for part in parts.sales) == own
    assert opening + own + parts.others_minor == amount + closing


def test_elsewhere_each_day_costs_what_was_published_then() -> None:
    rates = (PublishedRate(0, 6_000), PublishedRate(100, 3_800))
    taken = {(0, 100 * SECOND_NS): 10_000}

    def takings(from_ns: int, until_ns: int) -> int:
        return taken.get((from_ns, until_ns), 50_050)

    (row,) = cost_elsewhere([Comparison("Cards", "银行卡", rates)], takings, "CNY")
    assert (row.name_en, row.name_zh) == ("Cards", "银行卡")
    assert row.cost.minor == 250  # 60.00 and 190.19, to the nearest


def test_what_a_real_book_took_is_counted_once_whatever_the_rates_dates(tmp_path: Path) -> None:
    with ShopBook.open(tmp_path / "shop.db") as book:
        for number, paid_s in enumerate((50, 150, 250), 1):
            row = msgspec.structs.replace(sale(number), request_id=bytes([number] * 32), paid_ns=paid_s * SECOND_NS)
            book.add_sale(row, Fact("requested", 0))
        unpaid = msgspec.structs.replace(sale(4), request_id=bytes(32), height=0)
        book.add_sale(unpaid, Fact("requested", 0))

        def takings(from_ns: int, until_ns: int) -> int:
            return takings_minor(book, "CNY", from_ns, until_ns)

        always = Comparison("Cards", "银行卡", (PublishedRate(0, 10_000),))
        changed = Comparison(
            "Wallets", "钱包", (PublishedRate(0, 10_000), PublishedRate(100, 0), PublishedRate(200, 5_000))
        )
        rows = cost_elsewhere([always, changed], takings, "CNY")
        assert [row.cost.minor for row in rows] == [30, 15]
        assert [row.number for row in paid_sales(book, "CNY", 10)] == [1, 2, 3]
