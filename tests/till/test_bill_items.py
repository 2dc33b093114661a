"""Items of bills paid in several parts: a piece goes back once, by whichever part, and takes its own tax with it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chainpos.core.checkout.z_report import ZReport
from chainpos.errors import UserFacingError
from chainpos.till.bill_views import BillView, TenderKind
from chainpos.till.refund_items import RefundItems
from tests.seeds import seeds

from .bill_shop import PIN
from .shift_shop import ShiftShop, closed, cny, shift_shop

CASH = TenderKind.CASH
# Of one piece: tea 12.00 with 1.38 of tax at 13 %, soup 25.50 with 1.44 at 6 %.
TEA, SOUP = (130_000, 1_200, 138), (60_000, 2_550, 144)


@pytest.fixture
async def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ShiftShop]:
    async with shift_shop(tmp_path, monkeypatch, online=True) as made:
        yield made


async def rung_up(shop: ShiftShop, *skus: str) -> None:
    for sku in skus:
        await shop.bills.add(sku)


async def by_code(shop: ShiftShop, minor: int | None = None) -> int:
    """Pays what remains of the bill in hand, or a part of it, by code; the sale's number."""
    await shop.bills.show_code(None if minor is None else cny(minor))
    number = shop.book.book.next_number() - 1
    await shop.pay_on_ledger(number)
    return number


async def cash_back(shop: ShiftShop, reference: str, minor: int, reason: str = "") -> None:
    await shop.bills.beside.give_back(reference, CASH, cny(minor), pin=PIN, typed_amount=str(minor), reason=reason)


async def left(shop: ShiftShop, reference: str) -> list[int]:
    """How many pieces of each line can still go back, by a sale's reference or a bill's."""
    return [each.pieces - each.refunded for each in await RefundItems(shop.book).of(reference)]


def told(report: ZReport) -> list[tuple[int, int, int]]:
    return [(each.rate_ppm, each.due_minor, each.tax_minor) for each in report.taxed]


async def test_an_item_of_a_bill_paid_in_cash_goes_back_with_its_own_tax_and_is_not_offered_again(
    shop: ShiftShop,
) -> None:
    await rung_up(shop, "tea", "soup")
    bill = await shop.bills.receive(CASH, cny(3_750))
    await closed(shop)
    assert await left(shop, bill.reference) == [1, 1]
    await cash_back(shop, bill.reference, 2_550, "items 2x1")
    assert await left(shop, bill.reference) == [1, 0]
    assert told(await closed(shop)) == [(60_000, -2_550, -144)]


async def test_cash_of_another_amount_than_the_named_items_gives_back_its_part_of_each_rate(shop: ShiftShop) -> None:
    await rung_up(shop, "tea", "soup")
    bill = await shop.bills.receive(CASH, cny(3_750))
    await closed(shop)
    await cash_back(shop, bill.reference, 1_875, "items 2x1")
    assert told(await closed(shop)) == [(60_000, -1_275, -72), (130_000, -600, -69)]


async def test_a_piece_that_went_back_by_one_code_is_offered_by_no_other_part_of_its_bill(shop: ShiftShop) -> None:
    """37.50: 15.00 by one code, 10.00 in cash, 12.50 by another."""
    await rung_up(shop, "tea", "soup")
    first = await by_code(shop, 1_500)
    await shop.bills.receive(CASH, cny(1_000))
    second = await by_code(shop)
    bill = await shop.bills.of_sale(shop.rows[second].reference)
    assert bill is not None
    await closed(shop)
    await shop.refund_on_ledger(first, 1_200, reason="items 1x1")
    for reference in (shop.rows[first].reference, shop.rows[second].reference, bill.reference):
        assert await left(shop, reference) == [0, 1]
    assert told(await closed(shop)) == [(130_000, -1_200, -138)]


class Counterwork:
    """Bills paid by codes and cash, their items going back by any part that has the money, with reports between.

    A plain model: the pieces of each bill that went back, and what each part has left.
    """

    def __init__(self, shop: ShiftShop, seed: int) -> None:
        self.shop = shop
        self.rng = random.Random(seed)
        self.items = RefundItems(shop.book)
        self.bills: list[BillView] = []
        self.parts: dict[str, dict[int, int]] = {}
        self.back: dict[str, Counter[int]] = {}
        self.net: Counter[int] = Counter()

    async def sell(self) -> None:
        shop, rng = self.shop, self.rng
        await rung_up(shop, *rng.choices(["tea", "soup", "rice", "bun", "egg"], k=rng.randrange(1, 4)))
        await shop.bills.set_quantity(0, str(rng.randrange(1, 5)))
        bill = shop.bills.view()
        assert bill is not None
        due = bill.charged.minor
        cuts = sorted(rng.sample(range(1, due), 2))
        first = await by_code(shop, cuts[0])
        await shop.bills.receive(CASH, cny(cuts[1] - cuts[0]))
        second = await by_code(shop)
        await shop.bills.leave()
        view = await shop.bills.of_sale(shop.rows[first].reference)
        assert view is not None
        self.bills.append(view)
        self.parts[view.reference] = {first: cuts[0], 0: cuts[1] - cuts[0], second: due - cuts[1]}
        self.back[view.reference] = Counter()

    async def some_items(self) -> None:
        if not self.bills:
            return
        bill = self.rng.choice(self.bills)
        part = self.rng.choice([*self.parts[bill.reference]])
        reference = self.shop.rows[part].reference if part else bill.reference
        found = await self.items.of(reference)
        assert {each.place: each.refunded for each in found} == {
            each.place: self.back[bill.reference][each.place] for each in found
        }
        chosen = {each.place: self.rng.randrange(each.pieces - each.refunded + 1) for each in found}
        minor = self.items.amount(found, chosen).minor
        if 0 < minor <= self.parts[bill.reference][part]:
            await self.give(bill, part, minor, self.items.reason(chosen))
            self.back[bill.reference].update(chosen)

    async def give(self, bill: BillView, part: int, minor: int, reason: str = "") -> None:
        self.parts[bill.reference][part] -= minor
        if part:
            await self.shop.refund_on_ledger(part, minor, reason=reason)
        else:
            await cash_back(self.shop, bill.reference, minor, reason)

    async def close(self) -> None:
        for row in (await closed(self.shop)).taxed:
            self.net[row.rate_ppm] += row.tax_minor
        assert all(minor >= 0 for minor in self.net.values())

    async def end(self) -> None:
        """All money goes back, and all tax with it; of a piece that went back none goes back again."""
        await self.close()
        for bill in self.bills:
            for each in await self.items.of(bill.reference):
                with pytest.raises(UserFacingError, match="not left"):
                    self.items.amount([each], {each.place: each.pieces - self.back[bill.reference][each.place] + 1})
            for part, minor in [*self.parts[bill.reference].items()]:
                if minor:
                    await self.give(bill, part, minor)
        await self.close()
        assert not +self.net


async def _counterwork(shop: ShiftShop, seed: int, steps: int) -> None:
    work = Counterwork(shop, seed)
    for _ in range(steps):
        await work.rng.choice([work.sell, work.some_items, work.some_items, work.some_items, work.close])()
    await work.end()


async def test_items_of_bills_in_parts_go_back_once_and_their_tax_with_them(shop: ShiftShop) -> None:
    await _counterwork(shop, 1, 10)


@pytest.mark.slow
@pytest.mark.parametrize("seed", seeds(4))
async def test_items_of_bills_in_parts_go_back_once_and_their_tax_with_them_over_many_days(
    shop: ShiftShop, seed: int
) -> None:
    await _counterwork(shop, 200 + seed, 50)
