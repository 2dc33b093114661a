"""Settlement: where the money is (ux 15, first form)."""

from __future__ import annotations

from pathlib import Path

import msgspec

from chainpos.errors import UserFacingError
from tests.console.looking import go, key_in, opened, settle, text_of
from tests.console.prepared_till import SETTLEMENT, PreparedTill, cny, network_of


async def test_ux15_every_state_debtor_payout_and_fee_is_shown(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await go(pilot, "settlement")
        shown = text_of(app)
        for part in (
            "PENDING", "1,842.50 CNY", "AVAILABLE", "12,500.00 CNY", "PAYOUT REQUESTED", "3,000.00 CNY", "PAID OUT",
            "89,200.75 CNY", "Harbour Bank 海港银行", "Lantern Wallet 灯笼钱包", "rolled over", "HB-20260301-7781",
            "Fees so far 405.15 CNY", "Next settlement in 1 h", "As of height 1,234",
        ):  # fmt: skip
            assert part in shown


async def test_ux15_rolled_over_money_is_told_without_colour(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await go(pilot, "settlement")
        rows = [row for row in text_of(app).splitlines() if "⚠" in row]
        assert len(rows) == 1
        assert "Lantern Wallet" in rows[0]


async def test_a_payout_is_asked_for_with_a_key_that_is_not_enter(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await go(pilot, "settlement")
        await key_in(pilot, "p", *"100000", "enter", "enter")
        assert not any(asked[0] == "payout" for asked in till.asked)
        await key_in(pilot, "ctrl+y")
        assert till.asked[-1] == ("payout", cny(100_000))
        assert "Payout of 1,000.00 CNY requested." in text_of(app)


async def test_a_payout_beyond_what_is_available_cannot_be_sent(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await go(pilot, "settlement")
        await key_in(pilot, "p", *"1250001", "ctrl+y")
        assert "At most 12,500.00 CNY is available." in text_of(app)
        assert not any(asked[0] == "payout" for asked in till.asked)


async def test_nothing_available_offers_no_payout(till: PreparedTill, tmp_path: Path) -> None:
    till.settlement_view = msgspec.structs.replace(SETTLEMENT, available=cny(0))
    async with opened(till, tmp_path) as (app, pilot):
        await go(pilot, "settlement")
        assert "Ask for a payout" not in text_of(app).splitlines()[-1]


async def test_the_screen_follows_the_ledger(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await go(pilot, "settlement")
        till.settlement_view = msgspec.structs.replace(SETTLEMENT, height=1_235, pending=cny(1))
        till.push(network=network_of(height=1_235))
        await settle(pilot)
        assert "0.01 CNY" in text_of(app)


async def test_a_node_that_does_not_answer_is_told(till: PreparedTill, tmp_path: Path) -> None:
    till.refuse_next = UserFacingError("The node does not answer.", next_step="Start it.", money_moved="")
    async with opened(till, tmp_path) as (app, pilot):
        await go(pilot, "settlement")
        assert "The node does not answer. Start it." in text_of(app).replace("\n ", " ").replace("  ", " ")
