"""Which bank account an order to pay names, where the shop's terms changed since."""

from __future__ import annotations

from pathlib import Path

from chainpos.core.contracts.merchants.messages import ChangeTerms
from chainpos.core.contracts.settlement.messages import RequestPayout
from chainpos.core.values.timestamps import DAY_S
from chainpos.inspect.statements.files import Asked, make_file
from chainpos.inspect.statements.period import day_period
from chainpos.inspect.statements.transfers import open_payouts
from chainpos.pilot.genesis import owner_key
from tests.inspect.short_day import ShortDay


def test_an_order_names_the_account_of_its_request_though_the_terms_changed_twice_since(tmp_path: Path) -> None:
    day = ShortDay(tmp_path / "chain.db")
    owner, shop = owner_key("HF01"), day.city.merchant("HF01")
    payer = next(row for row in day.city.customers if row.institution == shop.acquirer)
    day.block(day.hands.pay(day.hands.request(shop, 1_000, "R-1", day.now_s), payer, day.now_s))
    day.block(day.sign(owner, "settlement.request_payout", RequestPayout("HF01", "CNY", 500)))
    for account in ("CN-SECOND", "CN-THIRD"):
        day.block(day.sign(owner, "merchants.change_terms", ChangeTerms("HF01", "netted", account)))
        day.now_s += DAY_S
    day.block(day.sign(owner, "settlement.request_payout", RequestPayout("HF01", "CNY", 400)))
    source = day.source()
    orders = open_payouts(source, shop.acquirer, "CNY")
    assert [(order.number, order.payout_account) for order in orders] == [(1, "DEMO-HF01"), (2, "CN-THIRD")]
    first = Asked(period=day_period(source, "2026-03-02"), format="pain001", currency="CNY", merchant="HF01")
    assert b"<Id>DEMO-HF01</Id>" in make_file(source, first).content
    day.close()
