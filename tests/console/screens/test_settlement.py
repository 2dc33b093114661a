"""Settlement: where the money is (ux 15, first form)."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from chainpos.errors import UserFacingError
from tests.console.looking import go, key_in, opened, settle, text_of
from tests.console.prepared_figures import SETTLEMENT, cny
from tests.console.prepared_till import PreparedTill, network_of

pytestmark = pytest.mark.slow


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


async def test_ux15_what_fees_would_have_cost_elsewhere_is_shown_in_either_language(
    till: PreparedTill, tmp_path: Path
) -> None:
    for language, names in (("en", ("Card acquiring", "Wallet merchant rate")), ("zh", ("银行卡收单", "钱包商户"))):
        async with opened(till, tmp_path / language, language=language) as (app, pilot):
            await go(pilot, "settlement")
            for part in ("769.80 CNY", "1,215.45 CNY", *names):
                assert part in " ".join(text_of(app).split())


async def test_ux27_what_netting_saved_is_told_and_drawn_where_there_is_room(
    till: PreparedTill, tmp_path: Path
) -> None:
    async with opened(till, tmp_path / "small", size=(80, 24)) as (app, pilot):
        await go(pilot, "settlement")
        assert "LAST SETTLEMENT, NO. 41  63 % saved: 3,010.50 CNY moved for 8,362.00 CNY" in text_of(app)
    async with opened(till, tmp_path / "large", size=(120, 40)) as (app, pilot):
        await go(pilot, "settlement")
        rows = {row.split()[0]: row for row in text_of(app).splitlines() if "│" in row}
        assert "5,351.50 CNY less than one by one" in text_of(app)
        assert rows["harbour"].index("█") < rows["harbour"].index("│")
        assert rows["hillside"].index("█") > rows["hillside"].index("│")
        longest = {name: row.count("█") for name, row in rows.items()}
        assert longest["harbour"] > longest["wangbank"] > longest["hillside"] > 0
        assert "-3,010.50 paid" in rows["harbour"]
        assert "⚠ Rolled over: lantern" in text_of(app)


async def test_ux15_a_chosen_payout_shows_what_it_is_made_of_and_adds_up(till: PreparedTill, tmp_path: Path) -> None:
    for size in ((60, 20), (80, 24), (120, 40)):
        async with opened(till, tmp_path / str(size[0]), size=size) as (app, pilot):
            await go(pilot, "settlement")
            await key_in(pilot, "enter")
            shown = text_of(app)
            assert "PAYOUT 3 IS MADE OF" in shown
            assert "WHO OWES" not in shown
            amounts = [
                row.split()[-1].replace(",", "")
                for row in shown.split("PAYOUT 3 IS MADE OF")[1].split("this payout")[0].splitlines()[1:]
                if row.split() and row.split()[-1][0] in "+-"
            ]
            assert sum(round(float(each) * 100) for each in amounts) == 300_000
            assert "more sales of this till" in shown
            await key_in(pilot, "escape")
            assert "WHO OWES" in text_of(app)


async def test_the_cut_off_is_counted_down_and_told_when_it_has_passed(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        now_ns = app.now_ns()
        till.settlement_view = msgspec.structs.replace(SETTLEMENT, next_cutoff_ns=now_ns + 42_000_000_000)
        await go(pilot, "settlement")
        assert "Next settlement in 42 s" in text_of(app)
        till.settlement_view = msgspec.structs.replace(SETTLEMENT, height=1_235, next_cutoff_ns=now_ns - 1)
        till.push(network=network_of(height=1_235))
        await settle(pilot)
        assert "The cut-off has passed" in text_of(app)


async def test_a_failed_payout_says_why_where_its_reference_would_be(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path, size=(120, 40)) as (app, pilot):
        await go(pilot, "settlement")
        row = next(row for row in text_of(app).splitlines() if "Failed" in row)
        assert "the bank account was closed" in row
