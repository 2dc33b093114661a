"""What holds on every screen: keys, help, palette, languages, mouse, floods, stillness (ux 16, 17, 18, 22, 24)."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import msgspec
import pytest
from textual.binding import Binding
from textual.screen import Screen
from textual.widget import Widget

from chainpos.console import app as console_app
from chainpos.console.language import load_texts
from chainpos.console.screens.help import Help
from chainpos.console.screens.palette import Command, Palette, matching
from chainpos.console.screens.question import Question
from chainpos.till.views import SaleState, SaleView
from tests.console.looking import PAGES, go, key_in, opened, settle, text_of
from tests.console.prepared_figures import cny
from tests.console.prepared_till import PreparedTill, network_of, sale_of

pytestmark = pytest.mark.slow


def every_class(base: type) -> set[type]:
    found = {base}
    children: list[type] = type.__subclasses__(base)
    for child in children:
        found |= every_class(child)
    return found


def test_ux16_every_binding_of_every_widget_and_screen_has_an_id() -> None:
    ours = [cls for cls in every_class(Widget) | every_class(Screen) | {console_app.ConsoleApp}
            if cls.__module__.startswith("chainpos.console")]  # fmt: skip
    assert len(ours) > 20
    for cls in ours:
        for binding in Binding.make_bindings(cls.__dict__.get("BINDINGS", ())):
            assert binding.id, f"{cls.__name__}: {binding.key}"


@pytest.mark.parametrize("page", PAGES)
async def test_ux16_help_shows_the_live_bindings_of_the_screen(till: PreparedTill, tmp_path: Path, page: str) -> None:
    async with opened(till, tmp_path, size=(100, 60)) as (app, pilot):
        await go(pilot, page)
        await settle(pilot)
        live = [each.binding for each in app.screen.active_bindings.values() if each.enabled and each.binding.id]
        words = {load_texts("en")(f"action.{binding.id}") for binding in live if "field" not in str(binding.id)}
        await key_in(pilot, "question_mark")
        assert isinstance(app.screen, Help)
        shown = text_of(app)
        assert words
        for word in words:
            assert word in shown
        await key_in(pilot, "escape")
        assert not isinstance(app.screen, Help)


async def test_ux16_the_palette_finds_every_action_in_both_languages(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, "9", "9", "enter", "ctrl+p")
        assert isinstance(app.screen, Palette)
        offered = {command.action for command in app.screen.commands}
        assert {"app.go('sales')", "app.language", "app.theme", "app.leave", "enlarge", "aside", "back"} <= offered
        for command in app.screen.commands:
            for name in command.names:
                assert command in matching(app.screen.commands, name), name


async def test_ux16_a_command_chosen_in_the_other_language_is_run(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, "ctrl+p", "流", "水")
        assert "Sales" in text_of(app)
        await key_in(pilot, "enter")
        assert app.current_mode == "sales"
        await key_in(pilot, "ctrl+p", *"leave", "enter")
        assert not app.is_running


def test_a_command_is_found_by_letters_of_its_name_best_first() -> None:
    commands = [Command("a", "Sales", ("Sales", "流水"), "F2"), Command("b", "Set aside", ("Set aside", "挂单"), "F6")]
    assert [command.action for command in matching(commands, "aside")] == ["b"]
    assert [command.action for command in matching(commands, "流")] == ["a"]
    assert matching(commands, "zzz") == []
    assert matching(commands, " ") == commands


@pytest.mark.parametrize("page", PAGES)
async def test_ux18_a_language_switch_leaves_no_word_of_the_other(
    till: PreparedTill, tmp_path: Path, page: str
) -> None:
    till.book, till.view = (), msgspec.structs.replace(till.view, recent=())
    till.settlement_view = msgspec.structs.replace(till.settlement_view, pending_by_debtor=(), payouts=())
    async with opened(till, tmp_path, language="zh") as (app, pilot):
        await go(pilot, page)
        in_chinese = text_of(app)
        await key_in(pilot, "f8")
        await settle(pilot, 0.2)
        in_english = text_of(app).replace("中文", "")
        assert not any("\u4e00" <= each <= "\u9fff" for each in in_english)
        await key_in(pilot, "f8")
        await settle(pilot, 0.2)
        assert text_of(app) == in_chinese


async def test_ux18_a_sale_in_hand_survives_the_switch(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, "9", "9", "enter", "f8")
        assert "等待付款" in text_of(app)
        await key_in(pilot, "f8")
        assert "WAITING FOR PAYMENT" in text_of(app)
        assert [asked[0] for asked in till.asked] == ["start", "request"]


async def test_ux17_tabs_and_keys_can_be_clicked(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        for page in ("sales", "settlement", "ledger", "node", "counter"):
            row = text_of(app).splitlines()[1]
            await pilot.click(offset=(row.index(load_texts("en")(f"tab.{page}")) + 1, 1))
            await settle(pilot, 0.15)
            assert app.current_mode == page
        row = text_of(app).splitlines()[-1]
        await pilot.click(offset=(row.index("Help"), 23))
        await settle(pilot)
        assert isinstance(app.screen, Help)


async def test_ux17_a_row_can_be_clicked(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await go(pilot, "ledger")
        await pilot.click("#blocks", offset=(10, 3))
        await settle(pilot)
        assert app.screen.query_one("#blocks").present.height == 1_232  # type: ignore[attr-defined]
        await pilot.click("#blocks", offset=(10, 3))
        await settle(pilot, 0.15)
        assert "TRANSACTIONS OF BLOCK 1,232" in text_of(app)


async def test_leaving_while_a_sale_waits_asks_first(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, "9", "9", "enter", "ctrl+q")
        assert isinstance(app.screen, Question)
        await key_in(pilot, "enter")
        assert app.is_running
        await key_in(pilot, "ctrl+q", "y")
        assert not app.is_running


async def test_a_payment_is_told_on_every_screen(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, "9", "9", "enter")
        await go(pilot, "ledger")
        till.move_sale(SaleState.PAID)
        await settle(pilot)
        assert app.bells == 1
        assert "✓ PAID  0.99 CNY" in text_of(app)


async def test_a_refused_use_case_does_not_end_the_console(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await go(pilot, "node")
        assert app.is_running


async def test_ux24_nothing_is_animated_over_ssh_nor_anywhere_whatever_the_environment_asks(
    till: PreparedTill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "192.0.2.1 50022 192.0.2.2 22")
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "full")
    monkeypatch.setattr("textual.constants.TEXTUAL_ANIMATIONS", "full")
    async with opened(till, tmp_path, size=(60, 20)) as (app, pilot):
        begun: list[str] = []
        every = app.animator._animate

        def noted(obj: object, attribute: str, value: object, **more: object) -> None:
            every(obj, attribute, value, **more)  # type: ignore[arg-type]
            begun.extend(str(key) for key in app.animator._animations)

        monkeypatch.setattr(app.animator, "_animate", noted)
        for page in ("sales", "node"):
            await go(pilot, page)
            await key_in(pilot, "down", "pagedown", "question_mark", "pagedown", "escape")
        assert begun == []
        assert app.animation_level == "none"
        app.screen.styles.animate("opacity", 0.5, duration=60.0)
        await settle(pilot, 0.2)
        assert app.screen.styles.opacity == 0.5, "what is asked to move is there at once"


@pytest.mark.bench
async def test_ux22_the_loop_is_never_held_up_during_a_flood_of_views(till: PreparedTill, tmp_path: Path) -> None:
    """5,000 views with four new payments each; the longest turn of the loop.

    In CPU time of this thread, so that a neighbour on the machine is not counted.
    """

    async def longest_turn(seconds: float) -> float:
        longest, last, until = 0.0, time.thread_time(), time.perf_counter() + seconds
        while time.perf_counter() < until:
            await asyncio.sleep(0)
            now = time.thread_time()
            longest, last = max(longest, now - last), now
        return longest

    template = sale_of("F", 100, SaleState.PAID)

    def paid(number: int) -> SaleView:
        return msgspec.structs.replace(template, reference=f"F{number}", amount=cny(100 + number))

    async with opened(till, tmp_path, size=(120, 40)) as (_, pilot):
        idle = await longest_turn(1)

        async def flood() -> None:
            for height in range(5_000):
                recent = tuple(paid(height * 4 + i) for i in range(4))
                till.push(network=network_of(height=height), recent=recent)
                await asyncio.sleep(0)

        flooding = asyncio.create_task(flood())
        busy = await longest_turn(3)
        await flooding
        await settle(pilot)
        print(f"longest turn of the loop: {idle * 1_000:.1f} ms idle, {busy * 1_000:.1f} ms in a flood")
        assert busy < 0.05
