"""Catalogues from CSV: every fault with its line and column, previews that tell the truth, and the shipped ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainpos.core.checkout.cart import CartError
from chainpos.store.shop import ShopBook
from chainpos.till.catalogue import Catalogue, line_of
from chainpos.till.catalogue_file import MAX_FAULTS, read_catalogue
from chainpos.till.pinyin import typed

SHIPPED = Path(__file__).parents[2] / "sample_data" / "catalogues"
HEADER = "sku,barcode,name_en,name_zh,price_minor,currency,tax_rate_ppm,favourite,unit,tax_included\n"
BREAD = "A1,2000000100074,Bread,面包,2200,CNY,130000,yes,,\n"


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    with ShopBook.open(tmp_path / "shop.db") as book:
        yield Catalogue(book, "CNY")


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.csv")), ids=lambda path: path.stem)
def test_every_shipped_catalogue_is_taken_in(catalogue: Catalogue, path: Path) -> None:
    content = path.read_bytes()
    preview = catalogue.preview(content)
    assert preview.fault_count == 0
    assert preview.added == content.decode().strip().count("\n")
    assert catalogue.stored.articles() == []
    assert catalogue.take_in(content) == preview
    again = catalogue.preview(content)
    assert (again.added, again.changed, again.unchanged) == (0, 0, preview.added)


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("A 2,,x,,1,CNY,0,,,\n", "sku"),
        (",,x,,1,CNY,0,,,\n", "sku"),
        ("A1,,x,,1,CNY,0,,,\n", "sku"),
        ("A2,2000000100074,x,,1,CNY,0,,,\n", "barcode"),
        ("A2,2000000100075,x,,1,CNY,0,,,\n", "barcode"),
        ("A2,茶,x,,1,CNY,0,,,\n", "barcode"),
        ("A2,,,,1,CNY,0,,,\n", "name_en"),
        ("A2,,x\x1b[2J,,1,CNY,0,,,\n", "name_en"),
        ("A2,,x,茶\u202e,1,CNY,0,,,\n", "name_zh"),
        ('A2,,"x\ny",,1,CNY,0,,,\n', "name_en"),
        ("A2,,x,,-1,CNY,0,,,\n", "price_minor"),
        ("A2,,x,,1.5,CNY,0,,,\n", "price_minor"),
        ("A2,,x,,９,CNY,0,,,\n", "price_minor"),
        ("A2,,x,,1,USD,0,,,\n", "currency"),
        ("A2,,x,,1,CNY,1000001,,,\n", "tax_rate_ppm"),
        ("A2,,x,,1,CNY,,,,\n", "tax_rate_ppm"),
        ("A2,,x,,1,CNY,0,maybe,,\n", "favourite"),
        ("A2,,x,,1,CNY,0,,stone,\n", "unit"),
        ("A2,,x,,1,CNY,0,,,perhaps\n", "tax_included"),
        ("A2,,x\n", ""),
        ('A2,,"x,,1\n', ""),
    ],
)
def test_a_wrong_line_is_named_with_its_column_and_nothing_is_imported(
    catalogue: Catalogue, row: str, column: str
) -> None:
    content = (HEADER + BREAD + '"A9",,"two, words",,5,CNY,0,,,\n\n' + row).encode()
    done = catalogue.take_in(content)
    assert [(fault.line, fault.column) for fault in done.faults] == [(5, column)]
    assert catalogue.stored.articles() == []


@pytest.mark.parametrize(
    ("content", "line", "what"),
    [
        (b"", 1, "no articles"),
        (HEADER.encode(), 1, "no articles"),
        (b"sku,name_en\n", 1, "missing"),
        (HEADER.replace("\n", ",colour\n").encode(), 1, "not known"),
        (HEADER.replace("unit", "sku").encode(), 1, "twice"),
        (HEADER.encode() + "A2,,x,面包,1,CNY,0,,,\n".encode("gb18030"), 2, "UTF-8"),
        (HEADER.encode() + b"A2,,x,\0,1,CNY,0,,,\n", 2, ""),
        (HEADER.encode() + b"A2,," + b"x" * 200_000 + b",,1,CNY,0,,,\n", 2, ""),
    ],
)
def test_a_file_that_is_no_catalogue_is_told_apart(content: bytes, line: int, what: str) -> None:
    read = read_catalogue(content, "CNY")
    assert not read.articles
    assert read.faults[0].line == line
    assert what in read.faults[0].what


def test_a_preview_names_what_changes_and_what_stays(catalogue: Catalogue) -> None:
    catalogue.take_in((HEADER + BREAD + "B2,,Cake,蛋糕,800,CNY,0,,,\nC3,,Tea,茶,500,CNY,0,,,\n").encode())
    content = (
        HEADER + BREAD.replace("2200", "2300") + "B2,,Cake,蛋糕,800,CNY,0,,,\nD4,,Jam,果酱,900,CNY,0,,,\n"
    ).encode()
    preview = catalogue.preview(content)
    assert (preview.added, preview.changed, preview.unchanged, preview.kept) == (1, 1, 1, 1)
    (change,) = preview.changes
    assert (change.sku, change.before_minor, change.after_minor) == ("A1", 2200, 2300)
    catalogue.take_in(content)
    assert [row.sku for row in catalogue.find("gj")] == ["D4"]
    taken = (HEADER + "E5,2000000100074,Other,,1,CNY,0,,,\n").encode()
    assert [(fault.line, fault.column) for fault in catalogue.preview(taken).faults] == [(2, "barcode")]


def test_excels_mark_and_line_ends_are_read(catalogue: Catalogue) -> None:
    content = b"\xef\xbb\xbf" + (HEADER + BREAD).replace("\n", "\r\n").encode()
    assert catalogue.preview(content).added == 1


def test_only_so_many_faults_are_listed_and_all_are_counted() -> None:
    read = read_catalogue((HEADER + "!,,,,,,,,,\n" * 500).encode(), "CNY")
    assert (len(read.faults), read.fault_count) == (MAX_FAULTS, 500)


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_read_or_refused(content: bytes, headed: bool) -> None:
    read = read_catalogue(HEADER.encode() * headed + content, "CNY")
    assert bool(read.articles) or bool(read.faults)


def test_a_line_has_the_articles_price_or_the_cashiers_never_both(catalogue: Catalogue) -> None:
    catalogue.take_in((HEADER + BREAD + "O1,,Repair,修理,,CNY,0,,,no\nW1,,Nuts,坚果,8800,CNY,90000,,kg,\n").encode())
    bread, repair, nuts = (catalogue.stored.by_sku(sku) for sku in ("A1", "O1", "W1"))
    assert bread is not None
    assert repair is not None
    assert nuts is not None
    cart = catalogue.empty_cart().with_line(line_of(bread)).with_line(line_of(repair, price_minor=1500))
    assert cart.with_line(line_of(nuts, 345)).totals().due.minor == 2200 + 1500 + 3036
    assert not cart.lines[1].tax.included
    for article, quantity, price in ((bread, 1000, 1), (repair, 1000, None), (bread, 500, None)):
        with pytest.raises(CartError):
            line_of(article, quantity, price)


@pytest.mark.parametrize(
    ("name", "initials", "pinyin"),
    [
        ("牛奶餐包", "nncb", "niunaicanbao"),
        ("银行", "yh", "yinhang"),
        ("绿茶 500 mL", "lc500ml", "lvcha500ml"),
        ("92号汽油", "92hqy", "92haoqiyou"),
        ("Tea", "tea", "tea"),
        ("", "", ""),
    ],
)
def test_a_name_is_typed_as_people_type_it(name: str, initials: str, pinyin: str) -> None:
    assert typed(name) == (initials, pinyin)
