"""The keypad on the screen: what is pressed is what stands there (ux 2)."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.geometry import Size

from chainpos.console.widgets.keypad import Keypad, places
from tests.console.looking import ansi_of, opened, settle, text_of
from tests.console.prepared_figures import cny
from tests.console.prepared_till import PreparedTill


@pytest.mark.parametrize("between", [0, 1])
@pytest.mark.parametrize("size", [Size(30, 18), Size(43, 22), Size(44, 16), Size(5, 9)])
def test_ux2_no_two_keys_lie_over_each_other_and_each_has_room(size: Size, between: int) -> None:
    found = places(size, between)
    assert [key for key, _ in found] == [*"123456789.0", "⌫", "enter"]
    cells = [(x, y) for _, region in found for x in region.column_range for y in region.line_range]
    assert len(cells) == len(set(cells))
    # All but the gaps: of rows over the whole width, of columns beside the rows of three.
    of_three = sum(region.height for key, region in found if key in "147.")
    assert len(cells) == size.area - 4 * between * size.width - 2 * of_three
    assert all(size.region.contains_region(region) and region.area for _, region in found)


def test_ux2_where_there_is_no_room_for_all_keys_there_is_none() -> None:
    assert places(Size(30, 4), 0) == ()
    assert places(Size(4, 30), 1) == ()


async def test_ux2_the_keypad_on_the_screen_does_what_the_keys_do(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        pad, text = app.screen.query_one(Keypad), text_of(app).splitlines()
        for key, where in (("1", "first"), ("9", "last"), ("⌫", "first"), ("5", "last")):
            region = pad.region_of(key)
            assert key in "".join(line[region.x : region.right] for line in text[region.y : region.bottom])
            cell = region.offset if where == "first" else region.bottom_right - (1, 1)
            await pilot.click(offset=cell)
        # Between two keys nothing is pressed.
        await pilot.click(offset=(pad.region_of("1").right, pad.region_of("1").y))
        await pilot.click(offset=pad.region_of("enter").offset)
        await settle(pilot)
        assert ("request", cny(15)) in till.asked


async def test_ux2_the_key_under_the_mouse_is_seen(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        pad, before = app.screen.query_one(Keypad), ansi_of(app)
        await pilot.hover(offset=pad.region_of("5").offset)
        await settle(pilot)
        assert pad.under == "5"
        assert ansi_of(app) != before
        await pilot.hover("#due")
        await settle(pilot)
        assert ansi_of(app) == before
