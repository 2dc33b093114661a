"""The counter, line by line of what the screens must do (ux 1 to 9). First the view or the call, then what is shown."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from textual import events

from chainpos.console.scanner import GAP_S
from chainpos.console.screens.enlarged import EnlargedCode
from chainpos.console.screens.question import Question
from chainpos.console.showing import Stage
from chainpos.console.widgets.amount_due import AmountDue
from chainpos.console.widgets.qr_picture import QrPicture, picture_size
from chainpos.errors import UserFacingError
from chainpos.till.views import Link, SaleState
from tests.console.looking import go, key_in, opened, scan, settle, text_of
from tests.console.prepared_figures import SECOND, cny
from tests.console.prepared_till import PreparedTill, network_of, sale_of

CODE = "CPC1ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


async def test_ux1_the_amount_due_is_at_least_three_rows_tall(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, "1", "2", "5", "0", "enter")
        due = app.screen.query_one("#due")
        assert till.asked[-1] == ("request", cny(1_250))
        tall = [row for row in text_of(app).splitlines() if "█" in row[: due.region.right]]
        assert len(tall) >= 3
        for below in ("WAITING", "Sale N001", "LAST SALES"):
            assert below in text_of(app)


async def test_ux2_digits_and_one_key_show_the_code(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, "4", "6", "0", "0")
        assert ("request", cny(4_600)) not in till.asked
        await key_in(pilot, "enter")
        assert ("request", cny(4_600)) in till.asked
        assert app.screen.query_one(QrPicture).scale == 1


@pytest.mark.parametrize("focused", ["notice", "keys", "recent"])
async def test_ux2_digits_work_whatever_has_the_focus(till: PreparedTill, tmp_path: Path, focused: str) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        widget = app.screen.query_one(f"#{focused}")
        widget.can_focus = True
        widget.focus()
        await key_in(pilot, "7", "5")
        assert app.screen.query_one("#due").amount == cny(75)  # type: ignore[attr-defined]


async def test_ux7_full_width_digits_are_digits(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        for character in "１２．５":
            app.post_message(events.Key(character, character))
            await settle(pilot)
        assert app.screen.query_one("#due").amount == cny(1_250)  # type: ignore[attr-defined]


async def test_ux3_a_screen_too_small_for_the_code_shows_the_address_in_letters(
    till: PreparedTill, tmp_path: Path
) -> None:
    async with opened(till, tmp_path, size=(50, 18)) as (app, pilot):
        await key_in(pilot, "9", "9", "enter")
        assert till.view.sale is not None
        shown = text_of(app)
        assert app.screen.query_one(QrPicture).qr is None
        assert till.view.sale.link in shown.replace("\n", "").replace(" ", "")
        assert "▀▀▀▀▀▀▀" not in shown


@pytest.mark.slow
async def test_ux3_the_code_is_never_clipped_at_any_size(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, "9", "9", "enter")
        for columns in (38, 57, 58, 60, 78, 100, 119, 120, 200):
            for rows in (12, 19, 20, 21, 22, 24, 39, 40):
                await pilot.resize_terminal(columns, rows)
                await pilot.pause()
                code = app.screen.query_one(QrPicture)
                if code.qr is not None and code.display:
                    needed = picture_size(code.qr, code.scale)
                    assert code.scale >= 1
                    assert needed.width <= code.region.width
                    assert needed.height <= code.region.height
                    assert app.screen.region.contains_region(code.region)
                else:
                    assert app.screen.query_one("#link").alone  # type: ignore[attr-defined]


async def test_ux3_a_key_shows_the_code_alone_and_a_payment_ends_that(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path, size=(100, 40)) as (app, pilot):
        await key_in(pilot, "9", "9", "enter")
        await key_in(pilot, "space")
        assert isinstance(app.screen, EnlargedCode)
        assert app.screen.query_one(QrPicture).scale == 2
        till.move_sale(SaleState.PAID)
        await settle(pilot)
        assert "PAID" in text_of(app)


async def test_ux4_a_countdown_runs_and_an_expired_code_disappears(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, "9", "9", "enter")
        assert "5:00" in text_of(app)
        till.time_ns += 61 * SECOND
        await settle(pilot, 0.3)
        assert "3:59" in text_of(app)
        till.time_ns += 239 * SECOND
        await settle(pilot, 0.3)
        assert app.screen.query_one(QrPicture).qr is None
        assert "EXPIRED" in text_of(app)
        assert "No money moved" in text_of(app)
        await key_in(pilot, "enter")
        assert till.asked[-1] == ("request", cny(99))


async def test_ux5_waiting_seen_and_paid_are_unmistakable(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, "1", "2", "5", "0", "enter")
        waiting = text_of(app)
        till.move_sale(SaleState.SEEN)
        await settle(pilot)
        seen, face = text_of(app), app.screen.query_one("#face")
        assert "NOT PAID YET" in seen
        assert "✓" not in seen.split("LAST SALES", maxsplit=1)[0]
        assert face.has_class("-seen")
        assert app.bells == 0
        till.move_sale(SaleState.PAID)
        await settle(pilot)
        paid = text_of(app)
        assert face.has_class("-paid")
        assert "✓ PAID" in paid
        assert "WAITING" in waiting
        assert "PAID" not in waiting.split("LAST SALES", maxsplit=1)[0]
        assert app.bells == 1


@pytest.mark.parametrize("state", [SaleState.WAITING, SaleState.SEEN, SaleState.REFUSED, SaleState.EXPIRED])
async def test_ux5_nothing_says_paid_before_the_verified_block(
    till: PreparedTill, tmp_path: Path, state: SaleState
) -> None:
    spoken: list[str] = []
    async with opened(till, tmp_path, voice=lambda text, _: spoken.append(text), voice_on=True) as (app, pilot):
        await key_in(pilot, "1", "2", "5", "0", "enter")
        till.move_sale(state)
        await settle(pilot)
        assert (app.bells, spoken) == (0, [])
        assert not app.screen.query_one("#face").has_class("-paid")
        assert "✓" not in text_of(app).split("LAST SALES", maxsplit=1)[0]


@pytest.mark.parametrize(("language", "line"), [("en", "Received 12.50 CNY"), ("zh", "收款到账 12.50 CNY")])
async def test_ux5_a_spoken_line_when_it_is_enabled(
    till: PreparedTill, tmp_path: Path, language: str, line: str
) -> None:
    spoken: list[tuple[str, str]] = []
    voice_on = opened(
        till, tmp_path, language=language, voice=lambda text, tongue: spoken.append((text, tongue)), voice_on=True
    )
    async with voice_on as (_, pilot):
        await key_in(pilot, "1", "2", "5", "0", "enter")
        till.move_sale(SaleState.PAID)
        await settle(pilot)
    assert spoken == [(line, language)]


async def test_ux5_the_bell_can_be_muted(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, "f7", "5", "0", "enter")
        assert "silent" in text_of(app)
        till.move_sale(SaleState.PAID)
        await settle(pilot)
        assert app.bells == 0
        assert "PAID" in text_of(app)


async def test_ux6_paid_stays_two_seconds_and_the_next_sale_can_start_at_once(
    till: PreparedTill, tmp_path: Path
) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, "1", "2", "5", "0", "enter")
        till.move_sale(SaleState.PAID)
        await settle(pilot)
        till.push(sale=None)
        await settle(pilot, 0.3)
        assert app.screen.shown.stage is Stage.PAID  # type: ignore[attr-defined]
        await key_in(pilot, "3", "0", "enter")
        assert till.asked[-1] == ("request", cny(30))
        assert app.screen.query_one(QrPicture).scale == 1
        assert "PAID  12.50 CNY" in text_of(app)
        till.time_ns += 30 * SECOND
        await settle(pilot, 0.3)
        assert "PAID  12.50 CNY" not in text_of(app)


async def test_ux6_the_bell_rings_once_a_payment_also_after_a_reconnect(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, "1", "2", "5", "0", "enter")
        for _ in range(3):
            till.move_sale(SaleState.PAID)
            till.push(network=network_of(Link.OFFLINE))
            await settle(pilot)
            till.push(network=network_of(Link.ONLINE))
            till.move_sale(SaleState.CONFIRMED)
            await settle(pilot)
        assert app.bells == 1


async def test_ux6_a_sale_set_aside_rings_when_it_is_paid(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, "8", "8", "enter", "f6")
        assert till.view.sale is None
        till.push(recent=(sale_of("N001", 88, SaleState.PAID), *till.view.recent[1:]))
        await settle(pilot)
        assert app.bells == 1
        assert "PAID" in text_of(app)


@pytest.mark.parametrize("focused", ["keys", "recent", ""])
async def test_ux7_a_scanned_code_is_charged_under_any_focus(till: PreparedTill, tmp_path: Path, focused: str) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        if focused:
            app.screen.query_one(f"#{focused}").can_focus = True
            app.screen.query_one(f"#{focused}").focus()
        await key_in(pilot, "1", "2", "5", "0")
        await scan(pilot, CODE)
        assert till.asked[-1] == ("charge", CODE, cny(1_250))
        assert not any(asked[0] == "request" for asked in till.asked)


async def test_ux7_a_scan_that_comes_in_pieces_keys_no_amount(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        begun_s = time.monotonic()

        def scanned(late_s: float, *keys: tuple[str, str | None]) -> None:
            for key, character in keys:
                event = events.Key(key, character)
                event.time = begun_s + late_s
                app.post_message(event)

        scanned(0.0, *((digit, digit) for digit in "400638"))
        await settle(pilot, 0.3)
        assert app.screen.query_one("#due", AmountDue).amount == cny(400_638)
        scanned(2 * GAP_S, *((digit, digit) for digit in "1333931"), ("enter", None))
        await settle(pilot)
        assert app.screen.query_one("#due", AmountDue).amount is None


async def test_ux7_a_scan_never_presses_a_button(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, "9", "9", "enter", "escape")
        assert isinstance(app.screen, Question)
        app.screen.query_one("#confirm").focus()
        await scan(pilot, CODE)
        assert isinstance(app.screen, Question)
        assert ("cancel", "N001") not in till.asked


async def test_ux7_a_scan_without_an_amount_asks_for_it(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await scan(pilot, CODE)
        assert not any(asked[0] == "charge" for asked in till.asked)
        assert "Key the amount first" in text_of(app)
        assert "No money moved" in text_of(app)


@pytest.mark.parametrize("code", [CODE[:20], "2234567ABCDEF2345", "１２" + CODE[:20]])
async def test_ux7_a_scan_that_lost_its_end_is_refused_and_keys_nothing(
    till: PreparedTill, tmp_path: Path, code: str
) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await scan(pilot, code, end="")
        assert app.screen.query_one("#due").amount is None  # type: ignore[attr-defined]
        assert "cut short" in text_of(app)


async def test_ux7_a_scan_takes_the_place_of_the_code_that_was_shown(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (_, pilot):
        await key_in(pilot, "9", "9", "enter")
        await scan(pilot, CODE)
        assert [asked[0] for asked in till.asked][-3:] == ["cancel", "dismiss", "charge"]


async def test_ux8_a_refusal_says_what_happened_whether_money_moved_and_the_next_key(
    till: PreparedTill, tmp_path: Path
) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, "1", "2", "5", "0", "enter")
        till.move_sale(SaleState.REFUSED)
        await settle(pilot)
        shown = " ".join(row[39:].strip() for row in text_of(app).splitlines())
        for part in ("REFUSED", "another amount", "No money moved.", "scan the code", "Enter: show the code again"):
            assert part in shown
        await key_in(pilot, "enter")
        assert app.screen.query_one(QrPicture).scale == 1
        assert "Refused once" in text_of(app)


async def test_ux8_a_failed_use_case_is_told_beside_the_amount(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        till.refuse_next = UserFacingError("The disk is full.", next_step="Free some space.")
        await key_in(pilot, "1", "2", "enter")
        shown = text_of(app)
        for part in ("The disk is full.", "No money moved.", "Free some space."):
            assert part in shown
        assert app.screen.query_one("#due").amount == cny(12)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("link", "word", "mark"),
    [(Link.OFFLINE, "OFFLINE", "○"), (Link.SYNCING, "SYNCING", "◐"), (Link.HALTED, "HALTED", "■")],
)
async def test_ux8_the_link_is_always_visible_and_distinct_without_colour(
    till: PreparedTill, tmp_path: Path, link: Link, word: str, mark: str
) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        till.push(network=network_of(link, 1_200, target_height=1_500, halted_reason="app hash"))
        for page in ("counter", "sales", "settlement", "ledger", "node"):
            await go(pilot, page)
            top = text_of(app).splitlines()[0]
            assert f"{mark} {word}" in top
            assert "1,200" in top


async def test_ux9_before_the_code_digits_can_be_taken_back(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, "1", "2", "backspace", "5")
        assert app.screen.query_one("#due").amount == cny(15)  # type: ignore[attr-defined]
        await key_in(pilot, "escape")
        assert app.screen.query_one("#due").amount is None  # type: ignore[attr-defined]
        assert till.asked == [("start",)]


async def test_ux9_after_the_code_only_cancelling_is_left_and_it_asks(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, "1", "2", "enter", "7")
        assert "A sale is waiting" in text_of(app)
        await key_in(pilot, "backspace", "escape")
        assert isinstance(app.screen, Question)
        await key_in(pilot, "enter")
        assert ("cancel", "N001") not in till.asked
        await key_in(pilot, "escape", "y")
        assert ("cancel", "N001") in till.asked
        assert till.view.sale is None


async def test_a_sale_without_an_amount_is_not_made(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, "0", "enter")
        assert till.asked == [("start",)]
        assert "Key an amount first" in text_of(app)


async def test_a_payment_answers_the_question_whether_to_cancel(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, "1", "2", "enter", "escape")
        till.move_sale(SaleState.PAID)
        await settle(pilot)
        assert not isinstance(app.screen, Question)
        assert "PAID" in text_of(app)


async def test_ux3_an_emvco_code_that_does_not_fit_is_said_and_the_links_stays(
    till: PreparedTill, tmp_path: Path
) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, *"1250", "enter", "space", "e")
        assert till.view.sale is not None
        assert app.screen.query_one("#large-code", QrPicture).qr == till.view.sale.qr
        assert "Too small for the EMVCo code" in text_of(app)
        assert till.paper.as_emvco == "N001"
        await key_in(pilot, "e")
        assert till.paper.as_emvco == ""
        assert "e: as EMVCo code" in text_of(app)
