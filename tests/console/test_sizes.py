"""Every screen at every size: a snapshot as plain text, no overflow, legible text (ux 3, 18, 19, 20).

A snapshot is read beside the view it was made of: fixed clock, fixed size, one language. CHAINPOS_SNAPSHOTS=write makes
them anew.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.cells import cell_len
from textual.geometry import Region
from textual.widget import Widget
from textual.widgets import Input

from chainpos.console.contrast import ENOUGH, contrast
from chainpos.console.resources import shipped_themes
from chainpos.console.shell import Shell
from chainpos.console.showing import Stage
from chainpos.till.views import SaleState, TenderKind
from tests.console.looking import (
    PAGES,
    SIZES,
    assert_snapshot,
    go,
    in_turns,
    key_in,
    opened,
    settle,
    strips_of,
    text_of,
)
from tests.console.prepared_figures import cny
from tests.console.prepared_till import PreparedTill, sale_of

pytestmark = pytest.mark.slow

THEMES = sorted(path.stem for path in shipped_themes().glob("*.toml"))
STATES = (SaleState.WAITING, SaleState.SEEN, SaleState.PAID, SaleState.REFUSED, SaleState.EXPIRED)
# Hair lines carry no words.
LINES = set("─━│╭╮╰╯ ▁▂▃▄▅▆▇█▀")


def assert_no_overflow(app: Shell, size: tuple[int, int]) -> None:
    rows = strips_of(app)
    assert len(rows) == size[1]
    assert {cell_len(row.text) for row in rows} == {size[0]}
    for widget in app.screen.walk_children(Widget):
        # A field scrolls within itself and draws no bar.
        assert isinstance(widget, Input) or not widget.show_horizontal_scrollbar, widget
        scrolled = any(
            isinstance(above, Widget) and above is not app.screen and above.styles.overflow_y == "auto"
            for above in widget.ancestors
        )
        # The last sales take what room is left, which may be none.
        if widget.is_on_screen and not scrolled and widget.id != "recent":
            assert app.screen.region.contains_region(widget.region), widget


# The calmer themes where time allows.
EVERY_THEME = [
    pytest.param(theme, marks=[] if theme in ("dark", "high-contrast") else [pytest.mark.slow]) for theme in THEMES
]


@pytest.mark.parametrize(("language", "size"), in_turns(SIZES, lambda size: f"{size[0]}x{size[1]}"))
async def test_ux19_every_screen_fits_every_size(
    till: PreparedTill, tmp_path: Path, size: tuple[int, int], language: str
) -> None:
    async with opened(till, tmp_path, size=size, language=language) as (app, pilot):
        for page in PAGES:
            await go(pilot, page)
            assert app.current_mode == page
            assert_no_overflow(app, size)
            assert_snapshot(f"{page}-{size[0]}x{size[1]}-{language}", text_of(app))
        await go(pilot, "sales")
        await key_in(pilot, "r")
        assert_no_overflow(app, size)
        assert_snapshot(f"refund-{size[0]}x{size[1]}-{language}", text_of(app))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_ux19_every_state_of_a_sale_fits_every_size(
    till: PreparedTill, tmp_path: Path, size: tuple[int, int]
) -> None:
    language = "zh" if size[0] in {60, 120} else "en"
    async with opened(till, tmp_path, size=size, language=language) as (app, pilot):
        for state in STATES:
            till.push(sale=sale_of("N001", 128_800, state))
            await settle(pilot)
            assert app.screen.shown.stage is Stage[state.name]  # type: ignore[attr-defined]
            assert_no_overflow(app, size)
            assert_snapshot(f"sale-{state.value}-{size[0]}x{size[1]}-{language}", text_of(app))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_ux19_every_state_of_a_bill_fits_every_size(
    till: PreparedTill, tmp_path: Path, size: tuple[int, int]
) -> None:
    """Ringing up, the code beside a summary, a part by cash, complete by cash."""
    language = "zh" if size[0] in {80, 200} else "en"
    async with opened(till, tmp_path, size=size, language=language) as (app, pilot):

        async def shown(stage: Stage) -> None:
            app.take(till.counter())
            await settle(pilot)
            assert app.screen.shown.stage is stage  # type: ignore[attr-defined]
            assert_no_overflow(app, size)
            assert_snapshot(f"bill-{stage.value}-{size[0]}x{size[1]}-{language}", text_of(app))

        for sku, quantity in (("tea", "2"), ("soup", "1"), ("rice", "1"), ("prawn", "0.755"), ("bun", "12")):
            await till.bills.add(sku, quantity)
        await till.bills.discount("10%", 0)
        await till.bills.discount("200")
        await till.bills.tip("10%")
        await shown(Stage.RINGING)
        await till.bills.show_code()
        await shown(Stage.WAITING)
        await till.cancel("260302-AA-0001")
        await till.bills.receive(TenderKind.CASH, cny(5_000))
        await shown(Stage.PART)
        await till.bills.receive(TenderKind.CASH, cny(20_000))
        await shown(Stage.TAKEN)


async def test_ux19_a_larger_screen_shows_more(tmp_path: Path) -> None:
    words = []
    for size in SIZES:
        # A console that ended has closed its till's book.
        async with opened(PreparedTill(), tmp_path, size=size) as (app, pilot):
            await go(pilot, "sales")
            words.append(len(text_of(app).split()))
    assert words == sorted(words)
    assert words[0] < words[-1]


def illegible(app: Shell, within: Region | None = None) -> set[tuple[str, str]]:
    """Texts on the screen, or in a part of it, that do not read well on what is below them."""
    found = set()
    part = within or app.screen.region
    for row in strips_of(app)[part.y : part.bottom]:
        for segment in row.crop(part.x, part.right):
            style = segment.style
            if style is None or set(segment.text) <= LINES or style.color is None or style.bgcolor is None:
                continue
            text, ground = style.color.get_truecolor(), style.bgcolor.get_truecolor()
            if contrast((text.red, text.green, text.blue), (ground.red, ground.green, ground.blue)) < ENOUGH:
                found.add((segment.text.strip(), f"{text.hex} on {ground.hex}"))
    return found


@pytest.mark.parametrize("theme", EVERY_THEME)
async def test_ux20_what_is_really_drawn_is_legible_in_every_theme(
    till: PreparedTill, tmp_path: Path, theme: str
) -> None:
    async with opened(till, tmp_path, theme=theme) as (app, pilot):
        for page in PAGES[1:]:
            await go(pilot, page)
            assert illegible(app) == set(), page
        await go(pilot, "sales")
        await key_in(pilot, "slash", "z", "z")
        assert illegible(app) == set()
        await go(pilot, "counter")
        assert illegible(app) == set()
        for state in STATES:
            till.push(sale=sale_of("N001", 128_800, state))
            await settle(pilot)
            assert illegible(app) == set(), state
        till.push(sale=None)
        await till.bills.add("tea", "2")
        await till.bills.discount("10%", 0)
        for given in (0, 1_000, 2_000):
            if given:
                await till.bills.receive(TenderKind.CASH, cny(given))
            app.take(till.counter())
            await settle(pilot)
            assert illegible(app) == set(), given


@pytest.mark.parametrize("theme", EVERY_THEME)
async def test_ux20_the_refund_form_is_legible_in_every_theme(till: PreparedTill, tmp_path: Path, theme: str) -> None:
    async with opened(till, tmp_path, theme=theme) as (app, pilot):
        await go(pilot, "sales")
        await key_in(pilot, "r", *"500", "enter", *"500", "tab", "1", "tab")
        assert illegible(app, app.screen.query_one(".dialog").region) == set()


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_ux18_columns_line_up(till: PreparedTill, tmp_path: Path, language: str) -> None:
    async with opened(till, tmp_path, language=language, size=(120, 40)) as (app, pilot):
        await go(pilot, "sales")
        rows = [row for row in text_of(app).splitlines() if any(sale.reference in row[:60] for sale in till.book)]
        places = set()
        for row in rows:
            reference = next(sale.reference for sale in till.book if sale.reference in row[:60])
            places.add(cell_len(row[: row.index(reference)]))
        assert len(rows) == 5
        assert len(places) == 1
