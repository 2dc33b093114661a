"""A hundred thousand rows cost what a screenful costs (ux 25)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest
from rich.style import Style
from textual.dom import DOMNode
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

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


async def test_who_goes_beyond_the_last_row_asks_for_more_also_where_the_cursor_stood_there_before(
    till: PreparedTill, tmp_path: Path
) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        rows = listing([])
        await app.screen.mount(rows)
        rows.styles.height = 10
        asked: list[int] = []
        usual = rows.post_message

        def post_message(message: Message) -> bool:
            if isinstance(message, LineList.EndReached):
                asked.append(rows.cursor)
            return usual(message)

        rows.post_message = post_message  # type: ignore[method-assign]
        rows.show(range(200))
        rows.focus()
        rows.cursor = 99
        # What is read anew is a page again, and the cursor stays on its row, now the last.
        rows.show(range(100))
        assert (rows.present, asked) == (99, [])
        for number, key in enumerate(("pagedown", "down", "end"), start=1):
            await key_in(pilot, key)
            assert asked == [99] * number
        await key_in(pilot, "up", "pageup")
        assert len(asked) == 3
        await key_in(pilot, "end")
        assert len(asked) == 4


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


async def test_ux22_a_list_that_is_empty_still_draws_nothing_again(
    till: PreparedTill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        rows = listing([])
        await app.screen.mount(rows, before=0)
        rows.styles.height = 10
        rows.show((), empty=lambda: "nothing here")
        await settle(pilot)
        painted: list[Region] = []
        paint = rows.render_lines

        def render_lines(crop: Region) -> list[Strip]:
            painted.append(crop)
            return paint(crop)

        monkeypatch.setattr(rows, "render_lines", render_lines)
        rows.show((), empty=lambda: "nothing here")
        await settle(pilot)
        assert painted == []
        rows.show((), empty=lambda: "nothing yet")
        await settle(pilot)
        assert painted
        assert "nothing yet" in text_of(app)


async def test_ux22_a_list_that_gets_the_focus_works_no_style_out_and_only_its_ground_once(
    till: PreparedTill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        rows, grounds = listing([]), list[object]()
        await app.screen.mount(rows, before=0)
        rows.styles.height = 10
        rows.show(range(8))
        await settle(pilot)
        work_out, ground = app.stylesheet.update_nodes, rows.rich_style

        def update_nodes(nodes: Iterable[DOMNode], animate: bool = False) -> None:
            known = list(nodes)
            assert rows not in known
            work_out(known, animate)

        def rich_style(self: LineList[int]) -> Style:
            grounds.append(self)
            return ground

        monkeypatch.setattr(app.stylesheet, "update_nodes", update_nodes)
        monkeypatch.setattr(LineList, "rich_style", property(rich_style))
        rows.focus()
        await settle(pilot)
        assert rows.has_focus
        assert 1 <= len(grounds) < 8
