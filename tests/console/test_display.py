"""The customer's display: the amount, the lines, the code and PAID, as the till's file says; closed without a till."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest
import zxingcpp
from textual.pilot import Pilot

from chainpos.console.app import ConsoleApp
from chainpos.console.display import DisplayApp
from chainpos.console.screens.customer import CustomerScreen
from chainpos.console.settings import Settings
from chainpos.console.widgets.qr_picture import QrPicture
from chainpos.till.display import DisplayFile, display_view
from chainpos.till.views import EmvcoView, SaleState, TenderKind
from tests.console.looking import SIZES, ansi_of, assert_snapshot, settle, text_of
from tests.console.prepared_figures import cny
from tests.console.prepared_till import PreparedTill
from tests.console.test_sizes import THEMES, assert_no_overflow, illegible
from tests.terminal_picture import picture


@asynccontextmanager
async def display(
    till: PreparedTill, folder: Path, *, size: tuple[int, int] = (80, 24), language: str = "en", theme: str = "light"
) -> AsyncIterator[tuple[ConsoleApp, Pilot[int], Callable[[], Awaitable[None]]]]:
    """The display on a till's file, and what writes that file."""
    file = DisplayFile(folder / "display.json")
    settings = Settings(theme=theme, language="zh" if language == "zh" else "en")
    # The till is not silent while a busy machine takes its time.
    told_s = time.time()
    app = DisplayApp(
        file.path, now_s=lambda: told_s, now_ns=till.now_ns, folder=folder, settings=settings, glyphs="full"
    )

    async def tell() -> None:
        nonlocal told_s
        sale = till.counter().sale
        waits = sale is not None and sale.qr is not None
        file.write(display_view(till.counter(), till.paper.emvco(sale.reference) if sale and waits else EmvcoView()))
        told_s = time.time()
        app.follow()
        await settle(pilot)

    async with app.run_test(size=size) as pilot:
        yield cast(ConsoleApp, app), pilot, tell
    await till.stop()


async def test_a_look_at_the_till_while_the_display_is_left_harms_nothing(till: PreparedTill, tmp_path: Path) -> None:
    async with display(till, tmp_path) as (app, _, _):
        pass
    assert not app.screen_stack
    cast(DisplayApp, app).follow()


async def test_the_display_follows_a_bill_to_paid(till: PreparedTill, tmp_path: Path) -> None:
    async with display(till, tmp_path) as (app, _, tell):
        assert "closed" in text_of(app)
        await tell()
        assert "Welcome" in text_of(app)
        await till.bills.add("tea", "2")
        await tell()
        assert "Jasmine tea" in text_of(app)
        assert len([row for row in text_of(app).splitlines() if "█" in row]) >= 3
        await till.bills.show_code()
        await tell()
        assert app.screen.query_one(QrPicture).scale >= 1
        assert "PAID" not in text_of(app)
        till.move_sale(SaleState.SEEN)
        await tell()
        assert "NOT PAID YET" in text_of(app)
        till.move_sale(SaleState.PAID)
        await tell()
        assert "✓ PAID" in text_of(app)
        assert "Thank you" in text_of(app)
        assert "Enter" not in text_of(app)


async def test_cash_shows_the_change_and_not_paid(till: PreparedTill, tmp_path: Path) -> None:
    async with display(till, tmp_path) as (app, _, tell):
        await till.bills.add("tea")
        await till.bills.receive(TenderKind.CASH, cny(2_000))
        await tell()
        assert "CASH RECEIVED" in text_of(app)
        assert "CHANGE" in text_of(app)
        assert "PAID" not in text_of(app)


async def test_a_till_that_fell_silent_shows_no_code_and_one_that_came_back_does(
    till: PreparedTill, tmp_path: Path
) -> None:
    async with display(till, tmp_path) as (app, pilot, tell):
        await till.bills.add("tea")
        await till.bills.show_code()
        await tell()
        assert app.screen.query_one(QrPicture).qr is not None
        file = tmp_path / "display.json"
        os.utime(file, (time.time() - 60, time.time() - 60))
        cast(DisplayApp, app).follow()
        await settle(pilot)
        assert "closed" in text_of(app)
        assert not app.screen.query_one("#counter").display
        file.write_bytes(b"half a fi")
        cast(DisplayApp, app).follow()
        await settle(pilot)
        assert "closed" in text_of(app)
        file.unlink()
        await tell()
        assert app.screen.query_one(QrPicture).qr is not None


async def test_ux3_the_display_shows_emvcos_code_as_the_cashier_or_a_key_there_chooses(
    till: PreparedTill, tmp_path: Path
) -> None:
    async with display(till, tmp_path, size=(120, 40)) as (app, pilot, tell):
        await till.bills.add("tea")
        await till.bills.show_code()
        sale = till.view.sale
        assert sale is not None
        await tell()
        code, emvco = app.screen.query_one(QrPicture), till.paper.emvco(sale.reference).qr
        assert code.qr == sale.qr
        assert "e: as EMVCo code" in text_of(app)
        till.paper.show_emvco(sale.reference, chosen=True)
        await tell()
        assert code.qr == emvco
        assert code.scale >= 1
        image = picture(ansi_of(app), 120, 40)
        assert emvco is not None
        assert [each.text for each in zxingcpp.read_barcodes(image, try_invert=False)] == [emvco.text]
        await pilot.press("e")
        await settle(pilot)
        assert code.qr == sale.qr
        await pilot.press("e")
        await settle(pilot)
        assert code.qr == emvco
        # The choice was for this customer: the next one's code is the link again.
        till.move_sale(SaleState.PAID)
        await till.dismiss()
        await till.bills.add("tea")
        await till.bills.show_code()
        await tell()
        assert till.view.sale is not None
        assert code.qr == till.view.sale.qr


@pytest.mark.parametrize("size", [(80, 24), (24, 8)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_ux3_a_display_too_small_for_a_code_says_so_and_cuts_none(
    till: PreparedTill, tmp_path: Path, size: tuple[int, int]
) -> None:
    async with display(till, tmp_path, size=size) as (app, _, tell):
        await till.bills.add("tea")
        await till.bills.show_code()
        sale = till.view.sale
        assert sale is not None
        await tell()
        till.paper.show_emvco(sale.reference, chosen=True)
        await tell()
        code = app.screen.query_one(QrPicture)
        fits = size == (80, 24)
        assert code.qr == (sale.qr if fits else None)
        assert code.scale == (1 if fits else 0)
        words = " ".join(text_of(app).split())
        assert "Too small for" in words if fits else "The screen is too small" in words
        assert_no_overflow(app, size)


async def test_an_expired_code_leaves_the_display(till: PreparedTill, tmp_path: Path) -> None:
    async with display(till, tmp_path) as (app, _, tell):
        await till.bills.add("tea")
        await till.bills.show_code()
        await tell()
        till.time_ns += 301 * 10**9
        await tell()
        assert app.screen.query_one(QrPicture).qr is None
        assert "EXPIRED" in text_of(app)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_ux19_the_display_fits_every_size(till: PreparedTill, tmp_path: Path, size: tuple[int, int]) -> None:
    language = "zh" if size[0] in {60, 120} else "en"
    async with display(till, tmp_path, size=size, language=language) as (app, _, tell):
        for sku, quantity in (("tea", "2"), ("soup", "1"), ("prawn", "0.755")):
            await till.bills.add(sku, quantity)
        for name in ("ringing", "waiting", "paid"):
            if name == "waiting":
                await till.bills.show_code()
            elif name == "paid":
                till.move_sale(SaleState.PAID)
            await tell()
            assert isinstance(app.screen, CustomerScreen)
            assert_no_overflow(app, size)
            assert_snapshot(f"display-{name}-{size[0]}x{size[1]}-{language}", text_of(app))


@pytest.mark.slow
@pytest.mark.parametrize("theme", THEMES)
async def test_ux20_the_display_is_legible_in_every_theme(till: PreparedTill, tmp_path: Path, theme: str) -> None:
    async with display(till, tmp_path, theme=theme) as (app, _, tell):
        await tell()
        assert illegible(app) == set()
        await till.bills.add("tea")
        await till.bills.show_code()
        await tell()
        assert illegible(app) == set()
        till.move_sale(SaleState.PAID)
        await tell()
        assert illegible(app) == set()


async def test_ux18_the_display_changes_its_language_and_keeps_the_cashiers(till: PreparedTill, tmp_path: Path) -> None:
    async with display(till, tmp_path) as (app, pilot, tell):
        await till.bills.add("tea")
        await tell()
        await pilot.press("f8")
        await settle(pilot)
        assert "茉莉花茶" in text_of(app)
        assert not (tmp_path / "console.toml").exists()
