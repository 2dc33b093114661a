"""Bills: rung up, undone, held, paid in parts, resumed after a crash (ux 9, 10, 14)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chainpos.core.checkout.matching import SaleState
from chainpos.core.values.amount import Amount
from chainpos.errors import StoreError, UserFacingError
from chainpos.store.shop_shifts import ShiftRow, ShopShifts
from chainpos.till.bill_views import BillState, BillView, PartState, TenderKind
from chainpos.till.shift_reading import read_book
from tests.till.bill_shop import BillShop


def cny(minor: int) -> Amount:
    return Amount(minor, "CNY")


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[BillShop]:
    made = BillShop(tmp_path)
    yield made
    await made.close()


def in_hand(shop: BillShop) -> BillView:
    bill = shop.bills.view()
    assert bill is not None
    return bill


async def reopened(shop: BillShop, folder: Path) -> BillShop:
    """As after kill -9: nothing is put away, only the book is there."""
    await shop.close()
    return BillShop(folder)


async def test_ux10_scanning_an_article_again_counts_it(shop: BillShop) -> None:
    for code in ("6901234567892", "6909876543210", "6901234567892"):
        found = await shop.bills.scanned(code)
        assert found is not None
        await shop.bills.add(found.sku)
    bill = in_hand(shop)
    assert [(line.sku, line.quantity) for line in bill.lines] == [("tea", 2_000), ("soup", 1_000)]
    assert (bill.charged, bill.touched) == (cny(4_950), 0)
    assert await shop.bills.scanned("0000000000000") is None


async def test_ux10_discounts_come_before_tax_and_a_tip_after(shop: BillShop) -> None:
    bills = shop.bills
    await bills.add("rice", "2")
    await bills.discount("10%", 0)
    await bills.discount("80")
    await bills.tip("10%")
    # 12.00 - 1.20 - 0.80 = 10.00, and 13 % on top; a tenth of 11.30 is 1.13.
    bill = in_hand(shop)
    assert (bill.gross, bill.discount, bill.due, bill.tip, bill.charged) == (
        cny(1_200), cny(200), cny(1_130), cny(113), cny(1_243),
    )  # fmt: skip
    assert [(tax.rate_ppm, tax.included, tax.tax) for tax in bill.taxes] == [(130_000, False, cny(130))]


async def test_ux10_weights_and_open_prices_are_asked_for_and_pieces_are_whole(shop: BillShop) -> None:
    bills = shop.bills
    await bills.add("prawn", "0.755")
    await bills.add("gift", "1", "350")
    assert in_hand(shop).charged == cny(6_644 + 350)
    for wrong in (
        bills.add("tea", "1.5"),
        bills.add("tea", "0"),
        bills.add("tea", "x"),
        bills.add("gift"),
        bills.add("tea", "1", "5"),
        bills.set_quantity(1, "0.5"),
        bills.remove(7),
        bills.discount("101%"),
        bills.discount("999999"),
        bills.add("nothing"),
    ):
        with pytest.raises(UserFacingError):
            await wrong
    assert in_hand(shop).charged == cny(6_644 + 350)


async def test_ux9_each_change_before_the_code_can_be_taken_back_and_none_after(shop: BillShop) -> None:
    bills = shop.bills
    await bills.add("tea")
    await bills.add("soup")
    await bills.remove(0)
    await bills.discount("50%")
    for expected in (2_550, 3_750, 1_200, 0):
        await bills.undo()
        assert in_hand(shop).charged == cny(expected)
    with pytest.raises(UserFacingError, match="nothing to take back"):
        await bills.undo()
    await bills.add("tea")
    await bills.show_code()
    for change in (bills.undo(), bills.add("soup"), bills.tip("10%"), bills.give_up()):
        with pytest.raises(UserFacingError, match="payment has begun"):
            await change


async def test_a_code_asks_for_exactly_what_is_charged_and_its_payment_completes_the_bill(shop: BillShop) -> None:
    await shop.bills.add("tea", "3")
    sale = await shop.bills.show_code()
    assert sale is not None
    assert (sale.amount, in_hand(shop).state) == (cny(3_600), BillState.PAYING)
    await shop.pay(1)
    bill = in_hand(shop)
    assert (bill.state, bill.remaining, bill.on_ledger) == (BillState.COMPLETE, cny(0), True)
    booked = await shop.bills.of_sale(sale.reference)
    assert booked is not None
    assert [(line.sku, line.quantity) for line in booked.lines] == [("tea", 3_000)]
    assert await shop.bills.beside.found("", 500) == ()


async def test_cash_gives_change_and_never_says_paid(shop: BillShop) -> None:
    await shop.bills.add("tea")
    bill = await shop.bills.receive(TenderKind.CASH, cny(2_000))
    assert (bill.state, bill.change, bill.on_ledger) == (BillState.COMPLETE, cny(800), False)
    assert bill.state.value != SaleState.PAID.value
    assert [taken.amount for taken in shop.bills.taken] == [cny(1_200)]
    (listed,) = await shop.bills.beside.found("", 500)
    assert (listed.amount, listed.reference, listed.kinds) == (cny(1_200), bill.reference, (TenderKind.CASH,))


@pytest.mark.parametrize("kind", [TenderKind.CARD, TenderKind.VOUCHER])
async def test_only_cash_gives_change(shop: BillShop, kind: TenderKind) -> None:
    await shop.bills.add("tea")
    with pytest.raises(UserFacingError, match=r"more than the 12\.00 CNY"):
        await shop.bills.receive(kind, cny(1_201))
    with pytest.raises(UserFacingError, match="Nothing was entered"):
        await shop.bills.receive(kind, cny(0))
    assert (await shop.bills.receive(kind, cny(1_200))).state is BillState.COMPLETE


async def test_a_split_bill_is_complete_only_when_all_parts_are_in(shop: BillShop) -> None:
    await shop.bills.add("soup", "2")
    part = await shop.bills.receive(TenderKind.CASH, cny(2_000))
    assert (part.state, part.remaining) == (BillState.PAYING, cny(3_100))
    sale = await shop.bills.show_code()
    assert sale is not None
    assert sale.amount == cny(3_100)
    await shop.pay(1)
    bill = in_hand(shop)
    assert (bill.state, bill.received) == (BillState.COMPLETE, cny(5_100))
    assert [(each.kind, each.state) for each in bill.parts] == [
        (TenderKind.CASH, PartState.RECEIVED),
        (TenderKind.LEDGER, PartState.RECEIVED),
    ]


async def test_a_part_on_the_ledger_first_does_not_complete_the_bill(shop: BillShop) -> None:
    await shop.bills.add("soup", "2")
    await shop.bills.show_code(cny(1_000))
    await shop.pay(1)
    bill = in_hand(shop)
    assert (bill.state, bill.remaining) == (BillState.PAYING, cny(4_100))
    assert (await shop.bills.receive(TenderKind.CARD, cny(4_100))).state is BillState.COMPLETE


async def test_parts_that_are_taken_back_say_what_to_hand_over_and_the_lines_are_free_again(shop: BillShop) -> None:
    bills = shop.bills
    await bills.add("soup", "2")
    await bills.receive(TenderKind.CASH, cny(2_000))
    await bills.receive(TenderKind.VOUCHER, cny(500))
    back = await bills.return_parts()
    assert [(each.kind, each.amount) for each in back] == [
        (TenderKind.CASH, cny(2_000)),
        (TenderKind.VOUCHER, cny(500)),
    ]
    assert in_hand(shop).changeable
    await bills.add("tea")
    bill = await bills.receive(TenderKind.CASH, cny(6_300))
    assert (bill.state, bill.received) == (BillState.COMPLETE, cny(6_300))


async def test_no_money_is_taken_while_a_code_can_still_be_paid(shop: BillShop) -> None:
    await shop.bills.add("tea")
    await shop.bills.show_code()
    for second in (shop.bills.receive(TenderKind.CASH, cny(1_200)), shop.bills.show_code(), shop.bills.return_parts()):
        with pytest.raises(UserFacingError):
            await second
    await shop.becomes(1, SaleState.CANCELLED)
    assert in_hand(shop).changeable
    assert (await shop.bills.receive(TenderKind.CASH, cny(1_200))).state is BillState.COMPLETE


async def test_a_code_paid_at_the_last_moment_beside_cash_is_named_as_too_much(shop: BillShop) -> None:
    """By this machine's clock it had expired, by the ledger's not yet."""
    await shop.bills.add("tea")
    await shop.bills.show_code()
    await shop.becomes(1, SaleState.EXPIRED, final=False)
    await shop.bills.add("soup")
    await shop.pay(1)
    bill = in_hand(shop)
    assert (bill.state, bill.received, bill.remaining) == (BillState.PAYING, cny(1_200), cny(2_550))
    await shop.bills.receive(TenderKind.CASH, cny(2_550))
    assert in_hand(shop).over == cny(0)


async def test_two_codes_of_one_bill_that_were_both_paid_are_named_as_too_much(shop: BillShop) -> None:
    await shop.bills.add("tea")
    await shop.bills.show_code()
    await shop.becomes(1, SaleState.EXPIRED, final=False)
    await shop.bills.show_code()
    await shop.pay(1)
    assert in_hand(shop).state is BillState.COMPLETE
    await shop.pay(2)
    assert in_hand(shop).over == cny(1_200)
    again = await shop.bills.booked(1)
    assert again is not None
    assert (again.received, again.over) == (cny(2_400), cny(1_200))


async def test_a_part_refunded_before_its_bill_was_complete_is_no_difference_of_the_shift(shop: BillShop) -> None:
    await shop.bills.add("tea")
    await shop.bills.show_code(cny(500))
    await shop.pay(1)
    shift = ShiftRow(
        number=1, currency="CNY", opened_ns=1, opened_by="Mei", float_minor=0, from_sale=0, from_height=0
    )  # fmt: skip

    def faults() -> list[tuple[int, int]]:
        side = read_book(ShopShifts(shop.book.book), shift, {}, 2**62)
        return [(fault.book_minor, fault.ledger_minor) for fault in side.tender_faults]

    await shop.becomes(1, SaleState.REFUNDED, height=7, paid_ns=shop.time_ns, refunded_minor=500)
    assert (await shop.bills.receive(TenderKind.CASH, cny(1_200))).state is BillState.COMPLETE
    assert faults() == []
    # Whoever alters the book so that money on the ledger counts for nothing is still named.
    await shop.becomes(1, SaleState.CONFIRMED, height=7, paid_ns=shop.time_ns)
    assert faults() == [(0, 500)]


async def test_ux10_several_bills_are_held_and_taken_back(shop: BillShop) -> None:
    bills = shop.bills
    for sku in ("tea", "soup", "bun"):
        await bills.add(sku)
        shop.time_ns += 10**9
        await bills.park()
    assert bills.view() is None
    held = bills.held()
    assert [(each.first_en, each.charged) for each in held] == [
        ("Steamed bun", cny(300)),
        ("Beef noodle soup", cny(2_550)),
        ("Jasmine tea", cny(1_200)),
    ]
    await bills.take_up(held[2].number)
    await bills.add("tea")
    assert in_hand(shop).charged == cny(2_400)
    # Taking another one up parks the one in hand.
    await bills.take_up(held[0].number)
    assert in_hand(shop).charged == cny(300)
    assert len(bills.held()) == 2
    with pytest.raises(UserFacingError, match="no longer held"):
        await bills.take_up(99)


async def test_ux14_a_killed_till_has_the_bill_in_hand_and_the_held_ones_again(shop: BillShop, tmp_path: Path) -> None:
    await shop.bills.add("soup")
    await shop.bills.park()
    await shop.bills.add("tea", "2")
    await shop.bills.discount("10%", 0)
    before = in_hand(shop)
    again = await reopened(shop, tmp_path)
    after = in_hand(again)
    assert (after.lines, after.charged, after.state) == (before.lines, before.charged, BillState.RINGING)
    assert [held.charged for held in again.bills.held()] == [cny(2_550)]
    await again.close()


async def test_ux14_a_payment_that_came_while_the_till_was_dead_completes_its_bill(
    shop: BillShop, tmp_path: Path
) -> None:
    await shop.bills.add("soup", "2")
    await shop.bills.receive(TenderKind.CASH, cny(100))
    await shop.bills.show_code()
    again = await reopened(shop, tmp_path)
    assert in_hand(again).state is BillState.PAYING
    sale = again.book.book.sale_by_number(1)
    assert sale is not None
    again.rows[1] = sale
    await again.pay(1)
    assert in_hand(again).state is BillState.COMPLETE
    await again.close()


async def test_a_bill_set_aside_with_its_code_completes_by_itself_or_is_held_again(shop: BillShop) -> None:
    bills = shop.bills
    await bills.add("tea")
    await bills.show_code()
    await bills.park()
    await bills.add("soup")
    await bills.show_code()
    await bills.park()
    assert [held.paying for held in bills.held()] == [True, True]
    await shop.pay(1)
    await shop.becomes(2, SaleState.EXPIRED)
    assert [(held.charged, held.paying) for held in bills.held()] == [(cny(2_550), False)]
    assert bills.view() is None


async def test_a_bill_that_was_given_up_is_gone_and_one_with_money_in_it_is_not(shop: BillShop) -> None:
    bills = shop.bills
    await bills.add("tea")
    await bills.give_up()
    assert (bills.view(), bills.held()) == (None, ())
    await bills.add("tea")
    await bills.receive(TenderKind.CASH, cny(100))
    with pytest.raises(UserFacingError):
        await bills.give_up()


async def test_a_bill_that_costs_nothing_completes_without_a_code(shop: BillShop) -> None:
    await shop.bills.add("tea")
    await shop.bills.discount("100%")
    assert await shop.bills.show_code() is None
    assert in_hand(shop).state is BillState.COMPLETE


async def test_articles_are_found_in_both_languages_by_initials_and_favourites_first(shop: BillShop) -> None:
    async def skus(text: str) -> list[str]:
        return [each.sku for each in await shop.bills.find(text)]

    assert await skus("") == ["bun", "tea"]
    assert (await skus("mlhc"))[0] == "tea"
    assert (await skus("牛肉"))[0] == "soup"
    assert (await skus("noodle"))[0] == "soup"
    assert (await skus("96385074"))[0] == "rice"


async def test_who_asks_an_ended_till_is_cancelled_and_finds_no_fault(tmp_path: Path) -> None:
    shop = BillShop(tmp_path)
    await shop.close()
    with pytest.raises(asyncio.CancelledError):
        await shop.bills.of_sale("260302-AA-0001")


async def test_a_step_back_that_could_not_be_written_can_be_taken_again(
    shop: BillShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shop.bills.add("tea")
    await shop.bills.add("soup")

    def full(*_: object, **__: object) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(shop.bills.stored, "put", full)
        with pytest.raises(StoreError):
            await shop.bills.undo()
    assert in_hand(shop).charged == cny(3_750)
    shop.book.failure = None
    for expected in (1_200, 0):
        await shop.bills.undo()
        assert in_hand(shop).charged == cny(expected)
