"""A hundred thousand rows cost what a screenful costs (ux 25)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from chainpos.console.widgets.line_list import Cell, Column, LineList
from tests.console.looking import key_in, opened, settle, text_of
from tests.console.prepared_till import PreparedTill

ROWS = 100_000


def listing(drawn: list[int]) -> LineList[int]:
    def cells(item: int) -> Sequence[Cell]:
        drawn.append(item)
        return (f"row {item:,}", ""), ("老王" * 20, "muted")

    return LineList((Column("sales.reference", 14), Column("sales.payer", 0)), cells, lambda item: item, id="long")


async def test_ux25_only_the_rows_in_sight_are_formatted(till: PreparedTill, tmp_path: Path) -> None:
    drawn: list[int] = []
    async with opened(till, tmp_path) as (app, pilot):
        rows = listing(drawn)
        await app.screen.mount(rows)
        rows.styles.dock, rows.styles.height, rows.styles.layer = "top", 20, "_toastrack"
        rows.show(range(ROWS))
        rows.focus()
        await settle(pilot)
        assert len(set(drawn)) < 25
        drawn.clear()
        await key_in(pilot, "end")
        assert rows.present == ROWS - 1
        assert "row 99,999" in text_of(app)
        await key_in(pilot, "pageup", "pagedown", "home", "down", "j")
        assert rows.present == 2
        assert len(drawn) < 25 * 12


async def test_ux25_the_cursor_stays_on_its_item_when_rows_come_on_top(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        rows = listing([])
        await app.screen.mount(rows)
        rows.styles.height = 10
        rows.show(range(100, 200))
        rows.cursor = 30
        await settle(pilot)
        assert rows.present == 130
        rows.show(range(50, 200))
        assert rows.present == 130
        rows.show(range(500, 600))
        assert rows.present == 500


async def test_an_empty_list_says_why_and_takes_keys(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        rows = listing([])
        await app.screen.mount(rows, before=0)
        rows.styles.height = 10
        rows.show((), empty=lambda: "nothing here")
        rows.focus()
        await key_in(pilot, "down", "end", "pageup", "home")
        assert rows.present is None
        assert "nothing here" in text_of(app)
