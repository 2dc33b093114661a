"""A shift at a real till: opened, sold in, closed; its report compared with the ledger, signed, and anchored there."""

from __future__ import annotations

import asyncio
import csv
import io
import sqlite3
from pathlib import Path

import msgspec
import pytest

from chainpos.core.chain.genesis import load_genesis
from chainpos.core.checkout.matching import SaleState
from chainpos.core.checkout.z_proof import report_lines, verify_report
from chainpos.core.checkout.z_report import KIND, RefusedReport, encode_file, sign_report, verify_file
from chainpos.core.contracts.anchors.records import ANCHORS, anchor_key
from chainpos.errors import UserFacingError
from chainpos.inspect.records import record_at
from chainpos.store.shop import Fact, ShopBook
from chainpos.store.shop_bills import CASH, COMPLETE, RECEIVED, BillRow, ShopBills, TenderRow
from chainpos.till.counter import Till
from chainpos.till.wall_sheet import wall_sheet

from .conftest import PIN, TIMEOUT_S, Shop, cny, online, sale_where, signing_key
from .test_wall import pay_by, received


async def paid_sale(shop: Shop, till: Till, minor: int, payer: str = "alice") -> str:
    sale = await till.request(cny(minor))
    wallet = shop.wallet(payer)
    await wallet.pay(await wallet.offer(sale.link))
    await sale_where(till, sale.reference, SaleState.CONFIRMED)
    return sale.reference


def cash_bill(book: ShopBook, number: int, minor: int, at_ns: int) -> None:
    bills = ShopBills(book)
    bills.put(
        BillRow(
            number=number, reference=f"B{number}", state=COMPLETE, cart=b"{}", currency="CNY", due_minor=minor,
            charged_minor=minor, created_ns=at_ns, changed_ns=at_ns, closed_ns=at_ns,
        )
    )  # fmt: skip
    bills.add_tender(
        TenderRow(
            bill=number, kind=CASH, amount_minor=minor, currency="CNY", state=RECEIVED, given_minor=minor,
            created_ns=at_ns, received_ns=at_ns,
        )
    )  # fmt: skip


def assert_proved(shop: Shop, content: bytes, digest: str) -> None:
    """Anybody with the genesis can see it; bent in any part it proves nothing, and says why."""
    genesis = load_genesis(shop.genesis)
    statement = verify_report(content, genesis)
    assert statement.anchored is not None
    assert statement.signed.digest.hex() == digest
    for language, proved in (("en", "PROVED: this hash was recorded"), ("zh", "已证明")):
        lines = report_lines(statement, language)
        assert any(line.startswith(proved) for line in lines)
        assert any(digest in line for line in lines)
    bare = verify_report(encode_file(statement.signed), genesis)
    assert bare.anchored is None
    assert any("NOT PROVED" in line for line in report_lines(bare, "en"))
    other = msgspec.structs.replace(statement.signed.report, closed_by="Somebody")
    _, proof = verify_file(content)
    for reason, bent in (
        ("not_anchored", encode_file(sign_report(other, signing_key("TEAHOUSE.till").sign), proof)),
        ("bad_signature", encode_file(sign_report(other, signing_key("nobody").sign), proof)),
        ("damaged", encode_file(statement.signed, proof[:100] + "AAAA" + proof[104:])),
        ("malformed", encode_file(statement.signed, "no base64!")),
    ):
        with pytest.raises(RefusedReport) as refused:
            verify_report(bent, genesis)
        assert refused.value.reason == reason


async def test_a_days_shift_reconciles_to_nothing_and_its_report_is_on_the_ledger(shop: Shop, tmp_path: Path) -> None:
    till = await shop.open_till()
    await online(till)
    opened = await till.shifts.open(cny(20_000))
    assert (opened.number, opened.is_open, opened.float_amount) == (1, True, cny(20_000))
    first = await paid_sale(shop, till, 10_000)
    await paid_sale(shop, till, 2_500, "bob")
    await till.refund(first, cny(4_000), pin=PIN, typed_amount="40.00")
    unpaid = await till.request(cny(777))
    await till.shifts.draw("in", cny(500), "change from the bank")
    await till.shifts.draw("out", cny(1_200), "milk")
    await till._run.book.call(lambda: cash_bill(till._run.book.book, 1, 3_300, till._clock.now_ns()))
    x = await till.shifts.report()
    assert (x.is_open, x.counted, x.differences) == (True, None, ())
    z = await till.shifts.close(cny(20_000 + 500 - 1_200 + 3_300))
    assert z.differences == ()
    assert (z.received, z.returned, z.fees_minor) == (cny(15_800), cny(4_000), 38 + 10 - 15)
    assert [(each.name, each.received, each.returned) for each in z.by_tender] == [
        ("cash", cny(3_300), cny(0)),
        ("ledger", cny(12_500), cny(4_000)),
    ]
    assert [(line.kind, line.book, line.ledger, line.staff) for line in z.lines] == [
        ("payment", cny(10_000), cny(10_000), "owner"),
        ("payment", cny(2_500), cny(2_500), "owner"),
        ("refund", cny(4_000), cny(4_000), "owner"),
    ]
    assert {line.where for line in z.lines if line.kind == "payment"} == {"available", "pending"}
    assert [(each.reference, each.amount) for each in z.requests] == [(unpaid.reference, cny(777))]
    assert z.anchor_height > 0
    client = await shop.nodes.client(shop.peer)
    till_key = signing_key("TEAHOUSE.till").public_key
    anchor = await record_at(client, ANCHORS, anchor_key(till_key, KIND, 1), z.anchor_height)
    assert anchor is not None
    assert anchor.digest.hex() == z.digest
    files = await till.shifts.export(1, tmp_path / "out")
    assert {path.suffix for path in files} >= {".csv", ".json"}
    signed, _ = verify_file(next(path for path in files if path.suffix == ".json").read_bytes())
    assert signed.digest.hex() == z.digest
    assert_proved(shop, next(path for path in files if path.suffix == ".json").read_bytes(), z.digest)
    statement = await till.shifts.bank_statement(1, tmp_path / "out")
    assert "camt.053" in statement.read_text(encoding="utf-8")[:400]
    table = (
        next(path for path in files if path.suffix == ".csv" and "-tax" not in path.stem)
        .read_bytes()
        .decode("utf-8-sig")
    )
    nets = [row["net"] for row in csv.DictReader(io.StringIO(table))]
    assert nets == ["99.62", "24.90", "-39.85", "33.00", "5.00", "-12.00"]


async def test_a_sale_waits_for_no_shift_and_the_next_shift_begins_where_the_last_one_ended(shop: Shop) -> None:
    till = await shop.open_till()
    await online(till)
    late = await till.request(cny(900))
    assert till.counter().shift == 1
    first = await till.shifts.close(cny(0))
    assert [each.reference for each in first.requests] == [late.reference]
    wallet = shop.wallet("alice")
    await wallet.pay(await wallet.offer(late.link))
    await sale_where(till, late.reference, SaleState.CONFIRMED)
    assert (await till.shifts.report()).number == 0
    await till.shifts.open(cny(0))
    second = await till.shifts.close(cny(0))
    assert [(line.reference, line.ledger) for line in second.lines] == [(late.reference, cny(900))]
    assert second.differences == ()
    rows = await till.shifts.all_closed()
    assert [(row.number, row.differences) for row in rows] == [(2, 0), (1, 0)]
    with pytest.raises(UserFacingError, match="No shift is open"):
        await till.shifts.close(cny(0))


@pytest.mark.slow
async def test_a_shift_survives_a_kill_and_what_was_closed_offline_is_anchored_when_the_node_is_back(
    shop: Shop,
) -> None:
    till = await shop.open_till()
    await online(till)
    await till.shifts.open(cny(100))
    await paid_sale(shop, till, 1_000)
    await shop.close_till(till)
    await shop.peer.stop()
    till = await shop.open_till()
    assert till.counter().shift == 1
    z = await till.shifts.close(cny(90))
    assert [each.sentence.name for each in z.differences] == ["ledger_not_read", "cash_short"]
    assert z.anchor_height == 0
    assert z.received == cny(1_000)
    await shop.restart_peer()
    with till._run.listening() as wake:
        async with asyncio.timeout(TIMEOUT_S):
            while (await till.shifts.closed(1)).anchor_height <= 0:
                await wake.wait()
                wake.clear()
    await paid_sale(shop, till, 2_000)
    z = await till.shifts.close(cny(0))
    assert ([line.ledger for line in z.lines], z.differences) == ([cny(2_000)], ())


@pytest.mark.slow
async def test_what_the_wall_brought_in_a_shift_closed_offline_is_not_counted_again(shop: Shop) -> None:
    till = await shop.open_till()
    await online(till)
    await till.shifts.open(cny(0))
    text = (await wall_sheet(shop.till_home())).text
    await pay_by(shop, "erin", text, cny(700))
    await received(till)
    await shop.close_till(till)
    await shop.peer.stop()
    till = await shop.open_till()
    z = await till.shifts.close(cny(0))
    assert ([each.sentence.name for each in z.differences], z.received) == (["ledger_not_read"], cny(700))
    await shop.restart_peer()
    await online(till)
    await till.shifts.open(cny(0))
    await pay_by(shop, "erin", text, cny(900))
    await received(till, 2)
    z = await till.shifts.close(cny(0))
    assert ([line.ledger for line in z.lines], z.received, z.differences) == ([cny(900)], cny(900), ())


async def test_reconciling_names_what_was_altered_in_the_book(shop: Shop) -> None:
    """A row made smaller, a row taken out, a row that nobody paid: as somebody would do it with an editor."""
    till = await shop.open_till()
    await online(till)
    await till.shifts.open(cny(0))
    less, gone, _ = [await paid_sale(shop, till, minor) for minor in (1_000, 2_000, 3_000)]
    book = till._run.book.book
    with sqlite3.connect(book.path) as db:
        db.execute("UPDATE sales SET amount_minor = 900 WHERE reference = ?", [less])
        db.execute("UPDATE sales SET height = 0 WHERE reference = ?", [gone])
    db.close()
    row = book.sale(less)
    assert row is not None
    invented = {"number": 99, "reference": "FAKE", "request_id": b"f" * 32}
    await till._run.book.call(lambda: book.add_sale(msgspec.structs.replace(row, **invented), Fact("requested", 0)))
    z = await till.shifts.close(cny(0))
    found = {(each.sentence.name, each.reference): (each.book_minor, each.ledger_minor) for each in z.differences}
    assert found == {
        ("amount_differs", less): (900, 1_000),
        ("not_in_book", gone): (0, 2_000),
        ("not_on_ledger", "FAKE"): (900, 0),
    }
    assert z.received == cny(6_000)
