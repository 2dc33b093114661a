"""What the ledger has of a merchant between two heights, as lines to compare: read from the till's own node.

It refuses to stop half way: who asks gets all of the heights or an error. Settlement is read at the last of them.
"""

from __future__ import annotations

import asyncio
from typing import Final, NamedTuple, TypeVar

import msgspec

from chainpos.core.checkout.reconciling import PAYMENT, REFUND, WALL, Entry
from chainpos.core.contracts.payments.events import PAID
from chainpos.core.contracts.payments.records import PAYMENTS, Payment
from chainpos.core.contracts.ports import STATIC_QR
from chainpos.core.contracts.refunds.events import REFUNDED
from chainpos.core.contracts.refunds.records import REFUNDS, RefundRecord, refund_key
from chainpos.core.contracts.settlement.records import NO_MONEY, POSITIONS, Position, position_key
from chainpos.core.state.tables import Table
from chainpos.core.values.text import clean
from chainpos.errors import MalformedBytes
from chainpos.inspect.records import record_at
from chainpos.rpc.backend import IncludedTransaction
from chainpos.rpc.client import Disconnected, RpcClient
from chainpos.till.settlement import Money

R = TypeVar("R", bound=msgspec.Struct)
PAGE: Final = 100
AT_ONCE: Final = 32
MAX_PAGES: Final = 500


class LedgerSide(NamedTuple):
    """`entries` are the till's own payments, and refunds of them by whomever; `net_minor` of all tills together.

    `grown_minor` is by how much the shop's money in all states of settlement grew in the same time.
    """

    entries: tuple[Entry, ...]
    net_minor: int
    grown_minor: int


class _Told(NamedTuple):
    payment: bytes
    reference: str
    signer: str
    included: IncludedTransaction


async def read_ledger(
    client: RpcClient, merchant: str, till_key: bytes, money: Money, currency: str, *, after: int, upto: int
) -> LedgerSide:
    """All that moved the merchant's money after one block, up to and with another.

    `money` is the settlement as read at or after `upto`. Raises RpcError, Disconnected, MalformedBytes.
    """
    entries: list[Entry] = []
    net_minor = 0
    paid = await _told(client, PAID, merchant, after, upto)
    payments = await _records(client, PAYMENTS, [told.payment for told in paid], upto)
    for told, payment in zip(paid, payments, strict=True):
        if payment.currency != currency:
            continue
        net_minor += payment.net_minor
        if payment.till_key == till_key:
            entries.append(_paid(told, payment, money))
    back = await _told(client, REFUNDED, merchant, after, upto)
    refunds = await _records(client, REFUNDS, [refund_key(told.payment, told.reference) for told in back], upto)
    payments = await _records(client, PAYMENTS, [told.payment for told in back], upto)
    for told, refund, payment in zip(back, refunds, payments, strict=True):
        if payment.currency != currency:
            continue
        net_minor -= refund.net_minor
        if payment.till_key == till_key or refund.signer == till_key:
            entries.append(_refunded(told, refund))
    grown_minor = await _total(client, merchant, currency, upto) - await _total(client, merchant, currency, after)
    return LedgerSide(tuple(entries), net_minor, grown_minor)


def refund_id(payment: bytes, reference: str) -> str:
    """By which both sides know a refund."""
    return f"{payment.hex()}/{reference}"


async def _told(client: RpcClient, kind: str, merchant: str, after: int, upto: int) -> list[_Told]:
    found: list[_Told] = []
    query = f"{kind}.merchant='{merchant}' AND tx.height>{after} AND tx.height<={upto}"
    for number in range(1, MAX_PAGES + 1):
        page = await client.tx_search(query, page=number, per_page=PAGE)
        for included in page.transactions:
            found += _of(kind, included)
        if number * PAGE >= page.total:
            return found
    raise Disconnected("more payments than can be compared at once")


def _of(kind: str, included: IncludedTransaction) -> list[_Told]:
    found = []
    for event in included.result.events:
        if event.type == kind:
            named = {attribute.key: attribute.value for attribute in event.attributes}
            payment = bytes.fromhex(named["payment"])
            found.append(_Told(payment, named.get("reference", ""), named.get("signer", ""), included))
    return found


def _paid(told: _Told, payment: Payment, money: Money) -> Entry:
    return Entry(
        kind=WALL if payment.instrument == STATIC_QR else PAYMENT,
        id=told.payment.hex(),
        reference=clean(payment.reference),
        amount_minor=payment.amount_minor,
        tip_minor=payment.tip_minor,
        fee_minor=payment.fee_acquirer_minor + payment.fee_network_minor,
        height=payment.height,
        time_s=payment.time_s,
        where=money.where(payment.placement),
    )


def _refunded(told: _Told, refund: RefundRecord) -> Entry:
    return Entry(
        kind=REFUND,
        id=refund_id(told.payment, told.reference),
        reference=clean(told.reference),
        amount_minor=refund.amount_minor,
        fee_minor=refund.fee_acquirer_minor + refund.fee_network_minor,
        height=refund.height,
        time_s=refund.time_s,
        # Where it was taken from: out of a batch that has settled since, or of what was available.
        where="pending" if refund.debtor else "available",
    )


async def _total(client: RpcClient, merchant: str, currency: str, height: int) -> int:
    """All of the shop's money at a height, in whatever state; moving from one state to the next changes nothing."""
    if not height:
        return 0
    found: Position = await record_at(client, POSITIONS, position_key(merchant, currency), height) or NO_MONEY
    return found.held_minor + found.paid_out_minor


async def _records(client: RpcClient, table: Table[R], keys: list[bytes], height: int) -> list[R]:
    """The records of what the node told of, some at a time. Raises MalformedBytes where it has none."""
    found: list[R] = []
    for begin in range(0, len(keys), AT_ONCE):
        some = await asyncio.gather(*(record_at(client, table, key, height) for key in keys[begin : begin + AT_ONCE]))
        for record in some:
            if record is None:
                raise MalformedBytes("the node tells of a movement and has no record of it")
            found.append(record)
    return found
