"""The catalogue's use cases: preview an import, import, find, and price a cart of found articles.

It refuses an import with a single fault, and leaves the catalogue as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from chainpos.core.checkout.cart import THOUSANDTHS, Cart, CartError, Line, Tax
from chainpos.store.shop import ShopBook
from chainpos.store.shop_catalogue import PIECE, ArticleRow, ShopCatalogue
from chainpos.till.catalogue_file import MAX_FAULTS, Fault, read_catalogue, with_pinyin

EXAMPLES: Final = 20
_TYPED: Final = {"initials": "", "pinyin": ""}


class Change(msgspec.Struct, frozen=True):
    """An article that the import would change: its price before and after, in minor units."""

    sku: str
    name: str
    before_minor: int
    after_minor: int


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What an import would do. With any fault it does nothing; `kept` articles are not in the file and stay.

    `changes` and `faults` show the first of `changed` and `fault_count`.
    """

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    kept: int = 0
    changes: tuple[Change, ...] = ()
    faults: tuple[Fault, ...] = ()
    fault_count: int = 0


class Catalogue:
    """The articles of one shop. Its calls may take seconds at 100,000 articles: not on the screen's thread."""

    def __init__(self, book: ShopBook, currency: str) -> None:
        self.stored = ShopCatalogue(book)
        self._currency = currency

    def preview(self, content: bytes) -> Preview:
        """What importing this CSV file would do. Raises StoreError."""
        return self._compared(content)[0]

    def take_in(self, content: bytes, progress: Callable[[int, int], None] | None = None) -> Preview:
        """Import a CSV file, if nothing is wrong with it; what was done. `progress(done, of)`. Raises StoreError."""
        preview, new = self._compared(content)
        if preview.fault_count:
            return preview
        ready: list[ArticleRow] = []
        for article in new:
            ready.append(with_pinyin(article))
            if progress is not None and len(ready) % 1000 == 0:
                progress(len(ready), len(new))
        self.stored.put(ready)
        return preview

    def find(self, text: str, limit: int = 50) -> list[ArticleRow]:
        """Articles by name in either language, initials, pinyin, sku or bar code; the best first."""
        return self.stored.find(text, limit)

    def scanned(self, barcode: str) -> ArticleRow | None:
        """The article with this bar code or sku."""
        return self.stored.by_barcode(barcode) or self.stored.by_sku(barcode)

    def empty_cart(self) -> Cart:
        """A cart in the till's currency."""
        return Cart(self._currency)

    def _compared(self, content: bytes) -> tuple[Preview, list[ArticleRow]]:
        """The preview, and what of the file is new or changed."""
        read = read_catalogue(content, self._currency)
        known = {row.sku: _plain(row) for row in self.stored.articles()}
        faults = [*read.faults, *_taken_barcodes(read.articles, known)]
        count = read.fault_count + len(faults) - len(read.faults)
        if faults:
            return Preview(faults=tuple(faults[:MAX_FAULTS]), fault_count=count), []
        rows = [row for _, row in read.articles]
        new = [row for row in rows if known.get(row.sku) != row]
        changed = [row for row in new if row.sku in known]
        changes = tuple(
            Change(row.sku, row.name_en or row.name_zh, known[row.sku].price_minor, row.price_minor)
            for row in changed[:EXAMPLES]
        )
        preview = Preview(
            added=len(new) - len(changed),
            changed=len(changed),
            unchanged=len(rows) - len(new),
            kept=len(known) - (len(rows) - len(new) + len(changed)),
            changes=changes,
        )
        return preview, new


def line_of(article: ArticleRow, quantity: int = THOUSANDTHS, price_minor: int | None = None) -> Line:
    """A cart's line of an article: `quantity` in thousandths, the cashier's price if it is open. Raises CartError."""
    if article.unit == PIECE and quantity % THOUSANDTHS:
        raise CartError("quantity", "this article is sold by the piece")
    if article.open_price == (price_minor is None):
        raise CartError("price", "this article needs a price" if article.open_price else "this article has its price")
    return Line(
        sku=article.sku,
        name_en=article.name_en,
        name_zh=article.name_zh,
        unit_minor=article.price_minor if price_minor is None else price_minor,
        quantity=quantity,
        tax=Tax(article.tax_rate_ppm, article.tax_included),
        weighed=article.unit != PIECE,
        open_price=article.open_price,
    )


def _plain(row: ArticleRow) -> ArticleRow:
    return msgspec.structs.replace(row, **_TYPED)


def _taken_barcodes(articles: tuple[tuple[int, ArticleRow], ...], known: dict[str, ArticleRow]) -> list[Fault]:
    """Bar codes that articles have which the file does not name."""
    named = frozenset(row.sku for _, row in articles)
    owners = {row.barcode: row.sku for row in known.values() if row.barcode and row.sku not in named}
    return [
        Fault(line, "barcode", f"the bar code of the article {owners[row.barcode]}")
        for line, row in articles
        if row.barcode in owners
    ]
