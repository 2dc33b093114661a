"""Where a sale stands, judged from its request and from facts: what our own peer verified, and what was merely seen.

PAID needs the payment's record in the state after a verified block, and nothing else will do. It refuses to go on where
the ledger holds, under a request's ID, a payment that is not of that request.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

import msgspec

from chainpos.core.checkout.request import SignedRequest
from chainpos.core.contracts.payments.records import Cancellation, Payment
from chainpos.core.contracts.ports import STATIC_QR
from chainpos.errors import StateMismatch


class SaleState(Enum):
    """Where one sale stands. Only PAID and CONFIRMED mean money: both follow a block that our own peer verified."""

    WAITING = "waiting"  # the QR is shown
    SEEN = "seen"  # a payment is in a mempool: not paid yet
    PROVED = "proved"  # a customer's proof: in a block that the validators signed, which our own peer has not seen yet
    PAID = "paid"  # in a verified block
    CONFIRMED = "confirmed"  # the next header committed to the state after it
    REFUSED = "refused"  # a payment was tried and the contract said no; the request may still be payable
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    PART_REFUNDED = "part_refunded"
    REFUNDED = "refunded"


MONEY_RECEIVED = (SaleState.PAID, SaleState.CONFIRMED, SaleState.PART_REFUNDED, SaleState.REFUNDED)


class LedgerFacts(NamedTuple):
    """What the state of our own peer says of one request. `height` and `time_s` are those of its last verified block.

    `payment` and `cancellation` are the records under the request's ID after that block, or None: absent as of then.
    """

    height: int
    time_s: int
    payment: Payment | None = None
    cancellation: Cancellation | None = None


class Sight(NamedTuple):
    """What was seen and is no ledger: a payment in our mempool (its hash), the last refusal's code, the time here.

    `proved_height` is of the block that a verified proof says the payment is in.
    """

    now_s: int
    pending: bytes = b""
    refusal_code: int = 0
    proved_height: int = 0


class Standing(NamedTuple):
    """The judgement. `final`: no later block can change it, but for refunds of what was paid."""

    state: SaleState
    final: bool
    problem_code: int = 0


def judge(signed: SignedRequest, facts: LedgerFacts, sight: Sight) -> Standing:
    """Where a sale stands. Raises StateMismatch.

    The order is the order of weight: what the ledger holds, what the ledger's time rules out, then what was only seen.
    """
    if facts.payment is not None:
        return _paid(signed, facts.payment, facts.height)
    if signed.request.instrument == STATIC_QR:
        # It is a sale at all because our node had its payment: not to have looked yet changes nothing.
        return Standing(SaleState.PAID, final=False)
    if sight.proved_height:
        if facts.height >= sight.proved_height:
            raise StateMismatch(f"the validators signed a payment of {signed.request.reference} that our chain has not")
        return Standing(SaleState.PROVED, final=False)
    if facts.cancellation is not None:
        return Standing(SaleState.CANCELLED, final=True, problem_code=sight.refusal_code)
    if facts.time_s >= signed.request.expires_s:
        # Block time only grows, and no block from here on may pay it.
        return Standing(SaleState.EXPIRED, final=True, problem_code=sight.refusal_code)
    if sight.pending:
        return Standing(SaleState.SEEN, final=False)
    if sight.now_s >= signed.request.expires_s:
        # For display alone: a payment on its way may still reach a block in time, and is then PAID.
        return Standing(SaleState.EXPIRED, final=False, problem_code=sight.refusal_code)
    if sight.refusal_code:
        return Standing(SaleState.REFUSED, final=False, problem_code=sight.refusal_code)
    return Standing(SaleState.WAITING, final=False)


def _paid(signed: SignedRequest, payment: Payment, height: int) -> Standing:
    request = signed.request
    if request.instrument == STATIC_QR:
        # One of many payments of a standing request: the payer chose the amount, and the payment has its own ID.
        signed = msgspec.structs.replace(signed, id=payment.request_id)
        request = msgspec.structs.replace(request, amount_minor=payment.amount_minor)
    agreed = (
        signed.id, request.merchant, request.till_key, request.reference, request.currency, request.amount_minor,
    )  # fmt: skip
    recorded = (
        payment.request_id, payment.merchant, payment.till_key, payment.reference, payment.currency,
        payment.amount_minor,
    )  # fmt: skip
    if agreed != recorded or payment.height > height:
        raise StateMismatch(f"the ledger's payment of {request.reference} is not a payment of that request")
    if payment.refunded_minor >= payment.paid_minor:
        return Standing(SaleState.REFUNDED, final=True)
    if payment.refunded_minor:
        return Standing(SaleState.PART_REFUNDED, final=True)
    if height > payment.height:
        return Standing(SaleState.CONFIRMED, final=True)
    return Standing(SaleState.PAID, final=False)
