"""A panel of lines is drawn as Textual would draw the same text, and its text can be selected with the mouse."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual._styles_cache import StylesCache
from textual.color import Color
from textual.content import Content, Span
from textual.geometry import Region
from textual.selection import Selection
from textual.style import Style
from textual.visual import RenderOptions

from chainpos.console.widgets.ground import Stack
from chainpos.console.widgets.lines_panel import LinesPanel
from chainpos.console.widgets.lines_visual import DrawnLines, LinesVisual
from tests.console.looking import opened, settle, text_of
from tests.console.prepared_till import PreparedTill

WIDTH = 24
GROUND = Style(background=Color(10, 20, 30), foreground=Color(200, 210, 220))
STYLES = {"bold": Style(bold=True), "red": Style(foreground=Color(250, 0, 0)), "on": Style(background=Color(0, 90, 0))}
texts = st.text(st.sampled_from("aB9 ·│老王茶¥"), max_size=12)
parts = st.tuples(st.integers(0, 12), st.integers(1, 12), st.sampled_from(sorted(STYLES)))


def styled(text: str, of: list[tuple[int, int, str]]) -> Content:
    """The text with spans, each within it."""
    places = [Span(begin, min(begin + length, len(text)), style) for begin, length, style in of if begin < len(text)]
    return Content(text, places or ([Span(0, 0, "bold")] if of else []))


lines_of_text = st.lists(st.builds(styled, texts, st.lists(parts, max_size=3)), min_size=1, max_size=5)


def options(align: Literal["left", "center"] = "left", selection: Selection | None = None) -> RenderOptions:
    return RenderOptions(
        lambda style: STYLES[style] if isinstance(style, str) else style,
        {"text_align": align},
        selection,
        Style(reverse=True) if selection else None,
    )


@settings(deadline=None)
@given(
    st.lists(lines_of_text, min_size=1, max_size=3),
    st.sampled_from(["left", "center"]),
    st.sampled_from([None, Selection(None, None)]),
    st.integers(1, WIDTH),
)
def test_lines_are_drawn_as_textual_draws_the_same_text_again_and_again(
    drawings: Sequence[list[Content]], align: Literal["left", "center"], selection: Selection | None, width: int
) -> None:
    """A panel remembers its last drawing; lines that are too long, or aligned, or selected, are Textual's own."""
    drawn = DrawnLines()
    given_options = options(align, selection)
    for lines in drawings:
        visual = LinesVisual(lines, drawn, "light")
        for height in (None, 2):
            ours = visual.render_strips(width, height, GROUND, given_options)
            textuals = Content("\n").join(lines).render_strips(width, height, GROUND, given_options)
            assert [list(strip) for strip in ours] == [list(strip) for strip in textuals]
            assert [strip.cell_length for strip in ours] == [strip.cell_length for strip in textuals]


@pytest.mark.parametrize("changed", ["style", "theme"])
def test_a_line_is_drawn_again_in_another_style_and_another_theme(changed: str) -> None:
    drawn, line = DrawnLines(), [Content("tea", [Span(0, 3, "ink")])]
    inks = iter((Style(foreground=Color(1, 1, 1)), Style(foreground=Color(2, 2, 2))))
    asked = RenderOptions(lambda _: next(inks), {}, None, None)
    (first,) = LinesVisual(line, drawn, "light").render_strips(WIDTH, 1, GROUND, asked)
    (kept,) = LinesVisual(line, drawn, "light").render_strips(WIDTH, 1, GROUND, asked)
    assert kept is first
    style, theme = (Style(bold=True), "light") if changed == "style" else (GROUND, "dark")
    (again,) = LinesVisual(line, drawn, theme).render_strips(WIDTH, 1, style, asked)
    assert list(again) != list(first)


class Told(LinesPanel):
    DEFAULT_CSS = "Told { height: auto; width: 20; dock: top; layer: _toastrack; }"

    def lines(self, width: int) -> Sequence[Content]:
        return [Content("first line"[:width]), Content("second 老王"[:width])]


async def test_text_of_a_panel_is_selected_with_the_mouse(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        panel = Told()
        await app.screen.mount(panel)
        await settle(pilot)
        assert "second 老王" in text_of(app)
        await pilot.mouse_down(panel, offset=(6, 0))
        await pilot.hover(panel, offset=(5, 1))
        await pilot.mouse_up(panel, offset=(5, 1))
        await settle(pilot)
        selected = app.screen.get_selected_text()
        assert selected is not None
        assert selected.startswith("line\nsecon")


async def test_a_panel_that_gets_another_margin_is_laid_out_anew_though_its_lines_are_as_many(
    till: PreparedTill, tmp_path: Path
) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        panel = Told()
        await app.screen.mount(panel)
        await settle(pilot)
        before = panel.region
        panel.styles.margin = (2, 3)
        await settle(pilot)
        assert (panel.region.x, panel.region.y) == (before.x + 3, before.y + 2)


@pytest.mark.parametrize(
    "look", ["", "padding: 1 3;", "padding: 0 0 0 2; border: round red;", "opacity: 50%; padding: 1;", "tint: red 20%;",
             "text-opacity: 40%;", "outline: solid blue;", "hatch: cross red; height: 5;"]
)  # fmt: skip
async def test_a_panel_has_the_styles_that_textual_would_give_it(till: PreparedTill, tmp_path: Path, look: str) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        app.stylesheet.add_source(f"Told {{ {look} color: white; background: blue; }}", read_from=("test", look))
        panel = Told()
        await app.screen.mount(panel)
        await settle(pilot)
        whole = Region(0, 0, *panel.outer_size)
        ours = panel.render_lines(whole)
        textuals = StylesCache().render_widget(panel, whole)
        assert whole.height >= 2
        assert [list(strip.simplify()) for strip in ours] == [list(strip.simplify()) for strip in textuals]


async def test_a_panel_that_goes_leaves_its_room_and_one_that_comes_back_takes_it(
    till: PreparedTill, tmp_path: Path
) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        app.stylesheet.add_source("Stack.-gone #first { display: none; }", read_from=("test", "gone"))
        first, second, third = (Told(id=name) for name in ("first", "second", "third"))
        column = Stack(first, second, third)
        await app.screen.mount(column)
        for panel in (first, second, third):
            panel.styles.dock, panel.styles.layer = "none", "default"
        await settle(pilot)
        top = first.region.y
        assert (second.region.y, third.region.y) == (top + 2, top + 4)
        second.display = False
        await settle(pilot)
        assert third.region.y == top + 2
        second.display = True
        column.add_class("-gone")
        await settle(pilot)
        assert (second.region.y, third.region.y) == (top, top + 2)
        column.remove_class("-gone")
        await settle(pilot)
        assert (second.region.y, third.region.y) == (top + 2, top + 4)
