"""The shift, staff and the lock on the screen (ux 9, 12, 13, 14, 27, 34)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from chainpos.console.places import commands_of
from chainpos.console.screens.sign_in import SignIn
from chainpos.errors import UserFacingError
from chainpos.till.shift_views import RequestView
from chainpos.till.views import PrinterView, SaleState
from tests.console.looking import HeardApp, assert_snapshot, go, key_in, opened, settle, text_of, until
from tests.console.prepared_figures import SECOND, cny
from tests.console.prepared_shift import CLOSED, OPEN, PEOPLE, SHORT
from tests.console.prepared_till import PreparedTill, sale_of

pytestmark = pytest.mark.slow


def signed_in(till: PreparedTill, name: str) -> None:
    member = next(each for each in PEOPLE.members if each.name == name)
    till.staff.put(msgspec.structs.replace(PEOPLE, present=member))


def offered(app: HeardApp) -> set[str]:
    """The ids of all that could be done by a key now, shown or not."""
    found = app.screen.active_bindings.values()
    return {each.binding.id or "" for each in found if each.enabled}


def named(app: HeardApp) -> set[str]:
    return {command.name for command in commands_of(app.screen, app.texts)}


# -- the shift


async def test_ux12_a_shift_is_opened_with_its_float_and_enter_alone_does_nothing(
    till: PreparedTill, tmp_path: Path
) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, "f11")
        assert "NO SHIFT IS OPEN" in text_of(app)
        assert "shift.z" not in offered(app)
        await key_in(pilot, "o", *"50000", "enter", "enter")
        assert till.shifts.asked == []
        await key_in(pilot, "ctrl+y")
        assert till.shifts.asked == [("open", cny(50_000))]
        shown = text_of(app)
        assert "SHIFT 3 · OPEN" in shown
        assert "The shift is open with 500.00 CNY." in shown


async def test_ux12_cash_in_and_out_need_a_reason(till: PreparedTill, tmp_path: Path) -> None:
    till.shifts.put(OPEN)
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, "f11", "u", *"2500", "ctrl+y")
        assert "Say what it is for." in text_of(app)
        await key_in(pilot, "enter", *"milk", "ctrl+y")
        assert till.shifts.asked == [("draw", "out", cny(2_500), "milk")]


async def test_ux12_the_z_report_shows_book_ledger_and_settlement_line_by_line(
    till: PreparedTill, tmp_path: Path
) -> None:
    till.shifts.put(OPEN)
    async with opened(till, tmp_path, size=(120, 40)) as (app, pilot):
        await key_in(pilot, "f11", "z", *"69800", "enter")
        assert till.shifts.asked == []
        await key_in(pilot, "ctrl+y")
        assert till.shifts.asked == [("close", cny(69_800))]
        shown = text_of(app)
        assert "Shift 3 is closed. Difference: 0.00 CNY." in shown
        assert "Book, ledger and settlement agree." in shown
        row = next(row for row in shown.splitlines() if "260302-KX-0042 " in row)
        assert row.count("1,288.00") == 2
        assert "✓" in row


async def test_ux12_a_difference_is_named_with_its_figures_and_the_next_step(
    till: PreparedTill, tmp_path: Path
) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, "f11", "left", "left")
        shown = " ".join(text_of(app).split())
        for part in ("2 do not agree", "Paid on the ledger, not in the book.", "0.00 / 7.00", "not yet anchored"):
            assert part in shown
        assert "Counted" not in shown
        await key_in(pilot, "d", "d", "d")
        assert "Counted" in text_of(app)
        await key_in(pilot, "right")
        assert "its hash is on the ledger, block 1,190" in text_of(app)
        await key_in(pilot, "e")
        assert till.shifts.asked == [("export", 2)]


async def test_ux12_requests_that_brought_no_money_stand_apart(till: PreparedTill, tmp_path: Path) -> None:
    till.shifts.put(msgspec.structs.replace(OPEN, requests=(RequestView("260302-KX-0099", cny(777), "expired"),)))
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, "f11")
        shown = text_of(app)
        assert "Not paid ×1" in shown
        (row,) = [row for row in shown.splitlines() if "260302-KX-0099" in row]
        assert "Unpaid" in row
        assert "Expired" in row
        assert "✓" not in row


async def test_ux11_a_cashiers_refund_asks_for_a_managers_pin(till: PreparedTill, tmp_path: Path) -> None:
    signed_in(till, "Wang")
    async with opened(till, tmp_path) as (app, pilot):
        await go(pilot, "sales")
        await key_in(pilot, "r")
        assert "PIN of a manager" in text_of(app)
        await key_in(pilot, "escape")
        signed_in(till, "Mei 梅")
        await settle(pilot)
        await key_in(pilot, "r")
        assert "PIN of a manager" not in text_of(app)


async def test_ux27_takings_by_hour_are_bars(till: PreparedTill, tmp_path: Path) -> None:
    till.shifts.put(OPEN)
    async with opened(till, tmp_path, size=(120, 40)) as (app, pilot):
        await key_in(pilot, "f11")
        rows = text_of(app).splitlines()
        (hours,) = [at for at, row in enumerate(rows) if "01 02 03 04 05" in row]
        assert all("██" in row for row in rows[hours - 8 : hours])
        assert "▁▁ ██" in rows[hours - 1]


@pytest.mark.parametrize(
    ("size", "language"),
    [
        ((60, 20), "en"),
        ((80, 24), "zh"),
        pytest.param((120, 40), "en", marks=pytest.mark.slow),
        pytest.param((200, 60), "zh", marks=pytest.mark.slow),
    ],
)
async def test_ux19_the_shift_at_every_size(
    till: PreparedTill, tmp_path: Path, size: tuple[int, int], language: str
) -> None:
    till.shifts.old = {2: CLOSED, 1: SHORT}
    async with opened(till, tmp_path, size=size, language=language) as (app, pilot):
        await key_in(pilot, "f11", "left", "left")
        assert_snapshot(f"shift-{size[0]}x{size[1]}-{language}", text_of(app))


# -- staff


async def test_ux13_staff_switches_with_one_key_and_a_pin(till: PreparedTill, tmp_path: Path) -> None:
    till.staff.put(PEOPLE)
    async with opened(till, tmp_path) as (app, pilot):
        assert "till 1 · Wang" in text_of(app)
        await key_in(pilot, "ctrl+s", "up", *"9999", "enter")
        assert "The PIN is wrong." in text_of(app)
        assert "9999" not in text_of(app)
        await key_in(pilot, *"1111", "enter")
        assert till.staff.tried == [("Mei 梅", "9999"), ("Mei 梅", "1111")]
        assert "till 1 · Mei 梅" in text_of(app)
        await key_in(pilot, "ctrl+s", "escape")
        assert not isinstance(app.screen, SignIn)


async def test_ux13_a_closed_door_says_how_long(till: PreparedTill, tmp_path: Path) -> None:
    async def refuse(name: str, pin: str) -> None:
        raise UserFacingError(
            "Too many wrong PINs: the next try is possible in 1800 s.", next_step="Wait, or call the manager."
        )

    till.staff.put(PEOPLE)
    async with opened(till, tmp_path, language="zh") as (app, pilot):
        till.staff.sign_in = refuse  # type: ignore[method-assign]
        await key_in(pilot, "ctrl+s", *"1", "enter")
        assert "密码错误次数过多，1800 秒后可再试。" in text_of(app)


async def test_ux13_what_a_role_cannot_do_is_absent_from_keys_palette_and_tabs(
    till: PreparedTill, tmp_path: Path
) -> None:
    till.shifts.put(OPEN)
    signed_in(till, "Mei 梅")
    async with opened(till, tmp_path, size=(120, 40)) as (app, pilot):
        found: dict[str, dict[str, bool]] = {}
        for name in ("Mei 梅", "Wang", "Support", "Li"):
            signed_in(till, name)
            await settle(pilot)
            can: dict[str, bool] = {"counter": "F1 Counter" in text_of(app)}
            await go(pilot, "sales")
            can["refund"] = "sales.refund" in offered(app)
            assert can["refund"] == ("Refund" in named(app))
            await go(pilot, "settlement")
            can["payout"] = "settlement.payout" in offered(app)
            assert can["payout"] == ("Ask for a payout" in named(app))
            await key_in(pilot, "f11")
            can["close"] = "shift.z" in offered(app)
            can["drawer"] = "shift.cash_in" in offered(app)
            assert can["drawer"] == ("Cash in" in named(app)) == ("Cash in" in text_of(app).splitlines()[-1])
            found[name] = can
        assert found == {
            "Mei 梅": {"counter": True, "refund": True, "payout": True, "close": True, "drawer": True},
            "Wang": {"counter": True, "refund": True, "payout": False, "close": True, "drawer": True},
            "Support": {"counter": False, "refund": False, "payout": False, "close": False, "drawer": False},
            "Li": {"counter": False, "refund": False, "payout": False, "close": False, "drawer": False},
        }


async def test_ux34_support_is_taken_from_the_counter_and_its_keys_do_nothing(
    till: PreparedTill, tmp_path: Path
) -> None:
    till.staff.put(PEOPLE)
    async with opened(till, tmp_path) as (app, pilot):
        signed_in(till, "Support")
        await settle(pilot)
        assert app.current_mode == "sales"
        await key_in(pilot, "f1", *"1250", "enter")
        assert app.current_mode == "sales"
        assert not any(asked[0] == "request" for asked in till.asked)


async def test_a_shop_without_pins_has_neither_lock_nor_switch(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        assert app.current_mode == "counter"
        assert {"app.lock", "app.staff"} & offered(app) == set()
        await key_in(pilot, "ctrl+l", "ctrl+s")
        assert not isinstance(app.screen, SignIn)


# -- the lock


async def test_ux14_a_till_with_staff_begins_locked_and_shows_nothing_behind_the_lock(
    till: PreparedTill, tmp_path: Path
) -> None:
    till.staff.put(msgspec.structs.replace(PEOPLE, present=None))
    async with opened(till, tmp_path) as (app, pilot):
        shown = text_of(app)
        assert "LOCKED" in shown
        assert "LAST SALES" not in shown
        await key_in(pilot, "escape", "f2", "ctrl+p", "question_mark", *"1250", "f5")
        assert isinstance(app.screen, SignIn)
        assert "LOCKED" in text_of(app)
        await key_in(pilot, *["backspace"] * 6, "down", *"2222", "enter")
        assert "till 1 · Wang" in text_of(app)


async def test_ux14_the_sale_in_hand_and_what_was_keyed_are_there_after_the_lock(
    till: PreparedTill, tmp_path: Path
) -> None:
    till.staff.put(PEOPLE)
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, *"1250", "enter")
        await key_in(pilot, "ctrl+l")
        assert "12.50 CNY · ○ Waiting" in text_of(app)
        till.move_sale(SaleState.PAID)
        await settle(pilot)
        assert app.bells == 1
        await key_in(pilot, *"2222", "enter")
        assert "PAID" in text_of(app)


async def test_ux14_it_locks_when_nobody_touches_it_and_closes_what_was_open(
    till: PreparedTill, tmp_path: Path
) -> None:
    till.staff.put(PEOPLE)
    till.book = (sale_of("K7Q2", 1_250, SaleState.CONFIRMED),)
    async with opened(till, tmp_path) as (app, pilot):
        await go(pilot, "sales")
        await key_in(pilot, "r", *"1250")
        till.time_ns += 299 * SECOND
        app.look_whether_idle()
        await settle(pilot)
        assert not isinstance(app.screen, SignIn)
        till.time_ns += 2 * SECOND
        app.look_whether_idle()
        await settle(pilot)
        assert isinstance(app.screen, SignIn)
        await key_in(pilot, *"2222", "enter")
        assert "Type the amount again" not in text_of(app)
        assert not any(asked[0] == "refund" for asked in till.asked)


async def test_ux14_a_form_that_is_sending_ends_before_the_lock_comes(
    till: PreparedTill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    till.staff.put(PEOPLE)
    till.shifts.put(OPEN)
    disk, booked = asyncio.Event(), []

    async def draw(kind: str, *_: object) -> None:
        await disk.wait()
        booked.append(kind)

    monkeypatch.setattr(till.shifts, "draw", draw)
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, "f11", "u", *"2500", "enter", *"milk", "ctrl+y")
        form = app.screen
        till.time_ns += 301 * SECOND
        app.look_whether_idle()
        await settle(pilot, 0.2)
        assert till.counter().staff.present is None
        assert (app.screen, booked) == (form, [])
        disk.set()
        await until(pilot, lambda: isinstance(app.screen, SignIn))
        assert booked == ["out"]


async def test_ux12_the_z_report_is_offered_for_printing_at_close_and_enter_keeps_the_paper(
    till: PreparedTill, tmp_path: Path
) -> None:
    till.shifts.put(OPEN)
    till.push(printer=PrinterView(is_set=True))
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, "f11", "z", *"69800", "ctrl+y")
        await settle(pilot)
        assert "Print the Z report?" in text_of(app)
        await key_in(pilot, "enter")
        assert not any(asked[0] == "print report" for asked in till.asked)
        await key_in(pilot, "p")
        assert till.asked[-1] == ("print report", 3, True)
        assert "The report is on its way to the printer." in text_of(app)


async def test_ux12_an_x_report_is_printed_and_saved_with_one_key_each(till: PreparedTill, tmp_path: Path) -> None:
    till.shifts.put(OPEN)
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, "f11")
        assert "shift.print" not in offered(app)
        await key_in(pilot, "s")
        assert till.asked[1:] == [("save report", 3)]
        till.push(printer=PrinterView(is_set=True))
        await settle(pilot)
        await key_in(pilot, "p")
        assert till.asked[2:] == [("print report", 3, False)]
