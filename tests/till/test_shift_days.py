"""Random days at a real till: what the Z report says is what a plain list of what happened says, and it agrees."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from chainpos.core.checkout.matching import SaleState
from chainpos.till.counter import Till

from .conftest import PIN, Shop, cny, online, sale_where
from .test_shifts import cash_bill, paid_sale


class Diary:
    """What a child with a pencil would note."""

    def __init__(self) -> None:
        self.ledger: Counter[str] = Counter()
        self.cash = self.drawer = self.returned = self.unpaid = 0


async def one_thing(rng: random.Random, shop: Shop, till: Till, diary: Diary, number: int) -> Till:
    what = rng.choice(["sale", "sale", "sale", "refund", "cash", "unpaid", "cancelled", "in", "out", "restart"])
    minor = rng.randrange(1, 5_000)
    if what == "sale":
        diary.ledger[await paid_sale(shop, till, minor, rng.choice(["alice", "bob", "erin"]))] = minor
    elif what == "refund" and diary.ledger:
        reference = rng.choice(sorted(diary.ledger))
        back = rng.randrange(1, diary.ledger[reference] + 1)
        await till.refund(reference, cny(back), pin=PIN, typed_amount=f"{back // 100}.{back % 100:02d}")
        diary.ledger[reference] -= back
        diary.returned += back
        if not diary.ledger[reference]:
            del diary.ledger[reference]
    elif what == "cash":
        await till._run.book.call(lambda: cash_bill(till._run.book.book, number, minor, till._clock.now_ns()))
        diary.cash += minor
    elif what in ("unpaid", "cancelled"):
        sale = await till.request(cny(minor))
        diary.unpaid += 1
        if what == "cancelled":
            await till.cancel(sale.reference)
            await sale_where(till, sale.reference, SaleState.CANCELLED)
    elif what in ("in", "out"):
        await till.shifts.draw(what, cny(minor), "by hand")
        diary.drawer += minor if what == "in" else -minor
    elif what == "restart":
        await shop.close_till(till)
        till = await shop.open_till()
        await online(till)
    return till


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
async def test_a_random_day_reconciles_to_nothing_and_sums_up_as_a_plain_list_does(shop: Shop, seed: int) -> None:
    rng = random.Random(seed)
    till = await shop.open_till()
    await online(till)
    number = 0
    for shift in (1, 2):
        diary = Diary()
        await till.shifts.open(cny(100_000))
        for _ in range(14):
            number += 1
            till = await one_thing(rng, shop, till, diary, number)
        expected = 100_000 + diary.drawer + diary.cash
        z = await till.shifts.close(cny(expected))
        assert z.differences == ()
        assert z.number == shift
        net = {each.name: each.received.minor - each.returned.minor for each in z.by_tender}
        assert net.get("ledger", 0) == sum(diary.ledger.values())
        assert net.get("cash", 0) == diary.cash
        assert (z.returned, z.expected_minor) == (cny(diary.returned), expected)
        assert len(z.requests) == diary.unpaid
        assert z.anchor_height > 0
