"""Support's search: anything in hand leads on, and what is absent is told by its kind (ux 25, 29)."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainpos.console.screens.card import CardScreen
from chainpos.console.screens.support import SupportScreen
from tests.console.looking import key_in, opened, scan, text_of, until
from tests.console.looking_into import answered, ask, at, day_desk, looking_into, press
from tests.console.prepared_till import PreparedTill


@pytest.mark.slow
async def test_ux29_a_reference_leads_to_the_transaction_and_on_to_its_shop_and_back(
    day_database: Path, tmp_path: Path
) -> None:
    async with looking_into(day_desk(day_database), tmp_path) as (app, pilot):
        assert "WHAT DOES THE CUSTOMER HAVE IN HAND?" in text_of(app)
        await ask(pilot, "XM13-00180")
        shown = text_of(app)
        assert "✓ accepted" in shown
        assert "✗ refused 507" in shown
        assert "REJECTED" in shown
        await press(pilot, "enter")
        rows = at(app, CardScreen).rows
        assert "XM13-00180” ▸ transaction 59/3" in text_of(app)
        for _ in range(60):
            if rows.present is not None and rows.present.own == "request.merchant":
                break
            await key_in(pilot, "j")
        await press(pilot, "right")
        assert "▸ shop XM13" in text_of(app)
        await press(pilot, "left", "left")
        assert at(app, SupportScreen).hits.has_focus


async def test_ux7_what_is_scanned_at_supports_field_is_searched_for(
    day_database: Path, till: PreparedTill, tmp_path: Path
) -> None:
    async with opened(till, tmp_path, support=day_desk(day_database)) as (app, pilot):
        await key_in(pilot, "f10")
        await scan(pilot, "XM13-00180")
        await until(pilot, lambda: "✓ accepted" in text_of(app), "what was scanned")
        assert "“XM13-00180”" in text_of(app)


async def test_the_key_that_searches_is_no_part_of_what_is_asked_where_it_was_typed_into_the_field(
    day_database: Path, tmp_path: Path
) -> None:
    async with looking_into(day_desk(day_database), tmp_path) as (app, pilot):
        await key_in(pilot, "slash")
        await ask(pilot, "XM13-00180")
        assert "“XM13-00180”" in text_of(app)
        assert "✓ accepted" in text_of(app)


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("9999", "NOT SYNCED · Not synced past height 1200"),
        pytest.param("ab" * 32, "UNKNOWN · Nothing of that name", marks=pytest.mark.slow),
        pytest.param(
            "HF01 2026-03-02T09:30 9999.99", "UNKNOWN · Nothing on the ledger matches", marks=pytest.mark.slow
        ),
        pytest.param("2031-01-01", "NOT SYNCED", marks=pytest.mark.slow),
    ],
)
async def test_ux29_what_is_absent_says_which_kind_of_absence(
    day_database: Path, tmp_path: Path, words: str, kind: str
) -> None:
    async with looking_into(day_desk(day_database), tmp_path) as (app, pilot):
        await ask(pilot, words)
        shown = text_of(app)
        assert "NOT THERE, AND WHY" in shown
        assert kind in shown
        assert app.screen.query_one("#sought").has_focus


@pytest.mark.slow
@pytest.mark.parametrize("size", [(60, 20), (80, 24), (200, 60)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_ux29_every_kind_of_thing_has_its_screen(
    day_database: Path, tmp_path: Path, size: tuple[int, int]
) -> None:
    async with looking_into(day_desk(day_database), tmp_path, size=size) as (app, pilot):
        for words, shows in (
            ("59", "HEADER"), ("XM13", "SHOP"), ("CNY/1", "CYCLE"), ("XM13-00180", "TRANSACTION"),
            ("18f7c9c73a132bc53a80423069898da5ef3413d1", "CUSTOMER"),
        ):  # fmt: skip
            await ask(pilot, words)
            await press(pilot, "enter")
            assert shows in text_of(app), words


@pytest.mark.slow
async def test_ux29_an_amount_finds_more_than_a_page_and_more_come_at_the_end(
    day_database: Path, tmp_path: Path
) -> None:
    async with looking_into(day_desk(day_database), tmp_path) as (app, pilot):
        await ask(pilot, "2026-03-02")
        hits = at(app, SupportScreen).hits
        first = len(hits.items)
        assert first == 50
        await press(pilot, "G")
        await answered(pilot)
        assert len(hits.items) == 500
        assert hits.cursor == first - 1


async def test_the_field_can_be_asked_again_after_a_question_that_is_refused(
    day_database: Path, tmp_path: Path
) -> None:
    async with looking_into(day_desk(day_database), tmp_path / "conf") as (app, pilot):
        await ask(pilot, "\u200b\x1b[31m")
        await ask(pilot, "59")
        await press(pilot, "enter")
        assert "HEADER" in text_of(app)


async def test_what_was_refused_is_named_by_its_place_in_the_list_and_in_its_timeline(
    day_database: Path, tmp_path: Path
) -> None:
    async with looking_into(day_desk(day_database), tmp_path) as (app, pilot):
        await ask(pilot, "XM13-00180")
        assert "REJECTED · 59/4 payments.pay: Rejected" in text_of(app)
        await press(pilot, "t")
        assert "59/4 payments.pay: Rejected" in text_of(app)


async def test_times_are_by_the_network_s_clock_which_each_screen_names_and_amounts_stand_whole(
    day_database: Path, tmp_path: Path
) -> None:
    # The console's own zone is UTC here; the network's clock is eight hours ahead of it.
    async with looking_into(day_desk(day_database), tmp_path) as (app, pilot):
        await ask(pilot, "XM13-00180")
        shown = text_of(app)
        assert "pay         2026-03-02 09:30:00 XM13 XM13-00180 90.00 CNY" in shown
        assert "times: UTC+08:00" in shown
        await press(pilot, "t")
        assert "2026-03-02 09:29:55 requested" in text_of(app)
        assert "times: UTC+08:00" in text_of(app)
        await press(pilot, "end", "enter")
        assert "2026-03-02T11:37:30+08:00" in text_of(app)


async def test_a_timeline_begins_where_the_answer_is_and_tells_when_the_shop_has_nothing_of_it(
    day_database: Path, tmp_path: Path
) -> None:
    async with looking_into(day_desk(day_database), tmp_path) as (app, pilot):
        await ask(pilot, "KM03-00122")
        await press(pilot, "t")
        # The refusal has the cursor, so that its steps and its page are a key away.
        assert "Steps" in text_of(app)
        await press(pilot, "x")
        assert "504 underpaid" in text_of(app)
        await press(pilot, "escape", "escape")
        await ask(pilot, "HF02-00001")
        await press(pilot, "t")
        assert "the shop's money is: All given back" in text_of(app)
        await ask(pilot, "8719423b347399bd994c9b6589f3654d9e00b016")
        await press(pilot, "enter")
        assert "2026-03-02 09:09 17/4" in text_of(app)
