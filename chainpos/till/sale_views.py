"""Sales as the screens see them, and what a search of the sales list means."""

from __future__ import annotations

import re
from typing import Final

from chainpos.core.checkout.keyed import keyed_amount
from chainpos.core.checkout.matching import SaleState
from chainpos.core.values.amount import Amount, AmountError, parse_amount
from chainpos.core.values.text import clean
from chainpos.inspect.sentences import sentence_of
from chainpos.store.shop import SaleRow, Search, ShopBook
from chainpos.till.sales import LINK, Sale
from chainpos.till.settlement import Money
from chainpos.till.views import Qr, SaleView

PAYER_CHARACTERS: Final = 8
_SHOWS_QR: Final = (SaleState.WAITING, SaleState.SEEN, SaleState.REFUSED)
_TIME = re.compile(r"([01]?[0-9]|2[0-3])[:：]([0-5][0-9])", re.ASCII)


def row_view(row: SaleRow, money: Money, link: str = "", qr: Qr | None = None) -> SaleView:
    """A sale of the book."""
    return SaleView(
        reference=row.reference,
        amount=Amount(row.amount_minor, row.currency),
        state=SaleState(row.state),
        created_ns=row.created_ns,
        expires_ns=row.expires_ns,
        link=link,
        qr=qr,
        payer=row.payer[:PAYER_CHARACTERS],
        paid_ns=row.paid_ns,
        height=row.height,
        tx_hash=row.tx_hash.hex(),
        fee=Amount(row.fee_minor, row.currency) if row.height else None,
        refunded=Amount(row.refunded_minor, row.currency) if row.refunded_minor else None,
        problem=sentence_of(row.problem_code) if row.problem_code else None,
        staff=row.staff,
        money_state=money.state_of(row),
        presented=row.presented,
    )


def sale_view(sale: Sale, money: Money) -> SaleView:
    """The sale in hand, with its QR code while it can be of use."""
    if sale.row.presented != LINK or sale.state not in _SHOWS_QR:
        return row_view(sale.row, money, sale.link)
    sale.draw_up()
    qr = Qr(sale.link, sale.modules) if sale.modules is not None else None
    return row_view(sale.row, money, sale.link, qr)


def meant(search: str, currency: str, utc_offset_s: int) -> list[Search]:
    """What may be meant by a text: a time of day, or a reference or an amount, as keyed or as written; all by ""."""
    text = clean(search).strip()
    if not text:
        return [Search()]
    if (match := _TIME.fullmatch(text)) is not None:
        return [Search(minute=int(match.group(1)) * 60 + int(match.group(2)), offset_s=utc_offset_s)]
    return [Search(reference=text), *(Search(amount_minor=minor) for minor in _amounts(text, currency))]


def search_book(book: ShopBook, search: str, currency: str, utc_offset_s: int, limit: int) -> list[SaleRow]:
    """The sales that a search means, newest first."""
    found = {row.number: row for each in meant(search, currency, utc_offset_s) for row in book.sales(each, limit=limit)}
    return sorted(found.values(), key=lambda row: (row.created_ns, row.number), reverse=True)[:limit]


def _amounts(text: str, currency: str) -> list[int]:
    minors = []
    for meaning in (keyed_amount, parse_amount):
        try:
            minors.append(meaning(text, currency).minor)
        except AmountError:
            continue
    return minors
