"""Receipts at the counter: seen, printed, printed again, proved; and a printer that fails says so and stops no sale."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest
import zxingcpp

from chainpos.console.screens.receipt import ProofCodes, ReceiptScreen
from chainpos.errors import UserFacingError
from chainpos.till.views import PrinterView, SaleState
from tests.console.looking import ansi_of, go, in_turns, key_in, opened, settle, text_of
from tests.console.prepared_paper import RECEIPT
from tests.console.prepared_till import PreparedTill
from tests.terminal_picture import picture


def broken_over_lines(words: str, text: str) -> bool:
    """Whether the words stand in consecutive lines, however they are broken; beside them may stand something else."""
    lines = [re.sub(r"\s", "", line) for line in text.splitlines()]
    wanted = re.sub(r"\s", "", words)
    return any(_taken(wanted, lines[at:]) for at in range(len(lines)))


def _taken(wanted: str, lines: list[str]) -> bool:
    """Whether each line has the next part of what is wanted, the last of them its end; no part is a letter or two."""
    for line in lines:
        part = next((wanted[:size] for size in range(len(wanted), 2, -1) if wanted[:size] in line), "")
        if not part:
            return False
        wanted = wanted[len(part) :]
        if len(wanted) <= 2:
            return not wanted or wanted in line
    return False


READY = PrinterView(is_set=True)


async def test_ux11_a_paid_sales_receipt_is_read_printed_and_printed_again_as_a_copy(
    till: PreparedTill, tmp_path: Path
) -> None:
    till.push(printer=READY)
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, *"1250", "enter")
        till.move_sale(SaleState.PAID)
        await settle(pilot)
        await key_in(pilot, "v")
        assert isinstance(app.screen, ReceiptScreen)
        assert "老王面馆" in text_of(app)
        assert "PAID 已付              12.50 CNY" in text_of(app)
        await key_in(pilot, "p")
        assert "on its way to the printer" in text_of(app)
        await key_in(pilot, "p")
        assert "copy 1" in text_of(app)
        await key_in(pilot, "s")
        assert "Document, to print or to send" in text_of(app)
        await key_in(pilot, "enter")
        assert "receipts" in text_of(app).replace("\n ", "")  # a long path takes more lines than one
        await key_in(pilot, "s", "down", "down", "enter", "s", "escape")
        await key_in(pilot, "escape")
        # The next sale is two keys away, as if there were no paper in the world.
        await key_in(pilot, *"99", "enter")
        assert till.view.sale is not None
        assert till.view.sale.amount.minor == 99
    assert [each for each in till.asked if each[0] in {"look", "print", "save"}] == [
        ("look", "N001"), ("print", "K7Q2"), ("print", "K7Q2"), ("save", "K7Q2", "K7Q2.pdf"),
        ("save", "K7Q2", "K7Q2.txt"),
    ]  # fmt: skip


async def test_ux3_a_key_prints_the_code_that_waits(till: PreparedTill, tmp_path: Path) -> None:
    till.push(printer=READY)
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, *"1250", "enter", "p")
        assert till.asked[-1] == ("print request", "N001")
        assert broken_over_lines("The code is on its way to the printer.", text_of(app))


async def test_without_a_printer_printing_is_not_offered(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, *"1250", "enter", "p")
        assert not [each for each in till.asked if str(each[0]).startswith("print")]
        await go(pilot, "sales")
        await key_in(pilot, "p")
        assert not [each for each in till.asked if str(each[0]).startswith("print")]
        await key_in(pilot, "v")
        assert isinstance(app.screen, ReceiptScreen)


@pytest.mark.parametrize(
    ("language", "problem"),
    in_turns(("no_paper", "cover_open", "unreachable", "error", "no_driver", "unsure", "no_paper_begun")),
)
async def test_ux8_a_printer_that_fails_says_what_that_the_sale_stands_and_what_to_do(
    till: PreparedTill, tmp_path: Path, language: str, problem: str
) -> None:
    async with opened(till, tmp_path, language=language) as (app, pilot):
        till.push(printer=PrinterView(is_set=True, problem=problem, waiting=2))
        await settle(pilot)
        text, what = text_of(app), app.texts(f"printer.{problem.removesuffix('_begun')}")
        for words in (what, app.texts("printer.stands")):
            assert broken_over_lines(words, text)
        assert f"▤ {app.texts('status.no_printer')}" in text
        till.push(printer=READY)
        await settle(pilot)
        assert app.texts("printer.well") in text_of(app)
        assert "▤" not in text_of(app)


async def test_the_proof_is_shown_as_codes_that_decode_one_after_another(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await go(pilot, "sales")
        await key_in(pilot, "v", "q")
        assert isinstance(app.screen, ProofCodes)
        seen = []
        for _ in range(3):
            image = picture(ansi_of(app), 80, 24)
            seen += [code.text for code in zxingcpp.read_barcodes(image, try_invert=False)]
            await key_in(pilot, "space")
    first, second = (code.text for code in RECEIPT.codes)
    assert seen == [first, second, first]


async def test_a_refusal_is_told_on_the_receipt(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path, language="zh") as (app, pilot):
        await go(pilot, "sales")
        await key_in(pilot, "v")
        till.paper.refuse_next = UserFacingError("This till has no printer.", next_step="Mend the printer first.")
        await key_in(pilot, "p")
        assert "本机未设置打印机。" in text_of(app)


async def test_ux19_a_receipt_wider_than_the_terminal_scrolls_and_does_not_break(
    till: PreparedTill, tmp_path: Path
) -> None:
    async with opened(till, tmp_path, size=(60, 20)) as (app, pilot):
        till.paper.view = type(RECEIPT)(
            reference="K7Q2", lines=tuple(f"line {at:03} " + "茶" * 40 for at in range(60)), codes=()
        )
        await go(pilot, "sales")
        await key_in(pilot, "v")
        assert "line 000" in text_of(app)
        await key_in(pilot, *["pagedown"] * 12)
        assert "line 059" in text_of(app)
        await key_in(pilot, "q")
        assert "The proof comes with the next block." in text_of(app)


async def test_ux3_a_large_terminal_shows_emvcos_code_and_a_small_one_the_links(
    till: PreparedTill, tmp_path: Path
) -> None:
    async with opened(till, tmp_path, size=(120, 40)) as (app, pilot):
        await key_in(pilot, *"1250", "enter", "space", "e")
        seen = zxingcpp.read_barcodes(picture(ansi_of(app), 120, 40, scale=2), try_invert=False)
        assert [code.text[:18] for code in seen] == ["00020101021226N001"]
        await key_in(pilot, "e")
        seen = zxingcpp.read_barcodes(picture(ansi_of(app), 120, 40, scale=2), try_invert=False)
        assert [code.text[:4] for code in seen] == ["HTTP"]
        await key_in(pilot, "x")
        assert app.screen is app.screen_stack[0]
    small = PreparedTill()
    async with opened(small, tmp_path, size=(80, 24)) as (app, pilot):
        await key_in(pilot, *"1250", "enter", "space", "e")
        # It does not fit: that is said, and the link's code is there all the same.
        (code,) = zxingcpp.read_barcodes(picture(ansi_of(app), 80, 24), try_invert=False)
        assert code.text[:4] == "HTTP"
        assert "Too small for the EMVCo code" in text_of(app)


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_the_receipt_of_what_was_paid_beside_the_ledger_promises_no_proof_and_saves_none(
    till: PreparedTill, tmp_path: Path, language: str
) -> None:
    till.paper.view = msgspec.structs.replace(RECEIPT, codes=(), beside=True)
    async with opened(till, tmp_path, language=language) as (app, pilot):
        await go(pilot, "sales")
        await key_in(pilot, "v")
        assert " q " not in text_of(app)
        await key_in(pilot, "q")
        assert broken_over_lines(app.texts("paper.beside"), text_of(app))
        await key_in(pilot, "s")
        shown = text_of(app)
        assert ".txt" in shown
        assert ".cpr" not in shown
