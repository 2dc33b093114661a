"""What is seen is what the next key acts on: the article in the list, the amount keyed, a form that was sent."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input

from chainpos.console.screens.articles import ArticleSearch
from chainpos.console.screens.money_form import MoneyForm
from chainpos.console.screens.question import Question
from chainpos.console.widgets.way import Way
from chainpos.till.refunds import unanswered
from chainpos.till.views import SaleState
from tests.console.looking import go, key_in, opened, settle, text_of, until
from tests.console.prepared_figures import cny
from tests.console.prepared_shift import OPEN
from tests.console.prepared_till import PIN, PreparedTill

from .test_bill import TEA, rung_up


@pytest.mark.parametrize("ahead", [False, True], ids=["looked at", "typed ahead"])
async def test_ux11_enter_takes_the_article_that_the_cursor_is_on(
    till: PreparedTill, tmp_path: Path, ahead: bool
) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, "b")
        await settle(pilot)
        assert isinstance(app.screen, ArticleSearch)
        names = [article.name_en for article in await till.bills.find("b", 10)]
        assert len(names) > 1
        keys = ["down", "enter"]
        if ahead:
            await key_in(pilot, *keys)
        else:
            for key in keys:
                await key_in(pilot, key)
                await settle(pilot)
        await settle(pilot)
        view = till.bills.view()
        assert view is not None
        assert [line.name_en for line in view.lines] == names[1:2]


async def test_ux3_under_the_amount_of_the_next_sale_it_does_not_say_paid(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path, size=(120, 40)) as (app, pilot):
        await key_in(pilot, "2", "2", "2", "enter")
        till.move_sale(SaleState.PAID)
        await settle(pilot)

        def left() -> str:
            edge = app.screen.query_one("#left").region.right
            return "\n".join(row[:edge] for row in text_of(app).splitlines()).split("LAST SALES")[0]

        assert "PAID" in left()
        await key_in(pilot, "9", "9", "9", "9")
        await settle(pilot)
        assert "PAID" not in left()
        assert "PAID" in text_of(app), "the finished sale stays beside it"


async def test_ux2_a_digit_too_many_behind_the_point_is_refused_and_the_amount_stays(
    till: PreparedTill, tmp_path: Path
) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, *"12.34")
        await key_in(pilot, "5")
        await settle(pilot)
        assert app.screen.query_one("#due").amount == cny(1_234)  # type: ignore[attr-defined]
        assert "2 decimal places" in text_of(app)


async def test_ux9_a_refund_that_may_be_on_its_way_is_not_sent_again_by_the_form_it_came_from(
    till: PreparedTill, tmp_path: Path
) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await go(pilot, "sales")
        await key_in(pilot, "r")
        form = app.screen
        assert isinstance(form, MoneyForm)
        for field, value in (("#form-amount", "100"), ("#form-again", "100"), ("#form-pin", PIN)):
            form.query_one(field, Input).value = value
        till.refuse_next = unanswered("refund")
        await settle(pilot)
        await key_in(pilot, "ctrl+y")
        await settle(pilot)
        assert app.screen is not form
        assert "may still move money" in " ".join(text_of(app).split())


async def test_ux9_after_a_wrong_pin_the_next_digits_are_the_pins(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await go(pilot, "sales")
        await key_in(pilot, "r")
        for field, value in (("#form-amount", "100"), ("#form-again", "100"), ("#form-pin", "000000")):
            app.screen.query_one(field, Input).value = value
        await settle(pilot)
        await key_in(pilot, "ctrl+y")
        await settle(pilot)
        assert "The PIN is wrong." in text_of(app)
        await key_in(pilot, "1", "2")
        assert app.screen.query_one("#form-pin", Input).value == "12"
        assert app.screen.query_one("#form-amount", Input).value == "100"


async def test_ux12_a_shift_is_not_closed_by_a_count_that_nobody_typed(till: PreparedTill, tmp_path: Path) -> None:
    till.shifts.put(OPEN)
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, "f11", "z")
        await settle(pilot)
        form = app.screen
        assert isinstance(form, MoneyForm)
        await key_in(pilot, "ctrl+y")
        await settle(pilot)
        assert app.screen is form
        assert form.query_one("#confirm", Way).disabled
        assert "0 where there is none" in text_of(app)
        await key_in(pilot, "0")
        await settle(pilot)
        assert not form.query_one("#confirm", Way).disabled, "nothing in the drawer is a count"


async def test_ux5_the_letter_that_the_question_shows_says_yes_in_capitals_too(
    till: PreparedTill, tmp_path: Path
) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, "5", "enter", "escape")
        assert isinstance(app.screen, Question)
        await key_in(pilot, "Y")
        await settle(pilot)
        assert ("cancel",) in [asked[:1] for asked in till.asked]


async def test_ux5_what_is_told_while_a_sale_is_under_way_goes_with_it(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, "5", "enter", "7")
        assert "A sale is waiting" in text_of(app)
        till.move_sale(SaleState.EXPIRED)
        await settle(pilot)
        assert "A sale is waiting" not in text_of(app)


async def test_ux10_a_held_bill_is_taken_back_from_a_paid_sale_by_the_key_that_stands_there(
    till: PreparedTill, tmp_path: Path
) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await rung_up(till, pilot, TEA)
        await key_in(pilot, "f6", "2", "2", "2", "enter")
        till.move_sale(SaleState.PAID)
        await settle(pilot)
        assert "F6 takes back" in text_of(app)
        assert "F6 Take back" in text_of(app).splitlines()[-1]
        await key_in(pilot, "f6")
        await until(pilot, lambda: till.view.bill is not None and bool(till.view.bill.lines))
        assert till.view.held == ()
        assert "RINGING UP" in text_of(app)
