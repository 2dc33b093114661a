"""Paper: what a real job prints, read back by an emulator and a QR decoder; and a printer that fails in every way."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest
from PIL import Image

from chainpos.core.chain.genesis import load_genesis
from chainpos.core.checkout.frames import Collected, parse_frame, to_frames
from chainpos.core.checkout.matching import SaleState
from chainpos.core.checkout.offered import read_offered
from chainpos.core.checkout.receipt_proof import decode_proof, verify_proof
from chainpos.errors import UserFacingError
from chainpos.store.shop import ShopBook
from chainpos.store.shop_prints import SENDING, PrintRow, ShopPrints
from chainpos.till.counter import Till
from chainpos.till.printing import device
from chainpos.till.printing.commands import job_bytes
from chainpos.till.printing.device import PrinterProblem, send
from chainpos.till.receipts import make_file
from chainpos.till.views import SaleView

from .conftest import TIMEOUT_S, Shop, cny, offer_of, online, sale_where, view_where
from .escpos_emulator import NotEscPos, PrinterPort, Sheet, printed
from .test_receipts import command

HOSTILE = (
    "\x1b@\x1bp\x00\x19\xfa", "\x1d(k\x03\x001Q0", "\x10\x14\x01\x00\x05", "a\rPAID 99.00\n\n", "\x9b31m\x85",
    "\u202eevil\u2066", "[@click=app.quit]x[/]", "z\u200be\u200dr\u2060o", "x" * 10_000_000, "\ud800\udfff", "\x00\x7f",
    "茶\x1b茶", "e" + "\u0301" * 40, "🍵🍵", "\x1cp\x01\x00", "￿￾", "\ue000", "𠮷野家",
)  # fmt: skip


@pytest.fixture
async def printer() -> AsyncIterator[PrinterPort]:
    port = PrinterPort()
    yield port
    await port.close()


async def till_with(shop: Shop, printer: str, **more: object) -> Till:
    home = shop.till_home()
    home.save_settings(msgspec.structs.replace(home.settings(), printer=printer, **more))
    till = await shop.open_till()
    await online(till)
    return till


async def sold(shop: Shop, till: Till, minor: int = 1250) -> SaleView:
    sale = await till.request(cny(minor), "tea 茶")
    wallet = shop.wallet("erin")
    await wallet.pay(await offer_of(wallet, sale.link))
    return await sale_where(till, sale.reference, SaleState.CONFIRMED)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(TIMEOUT_S):
        while not holds():  # noqa: ASYNC110 - what it waits for is a printer on a socket
            await asyncio.sleep(0.02)


def text_of(sheet: Sheet) -> str:
    return "\n".join(sheet.lines)


def proof_in(sheet: Sheet) -> bytes:
    whole = Collected()
    for text in sheet.codes:
        whole.add(parse_frame(text))
    return whole.content()


async def test_a_printed_receipt_proves_itself_to_who_scans_it_and_a_reprint_says_that_it_is_a_copy(
    shop: Shop, printer: PrinterPort, tmp_path: Path
) -> None:
    till = await till_with(shop, await printer.open())
    paid = await sold(shop, till)
    assert await till.paper.print_receipt(paid.reference) == 0
    await until(lambda: len(printer.sheets) == 1)
    (first,) = printer.sheets
    text = text_of(first)
    for part in ("柳荫茶馆", "Willow Tea House", paid.reference, "12.50 CNY", "tea 茶", "PROOF 证明"):
        assert part in text
    assert ("COPY" in text, first.cuts) == (False, 0)  # paper of 58 mm has no cutter
    statement = verify_proof(decode_proof(proof_in(first)), load_genesis(shop.genesis))
    assert (statement.reference, statement.paid, statement.tx_hash.hex()) == (paid.reference, cny(1250), paid.tx_hash)
    # The command takes what a scanner typed, and asks no network.
    genesis = tmp_path / "genesis-copy.json"
    genesis.write_bytes(shop.genesis)
    code, out, err = await command("verify", *first.codes, "--genesis", genesis, "--json")
    assert (code, json.loads(out)["reference"], err) == (0, paid.reference, "")
    code, _, err = await command("verify", first.codes[0], "--genesis", genesis)
    assert (code, f"1 of {len(first.codes)}" in err) == (1, True)
    assert await till.paper.print_receipt(paid.reference) == 1
    await until(lambda: len(printer.sheets) == 2)
    assert "* COPY 副本 1 *" in text_of(printer.sheets[1])


async def test_the_sale_stands_when_the_paper_is_out_and_its_receipt_comes_once_when_it_is_in(
    shop: Shop, printer: PrinterPort
) -> None:
    printer.paper = False
    till = await till_with(shop, await printer.open(), print_each=True, paper_columns=48)
    paid = await sold(shop, till)
    view = await view_where(till, lambda view: view.printer.problem == "no_paper")
    assert (view.printer.waiting, printer.sheets) == (1, [])
    # Asking again while it waits does not make two of it.
    assert await till.paper.print_receipt(paid.reference) == 0
    assert (await sale_where(till, paid.reference, SaleState.CONFIRMED)).amount == cny(1250)
    printer.paper = True
    till.paper.queue.try_now()
    await view_where(till, lambda view: not view.printer.problem and not view.printer.waiting)
    assert [sheet.cuts for sheet in printer.sheets] == [1]
    assert proof_in(printer.sheets[0])


async def test_paper_that_ends_within_a_job_is_said_and_the_job_is_not_sent_again_by_itself(
    shop: Shop, printer: PrinterPort
) -> None:
    printer.runs_out = True
    till = await till_with(shop, await printer.open())
    paid = await sold(shop, till)
    await till.paper.print_receipt(paid.reference)
    view = await view_where(till, lambda view: view.printer.problem == "no_paper_begun")
    assert view.printer.waiting == 0
    printer.runs_out, printer.paper = False, True
    till.paper.queue.try_now()
    # Whoever wants another asks for it, and it says that it is one.
    assert await till.paper.print_receipt(paid.reference) == 1
    await until(lambda: len(printer.sheets) == 2)
    assert "COPY" in text_of(printer.sheets[1])


@pytest.mark.slow
async def test_an_unplugged_printer_and_a_restart_lose_no_receipt(shop: Shop, printer: PrinterPort) -> None:
    address = await printer.open()
    await printer.close()
    till = await till_with(shop, address)
    paid = await sold(shop, till)
    await till.paper.print_receipt(paid.reference)
    await view_where(till, lambda view: view.printer.problem == "unreachable")
    await shop.close_till(till)
    await printer.open()
    till = await shop.open_till()
    await until(lambda: len(printer.sheets) == 1)
    assert paid.reference in text_of(printer.sheets[0])
    await till.paper.print_receipt(paid.reference)
    await until(lambda: len(printer.sheets) == 2)
    assert await till.paper.queue.give_up() == 0


async def test_a_job_that_was_being_sent_when_the_till_died_is_not_sent_again(shop: Shop, printer: PrinterPort) -> None:
    address = await printer.open()
    home = shop.till_home()
    with ShopBook.open(home.book_path) as book:
        prints = ShopPrints(book)
        prints.add(PrintRow(kind="receipt", reference="X", copy=0, job=job_bytes(["X"], columns=32), created_ns=1))
        row = prints.next()
        assert row is not None
        prints.move(row.id, SENDING)
    till = await till_with(shop, address)
    view = await view_where(till, lambda view: view.printer.problem == "unsure")
    assert (view.printer.waiting, printer.sheets) == (0, [])


async def test_the_code_of_a_waiting_sale_can_be_printed_and_leads_a_wallet_to_it(
    shop: Shop, printer: PrinterPort
) -> None:
    till = await till_with(shop, await printer.open())
    sale = await till.request(cny(880))
    await till.paper.print_request(sale.reference)
    await until(lambda: len(printer.sheets) == 1)
    (text,) = printer.sheets[0].codes
    assert read_offered(text).code is not None
    assert "NOT A RECEIPT 非收据" in text_of(printer.sheets[0])
    wallet = shop.wallet("erin")
    await wallet.pay(await offer_of(wallet, text))
    await sale_where(till, sale.reference, SaleState.CONFIRMED)
    with pytest.raises(UserFacingError, match="does not wait"):
        await till.paper.print_request(sale.reference)


async def test_a_till_without_a_printer_and_an_unpaid_sale_are_refused_in_words(shop: Shop) -> None:
    till = await shop.open_till()
    await online(till)
    sale = await till.request(cny(100))
    with pytest.raises(UserFacingError, match="no printer"):
        await till.paper.print_receipt(sale.reference)
    with pytest.raises(UserFacingError, match="is not paid"):
        await till.paper.look(sale.reference)
    with pytest.raises(UserFacingError, match="no sale"):
        await till.paper.look("x' OR 1")
    with pytest.raises(UserFacingError, match="can be written as"):
        await till.paper.save(sale.reference, Path("receipt.exe"))


@pytest.mark.slow
async def test_a_receipt_is_saved_as_text_picture_and_proof(
    shop: Shop, tmp_path: Path, chinese_font: Path
) -> None:  # fmt: skip
    assert chinese_font
    till = await shop.open_till()
    await online(till)
    paid = await sold(shop, till)
    for kind in ("txt", "png", "pdf", "escpos", "cpr"):
        path = tmp_path / f"receipt.{kind}"
        assert await till.paper.save(paid.reference, path) == path
    with Image.open(tmp_path / "receipt.png") as picture:
        assert proof_in(Sheet(pictures=[picture.copy()])) == (tmp_path / "receipt.cpr").read_bytes()
    assert (tmp_path / "receipt.pdf").read_bytes().startswith(b"%PDF")
    frames = [line for line in (tmp_path / "receipt.txt").read_text(encoding="utf-8").splitlines() if "CPF1" in line]
    assert frames == list(to_frames((tmp_path / "receipt.cpr").read_bytes()))
    assert proof_in(printed((tmp_path / "receipt.escpos").read_bytes())) == (tmp_path / "receipt.cpr").read_bytes()


async def test_a_receipt_saved_again_is_marked_as_a_copy_and_one_printed_before_too(shop: Shop, tmp_path: Path) -> None:
    till = await till_with(shop, f"file:{tmp_path / 'lp0'}")
    paid = await sold(shop, till)
    first, second = [await till.paper.save(paid.reference, tmp_path / "receipt.txt") for _ in range(2)]
    # The mark and not the word: the proof's letters may happen to spell it.
    assert "* COPY" not in first.read_text(encoding="utf-8")
    assert second.name == "receipt-copy-1.txt"
    assert "* COPY 副本 1 *" in second.read_text(encoding="utf-8")
    await till.paper.print_receipt(paid.reference)
    # As the command makes it, beside the counter.
    made = await make_file(shop.till_home(), paid.reference, Path("receipt.txt"))
    assert "* COPY 副本 1 *" in made.decode()
    assert paid.reference in text_of(printed(await make_file(shop.till_home(), paid.reference, Path("a.escpos"))))
    with pytest.raises(UserFacingError, match="can be written as"):
        await make_file(shop.till_home(), paid.reference, Path("receipt"))


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text)[:24])
def test_no_control_byte_from_outside_reaches_the_printer(text: str) -> None:
    sheet = printed(job_bytes([text, f"a{text}b"], [], columns=48, after=[text]))
    assert (len(sheet.lines), sheet.cuts, sheet.pictures) == (3, 1, [])
    assert all(character.isprintable() for line in sheet.lines for character in line)


def test_the_emulator_finds_a_control_byte_where_there_is_one() -> None:
    for job in (
        b"\x1b@ok\n\x1bp\x00\x19\xfa",
        b"\x07\n",
        b"\x1b@\x1c&\x81\x07\n",
        b"no end",
        b"\x1dv0\x00\x01\x00\x09\x00a",
    ):
        with pytest.raises(NotEscPos):
            printed(job)


def test_a_file_collects_jobs_and_a_full_device_is_out_of_paper(tmp_path: Path) -> None:
    job = job_bytes(["one"], columns=32)
    for _ in range(2):
        send(f"file:{tmp_path / 'printer.bin'}", job)
    assert (tmp_path / "printer.bin").read_bytes() == job + job
    with pytest.raises(PrinterProblem) as problem:
        send("file:/dev/full", job)
    assert (problem.value.kind, problem.value.begun) == ("no_paper", False)
    with pytest.raises(PrinterProblem, match="nowhere") as problem:
        send(f"file:{tmp_path / 'nowhere' / 'lp0'}", job)
    assert problem.value.kind == "unreachable"


@pytest.mark.parametrize("address", ["tcp:a..b:9100", f"tcp:{'x' * 70}:9100", "tcp:127.0.0.1:99999"])
def test_a_printer_by_an_impossible_name_is_unreachable_and_stops_nothing(address: str) -> None:
    with pytest.raises(PrinterProblem) as problem:
        send(address, b"x")
    assert (problem.value.kind, problem.value.begun) == ("unreachable", False)


async def test_an_open_cover_is_said_and_a_mute_printer_is_believed(
    printer: PrinterPort, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "_ASK_S", 0.1)
    monkeypatch.setattr(device, "PRINT_S", 0.3)
    address, job = await printer.open(), job_bytes(["one"], columns=32)
    printer.cover_open = True
    with pytest.raises(PrinterProblem) as problem:
        await asyncio.to_thread(send, address, job)
    assert problem.value.kind == "cover_open"
    printer.mute = True
    assert not (await asyncio.to_thread(send, address, job)).answered
    assert printer.sheets[0].lines[0] == "one"


def test_a_usb_printer_without_its_driver_or_its_cable_is_said() -> None:
    with pytest.raises(PrinterProblem) as problem:
        send("usb:04b8:0e15", b"x")
    assert problem.value.kind in {"no_driver", "unreachable"}
