"""Money of bills against an independent model: the total, what the codes ask for, and what all tenders come to."""

from __future__ import annotations

import asyncio
import tempfile
from collections import defaultdict
from fractions import Fraction
from math import floor
from pathlib import Path
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from chainpos.core.values.amount import Amount
from chainpos.till.bill_views import BillState, PartState, TenderKind
from tests.till.bill_shop import ARTICLES, BillShop

PRICED = {row.sku: row for row in ARTICLES if not row.open_price}


class Rung(NamedTuple):
    """One article on a bill: thousandths of it, and a percentage off."""

    sku: str
    quantity: int
    percent: int


class Plan(NamedTuple):
    """A bill to ring up, and the order in which parts of it are paid: a kind, and how much of what remains."""

    rung: tuple[Rung, ...]
    percent: int
    tip: int
    parts: tuple[tuple[TenderKind, int], ...]


def half_up(value: Fraction) -> int:
    return floor(value + Fraction(1, 2))


def spread(total: int, weights: list[int]) -> list[int]:
    """By the largest remainder, as parts of one."""
    whole = sum(weights)
    if not whole:
        return [0] * len(weights)
    exact = [Fraction(total * weight, whole) for weight in weights]
    parts = [floor(each) for each in exact]
    for at in sorted(range(len(exact)), key=lambda place: (parts[place] - exact[place], place))[: total - sum(parts)]:
        parts[at] += 1
    return parts


def charged(plan: Plan) -> int:
    """What the plan's bill comes to, by a second computation."""
    lines: list[tuple[int, str]] = []
    for rung in plan.rung:
        gross = half_up(Fraction(PRICED[rung.sku].price_minor * rung.quantity, 1_000))
        lines.append((gross - half_up(Fraction(gross * rung.percent, 100)), rung.sku))
    shares = spread(half_up(Fraction(sum(net for net, _ in lines) * plan.percent, 100)), [net for net, _ in lines])
    by_rate: dict[tuple[int, bool], int] = defaultdict(int)
    for (net, sku), share in zip(lines, shares, strict=True):
        by_rate[PRICED[sku].tax_rate_ppm, PRICED[sku].tax_included] += net - share
    on_top = sum(half_up(Fraction(sum_ * ppm, 1_000_000)) for (ppm, within), sum_ in by_rate.items() if not within)
    return sum(by_rate.values()) + on_top + plan.tip


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    skus = draw(st.lists(st.sampled_from(sorted(PRICED)), min_size=1, max_size=5, unique=True))
    rung = tuple(
        Rung(
            sku,
            draw(st.integers(1, 9_999)) if PRICED[sku].unit != "piece" else 1_000 * draw(st.integers(1, 9)),
            draw(st.sampled_from((0, 0, 7, 33, 50))),
        )
        for sku in skus
    )
    kinds = st.sampled_from(TenderKind)
    parts = tuple(draw(st.lists(st.tuples(kinds, st.integers(1, 100)), max_size=3)))
    return Plan(rung, draw(st.sampled_from((0, 5, 12, 99))), draw(st.sampled_from((0, 1, 250))), parts)


async def _ring_up(shop: BillShop, plan: Plan) -> None:
    for at, rung in enumerate(plan.rung):
        await shop.bills.add(rung.sku, f"{rung.quantity // 1_000}.{rung.quantity % 1_000:03d}")
        if rung.percent:
            await shop.bills.discount(f"{rung.percent}%", at)
    if plan.percent:
        await shop.bills.discount(f"{plan.percent}%")
    if plan.tip:
        await shop.bills.tip(str(plan.tip))


async def _trade(plan: Plan) -> None:
    with tempfile.TemporaryDirectory() as folder:
        shop = BillShop(Path(folder))
        await _ring_up(shop, plan)
        total, received, asked = charged(plan), 0, []
        bill = shop.bills.view()
        assert bill is not None
        assert bill.charged.minor == total
        for kind, percent in (*plan.parts, (TenderKind.LEDGER, 100)):
            part = -(-(total - received) * percent // 100)
            if not part:
                break
            if kind is TenderKind.LEDGER:
                sale = await shop.bills.show_code(Amount(part, "CNY"))
                assert sale is not None
                assert sale.amount.minor == part
                asked.append(part)
                await shop.pay(len(asked))
            else:
                # Cash is often more than was asked for.
                whole = kind is TenderKind.CASH and part == total - received
                change = (await shop.bills.receive(kind, Amount(part + 700 * whole, "CNY"))).parts[-1].change
                assert change.minor == 700 * whole
            received += part
        bill = shop.bills.view()
        assert bill is not None
        if not total:
            assert await shop.bills.show_code() is None
            bill = shop.bills.view()
            assert bill is not None
        assert bill.state is BillState.COMPLETE
        assert sum(each.amount.minor for each in bill.parts if each.state is PartState.RECEIVED) == total == received
        booked = shop.bills.stored.bill(bill.number)
        assert booked is not None
        assert (booked.charged_minor, booked.ledger_minor) == (total, sum(asked))
        lines = shop.bills.stored.lines(bill.number)
        assert sum(line.due_minor for line in lines) + plan.tip == total
        drawer = [each for each in shop.bills.stored.tenders(bill.number) if each.kind == "cash"]
        assert all(each.given_minor - each.change_minor == each.amount_minor for each in drawer)
        await shop.close()


@settings(max_examples=12, deadline=None)
@given(plans())
def test_the_cart_the_requests_and_the_tenders_come_to_the_same_as_an_independent_model(plan: Plan) -> None:
    asyncio.run(_trade(plan))
