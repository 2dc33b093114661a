"""Refunds in the shift reports: the tax that went back is told by rate, exactly, once, by the shift that gave it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from chainpos.core.checkout.matching import SaleState
from chainpos.core.checkout.receipt import Seller
from chainpos.core.checkout.takings import NO_RATE, Taxed, charged_and_back
from chainpos.core.checkout.z_report import ZReport, encode_file, figures, sign_report, verify_file
from chainpos.till.bill_views import TenderKind
from chainpos.till.refund_items import RefundItems
from chainpos.till.shift_export import tax_csv
from chainpos.till.shift_slip import report_slip
from chainpos.till.shift_text import shift_lines
from tests.seeds import seeds

from .bill_shop import PIN
from .shift_shop import ShiftShop, closed, cny, shift_shop

SELLER = Seller("TEAHOUSE", "Tea house", "茶馆", "testnet-1", 8 * 3_600)


@pytest.fixture
async def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ShiftShop]:
    async with shift_shop(tmp_path, monkeypatch, online=True) as made:
        yield made


async def sold(shop: ShiftShop, *skus: str) -> int:
    """The number of a paid sale of these articles."""
    for sku in skus:
        await shop.bills.add(sku)
    await shop.bills.show_code()
    number = shop.book.book.next_number() - 1
    await shop.pay_on_ledger(number)
    await shop.bills.leave()
    return number


def told(report: ZReport) -> list[tuple[int, int, int]]:
    return [(each.rate_ppm, each.due_minor, each.tax_minor) for each in report.takings.by_tax]


# Tea: 12.00 with 1.38 of tax at 13 %; soup: 25.50 with 1.44 at 6 %.
TEA, SOUP = (130_000, 1_200, 138), (60_000, 2_550, 144)


async def test_a_refund_lowers_the_tax_of_the_report_and_is_told_beside_it(shop: ShiftShop) -> None:
    number = await sold(shop, "tea", "soup")
    await shop.refund_on_ledger(number, 1_200, reason="items 1x1")
    x = await shop.shifts.report()
    z = await closed(shop)
    assert z.taxed == (Taxed(*SOUP), Taxed(*TEA), Taxed(130_000, -1_200, -138))
    assert told(z) == [SOUP, (130_000, 0, 0)]
    assert [(each.name, each.received, each.returned, each.tax_minor, each.tax_back_minor) for each in x.by_tax] == [
        ("60000", cny(2_550), cny(0), 144, 0),
        ("130000", cny(1_200), cny(1_200), 0, 138),
    ]


async def test_a_refund_of_a_sale_of_an_earlier_shift_makes_the_tax_of_this_one_negative_wherever_it_is_shown(
    shop: ShiftShop,
) -> None:
    number = await sold(shop, "tea", "soup")
    assert told(await closed(shop)) == [SOUP, TEA]
    await shop.shifts.open(cny(0))
    await shop.refund_on_ledger(number, 1_200, reason="items 1x1")
    x = await shop.shifts.report()
    assert told(await closed(shop)) == [(130_000, -1_200, -138)]
    assert told(await closed(shop)) == []
    shown = "\n".join(report_slip(x, SELLER, 48, at_ns=0))
    assert "Tax 税 13%" in shown
    assert shown.count("-1.38 CNY") == 2
    assert [line.split()[-2] for line in shift_lines(x) if "13 %" in line] == ["-1.38", "-1.38"]


async def test_amounts_give_back_their_part_of_each_rate_and_all_of_them_all_of_it(shop: ShiftShop) -> None:
    number = await sold(shop, "tea", "soup")
    await closed(shop)
    back: list[tuple[int, int, int]] = []
    for minor in (1_875, 1, 1_874):
        await shop.refund_on_ledger(number, minor)
        back += told(await closed(shop))
    assert back[:2] == [(60_000, -1_275, -72), (130_000, -600, -69)]
    for rate, due, tax in (SOUP, TEA):
        assert sum(row[1] for row in back if row[0] == rate) == -due
        assert sum(row[2] for row in back if row[0] == rate) == -tax


async def test_a_tip_that_was_rung_up_goes_back_without_tax(shop: ShiftShop) -> None:
    await shop.bills.add("tea")
    await shop.bills.tip("300")
    await shop.bills.show_code()
    await shop.pay_on_ledger(1)
    await closed(shop)
    await shop.refund_on_ledger(1, 750)
    assert told(await closed(shop)) == [(130_000, -600, -69)]
    await shop.refund_on_ledger(1, 750)
    assert told(await closed(shop)) == [(130_000, -600, -69)]


async def test_cash_that_goes_back_of_a_bill_beside_the_ledger_gives_back_its_tax(shop: ShiftShop) -> None:
    for sku in ("tea", "soup"):
        await shop.bills.add(sku)
    view = await shop.bills.receive(TenderKind.CASH, cny(3_750))
    await closed(shop)
    for minor, text in ((1_875, "18.75"), (1_875, "18.75")):
        await shop.bills.beside.give_back(view.reference, TenderKind.CASH, cny(minor), pin=PIN, typed_amount=text)
        assert told(await closed(shop)) == [(60_000, -1_275, -72), (130_000, -600, -69)]
    assert told(await closed(shop)) == []


async def test_a_keyed_sale_has_no_tax_to_give_back(shop: ShiftShop) -> None:
    await shop.sell(cny(1_000), "", lambda _: None)
    await shop.pay_on_ledger(1)
    await shop.refund_on_ledger(1, 400)
    z = await closed(shop)
    assert (z.taxed, z.takings.returned_minor) == ((Taxed(NO_RATE, 1_000, 0),), 400)


async def test_what_was_paid_twice_goes_back_without_tax(shop: ShiftShop) -> None:
    """The code was given up by the clock, cash taken, and then it was paid all the same."""
    await shop.bills.add("tea")
    await shop.bills.show_code()
    await shop.becomes(1, SaleState.EXPIRED, final=False)
    await shop.bills.receive(TenderKind.CASH, cny(1_200))
    await shop.pay_on_ledger(1)
    await shop.refund_on_ledger(1, 1_200)
    assert told(await closed(shop)) == [TEA]


async def test_a_part_that_went_back_before_its_bill_was_complete_is_told_with_the_bill(shop: ShiftShop) -> None:
    await shop.bills.add("tea")
    await shop.bills.show_code(cny(600))
    await shop.pay_on_ledger(1)
    await shop.refund_on_ledger(1, 300)
    assert told(await closed(shop)) == []
    await shop.bills.receive(TenderKind.CASH, cny(600))
    z = await closed(shop)
    assert z.taxed == (Taxed(*TEA), Taxed(130_000, -300, -35))
    await shop.refund_on_ledger(1, 300)
    assert told(await closed(shop)) == [(130_000, -300, -34)]


async def test_a_report_without_the_network_tells_the_tax_of_the_refunds_that_the_book_has_and_no_other_does(
    shop: ShiftShop,
) -> None:
    number = await sold(shop, "tea")
    await closed(shop)
    await shop.refund_on_ledger(number, 600)
    await shop.set_online(online=False)
    assert told(await closed(shop)) == [(130_000, -600, -69)]
    await shop.set_online(online=True)
    assert told(await closed(shop)) == []


async def test_a_refund_that_the_ledger_denies_is_told_as_such_by_the_next_report_and_not_as_charged(
    shop: ShiftShop,
) -> None:
    number = await sold(shop, "tea")
    await closed(shop)
    await shop.refund_on_ledger(number, 600)
    await shop.set_online(online=False)
    await closed(shop)
    del shop.ledger[-1]
    await shop.set_online(online=True)
    z = await closed(shop)
    assert [each.kind for each in z.differences] == ["refund_not_on_ledger"]
    assert told(z) == [(130_000, 600, 69)]
    # By the signed report itself: nothing was charged, and what was told as given back was not.
    assert charged_and_back(z.taxed, 130_000) == (Taxed(130_000, 0, 0), Taxed(130_000, -600, -69))
    assert verify_file(encode_file(sign_report(z, shop.run.key.sign)))[0].report == z
    (figure,) = (view := await shop.shifts.closed(3)).by_tax
    assert (figure.tax_minor, figure.tax_back_minor) == (69, -69)
    assert any("denied refunds in it, 13 %" in line and " 0.69 CNY" in line for line in shift_lines(view))
    assert any("refund denied 退款未成 13%" in line for line in report_slip(view, SELLER, 48, at_ns=0))
    assert "13,0.00,0.00,-6.00,-0.69,CNY" in tax_csv(z).decode("utf-8-sig")


async def test_a_signed_report_with_tax_given_back_is_verified_and_another_sum_of_it_is_not(shop: ShiftShop) -> None:
    number = await sold(shop, "tea")
    await shop.refund_on_ledger(number, 600)
    true = await closed(shop)
    assert verify_file(encode_file(sign_report(true, shop.run.key.sign)))[0].report == true
    wrong = msgspec.structs.replace(true, taxed=true.taxed[:1])
    assert figures(wrong) != wrong.takings


class Refunds:
    """Bills of several rates, refunded by item and by amount, with reports and outages between. What goes back of which
    rate it does not know: that nothing is charged twice, none goes back that was not charged, and in the end all has.
    """

    def __init__(self, shop: ShiftShop, seed: int) -> None:
        self.shop = shop
        self.rng = random.Random(seed)
        self.items = RefundItems(shop.book)
        self.left: dict[int, int] = {}
        self.charged: Counter[int] = Counter()
        self.told_charged: Counter[int] = Counter()
        self.net: Counter[int] = Counter()

    async def sale(self) -> None:
        if not self.shop.online:
            return
        number = await sold(self.shop, *self.rng.choices(["tea", "soup", "rice", "bun", "egg"], k=3))
        row = self.shop.rows[number]
        self.left[number] = row.amount_minor
        view = await self.shop.bills.of_sale(row.reference)
        assert view is not None
        for each in view.taxes:
            self.charged[each.rate_ppm] += each.tax.minor

    async def refund(self) -> None:
        known = [number for number, minor in self.left.items() if minor]
        if known:
            number = self.rng.choice(known)
            minor, reason = await self.some_pieces(number) or (self.rng.randrange(1, self.left[number] + 1), "")
            await self.given_back(number, minor, reason)

    async def some_pieces(self, number: int) -> tuple[int, str] | None:
        found = await self.items.of(self.shop.rows[number].reference)
        chosen = {each.place: 1 for each in found if each.refunded < each.pieces and self.rng.random() < 0.4}
        minor = self.items.amount(found, chosen).minor
        return (minor, self.items.reason(chosen)) if 0 < minor <= self.left[number] else None

    async def given_back(self, number: int, minor: int, reason: str = "") -> None:
        self.left[number] -= minor
        await self.shop.refund_on_ledger(number, minor, reason=reason)

    async def outage(self) -> None:
        await self.shop.set_online(online=not self.shop.online)

    async def close(self) -> None:
        z = await closed(self.shop)
        assert figures(z) == z.takings
        for row in z.taxed:
            self.net[row.rate_ppm] += row.tax_minor
            self.told_charged[row.rate_ppm] += max(row.tax_minor, 0)
        assert all(minor >= 0 for minor in self.net.values())


async def _random_refunds(shop: ShiftShop, seed: int, steps: int) -> None:
    days = Refunds(shop, seed)
    for _ in range(steps):
        await days.rng.choice([days.sale, days.sale, days.refund, days.refund, days.refund, days.close, days.outage])()
    await shop.set_online(online=True)
    for number, minor in days.left.items():
        if minor:
            await days.given_back(number, minor)
    await days.close()
    assert days.told_charged == days.charged
    assert not +days.net


async def test_all_tax_goes_back_with_all_the_money_and_never_more(shop: ShiftShop) -> None:
    await _random_refunds(shop, 1, 14)


@pytest.mark.slow
@pytest.mark.parametrize("seed", seeds(4))
async def test_all_tax_goes_back_with_all_the_money_and_never_more_over_many_days(shop: ShiftShop, seed: int) -> None:
    await _random_refunds(shop, 100 + seed, 60)
