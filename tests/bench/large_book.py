"""A shop's book after years: a million sales with their facts, bills and tenders, and a hundred thousand articles.

Its past days are closed: some shift counted all of it, and the ledger has it in the first of its blocks.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from chainpos.store.shop import ShopBook
from chainpos.store.shop_catalogue import ArticleRow, ShopCatalogue
from chainpos.store.shop_schema import MIGRATIONS

NEWEST_NS: Final = 1_772_431_407 * 10**9
STEP_NS: Final = 60 * 10**9
_SALES: Final = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count)
INSERT INTO sales (number, reference, request_id, request, signature, presented, amount_minor, currency, created_ns,
                   expires_ns, state, watched, payer, tx_hash, height, paid_ns, fee_minor)
SELECT i, substr(strftime('%Y%m%d', (:newest - (:count - i) * :step) / 1000000000, 'unixepoch'), 3)
       || printf('-AA-%04d', i),
       randomblob(32), randomblob(180), randomblob(64), 'link', 100 + (i * 7919) % 90000, 'CNY',
       :newest - (:count - i) * :step, :newest - (:count - i) * :step + 300000000000,
       CASE WHEN i % 20 THEN 'confirmed' ELSE 'expired' END, 0, CASE WHEN i % 20 THEN hex(randomblob(20)) ELSE '' END,
       randomblob(32), CASE WHEN i % 20 THEN 1 ELSE 0 END, :newest - (:count - i) * :step + 4000000000, i % 40
FROM n
"""
_FACTS: Final = """
INSERT INTO facts (number, kind, at_ns) SELECT number, 'requested', created_ns FROM sales
UNION ALL SELECT number, state, paid_ns FROM sales
"""
_BILLS: Final = """
INSERT INTO bills (number, reference, state, cart, currency, items, gross_minor, due_minor, charged_minor, created_ns,
                   changed_ns, closed_ns, ledger_minor, counted_in)
SELECT number, reference || 'B', 'complete', x'7b7d', currency, 2, amount_minor, amount_minor, amount_minor, created_ns,
       paid_ns, paid_ns, CASE WHEN number % 4 THEN amount_minor ELSE 0 END, 1 FROM sales WHERE number % 2 = 0
"""
_LINES: Final = """
INSERT INTO bill_lines SELECT number, place, 'sku' || (number % 100000), 'Article', '商品', due_minor / 2, 1000, 0, 0,
       130000, 1, due_minor / 2, 0, 0, 0, due_minor / 2 FROM bills, (SELECT 0 AS place UNION SELECT 1)
"""
_TENDERS: Final = """
INSERT INTO tenders (bill, kind, amount_minor, currency, state, given_minor, sale, created_ns, received_ns,
                     received_in)
SELECT number, CASE WHEN ledger_minor THEN 'ledger' ELSE 'cash' END, charged_minor, currency, 'received',
       CASE WHEN ledger_minor THEN 0 ELSE charged_minor END, CASE WHEN ledger_minor THEN number ELSE 0 END,
       created_ns, closed_ns, 1 FROM bills
"""
_NAMES: Final = (
    ("Jasmine tea", "茉莉花茶"),
    ("Beef noodles", "牛肉面"),
    ("Steamed bun", "包子"),
    ("Fresh prawns", "鲜虾"),
)
_INITIALS: Final = ("mlhc", "nrm", "bz", "xx")


def large_book(folder: Path, *, sales: int, articles: int) -> Path:
    """A book within `folder`, made where it is not there yet."""
    book = folder / f"book-{sales}-{articles}-{len(MIGRATIONS)}-past" / "shop.db"
    if not book.exists():
        begun = book.with_name("begun.db")
        begun.unlink(missing_ok=True)
        write_large_book(begun, sales=sales, articles=articles)
        begun.rename(book)
    return book


def article_name(number: int) -> bytes:
    """The English name of an article, as it is drawn."""
    return f"{_NAMES[number % len(_NAMES)][0]} {number}".encode()


def write_large_book(path: Path, *, sales: int = 1_000_000, articles: int = 100_000) -> None:
    """Write the book; about a minute at full size."""
    with ShopBook.open(path) as book:
        with book.writing() as db:
            db.execute(_SALES, {"count": sales, "newest": NEWEST_NS, "step": STEP_NS})
            for script in (_FACTS, _BILLS, _LINES, _TENDERS):
                db.execute(script)
        ShopCatalogue(book).put([_article(number) for number in range(articles)])


def _article(number: int) -> ArticleRow:
    en, zh = _NAMES[number % len(_NAMES)]
    return ArticleRow(
        sku=f"A{number:06d}",
        barcode=f"69{number:011d}",
        name_en=f"{en} {number}",
        name_zh=f"{zh}{number}",
        price_minor=100 + number % 5_000,
        currency="CNY",
        tax_rate_ppm=130_000,
        favourite=number < 20,
        initials=f"{_INITIALS[number % len(_INITIALS)]}{number}",
    )
