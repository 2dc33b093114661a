"""The ways out of a dialog: by Tab and Enter, by the mouse, and not at all while they are closed."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainpos.console.screens.money_form import MoneyForm
from chainpos.console.screens.question import Question
from chainpos.console.widgets.way import Way
from tests.console.looking import go, key_in, opened, settle, text_of
from tests.console.prepared_till import PreparedTill


@pytest.mark.parametrize("by", ["mouse", "keys"])
@pytest.mark.parametrize("way", ["keep", "confirm"])
async def test_a_question_is_answered_by_the_mouse_and_by_keys(
    till: PreparedTill, tmp_path: Path, way: str, by: str
) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        answers: list[bool | None] = []
        app.push_screen(Question("cancel", "12.00 CNY"), answers.append)
        await settle(pilot)
        assert app.screen.focused is app.screen.query_one("#keep"), "Enter alone keeps things as they are"
        if by == "mouse":
            await pilot.click(f"#{way}")
        else:
            await key_in(pilot, *(["tab"] if way == "confirm" else []), "enter")
        await settle(pilot)
        assert answers == [way == "confirm"]


async def test_a_closed_way_is_not_taken_and_a_longer_label_has_its_room(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await go(pilot, "sales")
        await key_in(pilot, "down", "r")
        await settle(pilot)
        form, confirm = app.screen, app.screen.query_one("#confirm", Way)
        assert isinstance(form, MoneyForm)
        assert confirm.disabled
        before = confirm.region.width
        await pilot.click("#confirm")
        await settle(pilot)
        assert app.screen is form
        assert not any(asked[0] == "refund" for asked in till.asked)
        confirm.label = "Give back 1,234,567.00 CNY"
        await settle(pilot)
        assert confirm.region.width > before
        assert confirm.label in text_of(app)
        await pilot.click("#keep")
        await settle(pilot)
        assert app.screen is not form
