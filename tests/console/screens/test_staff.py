"""Who works here, managed at the counter: with the keyboard alone, with a PIN, and not by everybody."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from chainpos.console.places import commands_of
from chainpos.console.screens.staff import StaffScreen
from chainpos.console.screens.staff_form import StaffForm
from chainpos.till.roles import Member, StaffView
from tests.console.looking import key_in, opened, text_of
from tests.console.prepared_shift import PEOPLE
from tests.console.prepared_till import PreparedTill
from tests.console.test_sizes import assert_no_overflow

MANAGED = msgspec.structs.replace(PEOPLE, present=Member("Mei 梅", "manager"))


def with_people(till: PreparedTill, view: StaffView = MANAGED) -> PreparedTill:
    till.staff.view = view
    till.push(staff=view)
    return till


@pytest.mark.slow
async def test_ux13_staff_is_added_changed_and_taken_out_with_the_keyboard_and_a_pin(
    till: PreparedTill, tmp_path: Path
) -> None:
    staff = with_people(till).staff
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, "f11", "w")
        assert isinstance(app.screen, StaffScreen)
        assert "sell, open and close shifts" in text_of(app)
        await key_in(pilot, "a", *"Ana", "enter", "left", "right", "down", *"5555", "enter", *"5556")
        assert "The two PINs differ." in text_of(app)
        await key_in(pilot, "backspace", "5", "enter", *"9999")
        # Enter alone changes nothing; a wrong PIN changes nothing and is told where it was typed.
        await key_in(pilot, "enter")
        assert staff.decided == []
        await key_in(pilot, "ctrl+y")
        assert "The PIN is wrong." in text_of(app)
        assert "9999" not in text_of(app)
        assert isinstance(app.screen, StaffForm)
        await key_in(pilot, "up", "up", *"5555", "down", *"5555", "down", *"1111", "ctrl+y")
        assert "Ana may sign in as cashier." in text_of(app)
        await key_in(pilot, "end", "r", "right", "down", *"1111", "ctrl+y")
        await key_in(pilot, "p", *"7777", "down", *"7777", "down", *"1111", "ctrl+y")
        await key_in(pilot, "x", *"1111", "ctrl+y")
        assert "Ana can no longer sign in." in text_of(app)
        await key_in(pilot, "home", "x", "r")
        # The owner has no other role, and nobody takes them out.
        assert isinstance(app.screen, StaffScreen)
    assert staff.decided == [
        ("add", "Ana", "cashier", "5555", "1111"), ("role", "Ana", "manager", "1111"),
        ("pin", "Ana", "7777", "1111"), ("remove", "Ana", "1111"),
    ]  # fmt: skip


async def test_ux13_who_may_not_set_staff_up_has_no_such_place(till: PreparedTill, tmp_path: Path) -> None:
    with_people(till, PEOPLE)  # a cashier stands there
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, "f11", "w", "ctrl+g")
        assert not isinstance(app.screen, StaffScreen)
        assert "app.go('staff')" not in {each.action for each in commands_of(app.screen, app.texts)}
        # Nor has one who comes to the till while it is shown.
        till.staff.put(MANAGED)
        await key_in(pilot, "ctrl+g")
        assert isinstance(app.screen, StaffScreen)
        till.staff.put(PEOPLE)
        await key_in(pilot, "f12")
        assert app.current_mode == "sales"


async def test_the_first_one_in_a_shop_is_added_without_a_pin(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path, language="zh") as (app, pilot):
        await key_in(pilot, "ctrl+g")
        assert "第一位必须是经理" in text_of(app)
        await key_in(pilot, "a", *"Mei", "down", "down", *"1111", "down", *"1111", "ctrl+y")
        assert till.staff.decided == [("add", "Mei", "manager", "1111", "")]


@pytest.mark.slow
@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40), (200, 60)], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("language", ["en", "zh"])
async def test_ux19_staff_and_its_form_fit_every_size(
    till: PreparedTill, tmp_path: Path, size: tuple[int, int], language: str
) -> None:
    with_people(till)
    async with opened(till, tmp_path, size=size, language=language) as (app, pilot):
        await key_in(pilot, "ctrl+g")
        assert_no_overflow(app, size)
        await key_in(pilot, "a")
        assert_no_overflow(app, size)
        assert app.texts("staff_add.confirm") in text_of(app)


@pytest.mark.parametrize(("language", "word"), [("en", "Owner"), ("zh", "店主")])
async def test_the_owner_is_named_on_top_in_the_language_of_the_screen(
    till: PreparedTill, tmp_path: Path, language: str, word: str
) -> None:
    till.staff.put(msgspec.structs.replace(PEOPLE, present=Member("owner", "owner")))
    async with opened(till, tmp_path, language=language) as (app, _):
        assert f"till 1 · {word} " in text_of(app).splitlines()[0]
