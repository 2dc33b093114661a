"""What a key costs is what it changes: nothing is drawn, laid out or styled that did not change."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from pathlib import Path

import pytest
from textual._compositor import Compositor, LayoutUpdate
from textual.app import App
from textual.dom import DOMNode
from textual.geometry import Region, Size
from textual.reactive import Reactive
from textual.screen import Screen
from textual.strip import Strip

import chainpos.console.screens
from chainpos.console.screens.frame import Frame
from chainpos.console.screens.question import Question
from chainpos.console.screens.tenders import TenderForm
from chainpos.till.views import SaleState
from tests.console.looking import go, key_in, opened, settle, text_of
from tests.console.prepared_till import PreparedTill, sale_of


def every_screen() -> set[type[Screen[object]]]:
    for module in pkgutil.iter_modules(chainpos.console.screens.__path__, "chainpos.console.screens."):
        importlib.import_module(module.name)
    found: set[type[Screen[object]]] = set()
    waiting: list[type[Screen[object]]] = [Screen]
    while waiting:
        children = waiting.pop().__subclasses__()
        found.update(children)
        waiting += children
    return {screen for screen in found if screen.__module__.startswith("chainpos.")}


def test_ux22_no_attribute_of_a_screen_draws_all_of_it_again() -> None:
    screens = every_screen()
    assert len(screens) > 20
    for screen in screens:
        for name, attribute in vars(screen).items():
            if isinstance(attribute, Reactive):
                assert not attribute._repaint, f"{screen.__name__}.{name}: use textual.reactive.var"
                assert not attribute._layout, f"{screen.__name__}.{name}: use textual.reactive.var"


def styled_in(app: App[int], monkeypatch: pytest.MonkeyPatch) -> list[DOMNode]:
    """Whose styles are worked out again from now on."""
    styled: list[DOMNode] = []
    work_out = app.stylesheet.update_nodes

    def update_nodes(nodes: Iterable[DOMNode], animate: bool = False) -> None:
        styled.extend(known := list(nodes))
        work_out(known, animate)

    monkeypatch.setattr(app.stylesheet, "update_nodes", update_nodes)
    return styled


async def test_ux22_a_digit_lays_nothing_out_and_a_known_place_is_styled_already(
    till: PreparedTill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(till, tmp_path, size=(120, 40)) as (app, pilot):
        await key_in(pilot, "1", "2")
        layouts: list[object] = []
        styled = styled_in(app, monkeypatch)
        app.screen.screen_layout_refresh_signal.subscribe(app.screen, layouts.append)
        await key_in(pilot, "3")
        assert (layouts, styled) == ([], [])
        await go(pilot, "sales")
        await go(pilot, "counter")
        styled.clear()
        await go(pilot, "sales")
        # The list has the focus again.
        assert len(set(styled)) <= 1 < len(list(app.screen.walk_children()))


async def test_ux22_only_what_gets_or_loses_the_focus_is_drawn_again(
    till: PreparedTill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await go(pilot, "sales")
        screen, whole = app.screen, []
        usual = screen.refresh

        def refresh(*regions: Region, **how: bool) -> Screen[object]:
            whole.append(how)
            return usual(*regions, **how)

        monkeypatch.setattr(screen, "refresh", refresh)
        before = screen.focused
        await key_in(pilot, "tab")
        assert screen.focused not in {before, None}
        assert whole == []


async def test_ux22_places_are_put_up_ahead_and_read_nothing_until_they_are_gone_to(
    till: PreparedTill, tmp_path: Path
) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        asked: list[str] = []
        usual = till.settlement

        async def settlement() -> object:
            asked.append("settlement")
            return await usual()

        till.settlement = settlement  # type: ignore[assignment,method-assign]
        await app.put_up_places()
        await settle(pilot)
        assert {frame.NAME for frame in app.frames()} == {place.name for place in app.places}
        assert all(frame.is_mounted for frame in app.frames())
        assert isinstance(app.screen, Frame)
        assert app.screen.NAME == "counter"
        assert asked == []
        await go(pilot, "settlement")
        assert asked == ["settlement"]


async def test_ux22_a_dialog_is_laid_out_once_and_what_lies_below_is_drawn_once_and_follows(
    till: PreparedTill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(till, tmp_path, size=(120, 40)) as (app, pilot):
        await key_in(pilot, "9", "9", "enter")
        drawn: list[Compositor] = []
        draw = Compositor.render_strips

        def render_strips(self: Compositor, size: Size | None = None) -> list[Strip]:
            drawn.append(self)
            return draw(self, size)

        monkeypatch.setattr(Compositor, "render_strips", render_strips)
        counter = app.screen
        resized: list[Size] = []
        laid_out = Screen._refresh_layout

        def refresh_layout(self: Screen[object], size: Size | None = None, scroll: bool = False) -> None:
            resized.extend([size] if size else [])
            laid_out(self, size, scroll)

        monkeypatch.setattr(Screen, "_refresh_layout", refresh_layout)
        await key_in(pilot, "escape")
        assert isinstance(app.screen, Question)
        assert drawn == [counter._compositor]
        assert len(resized) == 1
        monkeypatch.undo()
        till.push(recent=(sale_of("N777", 777, SaleState.EXPIRED), *till.view.recent[1:]))
        await settle(pilot)
        assert "7.77" in text_of(app)


async def test_ux22_a_dialogs_styles_are_worked_out_when_it_is_put_up_and_then_only_the_focus(
    till: PreparedTill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, "1", "2")
        styled = styled_in(app, monkeypatch)
        await key_in(pilot, "ctrl+o")
        assert isinstance(app.screen, TenderForm)
        assert styled == [app.screen.focused]
        await key_in(pilot, "5")
        assert len(styled) == 1


async def test_ux22_a_place_that_was_looked_at_before_is_drawn_once(
    till: PreparedTill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(till, tmp_path, size=(120, 40)) as (_, pilot):
        for place in ("node", "counter"):
            await go(pilot, place)
        drawn: list[Compositor] = []
        draw = Compositor.render_full_update

        def render_full_update(self: Compositor, simplify: bool = False) -> LayoutUpdate:
            drawn.append(self)
            return draw(self, simplify)

        monkeypatch.setattr(Compositor, "render_full_update", render_full_update)
        await go(pilot, "node")
        assert len(drawn) == 1


async def test_ux26_a_place_that_nobody_looks_at_is_in_the_other_language_when_it_is_gone_to(
    till: PreparedTill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(till, tmp_path, size=(120, 40)) as (app, pilot):
        for place in ("sales", "counter"):
            await go(pilot, place)
        drawn: list[str] = []
        usual = Frame.retranslate

        def retranslate(self: Frame) -> None:
            drawn.append(self.NAME)
            usual(self)

        monkeypatch.setattr(Frame, "retranslate", retranslate)
        await key_in(pilot, "f8")
        assert drawn == ["counter"]
        await go(pilot, "sales")
        assert drawn == ["counter", "sales"]
        assert "单号" in text_of(app)
        await go(pilot, "counter")
        await go(pilot, "sales")
        assert drawn == ["counter", "sales"]
