"""The judgement of a sale: only the ledger's record is money, and only the ledger's time ends a request."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainpos.core.checkout.matching import MONEY_RECEIVED, LedgerFacts, SaleState, Sight, judge
from chainpos.core.checkout.request import SignedRequest
from chainpos.core.contracts.payments.records import Cancellation, Payment
from chainpos.errors import StateMismatch

from .conftest import NOW_S

END_S = NOW_S + 120
SIGHTS = st.builds(
    Sight, now_s=st.integers(0, 2 * NOW_S), pending=st.sampled_from([b"", bytes(32)]), refusal_code=st.integers(0, 999),
    proved_height=st.just(0),
)  # fmt: skip


def _cancelled(signed: SignedRequest) -> Cancellation:
    request = signed.request
    return Cancellation(request.merchant, request.till_key, request.reference, 3, NOW_S, request.expires_s)


@given(height=st.integers(0, 100), time_s=st.integers(0, 2 * NOW_S), sight=SIGHTS)
def test_nothing_but_a_record_on_the_ledger_is_money(
    signed: SignedRequest, height: int, time_s: int, sight: Sight
) -> None:
    assert judge(signed, LedgerFacts(height, time_s), sight).state not in MONEY_RECEIVED


@given(sight=SIGHTS, time_s=st.integers(NOW_S, 2 * NOW_S))
def test_a_record_is_money_whatever_was_seen_and_however_late_it_is_here(
    signed: SignedRequest, payment_: Payment, sight: Sight, time_s: int
) -> None:
    paid = judge(signed, LedgerFacts(7, time_s, payment_, _cancelled(signed)), sight)
    assert (paid.state, paid.final) == (SaleState.PAID, False)
    confirmed = judge(signed, LedgerFacts(8, time_s, payment_), sight)
    assert (confirmed.state, confirmed.final) == (SaleState.CONFIRMED, True)


@pytest.fixture(scope="session")
def payment_(signed: SignedRequest) -> Payment:
    """As `payment`, for tests whose examples share it."""
    request = signed.request
    return Payment(
        signed.id, request.merchant, "bank-a", request.till_key, request.reference, bytes(20), "bank-b",
        request.currency, request.amount_minor, 0, 3, 1, request.instrument, "bank-b", 1, 0, 7, NOW_S + 5,
    )  # fmt: skip


def test_refunds_show(signed: SignedRequest, payment: Payment) -> None:
    sight = Sight(NOW_S)
    part = msgspec.structs.replace(payment, refunded_minor=1)
    whole = msgspec.structs.replace(payment, refunded_minor=payment.amount_minor)
    assert judge(signed, LedgerFacts(9, NOW_S, part), sight).state is SaleState.PART_REFUNDED
    assert judge(signed, LedgerFacts(9, NOW_S, whole), sight).state is SaleState.REFUNDED
    tipped = msgspec.structs.replace(whole, tip_minor=100)
    assert judge(signed, LedgerFacts(9, NOW_S, tipped), sight).state is SaleState.PART_REFUNDED


@pytest.mark.parametrize(
    "change",
    [
        {"request_id": bytes(32)},
        {"merchant": "other"},
        {"till_key": bytes(32)},
        {"reference": "other"},
        {"currency": "JPY"},
        {"amount_minor": 1249},
        {"height": 10},
    ],
)
def test_a_record_that_is_not_of_this_request_halts(
    signed: SignedRequest, payment: Payment, change: dict[str, object]
) -> None:
    with pytest.raises(StateMismatch):
        judge(signed, LedgerFacts(9, NOW_S, msgspec.structs.replace(payment, **change)), Sight(NOW_S))


def test_the_wall_clock_only_hides_a_request_and_the_ledgers_time_ends_it(signed: SignedRequest) -> None:
    before = LedgerFacts(5, END_S - 1)
    assert judge(signed, before, Sight(END_S - 1)) == (SaleState.WAITING, False, 0)
    assert judge(signed, before, Sight(END_S)) == (SaleState.EXPIRED, False, 0)
    assert judge(signed, before, Sight(END_S, pending=bytes(32))).state is SaleState.SEEN
    assert judge(signed, LedgerFacts(5, END_S), Sight(NOW_S, pending=bytes(32))) == (SaleState.EXPIRED, True, 0)


def test_a_refusal_is_shown_while_the_request_is_still_payable(signed: SignedRequest) -> None:
    facts = LedgerFacts(5, NOW_S)
    refused = judge(signed, facts, Sight(NOW_S, refusal_code=501))
    assert refused == (SaleState.REFUSED, False, 501)
    assert judge(signed, facts, Sight(NOW_S, pending=bytes(32), refusal_code=501)).state is SaleState.SEEN
    assert judge(signed, facts, Sight(END_S, refusal_code=501)) == (SaleState.EXPIRED, False, 501)


def test_a_cancellation_on_the_ledger_is_final(signed: SignedRequest) -> None:
    standing = judge(signed, LedgerFacts(5, NOW_S, None, _cancelled(signed)), Sight(NOW_S, pending=bytes(32)))
    assert (standing.state, standing.final) == (SaleState.CANCELLED, True)


@given(height=st.integers(0, 40), time_s=st.integers(0, 2 * NOW_S), sight=SIGHTS, proved=st.integers(1, 40))
def test_a_proof_is_less_than_money_and_a_chain_that_lacks_what_it_proves_halts(
    signed: SignedRequest, payment_: Payment, height: int, time_s: int, sight: Sight, proved: int
) -> None:
    sight = sight._replace(proved_height=proved)
    if height >= proved:
        with pytest.raises(StateMismatch, match="signed a payment"):
            judge(signed, LedgerFacts(height, time_s), sight)
    else:
        standing = judge(signed, LedgerFacts(height, time_s), sight)
        assert (standing.state, standing.final) == (SaleState.PROVED, False)
        assert SaleState.PROVED not in MONEY_RECEIVED
    assert judge(signed, LedgerFacts(7, time_s, payment_), sight).state is SaleState.PAID
