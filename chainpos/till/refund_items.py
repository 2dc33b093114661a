"""Refunding by item: what of a bill was sold for how much, what of it went back, and what choosing some comes to.

An item's pieces share what it cost, discounts and tax done, by whole minor units: refunding all of them one by one
gives back exactly what they cost together. A piece goes back once, whichever of the bill's codes or tenders it is given
back by. It refuses more pieces than are left.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

import msgspec

from chainpos.core.chain.envelope import decode_envelope
from chainpos.core.checkout.cart import THOUSANDTHS
from chainpos.core.checkout.takings import Taxed
from chainpos.core.contracts.refunds.messages import Refund
from chainpos.core.values.amount import Amount
from chainpos.core.values.text import clean
from chainpos.errors import UserFacingError
from chainpos.store.shop import OutboxRow, ShopBook
from chainpos.store.shop_beside import ShopBeside
from chainpos.store.shop_bills import RETURNED, BillLineRow, ShopBills
from chainpos.till.book_thread import BookThread
from chainpos.till.ledger_lines import refund_id
from chainpos.till.outbox import EXPIRED, REFUSED
from chainpos.till.refunds import KIND
from chainpos.till.views import ItemView

# What stands in a refund's reason: "items 1x2,3x1", lines counted from 1.
_REASON: Final = re.compile(r"items ([0-9]{1,3}x[0-9]{1,4}(?:,[0-9]{1,3}x[0-9]{1,4})*)", re.ASCII)
MAX_REASON_BYTES: Final = 80
_NEVER_NS: Final = 2**63


class RefundItems:
    """The items of sales in the shop's book."""

    def __init__(self, book: BookThread) -> None:
        self._book = book

    async def of(self, reference: str) -> tuple[ItemView, ...]:
        """The items of the bill that a sale pays for, or that has this reference; none where nothing was rung up."""
        return await self._book.call(partial(_items, self._book.book, reference))

    def amount(self, items: Sequence[ItemView], chosen: Mapping[int, int]) -> Amount:
        """What so many pieces of each place come to. Raises UserFacingError where so many are not left."""
        currency, minor = items[0].due.currency, 0
        for item in items:
            pieces = chosen.get(item.place, 0)
            if not 0 <= pieces <= item.pieces - item.refunded:
                raise UserFacingError("So many pieces are not left to refund.", next_step="Choose fewer.")
            minor += _share(item, item.refunded + pieces) - _share(item, item.refunded)
        return Amount(minor, currency)

    def reason(self, chosen: Mapping[int, int]) -> str:
        """How a refund names the pieces, "" where they are too many to name. It is public, and names no article."""
        named = ",".join(f"{place}x{pieces}" for place, pieces in sorted(chosen.items()) if pieces)
        return f"items {named}" if named and len(named) + 6 <= MAX_REASON_BYTES else ""


class Given(NamedTuple):
    """Pieces of a bill, by place, that went back or still may; `name` is the refund's, as shift reports have it."""

    name: str
    at_ns: int
    pieces: Mapping[int, int]


def given_items(book: ShopBook, bill: int) -> list[Given]:
    """All refunds of a bill that name pieces, oldest first: on the ledger by each of its codes, and beside it.

    Not what went back whole before the bill was complete: all of it was due again then, and was paid otherwise.
    """
    bills = ShopBills(book)
    row = bills.bill(bill)
    closed_ns = row.closed_ns if row is not None and row.closed_ns else _NEVER_NS
    sent = [
        (each, _message(each))
        for tender in bills.tenders(bill)
        if tender.sale
        for each in book.outbox_of(tender.sale)
        if _may_move_money(each) and not (tender.state == RETURNED and each.created_ns <= closed_ns)
    ]
    refunds = [
        Given(refund_id(message.payment_id, message.reference), each.created_ns, _named_in(message.reason))
        for each, message in sent
    ]
    returns = [Given(return_id(row.id), row.at_ns, _named_in(row.reason)) for row in ShopBeside(book).returns(bill)]
    return sorted((each for each in (*refunds, *returns) if each.pieces), key=lambda each: each.at_ns)


def return_id(number: int) -> str:
    """By which shift reports know money that was given back beside the ledger."""
    return f"return/{number}"


def named_items(lines: Sequence[BillLineRow], given: Sequence[Given], name: str) -> tuple[Taxed, ...]:
    """What the pieces come to that one refund of a bill names, line by line with the tax in it.

    `given` is all that went back, oldest first: which pieces these were, those before tell.
    It gives none where the refund names none.
    """
    before: dict[int, int] = {}
    for each in given:
        if each.name == name:
            return tuple(_taxed(line, before, each.pieces) for line in lines if line.position + 1 in each.pieces)
        for place, pieces in each.pieces.items():
            before[place] = before.get(place, 0) + pieces
    return ()


def _taxed(line: BillLineRow, before: Mapping[int, int], named: Mapping[int, int]) -> Taxed:
    item = _item(line, before.get(line.position + 1, 0), "")
    begin_minor = _share(item, item.refunded)
    end_minor = _share(item, min(item.refunded + named[item.place], item.pieces))
    due_minor = max(line.due_minor, 1)
    tax_minor = line.tax_minor * end_minor // due_minor - line.tax_minor * begin_minor // due_minor
    return Taxed(line.tax_rate_ppm, end_minor - begin_minor, tax_minor)


def _items(book: ShopBook, reference: str) -> tuple[ItemView, ...]:
    row = book.sale(reference)
    bills = ShopBills(book)
    bill = bills.bill_of_sale(row.number) if row is not None else bills.bill_named(reference)
    if bill is None:
        return ()
    back: dict[int, int] = {}
    for given in given_items(book, bill.number):
        for place, pieces in given.pieces.items():
            back[place] = back.get(place, 0) + pieces
    return tuple(_item(line, back.get(line.position + 1, 0), bill.currency) for line in bills.lines(bill.number))


def _item(line: BillLineRow, refunded: int, currency: str) -> ItemView:
    # What was weighed goes back whole.
    pieces = 1 if line.weighed or line.quantity % THOUSANDTHS else line.quantity // THOUSANDTHS
    return ItemView(
        place=line.position + 1,
        name_en=clean(line.name_en),
        name_zh=clean(line.name_zh),
        pieces=pieces,
        refunded=min(refunded, pieces),
        due=Amount(line.due_minor, currency),
    )


def _may_move_money(sent: OutboxRow) -> bool:
    return sent.kind == KIND and sent.state not in (REFUSED, EXPIRED)


def _named_in(reason: str) -> dict[int, int]:
    match = _REASON.fullmatch(reason)
    pairs = [part.split("x") for part in match.group(1).split(",")] if match is not None else []
    return {int(place): int(pieces) for place, pieces in pairs}


def _message(sent: OutboxRow) -> Refund:
    return msgspec.msgpack.decode(decode_envelope(sent.wire).body.message, type=Refund)


def _share(item: ItemView, pieces: int) -> int:
    return item.due.minor * pieces // item.pieces
