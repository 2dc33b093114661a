"""Bills that the ledger knows nothing of: found again, told on paper as what they are, given back with a PIN."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chainpos.core.checkout.bill_slip import slip_lines
from chainpos.core.checkout.receipt import Seller, width
from chainpos.core.values.amount import Amount
from chainpos.errors import StoreError, UserFacingError
from chainpos.store.shop import ShopBook
from chainpos.store.shop_beside import ReturnRow, ShopBeside
from chainpos.till.bill_views import TenderKind
from chainpos.till.receipts import read_slip

from .bill_shop import PIN
from .shift_shop import ShiftShop
from .test_staff import till_on

SELLER = Seller("TEAHOUSE", "Tea house", "茶馆", "testnet-1")


def cny(minor: int) -> Amount:
    return Amount(minor, "CNY")


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[ShiftShop]:
    made = ShiftShop(tmp_path)
    yield made
    await made.close()


async def sold(shop: ShiftShop, sku: str, *parts: tuple[TenderKind, int]) -> str:
    await shop.bills.add(sku)
    for kind, minor in parts:
        await shop.bills.receive(kind, cny(minor))
    view = shop.bills.view()
    assert view is not None
    await shop.bills.leave()
    return view.reference


async def test_a_bill_in_cash_is_found_by_amount_reference_and_time_and_a_ledger_sale_is_not(shop: ShiftShop) -> None:
    tea = await sold(shop, "tea", (TenderKind.CASH, 2_000))
    bun = await sold(shop, "bun", (TenderKind.CARD, 300))
    await shop.bills.add("egg")
    await shop.bills.show_code()
    await shop.pay(1)
    found = shop.bills.beside.found
    assert [each.reference for each in await found("", 9)] == [bun, tea]
    for amount in ("12.00", "1200"):
        assert [each.reference for each in await found(amount, 9)] == [tea]
    assert [each.reference for each in await found(bun.lower(), 9)] == [bun]
    assert [each.reference for each in await found("14:03", 9)] == [bun, tea]
    assert await found("14:04", 9) == await found("%", 9) == ()


async def left_of(shop: ShiftShop, reference: str) -> dict[TenderKind, int]:
    """What could still be given back, by kind, in minor units."""
    row = shop.bills.stored.bill_named(reference)
    view = await shop.bills.booked(row.number) if row is not None else None
    assert view is not None
    return {each.kind: each.left.minor for each in view.by_kind}


async def back(shop: ShiftShop, reference: str, minor: int, kind: TenderKind = TenderKind.CASH) -> None:
    await shop.bills.beside.give_back(reference, kind, cny(minor), pin=PIN, typed_amount=str(minor))


async def test_cash_is_given_back_up_to_what_came_in_and_the_shifts_report_has_it(shop: ShiftShop) -> None:
    reference = await sold(shop, "tea", (TenderKind.CASH, 2_000))
    first = await shop.shifts.close(cny(1_200))
    await back(shop, reference, 500)
    assert shop.shifts.number == 2
    assert await left_of(shop, reference) == {TenderKind.CASH: 700}
    with pytest.raises(UserFacingError, match=r"at most 7\.00 CNY"):
        await back(shop, reference, 701)
    await back(shop, reference, 700)
    assert await left_of(shop, reference) == {TenderKind.CASH: 0}
    second = await shop.shifts.close(cny(0))
    assert (first.returned, second.returned, second.expected_minor) == (cny(0), cny(1_200), -1_200)
    assert [(each.name, each.returned) for each in second.by_staff] == [("Wang", cny(1_200))]
    await shop.shifts.open(cny(0))
    assert (await shop.shifts.close(cny(0))).returned == cny(0)


async def test_what_was_paid_in_two_ways_goes_back_in_the_same_two_each_up_to_what_it_paid(shop: ShiftShop) -> None:
    reference = await sold(shop, "tea", (TenderKind.CARD, 700), (TenderKind.CASH, 500))
    assert list((await left_of(shop, reference)).items()) == [(TenderKind.CASH, 500), (TenderKind.CARD, 700)]
    await back(shop, reference, 500)
    await back(shop, reference, 100, TenderKind.CARD)
    assert await left_of(shop, reference) == {TenderKind.CASH: 0, TenderKind.CARD: 600}
    with pytest.raises(UserFacingError, match=r"at most 0\.00 CNY"):
        await back(shop, reference, 1)
    (bill,) = await shop.bills.beside.found("", 9)
    assert (bill.returned, set(bill.kinds)) == (cny(600), {TenderKind.CASH, TenderKind.CARD})


@pytest.mark.parametrize(
    ("kind", "minor", "pin", "typed", "why"),
    [
        (TenderKind.CASH, 500, "0000", "500", "PIN is wrong"),
        (TenderKind.CASH, 500, PIN, "501", "typed again"),
        (TenderKind.CASH, 0, PIN, "0", "at most"),
        (TenderKind.CASH, 1_201, PIN, "1201", "at most"),
        (TenderKind.CARD, 500, PIN, "500", "at most"),
        (TenderKind.LEDGER, 500, PIN, "500", "at most"),
    ],
)
async def test_nothing_is_given_back_without_the_pin_the_amount_again_and_money_that_came_in(
    shop: ShiftShop, kind: TenderKind, minor: int, pin: str, typed: str, why: str
) -> None:
    reference = await sold(shop, "tea", (TenderKind.CASH, 1_200))
    with pytest.raises(UserFacingError, match=why):
        await shop.bills.beside.give_back(reference, kind, cny(minor), pin=pin, typed_amount=typed)
    for unknown in ("B", "账"):
        with pytest.raises(UserFacingError, match="no bill"):
            await back(shop, unknown, 1)
    assert ShopBeside(shop.book.book).uncounted() == []


async def test_the_book_itself_refuses_to_give_back_more_than_came_in(shop: ShiftShop) -> None:
    await sold(shop, "tea", (TenderKind.CASH, 1_200))
    stored = ShopBeside(shop.book.book)
    stored.give_back(ReturnRow(bill=1, kind="cash", amount_minor=1_200, at_ns=1, staff=""))
    for kind in ("cash", "card"):
        with pytest.raises(StoreError, match="more would be given back"):
            stored.give_back(ReturnRow(bill=1, kind=kind, amount_minor=1, at_ns=1, staff=""))


async def test_of_two_givings_back_at_once_one_is_refused_and_the_till_sells_on(shop: ShiftShop) -> None:
    reference = await sold(shop, "tea", (TenderKind.CASH, 1_200))
    ended = await asyncio.gather(*(back(shop, reference, 700) for _ in range(3)), return_exceptions=True)
    refused = [each for each in ended if each is not None]
    assert [str(each) for each in refused] == [f"Of bill {reference} at most 5.00 CNY can be given back."] * 2
    assert await left_of(shop, reference) == {TenderKind.CASH: 500}
    await sold(shop, "bun", (TenderKind.CASH, 300))


@pytest.mark.parametrize("columns", [24, 32, 48])
async def test_a_slip_says_what_was_sold_and_that_no_network_proves_it(shop: ShiftShop, columns: int) -> None:
    reference = await sold(shop, "tea", (TenderKind.CASH, 2_000))
    await back(shop, reference, 500)
    slip = read_slip(shop.book.book, reference, SELLER)
    assert slip is not None
    lines = slip_lines(slip, columns)
    shown = "\n".join(lines)
    for part in ("茶馆", reference, "Jasmine tea", "20.00 CNY", "8.00 CNY", "GIVEN BACK", "账本之外"):
        assert part in shown
    assert "PAID" not in shown
    assert max(width(line) for line in lines) <= columns
    assert read_slip(shop.book.book, "nothing", SELLER) is None


async def test_such_a_bill_is_shown_as_one_of_which_no_proof_comes(tmp_path: Path) -> None:
    shop = ShiftShop(tmp_path)
    reference, path = await sold(shop, "tea", (TenderKind.CASH, 1_200)), shop.book.book.path
    await shop.close()
    till = till_on(ShopBook(path), tmp_path)
    view = await till.paper.look(reference)
    assert (view.beside, view.codes) == (True, ())
    await till.stop()
