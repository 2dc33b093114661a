"""What is in which shift: every movement in exactly one Z report, whatever the clock says, also without the network."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from chainpos.core.checkout.matching import SaleState
from chainpos.core.checkout.takings import Sum
from chainpos.core.checkout.z_report import decode_report, figures
from chainpos.errors import UserFacingError
from chainpos.store.shop import OutboxRow
from chainpos.store.shop_bills import COMPLETE
from chainpos.store.shop_shifts import ShopShifts
from chainpos.till.bill_views import TenderKind
from chainpos.till.desk import CHARGE
from chainpos.till.outbox import REFUSED
from tests.seeds import seeds

from .bill_shop import PIN
from .shift_shop import ShiftShop, cny, shift_shop

DAY_NS = 86_400 * 10**9


@pytest.fixture
async def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ShiftShop]:
    async with shift_shop(tmp_path, monkeypatch) as made:
        yield made


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


async def test_a_tip_that_a_report_without_the_network_could_not_know_is_in_the_next_one(shop: ShiftShop) -> None:
    await shop.set_online(online=True)
    await shop.bills.add("tea")
    await shop.bills.show_code()
    await shop.pay_on_ledger(1, tip_minor=150, fee_minor=4, tip_known=False)
    await shop.set_online(online=False)
    first = await shop.shifts.close(cny(0))
    assert ([each.sentence.name for each in first.differences], first.received) == (["ledger_not_read"], cny(1_200))
    await shop.set_online(online=True)
    await shop.shifts.open(cny(0))
    second = await shop.shifts.close(cny(0))
    assert [(line.kind, line.reference, line.ledger) for line in second.lines] == [
        ("payment_rest", "260302-AA-0001", cny(150))
    ]
    assert (second.received, second.tips, second.fees_minor, second.differences) == (cny(150), cny(150), 0, ())
    assert [(each.received, each.count) for each in second.by_tender] == [(cny(150), 0)]


async def test_a_tip_that_the_book_knows_is_in_the_report_of_its_own_shift_without_the_network_too(
    shop: ShiftShop,
) -> None:
    await shop.set_online(online=True)
    await shop.bills.add("tea")
    await shop.bills.show_code()
    await shop.pay_on_ledger(1, tip_minor=150)
    await shop.set_online(online=False)
    assert (await shop.shifts.close(cny(0))).tips == cny(150)
    await shop.set_online(online=True)
    await shop.shifts.open(cny(0))
    assert (await shop.shifts.close(cny(0))).lines == ()


@pytest.mark.slow
async def test_what_was_invented_in_a_report_without_the_network_is_taken_back_and_named_by_the_next(
    shop: ShiftShop,
) -> None:
    await shop.bills.add("tea")
    await shop.bills.show_code()
    await shop.becomes(1, SaleState.CONFIRMED, height=1, paid_ns=shop.time_ns)
    first = await shop.shifts.close(cny(0))
    shop.height = 1
    await shop.set_online(online=True)
    await shop.shifts.open(cny(0))
    second = await shop.shifts.close(cny(0))
    assert (first.received, second.returned) == (cny(1_200), cny(1_200))
    assert [(each.sentence.name, each.book_minor, each.ledger_minor) for each in second.differences] == [
        ("not_on_ledger", 1_200, 0)
    ]


class Days:
    """Random days at the counter. `moved` is all that moved, noted by somebody who knows of no shift and no outage."""

    def __init__(self, shop: ShiftShop, seed: int) -> None:
        self.shop = shop
        self.rng = random.Random(seed)
        self.moved: Counter[str] = Counter()
        self.unpaid: set[int] = set()
        self.paid: dict[int, int] = {}
        self.left: dict[tuple[str, TenderKind], int] = {}

    async def one_thing(self) -> None:
        sales = (self.cash, self.code, self.code, self.late)
        returns = (self.given_back, self.given_back_later, self.refund)
        what = self.rng.choice([*sales, *returns, self.close, self.close, self.clock, self.outage])
        await what()
        if self.shop.bills.view() is not None:
            await self.shop.bills.park()

    async def rung_up(self) -> int:
        await self.shop.bills.add(self.rng.choice(["tea", "bun", "egg"]))
        bill = self.shop.bills.view()
        assert bill is not None
        return bill.charged.minor

    async def cash(self) -> None:
        await self.beside(TenderKind.CASH, await self.rung_up())

    async def beside(self, kind: TenderKind, minor: int) -> None:
        bill = await self.shop.bills.receive(kind, cny(minor))
        self.moved[kind.value] += minor
        self.left[bill.reference, kind] = minor

    async def given_back_later(self) -> None:
        """Of a bill that is complete, paid in part on the ledger or not: no more than came in."""
        if not self.left:
            return
        (reference, kind), left_minor = self.rng.choice(list(self.left.items()))
        minor = self.rng.randrange(1, left_minor + 2)
        give = partial(
            self.shop.bills.beside.give_back, reference, kind, cny(minor), pin=PIN, typed_amount=str(minor)
        )  # fmt: skip
        bill = self.shop.bills.stored.bill_named(reference)
        assert bill is not None
        if bill.state != COMPLETE or minor > left_minor:
            with pytest.raises(UserFacingError, match=r"no bill|at most"):
                await give()
            return
        await give()
        self.left[reference, kind] -= minor
        self.moved[f"{kind.value} back"] += minor

    async def given_back(self) -> None:
        part = self.rng.randrange(1, await self.rung_up())
        await self.shop.bills.receive(TenderKind.CASH, cny(part))
        if self.rng.random() < 0.5:
            await self.close()
        await self.shop.bills.return_parts()
        self.moved.update({"cash": part, "cash back": part})
        await self.shop.bills.give_up()

    async def code(self) -> None:
        """For all of a bill, or what a card left of it."""
        due = await self.rung_up()
        if self.rng.random() < 0.4:
            await self.beside(TenderKind.CARD, self.rng.randrange(1, due))
        assert await self.shop.bills.show_code() is not None
        self.unpaid.add(self.shop.book.book.next_number() - 1)
        if self.rng.random() < 0.7:
            await self.late()

    async def late(self) -> None:
        if not self.unpaid:
            return
        number, tip, fee = self.rng.choice(sorted(self.unpaid)), self.rng.choice([0, 0, 50, 125]), self.rng.randrange(5)
        await self.shop.pay_on_ledger(number, tip_minor=tip, fee_minor=fee, tip_known=self.rng.random() < 0.5)
        self.unpaid.discard(number)
        self.paid[number] = self.shop.rows[number].amount_minor
        self.moved.update({"ledger": self.paid[number] + tip, "tip": tip, "fee": fee})

    async def refund(self) -> None:
        known = [number for number, left in self.paid.items() if left and self.shop.rows[number].height]
        if known:
            number, fee = self.rng.choice(known), self.rng.randrange(3)
            minor = self.rng.randrange(1, self.paid[number] + 1)
            await self.shop.refund_on_ledger(number, minor, fee_minor=fee)
            self.paid[number] -= minor
            self.moved.update({"refund": minor, "fee": -fee})

    async def clock(self) -> None:
        self.shop.time_ns += self.rng.randrange(-3 * DAY_NS, 3 * DAY_NS)

    async def outage(self) -> None:
        await self.shop.set_online(online=not self.shop.online)

    async def close(self) -> None:
        if not self.shop.shifts.number:
            await self.shop.shifts.open(cny(0))
        if self.rng.random() < 0.3:
            await self.shop.shifts.report()
        await self.shop.shifts.close(cny(0))


async def _random_days(shop: ShiftShop, seed: int, steps: int) -> None:
    days = Days(shop, seed)
    for _ in range(steps):
        await days.one_thing()
    await shop.set_online(online=True)
    await days.close()
    told: Counter[str] = Counter()
    for number in await shop.shifts.closed_numbers():
        z = decode_report(_document(shop, number))
        assert figures(z) == z.takings
        assert {each.kind for each in z.differences} <= {"ledger_not_read", "cash_short", "cash_over"}
        sums = {each.name: each for each in z.takings.by_tender}
        ledger, cash, card = (sums.get(name, Sum(name)) for name in ("ledger", "cash", "card"))
        told.update(
            {
                "ledger": ledger.received_minor, "refund": ledger.returned_minor, "tip": z.takings.tip_minor,
                "fee": z.takings.fee_minor, "cash": cash.received_minor, "cash back": cash.returned_minor,
                "card": card.received_minor, "card back": card.returned_minor,
            }
        )  # fmt: skip
    assert +told == +days.moved


def _document(shop: ShiftShop, number: int) -> bytes:
    row = ShopShifts(shop.book.book).shift(number)
    assert row is not None
    return row.document


async def test_every_minor_unit_is_in_exactly_one_report(shop: ShiftShop) -> None:
    await _random_days(shop, 1, 40)


@pytest.mark.slow
@pytest.mark.parametrize("seed", seeds(10))
async def test_every_minor_unit_is_in_exactly_one_report_over_many_days(shop: ShiftShop, seed: int) -> None:
    await _random_days(shop, 100 + seed, 120)


async def test_a_code_accepted_offline_that_was_refused_in_the_end_is_named_by_one_report(shop: ShiftShop) -> None:
    """Two were refused: one that was accepted offline, one with the customer standing there."""
    await shop.set_online(online=True)
    for offline in (True, False):
        await shop.bills.add("tea")
        sale = await shop.bills.charge("a code", cny(1_200))
        number = shop.book.book.next_number() - 1
        tx_hash = hashlib.sha256(b"%d" % number).digest()
        sent = OutboxRow(
            tx_hash=tx_hash, wire=b"", kind=CHARGE, created_ns=shop.time_ns, expires_s=2**32, number=number,
            offline=offline,
        )  # fmt: skip
        await shop.book.call(partial(shop.book.book.queue, sent))
        if offline:
            lost = sale.reference
            assert (await shop.shifts.close(cny(0))).differences == ()
            await shop.shifts.open(cny(0))
        await shop.book.call(partial(shop.book.book.settle, tx_hash, REFUSED, height=3, code=512))
        await shop.bills.park()
    second = await shop.shifts.close(cny(0))
    assert [(each.sentence.name, each.reference, each.book_minor) for each in second.differences] == [
        ("code_refused", lost, 1_200)
    ]
    await shop.shifts.open(cny(0))
    assert (await shop.shifts.close(cny(0))).differences == ()
