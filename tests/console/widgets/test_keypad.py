"""The keypad on the screen: what is pressed is what stands there (ux 2)."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainpos.console.widgets.keypad import Keypad
from tests.console.looking import ansi_of, opened, settle, text_of
from tests.console.prepared_figures import cny
from tests.console.prepared_till import PreparedTill


@pytest.mark.parametrize("size", [(80, 24), (80, 20), (120, 40)])
async def test_ux2_the_keypad_on_the_screen_does_what_the_keys_do(
    till: PreparedTill, tmp_path: Path, size: tuple[int, int]
) -> None:
    async with opened(till, tmp_path, size=size) as (app, pilot):
        pad = app.screen.query_one(Keypad)
        text = text_of(app).splitlines()

        async def click(key: str, label: str) -> None:
            region = pad.region_of(key)
            assert label in "".join(line[region.x : region.right] for line in text[region.y : region.bottom])
            for x, y in ((region.x, region.y), (region.right - 1, region.bottom - 1)):
                await pilot.click(offset=(x, y))

        for key in "1234567890":
            await click(key, key)
            await settle(pilot)
            assert app.screen.query_one("#due").amount == cny(int(key * 2))  # type: ignore[attr-defined]
            await click("⌫", "⌫")
        await click("7", "7")
        await click("⌫", "⌫")
        region = pad.region_of("1")
        # Between two keys nothing is pressed.
        await pilot.click(offset=(region.right, region.y))
        await settle(pilot)
        assert not app.screen.keyed  # type: ignore[attr-defined]
        await click("2", "2")
        await pilot.click(offset=pad.region_of("enter").center)  # type: ignore[arg-type]
        await settle(pilot)
        assert ("request", cny(22)) in till.asked


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
