"""The shop's articles in the shop's book, and an index in memory that finds them by any part of a name within a key.

It refuses to take in half of an import, and two articles with one bar code.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

import msgspec

from chainpos.store.shop import ShopBook

PIECE: Final = "piece"
MAX_FOUND: Final = 200
# So many articles are read at a time: a few milliseconds.
PAGE: Final = 2_000
MAX_TOKENS: Final = 8
# Up to so many lines are put in order one by one.
FEW: Final = 2_000
# Where frequent words hardly ever meet, the search ends after so many lines rather than hold up a key.
MAX_LOOKS: Final = 60_000


class ArticleRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One article. `price_minor` is for one `unit` and 0 where the cashier sets it (`open_price`).

    `initials` and `pinyin` are of the Chinese name, in small letters without blanks.
    """

    sku: str
    barcode: str = ""
    name_en: str = ""
    name_zh: str = ""
    price_minor: int
    currency: str
    tax_rate_ppm: int
    tax_included: bool = True
    unit: str = PIECE
    open_price: bool = False
    favourite: bool = False
    initials: str = ""
    pinyin: str = ""


_COLUMNS: Final = ArticleRow.__struct_fields__
_INSERT: Final = f"INSERT INTO articles ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608


class ShopCatalogue:
    """The articles of one open book. The index follows every change; build it off the screen's thread when large."""

    def __init__(self, book: ShopBook) -> None:
        self._book = book
        self._index: _Index | None = None

    def put(self, articles: Sequence[ArticleRow]) -> None:
        """Take in articles, replacing those with the same sku; all of them or none. Raises StoreError.

        Articles that are not named stay as they are.
        """
        with self._book.writing() as db:
            db.conn.executemany("DELETE FROM articles WHERE sku = ?", ([row.sku] for row in articles))
            db.conn.executemany(_INSERT, (msgspec.structs.astuple(row) for row in articles))
        self._index = None

    def remove(self, sku: str) -> None:
        """Take an article out."""
        with self._book.writing() as db:
            db.execute("DELETE FROM articles WHERE sku = ?", [sku])
        self._index = None

    def articles(self) -> list[ArticleRow]:
        """All of them: favourites first, then by sku."""
        return self._book.rows("SELECT * FROM articles ORDER BY favourite DESC, sku", [], ArticleRow)

    def favourites(self) -> list[ArticleRow]:
        """The favourites, by sku."""
        sql = "SELECT * FROM articles WHERE favourite = 1 ORDER BY sku LIMIT ?"
        return self._book.rows(sql, [MAX_FOUND], ArticleRow)

    def by_sku(self, sku: str) -> ArticleRow | None:
        """The article with this number."""
        return self._one("SELECT * FROM articles WHERE sku = ?", sku)

    def by_barcode(self, barcode: str) -> ArticleRow | None:
        """The article with this bar code."""
        return self._one("SELECT * FROM articles WHERE barcode = ? AND barcode <> ''", barcode)

    def find(self, text: str, limit: int = 50) -> list[ArticleRow]:
        """Articles of which every word of `text` is part of some field: the best first. Nothing asked: the favourites.

        A whole field comes first, then beginnings of fields, then of words, then any part; within these, favourites.
        """
        tokens = text.casefold().split()[:MAX_TOKENS]
        limit = min(limit, MAX_FOUND)
        if not tokens:
            return self.favourites()[:limit]
        exact = self.by_barcode(text.strip()) or self.by_sku(text.strip())
        rest = [row for row in self.index().find(tokens, limit) if exact is None or row.sku != exact.sku]
        return (rest if exact is None else [exact, *rest])[:limit]

    def index(self) -> _Index:
        """The index, built where it is not; a second at 100,000 articles."""
        if self._index is None:
            self._index = _Index([*self._pages(favourite=1), *self._pages(favourite=0)])
        return self._index

    def _pages(self, favourite: int) -> Iterator[ArticleRow]:
        """One after another, so that nobody waits for the book until all are read."""
        sql = "SELECT * FROM articles WHERE sku > ? AND favourite = ? ORDER BY sku LIMIT ?"
        last = ""
        while page := self._book.rows(sql, [last, favourite, PAGE], ArticleRow):
            yield from page
            last = page[-1].sku

    def _one(self, sql: str, value: str) -> ArticleRow | None:
        rows = self._book.rows(sql, [value], ArticleRow)
        return rows[0] if rows else None


class _Index:
    """All articles as one text of UTF-8, a line each, searched by the interpreter's own `bytes.find`."""

    def __init__(self, articles: list[ArticleRow]) -> None:
        self._articles = articles
        self._starts: list[int] = []
        lines, at = [], 0
        for row in articles:
            line = _line(row)
            lines.append(line)
            self._starts.append(at)
            at += len(line)
        self._starts.append(at)
        self._text = b"".join(lines)

    def __len__(self) -> int:
        return len(self._articles)

    def find(self, words: Sequence[str], limit: int) -> list[ArticleRow]:
        """The best matches, at most `limit`."""
        tokens = sorted((word.encode(errors="replace") for word in words), key=len, reverse=True)
        hits = list(islice(self._lines_with(tokens[0]), FEW))
        lead, others = tokens[0], tokens[1:]
        needles = (b"\t" + lead + b"\t", b"\t" + lead, b" " + lead, lead)
        if len(hits) < FEW:
            # One scan found them all; what is left is to put them in order.
            matches = [at for at in hits if self._has(at, others)]
            rank = {at: next(place for place, each in enumerate(needles) if self._has(at, (each,))) for at in matches}
            matches.sort(key=lambda at: (rank[at], at))
            return [self._articles[at] for at in matches[:limit]]
        if not all(token in self._text for token in others):
            return []
        return self._first_found(needles[1:], others, limit)

    def _first_found(self, needles: Sequence[bytes], others: Sequence[bytes], limit: int) -> list[ArticleRow]:
        found: dict[int, None] = {}
        looks = 0
        for needle in needles:
            for at in self._lines_with(needle):
                looks += 1
                if looks > MAX_LOOKS:
                    break
                if at not in found and self._has(at, others):
                    found[at] = None
                if len(found) >= limit:
                    return [self._articles[each] for each in found]
        return [self._articles[each] for each in found]

    def _lines_with(self, needle: bytes) -> Iterator[int]:
        text, starts = self._text, self._starts
        position = text.find(needle)
        while position >= 0:
            at = bisect_right(starts, position) - 1
            yield at
            position = text.find(needle, starts[at + 1])

    def _has(self, at: int, tokens: Sequence[bytes]) -> bool:
        start, end = self._starts[at], self._starts[at + 1]
        return all(self._text.find(token, start, end) >= 0 for token in tokens)


def _line(row: ArticleRow) -> bytes:
    fields = (row.sku, row.barcode, row.name_en, row.name_zh, row.initials, row.pinyin)
    # Names hold no control characters; should one ever, it must not end a field.
    cleaned = (field.casefold().replace("\t", " ") for field in fields)
    return ("\t" + "\t".join(cleaned) + "\t").encode()
