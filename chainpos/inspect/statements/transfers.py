"""What banks are told beside statements: payouts to make, the legs of a netting, what was returned.

It refuses a netting whose legs do not sum to zero.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from chainpos.core.contracts.institutions.records import INSTITUTIONS, institution_key
from chainpos.core.contracts.merchants.records import MERCHANTS, merchant_key
from chainpos.core.contracts.payments.records import PAYMENTS
from chainpos.core.contracts.refunds.records import REFUNDS, refund_key
from chainpos.core.contracts.settlement.events import PAYOUT_FAILED, PAYOUT_REQUESTED
from chainpos.core.contracts.settlement.records import (
    CLOCKS,
    CYCLES,
    PAYOUTS,
    REQUESTED,
    Clock,
    Cycle,
    cycle_key,
    payout_key,
)
from chainpos.core.values.text import clean
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.errors import StateMismatch
from chainpos.inspect.lookups import Lookups
from chainpos.inspect.source import ChainSource
from chainpos.inspect.statements.period import Period, executed

_MOST_PAYOUTS: Final = 1_000


class PayoutOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A payout: from the acquirer to the merchant's bank account. `state` is as of the height that it was read at."""

    merchant: str
    merchant_en: str
    merchant_zh: str
    acquirer: str
    acquirer_en: str
    currency: str
    number: int
    amount_minor: int
    payout_account: str
    requested_ns: int
    state: str
    bank_reference: str
    reason: str

    @property
    def reference(self) -> str:
        """What the bank quotes: at most 35 characters."""
        return f"{self.merchant}-{self.currency}-{self.number}"


class NetLegRow(msgspec.Struct, frozen=True):
    """What a netting moved on one institution's reserve: above zero it received."""

    institution: str
    institution_en: str
    amount_minor: int


class NettingRow(msgspec.Struct, frozen=True, kw_only=True):
    """One netting with the legs that were asked for; amounts in minor units."""

    currency: str
    number: int
    kind: str
    height: int
    time_ns: int
    gross_minor: int
    settled_minor: int
    rolled_over_minor: int
    moved_minor: int
    legs: tuple[NetLegRow, ...]


class Returned(msgspec.Struct, frozen=True, kw_only=True):
    """Money that went back: a refund to a payer's institution, or a payout that could not be sent."""

    kind: str
    reference: str
    original: str
    original_id: str
    currency: str
    original_minor: int
    amount_minor: int
    time_ns: int
    giver: str
    giver_en: str
    taker: str
    taker_en: str
    reason: str


def payout_orders(
    source: ChainSource, period: Period, *, currency: str, institution: str = "", merchant: str = ""
) -> tuple[PayoutOrder, ...]:
    """The payouts that were requested in the period, of one acquirer or one merchant."""
    lookups = Lookups(source, max(period.high, period.low - 1))
    orders = []
    for done in executed(source, period):
        told = done.first(PAYOUT_REQUESTED)
        if told is None or told["currency"] != currency:
            continue
        if (merchant and told["merchant"] != merchant) or (institution and told["acquirer"] != institution):
            continue
        orders.append(payout_order(lookups, told["merchant"], currency, int(told["number"])))
    return tuple(order for order in orders if order is not None)


def open_payouts(source: ChainSource, institution: str, currency: str) -> tuple[PayoutOrder, ...]:
    """What an acquirer has yet to send, oldest first."""
    lookups = Lookups(source)
    query = f"{PAYOUT_REQUESTED}.acquirer='{institution}' AND {PAYOUT_REQUESTED}.currency='{currency}'"
    orders = []
    for height, index in sorted(source.search(query, _MOST_PAYOUTS)):
        found = source.found(height)
        if found is None:
            continue
        for event in found.results[index].events:
            told = {each.key: each.value for each in event.attributes}
            if event.type == PAYOUT_REQUESTED and told["acquirer"] == institution and told["currency"] == currency:
                order = payout_order(lookups, told["merchant"], currency, int(told["number"]))
                if order is not None and order.state == REQUESTED:
                    orders.append(order)
    return tuple(orders)


def payout_order(lookups: Lookups, merchant: str, currency: str, number: int) -> PayoutOrder | None:
    """One payout as of the lookups' height."""
    payout = lookups.record(PAYOUTS, payout_key(merchant, currency, number))
    shop = lookups.record(MERCHANTS, merchant_key(merchant))
    if payout is None or shop is None:
        return None
    shop = shop.as_of(payout.requested_s)
    return PayoutOrder(
        merchant=merchant,
        merchant_en=clean(shop.name_en),
        merchant_zh=clean(shop.name_zh),
        acquirer=payout.acquirer,
        acquirer_en=_institution_name(lookups, payout.acquirer),
        currency=currency,
        number=number,
        amount_minor=payout.amount_minor,
        payout_account=clean(payout.payout_account),
        requested_ns=payout.requested_s * SECOND_NS,
        state=payout.state,
        bank_reference=clean(payout.bank_reference),
        reason=clean(payout.reason),
    )


def nettings(source: ChainSource, period: Period, *, currency: str, institution: str = "") -> tuple[NettingRow, ...]:
    """The nettings of a day, ascending, or the one of the period, with all legs or one institution's.

    Raises StateMismatch.
    """
    lookups = Lookups(source)
    clock = lookups.record(CLOCKS, currency.encode()) or Clock()
    rows: list[NettingRow] = []
    for number in [period.netting] if period.netting else range(clock.nettings, 0, -1):
        cycle = lookups.record(CYCLES, cycle_key(currency, number))
        if cycle is None or (cycle.height < period.low and not period.netting):
            break
        if cycle.height <= period.high:
            rows.append(_netting(lookups, currency, number, cycle, institution))
    return tuple(reversed(rows))


def returns(
    source: ChainSource, period: Period, *, currency: str, institution: str = "", merchant: str = ""
) -> tuple[Returned, ...]:
    """Refunds and failed payouts of the period. An institution's are those that it gave or took."""
    lookups = Lookups(source, max(period.high, period.low - 1))
    found = (row for row in _returned(source, lookups, period, currency, merchant))
    return tuple(row for row in found if not institution or institution in (row.giver, row.taker))


def _returned(
    source: ChainSource, lookups: Lookups, period: Period, currency: str, merchant: str
) -> Iterator[Returned]:
    for done in executed(source, period):
        told = done.first("refunds.refunded")
        failed = done.first(PAYOUT_FAILED)
        if told is not None and told["currency"] == currency and merchant in ("", told["merchant"]):
            yield _refund(lookups, told, done.time_ns)
        if failed is not None and failed["currency"] == currency and merchant in ("", failed["merchant"]):
            order = payout_order(lookups, failed["merchant"], currency, int(failed["number"]))
            if order is not None:
                yield Returned(
                    kind="payout",
                    reference=f"{order.reference}-R",
                    original=order.reference,
                    original_id=order.reference,
                    currency=currency,
                    original_minor=order.amount_minor,
                    amount_minor=order.amount_minor,
                    time_ns=done.time_ns,
                    giver=order.acquirer,
                    giver_en=order.acquirer_en,
                    taker=order.acquirer,
                    taker_en=order.acquirer_en,
                    reason=order.reason,
                )


def _refund(lookups: Lookups, told: dict[str, str], time_ns: int) -> Returned:
    payment_id = bytes.fromhex(told["payment"])
    payment = lookups.record(PAYMENTS, payment_id)
    refund = lookups.record(REFUNDS, refund_key(payment_id, told["reference"]))
    if payment is None or refund is None:
        raise StateMismatch(f"refund {told['reference']} was told, and is not on record")
    return Returned(
        kind="refund",
        reference=clean(told["reference"]),
        original=clean(payment.reference),
        original_id=payment_id.hex(),
        currency=payment.currency,
        original_minor=payment.paid_minor,
        amount_minor=refund.amount_minor,
        time_ns=time_ns,
        giver=payment.acquirer,
        giver_en=_institution_name(lookups, payment.acquirer),
        taker=payment.institution,
        taker_en=_institution_name(lookups, payment.institution),
        reason=clean(refund.reason),
    )


def _netting(lookups: Lookups, currency: str, number: int, cycle: Cycle, institution: str) -> NettingRow:
    if sum(leg.amount_minor for leg in cycle.legs):
        raise StateMismatch(f"the legs of netting {currency}/{number} do not sum to zero")
    legs = (leg for leg in cycle.legs if institution in ("", leg.institution))
    return NettingRow(
        currency=currency,
        number=number,
        kind=cycle.kind,
        height=cycle.height,
        time_ns=cycle.time_s * SECOND_NS,
        gross_minor=cycle.gross_minor,
        settled_minor=cycle.settled_minor,
        rolled_over_minor=cycle.rolled_over_minor,
        moved_minor=cycle.moved_minor,
        legs=tuple(
            NetLegRow(leg.institution, _institution_name(lookups, leg.institution), leg.amount_minor) for leg in legs
        ),
    )


def _institution_name(lookups: Lookups, institution: str) -> str:
    found = lookups.record(INSTITUTIONS, institution_key(institution))
    return institution if found is None else clean(found.name_en)
