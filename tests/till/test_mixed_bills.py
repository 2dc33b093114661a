"""Bills paid in part on the ledger and in part beside it: each part goes back the way it came, up to what it paid."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chainpos.errors import UserFacingError
from chainpos.store.shop_beside import ShopBeside
from chainpos.store.shop_reading import BookReader
from chainpos.till.bill_views import BillView, TenderKind
from tests.seeds import seeds

from .bill_shop import PIN
from .shift_shop import ShiftShop, cny, shift_shop

CASH, CARD, LEDGER = TenderKind.CASH, TenderKind.CARD, TenderKind.LEDGER


@pytest.fixture
async def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ShiftShop]:
    async with shift_shop(tmp_path, monkeypatch) as made:
        yield made


async def mixed(shop: ShiftShop, cash_minor: int = 500) -> BillView:
    """Tea for 12.00, a part in cash, the rest by code: sale number 1 of the ledger if it is the first."""
    await shop.set_online(online=True)
    await shop.bills.add("tea")
    await shop.bills.receive(CASH, cny(cash_minor))
    assert await shop.bills.show_code() is not None
    await shop.pay_on_ledger(shop.book.book.next_number() - 1)
    await shop.bills.leave()
    return await of_sale(shop, shop.book.book.next_number() - 1)


async def of_sale(shop: ShiftShop, number: int) -> BillView:
    view = await shop.bills.of_sale(shop.rows[number].reference)
    assert view is not None
    return view


async def back(shop: ShiftShop, reference: str, minor: int, kind: TenderKind = CASH) -> None:
    await shop.bills.beside.give_back(reference, kind, cny(minor), pin=PIN, typed_amount=str(minor))


async def test_cash_of_a_mixed_bill_goes_back_and_the_ledgers_part_is_refunded_in_one_report_that_reconciles(
    shop: ShiftShop,
) -> None:
    """12.00: 5.00 in cash, 7.00 by code. Back go 2.00 of the cash and 3.00 on the ledger."""
    bill = await mixed(shop)
    assert (bill.on_ledger, await shop.bills.beside.found("", 9)) == (True, ())
    assert [(each.kind, each.received, each.left) for each in bill.by_kind] == [(CASH, cny(500), cny(500))]
    await back(shop, bill.reference, 200)
    await shop.refund_on_ledger(1, 300)
    x = await shop.shifts.report()
    assert (x.expected_minor, x.differences) == (300, ())
    z = await shop.shifts.close(cny(300))
    assert z.differences == ()
    assert [(each.name, each.received, each.returned) for each in z.by_tender] == [
        ("cash", cny(500), cny(200)), ("ledger", cny(700), cny(300)),
    ]  # fmt: skip
    again = await of_sale(shop, 1)
    assert [(each.kind, each.returned, each.left) for each in again.by_kind] == [(CASH, cny(200), cny(300))]


async def test_what_is_given_back_in_a_later_shift_lowers_that_shifts_drawer(shop: ShiftShop) -> None:
    bill = await mixed(shop)
    assert (await shop.shifts.close(cny(500))).differences == ()
    await back(shop, bill.reference, 500)
    second = await shop.shifts.close(cny(0))
    assert (second.returned, second.expected_minor) == (cny(500), -500)
    assert [each.sentence.name for each in second.differences] == ["cash_over"]


@pytest.mark.parametrize(
    ("kind", "minor", "pin", "typed", "why"),
    [
        (CASH, 501, PIN, "501", r"at most 5\.00 CNY"),
        (CASH, 0, PIN, "0", "at most"),
        (CARD, 100, PIN, "100", r"at most 0\.00 CNY"),
        # The ledger's money is the ledger's to give back.
        (LEDGER, 700, PIN, "700", r"at most 0\.00 CNY"),
        (CASH, 500, "0000", "500", "PIN is wrong"),
        (CASH, 500, PIN, "50", "typed again"),
    ],
)
async def test_cash_of_a_mixed_bill_is_refused_beyond_what_it_paid_and_without_pin_or_amount_again(
    shop: ShiftShop, kind: TenderKind, minor: int, pin: str, typed: str, why: str
) -> None:
    bill = await mixed(shop)
    with pytest.raises(UserFacingError, match=why):
        await shop.bills.beside.give_back(bill.reference, kind, cny(minor), pin=pin, typed_amount=typed)
    assert ShopBeside(shop.book.book).uncounted() == []


async def test_of_a_bill_whose_code_is_not_paid_yet_only_the_counter_gives_back(shop: ShiftShop) -> None:
    await shop.set_online(online=True)
    await shop.bills.add("tea")
    await shop.bills.receive(CASH, cny(500))
    await shop.bills.show_code()
    bill = await of_sale(shop, 1)
    assert bill.by_kind == ()
    with pytest.raises(UserFacingError, match="no bill"):
        await back(shop, bill.reference, 500)
    # Nor of one that was paid by code alone.
    await shop.pay_on_ledger(1)
    await shop.bills.leave()
    await shop.bills.add("bun")
    await shop.bills.show_code()
    await shop.pay_on_ledger(2)
    with pytest.raises(UserFacingError, match="no bill"):
        await back(shop, (await of_sale(shop, 2)).reference, 1)


async def test_the_receipt_of_a_mixed_sale_says_what_was_given_back_beside_the_ledger(
    shop: ShiftShop, tmp_path: Path
) -> None:
    bill = await mixed(shop)
    await back(shop, bill.reference, 200)
    assert BookReader(tmp_path / "shop.db").returned(bill.number) == 200


class Refunds:
    """Random givings back of one shop's bills. `left` is what a plain model says may still go back."""

    def __init__(self, shop: ShiftShop, seed: int) -> None:
        self.shop = shop
        self.rng = random.Random(seed)
        self.left: dict[tuple[str, TenderKind], int] = {}

    async def one_thing(self) -> None:
        await self.rng.choice([self.sale, self.back, self.back, self.back, self.at_once])()
        for (reference, kind), left_minor in self.left.items():
            row = self.shop.bills.stored.bill_named(reference)
            assert row is not None
            assert ShopBeside(self.shop.book.book).left(row.number, kind.value) == left_minor >= 0

    async def sale(self) -> None:
        await self.shop.bills.add("tea")
        cash, card = self.rng.randrange(1, 600), self.rng.randrange(1, 600)
        await self.shop.bills.receive(CASH, cny(cash))
        await self.shop.bills.receive(CARD, cny(card))
        view = self.shop.bills.view()
        assert view is not None
        if view.remaining.minor and self.rng.random() < 0.7:
            await self.shop.bills.show_code()
            await self.shop.pay_on_ledger(self.shop.book.book.next_number() - 1)
        elif view.remaining.minor:
            cash += view.remaining.minor
            await self.shop.bills.receive(CASH, view.remaining)
        await self.shop.bills.leave()
        self.left |= {(view.reference, CASH): cash, (view.reference, CARD): card}

    async def back(self) -> None:
        if self.left:
            (reference, kind), left_minor = self.rng.choice(list(self.left.items()))
            minor = self.rng.choice([self.rng.randrange(left_minor + 2), left_minor, left_minor + 1])
            if 0 < minor <= left_minor:
                await back(self.shop, reference, minor, kind)
                self.left[reference, kind] -= minor
            else:
                with pytest.raises(UserFacingError, match="at most"):
                    await back(self.shop, reference, minor, kind)

    async def at_once(self) -> None:
        """More than is left, in a few pieces at the same time: those that fit in whatever order, and not one more."""
        if self.left:
            (reference, kind), left_minor = self.rng.choice(list(self.left.items()))
            pieces = [self.rng.randrange(1, left_minor + 2) for _ in range(3)]
            ended = await asyncio.gather(
                *(back(self.shop, reference, minor, kind) for minor in pieces), return_exceptions=True
            )
            went = [minor for minor, end in zip(pieces, ended, strict=True) if end is None]
            assert all(isinstance(end, UserFacingError) for end in ended if end is not None)
            assert sum(went) <= left_minor
            assert all(sum(went) + minor > left_minor for minor, end in zip(pieces, ended, strict=True) if end)
            self.left[reference, kind] -= sum(went)


async def _random_refunds(shop: ShiftShop, seed: int, steps: int) -> None:
    await shop.set_online(online=True)
    refunds = Refunds(shop, seed)
    await refunds.sale()
    for _ in range(steps):
        await refunds.one_thing()
    z = await shop.shifts.close(cny(0))
    sums = {each.name: each for each in z.by_tender}
    for kind in (CASH, CARD):
        left_minor = sum(minor for (_, each), minor in refunds.left.items() if each is kind)
        assert (sums[kind.value].received - sums[kind.value].returned).minor == left_minor
    assert {each.sentence.name for each in z.differences} <= {"cash_short"}


async def test_never_more_goes_back_of_a_part_than_it_paid_in_whatever_order_and_the_report_says_so(
    shop: ShiftShop,
) -> None:
    await _random_refunds(shop, 1, 20)


@pytest.mark.slow
@pytest.mark.parametrize("seed", seeds(5))
async def test_never_more_goes_back_of_a_part_than_it_paid_over_many_bills(shop: ShiftShop, seed: int) -> None:
    await _random_refunds(shop, 100 + seed, 150)
