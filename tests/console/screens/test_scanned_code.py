"""A customer's scanned code that is not enough by itself: they must confirm, or the network is away."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from textual import events

from chainpos.console.scanner import GAP_S
from chainpos.console.screens.question import Question
from chainpos.core.values.amount import Amount
from chainpos.till.codes import MustConfirm
from chainpos.till.views import Link, SaleState
from tests.console.looking import HeardApp, key_in, opened, scan, settle, text_of, until
from tests.console.prepared_till import PreparedTill, network_of, sale_of
from tests.console.screens.test_paper import broken_over_lines

CODE = "CPC1" + "A" * 40
TEA, SOUP = "6901234567892", "6909876543210"


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


async def test_ux7_a_scan_right_behind_the_answer_to_a_question_is_taken_whole(
    till: PreparedTill, tmp_path: Path
) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await scan(pilot, TEA)
        await until(pilot, lambda: till.view.bill is not None)
        await key_in(pilot, "escape")
        assert isinstance(app.screen, Question)
        # On a busy machine the pause behind the answer is looked at too late.
        answered_s = time.monotonic()
        typed_at(app, answered_s, "y")
        typed_at(app, answered_s + 3 * GAP_S, *SOUP, "enter")
        await until(pilot, lambda: till.view.bill is not None and till.view.bill.lines[0].name_en == "Beef noodle soup")
        assert "No article" not in text_of(app)


def typed_at(app: HeardApp, at_s: float, *keys: str) -> None:
    for key in keys:
        event = events.Key(key, key if len(key) == 1 else None)
        event.time = at_s
        app.post_message(event)


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
