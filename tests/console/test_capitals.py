"""With Caps Lock on the keys go on: a capital is its small letter, unless it means something of its own."""

from __future__ import annotations

from pathlib import Path

from textual.widgets import Input

from chainpos.console.screens.articles import ArticleSearch
from chainpos.console.screens.money_form import MoneyForm
from chainpos.console.screens.sales import SalesScreen
from tests.console.looking import go, key_in, opened, scan, text_of, until
from tests.console.prepared_shift import OPEN
from tests.console.prepared_till import PreparedTill


async def test_a_capital_does_what_its_small_letter_does_and_is_itself_in_a_field(
    till: PreparedTill, tmp_path: Path
) -> None:
    till.shifts.put(OPEN)
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, "f11", "U", *"25", "enter", *"Milk")
        assert isinstance(app.screen, MoneyForm)
        assert [field.value for field in app.screen.query(Input)][1] == "Milk"
        await key_in(pilot, "escape", "O")
        assert "Open already since" in text_of(app)


async def test_a_capital_opens_the_counters_search_as_any_letter_does(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, "T")
        assert isinstance(app.screen, ArticleSearch)
        assert app.screen.query_one(Input).value == "T"


async def test_a_capital_that_the_keymap_names_is_that_key_alone(till: PreparedTill, tmp_path: Path) -> None:
    (tmp_path / "keymap.toml").write_text('[shift]\ncash_out = "Z"\n', encoding="utf-8")
    till.shifts.put(OPEN)
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, "f11", "Z")
        assert isinstance(app.screen, MoneyForm)
        assert app.screen.asked.about == "cash_out"


async def test_a_scan_that_begins_with_a_capital_presses_no_key(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await go(pilot, "sales")
        await scan(pilot, "RECEIPT-H3ZD")
        assert isinstance(app.screen, SalesScreen)
        assert app.screen.query_one("#find", Input).value == "RECEIPT-H3ZD"
        # A person's is the same key as ever, once no other came right behind it.
        await key_in(pilot, "escape", "R")
        await until(pilot, lambda: isinstance(app.screen, MoneyForm))
