"""A field draws itself: its label, what stands in it, the cursor, what is chosen; never what is secret."""

from __future__ import annotations

from pathlib import Path

from textual.geometry import Region
from textual.widgets.input import Selection

from chainpos.console.app import ConsoleApp
from chainpos.console.widgets.field import LABEL_CELLS, Field
from tests.console.looking import key_in, opened, settle
from tests.console.prepared_till import PreparedTill


async def put_up(app: ConsoleApp, field: Field) -> Field:
    field.styles.width, field.styles.dock = 40, "top"
    await app.screen.mount(field)
    field.focus()
    return field


def drawn(field: Field) -> str:
    (line,) = field.render_lines(Region(0, 0, field.outer_size.width, 1))
    return line.text


def styles_under(field: Field, text: str) -> set[str]:
    """The colours in which a text stands there."""
    (line,) = field.render_lines(Region(0, 0, field.outer_size.width, 1))
    colours = [
        str(piece.style.bgcolor and piece.style.bgcolor.name) for piece in line if piece.style for _ in piece.text
    ]
    at = line.text.index(text)
    return set(colours[at : at + len(text)])


async def test_a_label_stands_to_the_left_on_the_ground_of_the_form(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        field = await put_up(app, Field("12.50", label="老王 how much?"))
        await settle(pilot)
        assert drawn(field).startswith("老王 how much?")
        assert drawn(field).index("12.50") == LABEL_CELLS + 1 - len("老王"), "two letters of two cells each"
        assert styles_under(field, "how much?") != styles_under(field, "12.5")
        field.label = "Count"
        assert drawn(field).startswith("Count  ")


async def test_a_secret_is_dots_and_an_empty_field_says_what_it_is_for(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        field = await put_up(app, Field(password=True, placeholder="PIN"))
        await settle(pilot)
        assert drawn(field).strip() == "PIN"
        await key_in(pilot, *"4711")
        assert drawn(field).strip() == "••••"


async def test_the_end_of_a_long_text_is_seen_while_it_is_typed(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        field = await put_up(app, Field(label="Why"))
        await settle(pilot)
        await key_in(pilot, *"abcdefghij klmnopqrst")
        assert drawn(field).rstrip().endswith("qrst")
        await key_in(pilot, "home")
        assert "abcdefg" in drawn(field)


async def test_the_cursor_and_what_is_chosen_are_seen_while_the_field_has_the_focus(
    till: PreparedTill, tmp_path: Path
) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        field = await put_up(app, Field("tea 茶 soup", label="Find"))
        await settle(pilot)
        field.selection = Selection(4, 6)
        await settle(pilot)
        assert len(styles_under(field, "茶") | styles_under(field, "t")) == 2
        field.cursor_position = 0
        await settle(pilot)
        assert styles_under(field, "t") != styles_under(field, "e")
        app.screen.set_focus(None)
        await settle(pilot)
        assert len(styles_under(field, "tea 茶 soup")) == 1


async def test_a_click_puts_the_cursor_where_it_is_and_not_by_the_labels_width_beside(
    till: PreparedTill, tmp_path: Path
) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        field = await put_up(app, Field("abcdef", label="Find"))
        await settle(pilot)
        await pilot.click(field, offset=(LABEL_CELLS + 1 + 2, 0))
        assert field.cursor_position == 2
