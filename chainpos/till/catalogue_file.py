"""A catalogue as a CSV file: every line checked, every fault named with its line and column; nothing is guessed.

It refuses files that are not UTF-8, columns that it does not know, and articles that a till could not sell or show.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

import msgspec

from chainpos.core.values.amount import MAX_MINOR
from chainpos.core.values.text import HostileText, check_text
from chainpos.store.shop_catalogue import ArticleRow
from chainpos.till.pinyin import typed

MAX_FILE_BYTES: Final = 64_000_000
MAX_ARTICLES: Final = 200_000
MAX_FAULTS: Final = 100
MAX_NAME_BYTES: Final = 120
MAX_RATE_PPM: Final = 1_000_000
REQUIRED: Final = ("sku", "name_en", "name_zh", "price_minor", "currency", "tax_rate_ppm")
OPTIONAL: Final = ("barcode", "favourite", "tax_included", "unit")
UNITS: Final = ("piece", "kg", "g", "litre", "metre", "hour")
_SKU = re.compile(r"[A-Za-z0-9._/#-]{1,32}", re.ASCII)
_BARCODE = re.compile(r"[A-Za-z0-9.-]{1,32}", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)
# GTIN-8, -12, -13 and -14 end with a check digit.
_GTIN_LENGTHS: Final = (8, 12, 13, 14)
_TRUTH: Final = {"yes": True, "no": False, "1": True, "0": False, "true": True, "false": False}


class Fault(NamedTuple):
    """What is wrong, where: the line as an editor counts it, from 1; the column's name, "" for the whole line."""

    line: int
    column: str
    what: str


class ReadCatalogue(NamedTuple):
    """`articles` are with the lines that they came from. `faults` has the first MAX_FAULTS of `fault_count`."""

    articles: tuple[tuple[int, ArticleRow], ...]
    faults: tuple[Fault, ...]
    fault_count: int


class _Wrong(ValueError):
    def __init__(self, column: str, what: str) -> None:
        super().__init__(what)
        self.column = column


def read_catalogue(content: bytes, currency: str) -> ReadCatalogue:
    """The articles in a CSV file and all that is wrong with it; a till sells in `currency` alone. Never raises."""
    faults: list[Fault] = []
    articles: list[tuple[int, ArticleRow]] = []
    seen: dict[str, int] = {}
    for line, cells in _rows(content, faults):
        try:
            article = _article(cells, currency)
            _check_unseen(article, seen, line)
        except _Wrong as wrong:
            faults.append(Fault(line, wrong.column, str(wrong)))
            continue
        articles.append((line, article))
    if not faults and not articles:
        faults.append(Fault(1, "", "the file has no articles"))
    return ReadCatalogue(tuple(articles), tuple(faults[:MAX_FAULTS]), len(faults))


def with_pinyin(row: ArticleRow) -> ArticleRow:
    """The article with how its Chinese name is typed; a tenth of a millisecond, so after all else is right."""
    how = typed(row.name_zh)
    return msgspec.structs.replace(row, initials=how.initials, pinyin=how.pinyin)


def _rows(content: bytes, faults: list[Fault]) -> Iterator[tuple[int, dict[str, str]]]:
    if len(content) > MAX_FILE_BYTES:
        faults.append(Fault(1, "", f"the file is larger than {MAX_FILE_BYTES} bytes"))
        return
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        faults.append(Fault(line, "", "not UTF-8: save the file as CSV UTF-8"))
        return
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] = []
    line, count = 1, 0
    try:
        for cells in reader:
            begun, line = line, reader.line_num + 1
            if not header:
                header = [cell.strip() for cell in cells]
                if not _is_header(header, faults):
                    return
            elif len(cells) != len(header) and cells:
                faults.append(Fault(begun, "", f"{len(cells)} cells where the first line has {len(header)}"))
            elif cells:
                count += 1
                yield begun, dict(zip(header, (cell.strip() for cell in cells), strict=True))
            if count >= MAX_ARTICLES:
                faults.append(Fault(begun, "", f"more than {MAX_ARTICLES} articles"))
                return
    except csv.Error as error:
        faults.append(Fault(line, "", f"not CSV: {error}"))


def _is_header(header: list[str], faults: list[Fault]) -> bool:
    missing = [name for name in REQUIRED if name not in header]
    unknown = [name for name in header if name not in (*REQUIRED, *OPTIONAL)]
    twice = [name for name in REQUIRED + OPTIONAL if header.count(name) > 1]
    for names, what in ((missing, "is missing"), (unknown, "is not known"), (twice, "is there twice")):
        faults.extend(Fault(1, name[:40], f"this column {what}") for name in names)
    return not (missing or unknown or twice)


def _article(cells: dict[str, str], currency: str) -> ArticleRow:
    if not _SKU.fullmatch(cells["sku"]):
        raise _Wrong("sku", "1 to 32 letters, digits and . _ / # - are needed")
    names = {column: _name(column, cells[column]) for column in ("name_en", "name_zh")}
    if not any(names.values()):
        raise _Wrong("name_en", "a name in one of the languages is needed")
    if cells["currency"] != currency:
        raise _Wrong("currency", f"this till sells in {currency}")
    is_open = not cells["price_minor"]
    unit = cells.get("unit") or UNITS[0]
    if unit not in UNITS:
        raise _Wrong("unit", f"one of {', '.join(UNITS)} is needed")
    return ArticleRow(
        sku=cells["sku"],
        barcode=_barcode(cells.get("barcode", "")),
        price_minor=0 if is_open else _number("price_minor", cells["price_minor"], MAX_MINOR),
        currency=currency,
        tax_rate_ppm=_number("tax_rate_ppm", cells["tax_rate_ppm"], MAX_RATE_PPM),
        tax_included=_truth("tax_included", cells.get("tax_included", ""), default=True),
        unit=unit,
        open_price=is_open,
        favourite=_truth("favourite", cells.get("favourite", ""), default=False),
        **names,
    )


def _check_unseen(article: ArticleRow, seen: dict[str, int], line: int) -> None:
    for column, value in (("sku", article.sku), ("barcode", article.barcode)):
        before = seen.setdefault(f"{column} {value}", line) if value else line
        if before != line:
            raise _Wrong(column, f"the same as in line {before}")


def _name(column: str, text: str) -> str:
    try:
        return check_text(text, max_bytes=MAX_NAME_BYTES)
    except HostileText as error:
        raise _Wrong(column, str(error)) from error


def _number(column: str, text: str, limit: int) -> int:
    if not _NUMBER.fullmatch(text) or int(text) > limit:
        raise _Wrong(column, f"a whole number from 0 to {limit} is needed")
    return int(text)


def _truth(column: str, text: str, *, default: bool) -> bool:
    if text and text.casefold() not in _TRUTH:
        raise _Wrong(column, "yes or no is needed")
    return _TRUTH[text.casefold()] if text else default


def _barcode(text: str) -> str:
    if text and not _BARCODE.fullmatch(text):
        raise _Wrong("barcode", "up to 32 letters and digits are needed")
    if len(text) in _GTIN_LENGTHS and text.isdigit():
        total = sum(int(digit) * (3 if at % 2 else 1) for at, digit in enumerate(reversed(text)))
        if total % 10:
            raise _Wrong("barcode", "the check digit is wrong")
    return text
