"""Poor terminals: fewer glyphs, fewer colours, the same cells (ux 20)."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color

from chainpos.console.contrast import contrast
from chainpos.console.filters import _SIXTEEN, LEGIBLE, PlainGlyphs, SixteenColours, glyphs_of
from chainpos.console.resources import shipped_themes
from chainpos.console.theming import TEXT_PAIRS, load_theme
from tests.console.looking import PAGES, go, key_in, opened, strips_of, text_of
from tests.console.prepared_till import PreparedTill

BLACK = Color(0, 0, 0)


@pytest.mark.parametrize(
    ("environ", "glyphs"),
    [
        ({}, "full"),
        ({"LANG": "C.UTF-8"}, "full"),
        ({"LANG": "C"}, "ascii"),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, "ascii"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "POSIX"}, "ascii"),
        ({"LANG": "en_GB.UTF-8", "TERM": "linux"}, "linux"),
        ({"LANG": "en_GB.UTF-8", "CHAINPOS_ASCII": "1"}, "ascii"),
    ],
)
def test_ux20_the_environment_says_which_glyphs_can_be_drawn(environ: dict[str, str], glyphs: str) -> None:
    assert glyphs_of(environ) == glyphs


def test_ux20_ascii_keeps_the_width_of_chinese() -> None:
    text = "│ ✓ 老王 │"
    (segment,) = PlainGlyphs("ascii").apply([Segment(text)], BLACK)
    assert segment.text == "| + ???? |"
    assert cell_len(segment.text) == cell_len(text)


@pytest.mark.parametrize("page", PAGES)
async def test_ux20_with_ascii_glyphs_every_screen_is_ascii(till: PreparedTill, tmp_path: Path, page: str) -> None:
    async with opened(till, tmp_path, glyphs="ascii", language="zh") as (app, pilot):
        await go(pilot, page)
        assert text_of(app).isascii()
        await key_in(pilot, "question_mark")
        assert text_of(app).isascii()
        assert "KEYS" in text_of(app)


async def test_ux20_with_ascii_glyphs_the_address_stands_for_the_code(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path, glyphs="ascii") as (app, pilot):
        await key_in(pilot, "9", "9", "enter")
        assert till.view.sale is not None
        assert text_of(app).isascii()
        assert till.view.sale.link in text_of(app).replace("\n", "").replace(" ", "")
        assert app.screen.query_one("#link").alone  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", sorted(path.stem for path in shipped_themes().glob("*.toml")))
def test_ux20_in_sixteen_colours_every_text_of_every_theme_is_legible(name: str) -> None:
    colours = load_theme(shipped_themes() / f"{name}.toml").colours
    for text, ground in TEXT_PAIRS:
        style = Style(color=getattr(colours, text), bgcolor=getattr(colours, ground))
        (segment,) = SixteenColours().apply([Segment("x", style)], BLACK)
        assert segment.style is not None
        assert segment.style.color is not None
        assert segment.style.bgcolor is not None
        shown, below = segment.style.color.number, segment.style.bgcolor.number
        assert contrast(_SIXTEEN[shown or 0], _SIXTEEN[below or 0]) >= LEGIBLE, (text, ground)


@pytest.mark.parametrize("theme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
async def test_ux20_no_color_leaves_no_cell_of_any_place_with_a_colour(
    till: PreparedTill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, theme: str
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with opened(till, tmp_path, theme=theme) as (app, pilot):
        for page in PAGES:
            await go(pilot, page)
            for strip in strips_of(app):
                for text, style, _ in strip:
                    for colour in (style.color, style.bgcolor) if style is not None else ():
                        if colour is not None and colour.triplet is not None:
                            assert len(set(colour.triplet)) == 1, (page, text, colour)
