"""A customer's scanned code that is not enough by itself: they must confirm, or the network is away."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainpos.core.values.amount import Amount
from chainpos.till.codes import MustConfirm
from chainpos.till.views import Link, SaleState
from tests.console.looking import key_in, opened, scan, settle, text_of
from tests.console.prepared_till import PreparedTill, network_of, sale_of
from tests.console.screens.test_paper import broken_over_lines

CODE = "CPC1" + "A" * 40


def cny(minor: int) -> Amount:
    return Amount(minor, "CNY")


@pytest.mark.parametrize("language", ["en", pytest.param("zh", marks=pytest.mark.slow)])
async def test_ux7_a_code_that_grants_too_little_puts_the_shops_own_code_up_for_the_customer_to_confirm(
    till: PreparedTill, tmp_path: Path, language: str
) -> None:
    async with opened(till, tmp_path, language=language) as (app, pilot):
        await key_in(pilot, *"6000")
        till.refuse_code = MustConfirm(cny(6_000), cny(5_000))
        await scan(pilot, CODE)
        assert till.view.sale is not None
        assert (till.view.sale.state, till.view.sale.amount) == (SaleState.WAITING, cny(6_000))
        assert broken_over_lines(app.texts("counter.confirm_there"), text_of(app))
        # The same again while the code stands there: it is not cancelled for a code that will not pay.
        till.refuse_code = MustConfirm(cny(6_000), cny(5_000))
        await scan(pilot, CODE)
        assert till.view.sale.state is SaleState.WAITING
        assert broken_over_lines(app.texts("counter.confirm_there"), text_of(app))
        assert not [each for each in till.asked if each[0] in {"cancel", "charge"}]


@pytest.mark.parametrize("language", ["en", pytest.param("zh", marks=pytest.mark.slow)])
async def test_ux8_a_code_taken_offline_says_that_it_is_not_paid_and_whose_risk_it_is(
    till: PreparedTill, tmp_path: Path, language: str
) -> None:
    async with opened(till, tmp_path, language=language) as (app, pilot):
        sale = sale_of("S001", 2_000, now_ns=till.now_ns(), presented="code", qr=None, link="")
        till.push(sale=sale, network=network_of(Link.OFFLINE))
        await settle(pilot)
        text = text_of(app)
        assert f"◷ {app.texts('stage.charging_short')}" in text or app.texts("stage.charging") in text
        assert app.texts("stage.waiting") not in text
        assert f"✓ {app.texts('stage.paid')}" not in text
        assert app.bells == 0
