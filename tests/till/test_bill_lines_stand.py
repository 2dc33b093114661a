"""The lines that a report taxes and a refund names are those that were charged, however late their money came."""

from __future__ import annotations

import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from chainpos.core.checkout.matching import SaleState
from chainpos.core.checkout.takings import NO_RATE, Taxed
from chainpos.errors import UserFacingError
from chainpos.store.shop_bills import COMPLETE, PAYING
from chainpos.till.bill_views import TenderKind
from chainpos.till.refund_items import RefundItems
from tests.seeds import seeds

from .bill_shop import BillShop
from .shift_shop import ShiftShop, closed, cny, shift_shop

TEA, SOUP = Taxed(130_000, 1_200, 138), Taxed(60_000, 2_550, 144)


@pytest.fixture
async def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ShiftShop]:
    async with shift_shop(tmp_path, monkeypatch, online=True) as made:
        yield made


async def code_that_this_clock_ended(shop: ShiftShop) -> None:
    """The code of a bill for tea; the ledger may still know better."""
    await shop.bills.add("tea")
    await shop.bills.show_code()
    await shop.becomes(1, SaleState.EXPIRED, final=False)


async def in_book(shop: ShiftShop) -> tuple[str, int, list[str]]:
    """The bill's state, what was charged for it, and its lines."""
    await shop.book.call(lambda: None)
    row = shop.bills.stored.bill(1)
    assert row is not None
    return row.state, row.charged_minor, [line.sku for line in shop.bills.stored.lines(1)]


@pytest.mark.parametrize("aside", ["while it lives", "before it lives"])
@pytest.mark.parametrize("alive", [SaleState.SEEN, SaleState.PROVED])
async def test_a_code_that_lives_again_after_another_line_came_pays_for_all_of_the_bill(
    shop: ShiftShop, aside: str, alive: SaleState
) -> None:
    await code_that_this_clock_ended(shop)
    await shop.bills.add("soup")
    if aside == "before it lives":
        await shop.bills.park()
    await shop.becomes(1, alive, final=False)
    if aside == "while it lives":
        await shop.bills.park()
    await shop.bills.take_up(1)
    await shop.pay_on_ledger(1)
    view = shop.bills.view()
    assert view is not None
    assert view.remaining == cny(2_550)
    await shop.bills.receive(TenderKind.CASH, view.remaining)
    assert await in_book(shop) == ("complete", 3_750, ["tea", "soup"])
    assert (await closed(shop)).taxed == (SOUP, TEA)
    assert [item.name_en for item in await RefundItems(shop.book).of(view.reference)] == [
        "Jasmine tea",
        "Beef noodle soup",
    ]


async def test_a_code_that_is_paid_after_a_line_went_pays_for_what_stayed(shop: ShiftShop) -> None:
    await shop.bills.add("tea")
    await shop.bills.add("soup")
    await shop.bills.show_code()
    await shop.becomes(1, SaleState.EXPIRED, final=False)
    await shop.bills.remove(1)
    await shop.becomes(1, SaleState.PROVED, final=False)
    await shop.bills.park()
    await shop.pay_on_ledger(1)
    assert await in_book(shop) == ("complete", 1_200, ["tea"])
    assert (await closed(shop)).taxed == (TEA,)


@pytest.mark.parametrize("how", ["emptied", "for nothing"])
async def test_a_code_that_ends_without_money_does_not_complete_a_bill_with_nothing_due(
    shop: ShiftShop, how: str
) -> None:
    await code_that_this_clock_ended(shop)
    await (shop.bills.remove(0) if how == "emptied" else shop.bills.discount("100%"))
    await shop.becomes(1, SaleState.EXPIRED)
    assert (await in_book(shop))[:2] == ("ringing", 0)
    assert (await closed(shop)).taxed == ()
    await shop.bills.add("soup")
    view = shop.bills.view()
    assert view is not None
    assert view.number == 1, "it is the same bill still"


@pytest.mark.parametrize("again", ["as it was", "rung up anew"])
async def test_pieces_of_a_part_that_went_back_before_the_bill_was_complete_are_all_there_to_be_given_back(
    shop: ShiftShop, again: str
) -> None:
    """All of the bill was due again, and was paid otherwise."""
    await shop.bills.add("tea")
    await shop.bills.add("tea")
    await shop.bills.show_code(cny(1_200))
    await shop.pay_on_ledger(1)
    await shop.refund_on_ledger(1, 1_200, reason="items 1x1")
    await shop.becomes(1, SaleState.REFUNDED, height=1, refunded_minor=1_200, paid_ns=shop.time_ns)
    if again == "rung up anew":
        await shop.bills.remove(0)
        await shop.bills.add("soup")
    view = shop.bills.view()
    assert view is not None
    await shop.bills.receive(TenderKind.CASH, view.remaining)
    z = await closed(shop)
    assert z.taxed == ((SOUP,) if again == "rung up anew" else (Taxed(130_000, 2_400, 276),))
    (item,) = await RefundItems(shop.book).of(view.reference)
    assert item.refunded == 0


async def test_a_bill_that_was_given_up_and_paid_after_all_is_told_without_a_rate(shop: ShiftShop) -> None:
    await code_that_this_clock_ended(shop)
    await shop.bills.give_up()
    await shop.pay_on_ledger(1)
    z = await closed(shop)
    assert z.takings.received_minor == 1_200
    assert z.taxed == (Taxed(NO_RATE, 1_200, 0),)


class Anything:
    """Whatever a counter and a ledger may do to bills, by chance."""

    def __init__(self, shop: BillShop, seed: int) -> None:
        self.shop, self.bills, self.chance = shop, shop.bills, random.Random(seed)

    def steps(self) -> tuple[Callable[[], Awaitable[object]], ...]:
        bills, chance = self.bills, self.chance
        return (
            lambda: bills.add(chance.choice(("tea", "soup", "bun", "egg"))),
            lambda: bills.add("tea"),
            lambda: bills.remove(0),
            lambda: bills.discount(chance.choice(("10%", "100%", "0"))),
            lambda: bills.tip(chance.choice(("100", "0"))),
            bills.show_code,
            bills.show_code,
            lambda: self.take(TenderKind.CASH),
            lambda: self.take(TenderKind.CARD),
            lambda: self.becomes(SaleState.EXPIRED, final=False),
            lambda: self.becomes(SaleState.EXPIRED, final=False),
            lambda: self.becomes(SaleState.EXPIRED, final=True),
            lambda: self.becomes(SaleState.CANCELLED, final=True),
            lambda: self.becomes(SaleState.SEEN, final=False),
            lambda: self.becomes(SaleState.PROVED, final=False),
            self.pay,
            bills.park,
            self.take_up,
            bills.give_up,
            bills.return_parts,
            bills.undo,
        )

    def live(self) -> list[int]:
        return [row.number for row in self.shop.rows.values() if row.watched]

    async def becomes(self, state: SaleState, *, final: bool) -> None:
        if numbers := self.live():
            await self.shop.becomes(self.chance.choice(numbers), state, final=final)

    async def pay(self) -> None:
        if numbers := self.live():
            await self.shop.pay(self.chance.choice(numbers))

    async def take(self, kind: TenderKind) -> None:
        view = self.bills.view()
        if view is not None and view.remaining.minor:
            await self.bills.receive(kind, cny(self.chance.randint(1, view.remaining.minor)))

    async def take_up(self) -> None:
        if held := self.bills.held():
            await self.bills.take_up(self.chance.choice(held).number)


@pytest.mark.parametrize("seed", seeds(6))
async def test_in_whatever_order_things_come_the_lines_in_the_book_come_to_what_is_charged(
    tmp_path: Path, seed: int
) -> None:
    shop = BillShop(tmp_path)
    anything, stored = Anything(shop, seed), shop.bills.stored
    for _ in range(100):
        shop.time_ns += 10**9
        with contextlib.suppress(UserFacingError):
            await anything.chance.choice(anything.steps())()
        await shop.book.call(lambda: None)
        assert shop.book.failure is None
        for number in range(1, stored.next_number()):
            row = stored.bill(number)
            assert row is not None
            if row.state in (PAYING, COMPLETE):
                assert sum(line.due_minor for line in stored.lines(number)) + row.tip_minor == row.charged_minor
            if row.state == COMPLETE:
                assert stored.received_minor(number) >= row.charged_minor
    await shop.close()
