"""Sums of a shop's takings: by days, and by whatever moments are asked for, as if every sale had been added up."""

from __future__ import annotations

import random
from pathlib import Path

import msgspec

from chainpos.store.shop import Fact, SaleRow, ShopBook
from chainpos.store.shop_money import DAY_NS, fees_minor, takings_minor
from tests.store.test_shop import make_sale

PAID = Fact("paid", 0)


def paid(number: int, at_ns: int, fee_minor: int) -> SaleRow:
    return msgspec.structs.replace(make_sale(number, minor=number), height=number, paid_ns=at_ns, fee_minor=fee_minor)


def test_sums_by_days_are_what_adding_up_every_sale_comes_to(tmp_path: Path) -> None:
    draw = random.Random(7)
    rows = [paid(number, draw.randrange(5 * DAY_NS), draw.randrange(9)) for number in range(1, 120)]
    with ShopBook.open(tmp_path / "shop.db") as book, book.writing():
        for row in rows:
            # A sale is booked when it is asked for, and paid later.
            book.add_sale(msgspec.structs.replace(row, height=0, paid_ns=0, fee_minor=0), PAID)
            book.update_sale(row, PAID)
        assert fees_minor(book, "CNY") == sum(row.fee_minor for row in rows)
        for _ in range(60):
            begin, end = sorted((draw.randrange(6 * DAY_NS), draw.randrange(6 * DAY_NS)))
            taken = sum(row.amount_minor for row in rows if begin <= row.paid_ns < end)
            assert takings_minor(book, "CNY", begin, end) == taken
        assert takings_minor(book, "CNY", 0, 2**62) == sum(row.amount_minor for row in rows)


def test_a_payment_that_is_judged_again_is_counted_once_and_as_it_stands_now(tmp_path: Path) -> None:
    with ShopBook.open(tmp_path / "shop.db") as book:
        book.add_sale(paid(100, 1, 3), PAID)
        book.update_sale(paid(100, 1, 3), PAID)
        assert (takings_minor(book, "CNY", 0, 2**62), fees_minor(book, "CNY")) == (100, 3)
        book.update_sale(paid(100, 3 * DAY_NS, 5), PAID)
        assert takings_minor(book, "CNY", 0, DAY_NS) == 0
        assert (takings_minor(book, "CNY", 3 * DAY_NS, 4 * DAY_NS), fees_minor(book, "CNY")) == (100, 5)
        book.update_sale(msgspec.structs.replace(paid(100, 0, 0), height=0), PAID)
        assert (takings_minor(book, "CNY", 0, 2**62), fees_minor(book, "CNY")) == (0, 0)


def test_other_money_is_no_part_of_it(tmp_path: Path) -> None:
    with ShopBook.open(tmp_path / "shop.db") as book:
        book.add_sale(paid(100, 1, 3), PAID)
        assert (takings_minor(book, "HKD", 0, 2**62), fees_minor(book, "HKD")) == (0, 0)
