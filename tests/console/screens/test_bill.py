"""Ringing up at the counter: scans, search, lines, discounts, holding, other money, parts (ux 1, 2, 7, 9, 10, 17)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot

from chainpos.console.screens.articles import ArticleSearch
from chainpos.console.screens.counter import CounterScreen
from chainpos.console.screens.held import HeldBills
from chainpos.console.screens.prompt import Prompt
from chainpos.console.screens.question import Question
from chainpos.console.screens.tenders import TenderForm
from chainpos.console.showing import Stage
from chainpos.console.widgets.bill_list import BillList
from chainpos.console.widgets.hint import Hint
from chainpos.console.widgets.notice import Notice
from chainpos.console.widgets.qr_picture import QrPicture
from chainpos.till.views import BillState, PartState, SaleState, TenderKind
from tests.console.looking import HeardApp, go, key_in, opened, scan, settle, text_of, until
from tests.console.prepared_figures import cny
from tests.console.prepared_till import PreparedTill

TEA, SOUP, RICE = "6901234567892", "6909876543210", "96385074"


def stage_of(app: HeardApp) -> Stage:
    screens = (each for stack in app._screen_stacks.values() for each in stack)
    counter = next(each for each in screens if isinstance(each, CounterScreen))
    return counter.shown.stage


async def rung_up(till: PreparedTill, pilot: Pilot[int], *codes: str) -> None:
    def pieces() -> int:
        return sum(line.quantity for line in till.view.bill.lines) if till.view.bill is not None else 0

    for code in codes:
        wanted = pieces() + 1_000 * max(1, int(counted_next(pilot)))
        await scan(pilot, code)
        await until(pilot, partial(reached, pieces, wanted), code)
    await settle(pilot)


def counted_next(pilot: Pilot[int]) -> str:
    return getattr(pilot.app.screen, "times", "") or "1"


def reached(count: Callable[[], int], wanted: int) -> bool:
    return count() >= wanted


def told_of(app: HeardApp) -> str:
    told = app.screen.query_one("#told", Notice).told
    return "" if told is None else f"{told.what} {told.money} {told.next_step}"


async def test_ux10_scans_make_a_bill_and_one_key_its_code(till: PreparedTill, tmp_path: Path) -> None:
    """Five articles, one key beyond the scans."""
    async with opened(till, tmp_path) as (app, pilot):
        await rung_up(till, pilot, TEA, SOUP, TEA, RICE, TEA)
        assert till.view.bill is not None
        assert [(line.sku, line.quantity) for line in till.view.bill.lines] == [
            ("tea", 3_000), ("soup", 1_000), ("rice", 1_000),
        ]  # fmt: skip
        due = till.view.bill.charged
        assert app.screen.query_one("#due").amount == due  # type: ignore[attr-defined]
        await key_in(pilot, "enter")
        await until(pilot, lambda: till.view.sale is not None)
        await settle(pilot)
        assert till.view.sale is not None
        assert till.view.sale.amount == due
        assert app.screen.query_one(QrPicture).scale == 1
        assert "Jasmine tea" in text_of(app)
        till.move_sale(SaleState.PAID)
        await settle(pilot)
        assert till.view.bill.state is BillState.COMPLETE
        assert app.bells == 1
        assert "✓ PAID" in text_of(app)


async def test_ux1_the_amount_due_stays_the_largest_while_a_bill_is_made(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await rung_up(till, pilot, TEA)
        tall = [row for row in text_of(app).splitlines() if "█" in row]
        assert len(tall) >= 3
        assert "AMOUNT DUE" in text_of(app)


async def test_an_unknown_bar_code_adds_nothing_and_says_so(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await scan(pilot, "4006381333931")
        await until(pilot, lambda: "No article has the bar code 4006381333931" in told_of(app))
        assert till.view.bill is None
        assert app.screen.query_one("#due").amount is None  # type: ignore[attr-defined]


@pytest.mark.parametrize(("typed", "sku"), [("slash n r m", "soup"), ("m o l i", "tea"), ("slash", "bun")])
async def test_ux10_an_article_is_found_by_typing(till: PreparedTill, tmp_path: Path, typed: str, sku: str) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, *typed.split())
        search = app.screen
        assert isinstance(search, ArticleSearch)
        await until(pilot, lambda: search.list.present is not None and search.list.present.sku == sku)
        await key_in(pilot, "enter")
        await until(pilot, lambda: till.view.bill is not None)
        assert till.view.bill is not None
        assert [line.sku for line in till.view.bill.lines] == [sku]


@pytest.mark.slow
async def test_ux10_a_weight_and_an_open_price_are_asked_for(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, *"prawn", "enter")
        await until(pilot, lambda: isinstance(app.screen, Prompt))
        await key_in(pilot, "x", "enter")
        await until(pilot, lambda: "cannot be sold" in text_of(app))
        await key_in(pilot, "backspace", *"0.755", "enter")
        await until(pilot, lambda: till.view.bill is not None)
        await key_in(pilot, *"gift", "enter")
        await until(pilot, lambda: isinstance(app.screen, Prompt))
        await key_in(pilot, *"350", "enter")
        await until(pilot, lambda: till.view.bill is not None and len(till.view.bill.lines) == 2)
        assert till.view.bill is not None
        assert till.view.bill.charged == cny(6_644 + 350)


@pytest.mark.slow
async def test_ux10_quantities_discounts_and_undo_by_key(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (_, pilot):
        await rung_up(till, pilot, TEA, SOUP)

        async def charged(minor: int, *keys: str) -> None:
            await key_in(pilot, *keys)
            await until(pilot, lambda: till.view.bill is not None and till.view.bill.charged == cny(minor), str(keys))

        await charged(1_200 + 5_100, "plus")
        await charged(1_200 + 2_550, "minus")
        await charged(1_200 + 4 * 2_550, "4", "equals_sign")
        await charged(1_200 + 9_180, "1", "0", "percent_sign")
        await charged(1_200 + 9_180 + 500, *"500", "plus")
        await charged(1_200 + 9_180, "backspace")
        await charged(600 + 9_180, "up", "up", "5", "0", "percent_sign")
        await charged(9_180, "delete")
        await charged(600 + 9_180, "backspace")
        await charged(4_890, "ctrl+d", *"50", "percent_sign", "enter")
        await charged(4_890 + 489, "ctrl+t", *"10", "percent_sign", "enter")


@pytest.mark.slow
async def test_digits_before_a_star_count_the_next_article(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, "3", "asterisk")
        assert "3 ×" in text_of(app)
        await rung_up(till, pilot, TEA)
        await key_in(pilot, *"2")
        await key_in(pilot, "enter")
        assert "A bill is in hand" in told_of(app)
        await key_in(pilot, "backspace", "slash", "2", "asterisk", *"soup", "enter")
        await until(pilot, lambda: till.view.bill is not None and len(till.view.bill.lines) == 2)
        assert till.view.bill is not None
        assert [line.quantity for line in till.view.bill.lines] == [3_000, 2_000]


async def test_ux9_after_the_code_only_cancelling_frees_the_lines(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await rung_up(till, pilot, TEA)
        await key_in(pilot, "enter")
        await until(pilot, lambda: stage_of(app) is Stage.WAITING)
        await scan(pilot, SOUP)
        assert "A sale is waiting" in told_of(app)
        await key_in(pilot, "escape")
        assert isinstance(app.screen, Question)
        await key_in(pilot, "y")
        await until(pilot, lambda: stage_of(app) is Stage.RINGING)
        await rung_up(till, pilot, SOUP)
        assert till.view.bill is not None
        assert till.view.bill.charged == cny(3_750)


@pytest.mark.slow
async def test_ux10_bills_are_held_with_a_key_and_taken_back_with_a_key(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await rung_up(till, pilot, TEA)
        await key_in(pilot, "f6")
        await until(pilot, lambda: stage_of(app) is Stage.ENTRY)
        assert "1 held" in text_of(app)
        await key_in(pilot, "f6")
        await until(pilot, lambda: stage_of(app) is Stage.RINGING)
        await key_in(pilot, "f6")
        await until(pilot, lambda: len(till.view.held) == 1)
        await rung_up(till, pilot, SOUP)
        await key_in(pilot, "f6")
        await until(pilot, lambda: len(till.view.held) == 2)
        await key_in(pilot, "f6")
        assert isinstance(app.screen, HeldBills)
        await key_in(pilot, "down", "enter")
        await until(pilot, lambda: till.view.bill is not None)
        assert till.view.bill is not None
        assert len(till.view.held) == 1


async def test_cash_is_two_keys_beyond_the_digits_and_never_says_paid(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, *"1250", "ctrl+o")
        assert isinstance(app.screen, TenderForm)
        await key_in(pilot, "enter")
        await until(pilot, lambda: stage_of(app) is Stage.TAKEN)
        await settle(pilot)
        shown = text_of(app).split("LAST SALES", maxsplit=1)[0]
        assert "◆ CASH RECEIVED" in shown
        assert "PAID" not in shown
        assert "This money is not" in shown
        assert app.bells == 0
        await key_in(pilot, "enter")
        await until(pilot, lambda: stage_of(app) is Stage.ENTRY)
        await settle(pilot)
        assert "12.50 ◆ Cash" in text_of(app)
        await key_in(pilot, "7", "enter")
        await until(pilot, lambda: till.view.sale is not None)
        assert till.asked[-1] == ("request", cny(7))
        assert till.view.bill is None


@pytest.mark.slow
async def test_change_is_computed_before_and_shown_large_after(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await rung_up(till, pilot, TEA)
        await key_in(pilot, "ctrl+o", *"2000")
        assert "Change to hand back: 8.00 CNY" in text_of(app)
        await key_in(pilot, "enter")
        await until(pilot, lambda: stage_of(app) is Stage.TAKEN)
        await settle(pilot)
        assert "CHANGE" in text_of(app)
        assert app.screen.query_one("#due").amount == cny(800)  # type: ignore[attr-defined]


async def test_a_tender_that_was_refused_and_typed_anew_rings_the_keyed_amount_up_once(
    till: PreparedTill, tmp_path: Path
) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, *"1000", "ctrl+o", "down", *"2000", "enter")
        await until(pilot, lambda: app.screen.query_one(Hint).told is not None)
        await key_in(pilot, *["backspace"] * 4, *"1000", "enter")
        await until(pilot, lambda: not isinstance(app.screen, TenderForm))
        await until(pilot, lambda: stage_of(app) is Stage.TAKEN)
        assert till.view.bill is not None
        assert (till.view.bill.charged, till.view.bill.remaining) == (cny(1_000), cny(0))


async def test_a_code_scanned_while_a_part_waits_is_charged_the_part(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (_, pilot):
        await rung_up(till, pilot, SOUP)
        await key_in(pilot, "ctrl+o", "up", *"1000", "enter")
        await until(pilot, lambda: till.view.sale is not None)
        await scan(pilot, "CPC1ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
        await until(pilot, lambda: 2 in till.shop.rows)
        charged = till.shop.rows[2]
        assert (charged.presented, charged.amount_minor) == ("code", 1_000)


async def test_a_split_bill_says_what_is_still_due_and_completes_with_its_last_part(
    till: PreparedTill, tmp_path: Path
) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await rung_up(till, pilot, SOUP, SOUP)
        await key_in(pilot, "ctrl+o", *"2000", "enter")
        await until(pilot, lambda: stage_of(app) is Stage.PART)
        await settle(pilot)
        for part in ("STILL DUE", "PART RECEIVED", "Cash received 20.00", "Keep the goods"):
            assert part in text_of(app)
        await key_in(pilot, "enter")
        await until(pilot, lambda: till.view.sale is not None)
        assert till.view.sale is not None
        assert till.view.sale.amount == cny(3_100)
        till.move_sale(SaleState.PAID)
        await settle(pilot)
        assert stage_of(app) is Stage.PAID
        assert till.view.bill is not None
        assert till.view.bill.state is BillState.COMPLETE


@pytest.mark.slow
async def test_a_part_by_code_first_is_not_shown_as_a_paid_sale(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await rung_up(till, pilot, SOUP)
        await key_in(pilot, "ctrl+o", "up", *"1000", "enter")
        await until(pilot, lambda: till.view.sale is not None)
        assert till.view.sale is not None
        assert till.view.sale.amount == cny(1_000)
        till.move_sale(SaleState.PAID)
        await settle(pilot)
        assert stage_of(app) is Stage.PART
        assert app.screen.query_one("#due").amount == cny(1_550)  # type: ignore[attr-defined]
        assert not app.screen.query_one("#face").display


@pytest.mark.slow
async def test_parts_given_back_are_said_plainly(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await rung_up(till, pilot, SOUP)
        await key_in(pilot, "ctrl+o", *"1000", "enter")
        await until(pilot, lambda: stage_of(app) is Stage.PART)
        await key_in(pilot, "escape")
        assert isinstance(app.screen, Question)
        await key_in(pilot, "enter")
        assert stage_of(app) is Stage.PART
        await key_in(pilot, "escape", "y")
        await until(pilot, lambda: stage_of(app) is Stage.RINGING)
        await settle(pilot)
        assert "Give back to the customer: 10.00 CNY in cash" in told_of(app)
        assert till.view.bill is not None
        assert [part.state for part in till.view.bill.parts] == [PartState.RETURNED]


@pytest.mark.slow
async def test_cash_instead_of_the_code_that_waits_cancels_it_first(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await rung_up(till, pilot, TEA)
        await key_in(pilot, "enter")
        await until(pilot, lambda: stage_of(app) is Stage.WAITING)
        await key_in(pilot, "ctrl+o", "enter")
        await until(pilot, lambda: stage_of(app) is Stage.TAKEN)
        assert ("cancel", "260302-AA-0001") in till.asked
        assert till.view.bill is not None
        assert [part.kind for part in till.view.bill.beside] == [TenderKind.CASH]


async def test_ux7_a_customers_code_is_charged_what_the_bill_comes_to(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await rung_up(till, pilot, TEA)
        await scan(pilot, "CPC1ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
        await until(pilot, lambda: till.view.sale is not None)
        assert till.view.sale is not None
        assert till.view.sale.amount == cny(1_200)
        assert not isinstance(app.screen, ArticleSearch)


async def test_ux17_lines_and_kinds_are_chosen_by_mouse(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await rung_up(till, pilot, TEA, SOUP, RICE)
        lines = app.screen.query_one("#bill", BillList)
        await pilot.click(lines, offset=(6, 2))
        await settle(pilot)
        assert lines.cursor == 1
        await key_in(pilot, "ctrl+o")
        await pilot.click("#kinds", offset=(8, 0))
        await settle(pilot)
        assert isinstance(app.screen, TenderForm)
        assert app.screen.kind is TenderKind.CARD


@pytest.mark.slow
async def test_giving_up_a_bill_is_asked_first(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await rung_up(till, pilot, TEA)
        await key_in(pilot, "escape", "enter")
        assert stage_of(app) is Stage.RINGING
        await key_in(pilot, "escape", "y")
        await until(pilot, lambda: stage_of(app) is Stage.ENTRY)
        assert till.view.held == ()


async def test_ux11_the_sales_list_shows_what_was_rung_up_for_a_sale(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path, size=(120, 40)) as (app, pilot):
        await rung_up(till, pilot, TEA, TEA)
        await key_in(pilot, "ctrl+o", *"400", "enter")
        await until(pilot, lambda: stage_of(app) is Stage.PART)
        await key_in(pilot, "enter")
        await until(pilot, lambda: till.view.sale is not None)
        till.move_sale(SaleState.PAID)
        assert till.view.sale is not None
        till.book = (till.view.sale, *till.book)
        await go(pilot, "sales")
        await until(pilot, lambda: "2 × Jasmine tea" in text_of(app))
        assert "Cash received 4.00" in text_of(app)


async def test_a_key_that_comes_while_a_dialog_is_put_up_waits_for_it(till: PreparedTill, tmp_path: Path) -> None:
    """Once a scan closed the search before it was there, and the console ended."""
    async with opened(till, tmp_path) as (app, pilot):
        app.push_screen(ArticleSearch(app.screen, "6"))  # type: ignore[arg-type]
        for key in [*(events.Key(character, character) for character in TEA), events.Key("enter", None)]:
            await app.on_event(key)
        await until(pilot, lambda: till.view.bill is not None)
        assert isinstance(app.screen, CounterScreen)
