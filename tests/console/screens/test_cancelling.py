"""Cancelling a code: what is not cancelled yet is not called so, and a payment that was quicker stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainpos.till.views import Link, SaleState
from tests.console.looking import in_turns, key_in, opened, settle, text_of
from tests.console.prepared_till import PreparedTill, network_of
from tests.console.screens.test_paper import broken_over_lines


@pytest.mark.parametrize(("language", "size"), in_turns(((80, 24), (60, 20))))
async def test_ux8_a_code_that_is_cancelled_offline_is_said_to_be_payable_until_the_ledger_has_that(
    till: PreparedTill, tmp_path: Path, language: str, size: tuple[int, int]
) -> None:
    async with opened(till, tmp_path, language=language, size=size) as (app, pilot):
        till.push(network=network_of(Link.OFFLINE))
        await key_in(pilot, *"1250", "enter", "escape")
        assert broken_over_lines(app.texts("cancel.detail_offline", amount="12.50 CNY"), text_of(app))
        till.cancel_ends_as = SaleState.WAITING
        await key_in(pilot, "y")
        await settle(pilot)
        assert till.view.sale is None
        shown = text_of(app)
        assert broken_over_lines(app.texts("cancel.on_its_way"), shown)
        # The smallest has room for what matters alone.
        assert size == (60, 20) or broken_over_lines(app.texts("cancel.watched"), shown)


async def test_a_payment_that_was_quicker_than_the_cancellation_stays_on_the_counter(
    till: PreparedTill, tmp_path: Path
) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, *"1250", "enter", "escape")
        till.cancel_ends_as = SaleState.CONFIRMED
        await key_in(pilot, "y")
        await settle(pilot)
        assert till.view.sale is not None
        assert ("dismiss",) not in [asked[:1] for asked in till.asked]
        assert "PAID" in text_of(app)
