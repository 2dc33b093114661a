"""A customer's scanned code that needs more than scanning: their own confirmation, or a network that is away."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chainpos.core.checkout.matching import SaleState
from chainpos.core.contracts.payments.codes import CODE_EXPIRED
from chainpos.core.contracts.payments.messages import CODE_LIFE_S
from chainpos.errors import UserFacingError
from chainpos.till.codes import MustConfirm
from chainpos.till.counter import Till
from chainpos.till.home import TillSettings
from chainpos.till.views import Link
from tests.core.contracts.conftest import make_app_state
from tests.node.conftest import Nodes

from .conftest import Shop, cny, offer_of, online, sale_where, view_where


async def test_what_the_code_does_not_grant_the_customer_confirms_by_the_shops_own_code(shop: Shop) -> None:
    till, wallet = await shop.open_till(), shop.wallet("erin")
    await online(till)
    code = wallet.code(cny(5_000))
    waiting = await till.request(cny(6_000))
    with pytest.raises(MustConfirm, match=r"grants 50.00 CNY: 60.00 CNY the customer must confirm") as error:
        till.check_code(code.text, cny(6_000))
    assert "scan it and confirm" in error.value.next_step
    # Nothing was changed by it: the shop's code waits, and is confirmed.
    assert (await sale_where(till, waiting.reference, SaleState.WAITING)).qr is not None
    await wallet.pay(await offer_of(wallet, waiting.link))
    await sale_where(till, waiting.reference, SaleState.PAID, SaleState.CONFIRMED)
    # And the code is still good for what it grants.
    assert (await till.charge(code.text, cny(5_000))).state in (SaleState.PAID, SaleState.CONFIRMED)


async def till_with_floor(shop: Shop, minor: int, *, bounded: bool = False) -> Till:
    """A till whose line went down; `bounded`: after it had read what governance allows."""
    home = shop.till_home()
    home.save_settings(msgspec.structs.replace(home.settings(), offline_codes_minor=minor))
    till = await shop.open_till()
    await online(till)
    if bounded:
        await view_where(till, lambda _: till._run.floor.life_s(cny(1)) > CODE_LIFE_S)
    await shop.peer.stop()
    await view_where(till, lambda view: view.network.link is Link.OFFLINE)
    return till


async def test_offline_no_code_is_charged_unless_the_shop_chose_to_bear_the_risk(shop: Shop) -> None:
    assert TillSettings("x", "127.0.0.1:1", "CNY").offline_codes_minor == 0
    till = await till_with_floor(shop, 0)
    with pytest.raises(UserFacingError, match="out of reach"):
        await till.charge(shop.wallet("erin").code(cny(500)).text, cny(500))
    assert (await till.sales()) == ()


async def test_within_the_floor_a_code_is_taken_offline_kept_and_paid_when_the_network_is_back(shop: Shop) -> None:
    till = await till_with_floor(shop, 3_000)
    wallet = shop.wallet("erin")
    sale = await till.charge(wallet.code(cny(2_000)).text, cny(2_000))
    assert (sale.state, sale.presented, sale.qr) == (SaleState.WAITING, "code", None)
    # The limit is on all that is at risk together.
    with pytest.raises(UserFacingError, match=r"at most 30.00 CNY may be at risk, and this would make it 35.00 CNY"):
        await till.charge(wallet.code(cny(1_500)).text, cny(1_500))
    # A till that is killed meanwhile sends it all the same, once.
    await shop.close_till(till)
    till = await shop.open_till()
    await shop.restart_peer()
    paid = await sale_where(till, sale.reference, SaleState.CONFIRMED)
    assert paid.amount == cny(2_000)
    assert [each.reference for each in (await till.sales())] == [sale.reference]


@pytest.mark.slow
async def test_a_code_that_lapsed_before_the_network_was_back_is_refused_and_the_till_says_so(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The wallet's clock is 57 seconds slow: the code has three seconds left when it is scanned.
    till = await till_with_floor(shop, 3_000)
    wallet = shop.wallet("erin")
    now_ns = wallet.network.clock.now_ns
    monkeypatch.setattr(wallet.network.clock, "now_ns", lambda: now_ns() - 57 * 10**9)
    code = wallet.code(cny(1_000))
    monkeypatch.undo()
    sale = await till.charge(code.text, cny(1_000))
    while till._clock.now_ns() < (code.expires_s + 1) * 10**9:  # noqa: ASYNC110 - only time makes a code lapse
        await asyncio.sleep(0.2)
    await shop.restart_peer()
    refused = await sale_where(till, sale.reference, SaleState.REFUSED, SaleState.EXPIRED)
    assert refused.problem is None or refused.problem.code == CODE_EXPIRED.number
    # The report of the shift in which that was learned names it, and no later one.
    for named in ([("code_refused", sale.reference, 1_000)], []):
        z = await till.shifts.close(cny(0))
        assert [(each.sentence.name, each.reference, each.book_minor) for each in z.differences] == named
        await till.shifts.open(cny(0))


@pytest.mark.slow
async def test_where_governance_allows_it_a_code_accepted_offline_is_paid_after_its_minute(
    nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def app_state() -> dict[str, Any]:
        bounds = {"window_s": 3_600, "payment_minor": {"CNY": 1_000}}
        return make_app_state() | {"payments": {"offline_codes": [bounds]}}

    monkeypatch.setattr("tests.node.conftest.make_app_state", app_state)
    shop = Shop(nodes, tmp_path)
    await shop.open_city()
    till = await till_with_floor(shop, 3_000, bounded=True)
    floor = till._run.floor
    assert [floor.life_s(cny(minor)) for minor in (1_000, 1_001)] == [3_600, CODE_LIFE_S]
    wallet = shop.wallet("erin")
    now_ns = wallet.network.clock.now_ns
    monkeypatch.setattr(wallet.network.clock, "now_ns", lambda: now_ns() - 57 * 10**9)
    code = wallet.code(cny(1_000))
    sale = await till.charge(code.text, cny(1_000))
    while till._clock.now_ns() < (code.expires_s + 1) * 10**9:  # noqa: ASYNC110 - only time makes a code lapse
        await asyncio.sleep(0.2)
    # What was read of governance survives the till.
    await shop.close_till(till)
    till = await shop.open_till()
    assert till._run.floor.life_s(cny(1_000)) == 3_600
    await shop.restart_peer()
    await sale_where(till, sale.reference, SaleState.CONFIRMED)
    z = await till.shifts.close(cny(0))
    assert ([line.ledger for line in z.lines], z.differences) == ([cny(1_000)], ())
    await shop.close()
