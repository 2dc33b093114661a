"""Text from outside on what leaves the shop: receipts in every form, printer jobs, wall sheets, shifts as tables."""

from __future__ import annotations

import csv
import io

import msgspec
import pytest
from lxml import etree
from PIL import Image

from chainpos.core.checkout.cart import Cart, Line
from chainpos.core.checkout.receipt import Receipt, Seller, Tendered, receipt_lines, width
from chainpos.core.checkout.request import Terms, make_request
from chainpos.core.contracts.payments.records import Payment
from chainpos.core.values.amount import Amount
from chainpos.core.values.text import is_safe
from chainpos.inspect.statements.table import cell
from chainpos.till.printing.commands import job_bytes
from chainpos.till.printing.pictures import svg_bytes
from chainpos.till.receipt_files import file_bytes
from chainpos.till.shift_export import shift_csv
from chainpos.till.shift_text import shift_lines
from chainpos.till.shift_views import DifferenceView, Figure, RequestView, difference_sentence
from chainpos.wallet.keys import demo_key
from tests.console.prepared_shift import OPEN, cny, move
from tests.console.screens.test_hostile_text import CORPUS, TOGETHER
from tests.till.escpos_emulator import printed
from tests.till.test_shift_export import report

COLUMNS = 32
ALL = "".join(TOGETHER[name] for name in ("controls", "markup", "widths"))
EITHER = [
    pytest.param(ALL, id="all of it"),
    *(pytest.param(text, id=f"only {name}", marks=pytest.mark.slow) for name, text in CORPUS.items()),
]


def receipt_of(text: str) -> Receipt:
    """A paid sale in which every word that others chose is the text."""
    till = demo_key("till/1")
    signed = make_request(
        Terms("tea-house", "260101-0001", Amount(1_250, "CNY"), 9, 99), "c", till.public_key, till.sign
    )
    request = msgspec.structs.replace(signed.request, memo=text, reference=text)
    payment = Payment(
        signed.id, "tea-house", text, till.public_key, text, bytes(20), text, "CNY", 1_250, 0, 3, 1,
        request.instrument, text, 1, 0, 7, 9,
    )  # fmt: skip
    line = Line(sku="X", name_en=text, name_zh=text, unit_minor=1_250, quantity=1_000)
    return Receipt(
        Seller("tea-house", text, text, text), msgspec.structs.replace(signed, request=request), payment, bytes(32), 8,
        Cart("CNY", (line, line)), (Tendered(text, text, Amount(5, "CNY")),), 1,
    )  # fmt: skip


@pytest.mark.parametrize("text", EITHER)
def test_hostile_text_harms_no_form_of_a_receipt(text: str) -> None:
    receipt = receipt_of(text)
    lines = receipt_lines(receipt, COLUMNS)
    written = file_bytes(".txt", receipt, b"", COLUMNS).decode().split("\n")
    assert written == [*lines, ""]
    for row in written:
        assert is_safe(row), ascii(row)
        assert width(row) <= COLUMNS
    sheet = printed(job_bytes(lines, columns=COLUMNS))
    assert (len(sheet.lines), sheet.pictures) == (len(lines), [])
    assert all(is_safe(row) for row in sheet.lines)
    picture, plain = (
        Image.open(io.BytesIO(file_bytes(".png", each, b"", COLUMNS))) for each in (receipt, receipt_of("x"))
    )
    assert picture.width == plain.width
    assert file_bytes(".pdf", receipt, b"", COLUMNS).startswith(b"%PDF")


@pytest.mark.parametrize("text", EITHER)
def test_hostile_text_is_no_markup_on_the_walls_sheet(text: str) -> None:
    root = etree.fromstring(svg_bytes((text, f"<script>{text}</script>"), ((True, False), (False, True)), (text,)))
    assert {each.tag.rpartition("}")[2] for each in root.iter()} == {"svg", "rect", "path", "text"}
    assert all(is_safe(each.text or "") for each in root.iter("{http://www.w3.org/2000/svg}text"))


@pytest.mark.parametrize("text", EITHER)
def test_hostile_text_harms_neither_a_shifts_table_nor_its_text_nor_a_statements_cell(text: str) -> None:
    rows = list(csv.reader(io.StringIO(shift_csv(report(text, text)).decode("utf-8-sig"), newline="")))
    assert len({len(row) for row in rows}) == 1
    assert len(rows) == 5
    assert all(is_safe(part) for row in rows for part in row)
    shift = msgspec.structs.replace(
        OPEN, opened_by=text, lines=(move(text, 5, 60, staff=text),), requests=(RequestView(text, cny(5), text),),
        by_staff=(Figure(text, cny(5), cny(0), 1),),
        differences=(DifferenceView(text, -5, 5, difference_sentence("cash_short")),),
    )  # fmt: skip
    told = shift_lines(shift)
    assert told
    assert is_safe(cell(text))
    assert not cell(f"={text}").startswith("=")
