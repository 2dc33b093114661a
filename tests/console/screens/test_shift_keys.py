"""What the shift's keys do when another shift is open than the one that was looked at, and when they cannot do it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.console.looking import go, key_in, opened, text_of
from tests.console.prepared_figures import cny
from tests.console.prepared_shift import OPEN
from tests.console.prepared_till import PreparedTill


async def test_who_comes_back_after_a_sale_that_opened_a_shift_sees_that_one(
    till: PreparedTill, tmp_path: Path
) -> None:
    till.shifts.put(OPEN)
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, "f11", "z", *"69800", "ctrl+y")
        await go(pilot, "sales")
        await key_in(pilot, "f11")
        # No other shift is open: the report stands.
        assert "SHIFT 3 · Z REPORT" in text_of(app)
        await go(pilot, "sales")
        till.shifts.put(OPEN)
        await key_in(pilot, "f11")
        assert "SHIFT 3 · OPEN" in text_of(app)
        await key_in(pilot, "left", "question_mark", "escape")
        assert "Z REPORT" in text_of(app)


async def test_a_shift_that_opened_by_itself_says_where_its_float_goes(till: PreparedTill, tmp_path: Path) -> None:
    till.shifts.put(OPEN)
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, "f11")
        assert "Open" not in text_of(app).splitlines()[-1]
        await key_in(pilot, "o")
        assert "Open already since 00:58:07. Put the float in with i." in " ".join(text_of(app).split())
        assert till.shifts.asked == []


@pytest.mark.parametrize(
    ("language", "says"),
    [
        ("en", "You are looking at shift 2, which is closed. x shows the open one."),
        ("zh", "正在查看已结的班次 2。 按 x 查看进行中的班次。"),
    ],
)
async def test_who_looks_back_is_told_why_a_key_of_the_open_shift_does_nothing(
    till: PreparedTill, tmp_path: Path, language: str, says: str
) -> None:
    till.shifts.put(OPEN)
    async with opened(till, tmp_path, language=language) as (app, pilot):
        await key_in(pilot, "f11", "left")
        for pressed in ("o", "Z", "i", "u"):
            await key_in(pilot, "d", pressed)
            assert says in " ".join(text_of(app).split())
            await key_in(pilot, "x", "left")
        await key_in(pilot, "o", "x")
        assert "SHIFT 3 · OPEN" in text_of(app) or "班次 3 · 进行中" in text_of(app)
        assert till.shifts.asked == []


async def test_where_no_shift_is_open_its_keys_say_how_one_is_opened(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, "f11", "z")
        shown = " ".join(text_of(app).split())
        assert "No shift is open. Open one with o; the first sale opens one by itself." in shown


async def test_cash_out_of_more_than_the_drawer_holds_is_asked_about_once(till: PreparedTill, tmp_path: Path) -> None:
    till.shifts.put(OPEN)
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, "f11", "u", *"69801", "enter", *"bank", "ctrl+y")
        assert till.shifts.asked == []
        assert "By the book only 698.00 CNY is in the drawer." in " ".join(text_of(app).split())
        await key_in(pilot, "ctrl+y")
        await key_in(pilot, "u", *"69800", "enter", *"bank", "ctrl+y")
        assert till.shifts.asked == [("draw", "out", cny(69_801), "bank"), ("draw", "out", cny(69_800), "bank")]


@pytest.mark.parametrize(("language", "says"), [("en", "Difference: -88.00 CNY"), ("zh", "差额：-88.00 CNY")])
async def test_what_is_told_of_the_drawer_at_the_end_is_called_a_difference(
    till: PreparedTill, tmp_path: Path, language: str, says: str
) -> None:
    till.shifts.put(OPEN)
    async with opened(till, tmp_path, language=language) as (app, pilot):
        await key_in(pilot, "f11", "z", *"61000", "ctrl+y")
        assert says in text_of(app)
