"""What is in which shift: every movement in exactly one Z report, whatever the clock says, also without the network."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chainpos.core.values.amount import Amount
from chainpos.till.bill_views import TenderKind

from .shift_shop import ShiftShop

DAY_NS = 86_400 * 10**9


def cny(minor: int) -> Amount:
    return Amount(minor, "CNY")


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[ShiftShop]:
    made = ShiftShop(tmp_path)
    yield made
    await made.close()


async def cash_sale(shop: ShiftShop, sku: str) -> None:
    await shop.bills.add(sku)
    await shop.bills.receive(TenderKind.CASH, cny(10_000))
    await shop.bills.leave()


async def test_cash_taken_after_the_clock_was_set_back_is_in_the_shift_that_is_open(shop: ShiftShop) -> None:
    await cash_sale(shop, "tea")
    first = await shop.shifts.close(cny(1_200))
    shop.time_ns -= DAY_NS
    await shop.shifts.open(cny(0))
    await cash_sale(shop, "bun")
    assert (await shop.shifts.report()).expected_minor == 300
    shop.time_ns += 2 * DAY_NS
    second = await shop.shifts.close(cny(300))
    await shop.shifts.open(cny(0))
    third = await shop.shifts.close(cny(0))
    assert [view.received for view in (first, second, third)] == [cny(1_200), cny(300), cny(0)]
    assert [[(rate.name, rate.received) for rate in view.by_tax] for view in (first, second, third)] == [
        [("130000", cny(1_200))], [("130000", cny(300))], [],
    ]  # fmt: skip


async def test_cash_given_back_by_a_clock_set_back_leaves_the_open_shifts_drawer(shop: ShiftShop) -> None:
    await shop.bills.add("tea")
    await shop.bills.receive(TenderKind.CASH, cny(500))
    assert (await shop.shifts.close(cny(500))).expected_minor == 500
    shop.time_ns -= DAY_NS
    await shop.shifts.open(cny(500))
    await shop.bills.return_parts()
    second = await shop.shifts.close(cny(0))
    assert (second.returned, second.expected_minor) == (cny(500), 0)


async def test_a_request_is_named_by_the_shift_it_was_made_in_whatever_its_time(shop: ShiftShop) -> None:
    await shop.bills.add("tea")
    await shop.bills.show_code()
    first = await shop.shifts.close(cny(0))
    await shop.bills.park()
    shop.time_ns -= DAY_NS
    await shop.shifts.open(cny(0))
    await shop.bills.add("bun")
    await shop.bills.show_code()
    second = await shop.shifts.close(cny(0))
    assert [[each.amount for each in view.requests] for view in (first, second)] == [[cny(1_200)], [cny(300)]]
