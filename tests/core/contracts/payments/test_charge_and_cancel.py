"""payments.charge and payments.cancel: what they do, and every reason to refuse."""

from __future__ import annotations

import msgspec
import pytest

from chainpos.core.contracts.compliance.codes import ACCOUNT_FROZEN
from chainpos.core.contracts.compliance.messages import Freeze
from chainpos.core.contracts.customers.codes import OVER_CODE_CAP, UNKNOWN_CUSTOMER
from chainpos.core.contracts.merchants.codes import TILL_REVOKED, UNKNOWN_MERCHANT
from chainpos.core.contracts.merchants.records import REVOKED, TILLS
from chainpos.core.contracts.payments import codes
from chainpos.core.contracts.payments.events import CANCELLED as TOLD_CANCELLED
from chainpos.core.contracts.payments.events import PAID
from chainpos.core.contracts.payments.genesis import load_genesis
from chainpos.core.contracts.payments.messages import Cancel
from chainpos.core.contracts.payments.port import payment, record_refund
from chainpos.core.contracts.payments.records import CANCELLED, NEVER_S
from chainpos.core.contracts.ports import CUSTOMER_CODE, STATIC_QR, FeeSplit, Placement, account_subject
from chainpos.errors import Code, Rejected, StateMismatch
from tests.core.contracts.city import City
from tests.core.contracts.conftest import GENESIS_S, events_of, key_of


def test_a_till_takes_its_requests_amount_from_the_code(city: City) -> None:
    sale = city.sale("TEAHOUSE", 10_000)
    result = city.accepted(city.charge(sale, "carol"), "TEAHOUSE.till")
    assert result.data == sale.id
    paid = city.payment(sale.id)
    assert (paid.payer, paid.instrument, paid.amount_minor) == (key_of("carol").address, CUSTOMER_CODE, 10_000)
    assert (city.deposit("carol"), city.deposit("TEAHOUSE")) == (4_990_000, 9_962)
    (told,) = events_of(result, PAID)
    assert (told["instrument"], told["payer"]) == ("customer_code", key_of("carol").address.hex())


def test_a_request_is_paid_once_by_whatever_way(city: City) -> None:
    sale, other = city.sale(), city.sale()
    city.accepted(sale.pay(), "alice")
    city.refused(city.charge(sale, "carol"), "TEAHOUSE.till", codes.ALREADY_PAID)
    city.accepted(city.charge(other, "carol"), "TEAHOUSE.till")
    city.refused(other.pay(), "alice", codes.ALREADY_PAID)


def test_what_cannot_be_read_is_refused(city: City) -> None:
    charge = city.charge(city.sale(), "carol")
    city.refused(msgspec.structs.replace(charge, request=b"?"), "TEAHOUSE.till", codes.MALFORMED_REQUEST)
    city.refused(msgspec.structs.replace(charge, code=b"?"), "TEAHOUSE.till", codes.MALFORMED_CODE)


def test_only_the_requests_own_till_may_charge(city: City) -> None:
    charge = city.charge(city.sale("TEAHOUSE"), "carol")
    for other in ("NOODLES.till", "TEAHOUSE.owner", "carol"):
        city.refused(charge, other, codes.NOT_THE_TILL)


def test_a_standing_code_cannot_be_charged(city: City) -> None:
    sticker = city.sale("TEAHOUSE", 500, instrument=STATIC_QR, expires_s=0)
    city.refused(city.charge(sticker, "carol"), "TEAHOUSE.till", codes.STATIC_NOT_CHARGEABLE)


def test_a_code_grants_its_currency_and_no_more_than_it_says(city: City) -> None:
    sale = city.sale(amount_minor=10_000)
    city.refused(city.charge(sale, "carol", currency="HKD"), "TEAHOUSE.till", codes.WRONG_CURRENCY)
    city.refused(city.charge(sale, "carol", max_minor=9_999), "TEAHOUSE.till", codes.OVER_CODE_LIMIT)
    city.accepted(city.charge(sale, "carol", max_minor=10_000), "TEAHOUSE.till")


@pytest.mark.parametrize(("age_s", "code"), [(61, codes.CODE_EXPIRED), (-11, codes.CODE_FROM_FUTURE)])
def test_a_code_out_of_its_minute_is_refused(city: City, age_s: int, code: Code) -> None:
    city.refused(city.charge(city.sale(), "carol", issued_s=GENESIS_S - age_s), "TEAHOUSE.till", code)


@pytest.mark.parametrize("age_s", [60, 0, -10])
def test_a_code_within_its_minute_is_taken(city: City, age_s: int) -> None:
    city.accepted(city.charge(city.sale(), "carol", issued_s=GENESIS_S - age_s), "TEAHOUSE.till")


def test_a_charge_meets_the_same_refusals_as_a_payment(city: City) -> None:
    cancelled, late = city.sale(), city.sale()
    city.accepted(cancelled.cancel, "TEAHOUSE.till")
    city.refused(city.charge(cancelled, "carol"), "TEAHOUSE.till", codes.REQUEST_CANCELLED)
    city.advance(600)
    city.refused(city.charge(late, "carol"), "TEAHOUSE.till", codes.REQUEST_EXPIRED)
    city.refused(city.charge(city.sale(), "nobody"), "TEAHOUSE.till", UNKNOWN_CUSTOMER)
    city.refused(city.charge(city.sale(amount_minor=100_001), "bob"), "TEAHOUSE.till", OVER_CODE_CAP)
    large = city.sale(amount_minor=10_000_001)
    city.refused(city.charge(large, "erin", max_minor=2**62), "TEAHOUSE.till", codes.OVER_TILL_LIMIT)
    city.accepted(Freeze(account_subject(key_of("carol").address), "court 7", city.time_s + 100), "regulator")
    city.refused(city.charge(city.sale(), "carol"), "TEAHOUSE.till", ACCOUNT_FROZEN)


def test_a_till_cancels_its_request_and_it_is_told(city: City) -> None:
    sale = city.sale(amount_minor=700)
    result = city.accepted(sale.cancel, "TEAHOUSE.till")
    assert result.data == sale.id
    (told,) = events_of(result, TOLD_CANCELLED)
    assert (told["request"], told["reference"], told["amount_minor"]) == (sale.id.hex(), "S000001", "700")
    kept = city.state.get(CANCELLED, sale.id)
    assert kept is not None
    assert (kept.merchant, kept.reference, kept.time_s, kept.expires_s) == (
        "TEAHOUSE", "S000001", GENESIS_S, GENESIS_S + 600,
    )  # fmt: skip


def test_a_cancellation_is_forgotten_only_when_the_request_could_not_be_paid_anyway(city: City) -> None:
    sale = city.sale()
    sticker = city.sale("TEAHOUSE", 0, instrument=STATIC_QR, expires_s=0)
    city.accepted(sale.cancel, "TEAHOUSE.till")
    city.accepted(sticker.cancel, "TEAHOUSE.till")
    assert city.state.expired(GENESIS_S + 600) == []
    assert city.state.expired(GENESIS_S + 601) == [(CANCELLED, sale.id)]
    assert city.state.expired(NEVER_S) == [(CANCELLED, sale.id)]
    city.refused(sticker.pay(amount_minor=5), "alice", codes.REQUEST_CANCELLED)


def test_the_owner_may_cancel_for_a_till_that_is_lost(city: City) -> None:
    sale = city.sale()
    city.alter(TILLS, key_of("TEAHOUSE.till").public, status=REVOKED)
    city.refused(sale.cancel, "TEAHOUSE.till", TILL_REVOKED)
    city.accepted(sale.cancel, "TEAHOUSE.owner")


def test_nobody_else_may_cancel(city: City) -> None:
    sale = city.sale()
    for other in ("NOODLES.till", "NOODLES.owner", "alice"):
        city.refused(sale.cancel, other, codes.NOT_THE_TILL)
    city.refused(city.sale("NOWHERE").cancel, "TEAHOUSE.till", UNKNOWN_MERCHANT)


def test_what_is_over_cannot_be_cancelled(city: City) -> None:
    paid, cancelled, late = city.sale(), city.sale(), city.sale()
    city.accepted(paid.pay(), "alice")
    city.refused(paid.cancel, "TEAHOUSE.till", codes.ALREADY_PAID)
    city.accepted(cancelled.cancel, "TEAHOUSE.till")
    city.refused(cancelled.cancel, "TEAHOUSE.till", codes.REQUEST_CANCELLED)
    city.advance(600)
    city.refused(late.cancel, "TEAHOUSE.till", codes.REQUEST_EXPIRED)
    city.refused(Cancel(b"?"), "TEAHOUSE.till", codes.MALFORMED_REQUEST)


def test_the_port_gives_a_payments_facts_and_refuses_unknown_ones(city: City) -> None:
    payment_id = city.bought("alice", "BOOKS", 10_000, tip=100)
    facts = payment(city.context(), payment_id)
    assert (facts.payment_id, facts.merchant, facts.acquirer) == (payment_id, "BOOKS", "southbank")
    assert (facts.payer.account, facts.payer.institution) == (key_of("alice").address, "eastbank")
    assert (facts.amount_minor, facts.tip_minor, facts.paid_minor) == (10_000, 100, 10_100)
    assert (facts.fee, facts.fee_refunded, facts.refunded_minor) == (FeeSplit(30, 8), FeeSplit(0, 0), 0)
    assert facts.placement == Placement("eastbank", 1, 0)
    with pytest.raises(Rejected) as refusal:
        payment(city.context(), b"\0" * 32)
    assert refusal.value.code == codes.UNKNOWN_PAYMENT


@pytest.mark.parametrize(
    ("minor", "fee"),
    [(10_101, FeeSplit(0, 0)), (0, FeeSplit(0, 0)), (5, FeeSplit(31, 0)), (5, FeeSplit(0, 9)), (5, FeeSplit(-1, 0))],
)
def test_counting_more_than_was_paid_halts(city: City, minor: int, fee: FeeSplit) -> None:
    payment_id = city.bought("alice", "BOOKS", 10_000, tip=100)
    with pytest.raises(StateMismatch):
        record_refund(city.context(), payment_id, minor, fee)


def test_genesis_names_no_payments(city: City) -> None:
    load_genesis(city.context(), {})
    with pytest.raises(ValueError, match="unknown field"):
        load_genesis(city.context(), {"payments": []})


@pytest.mark.parametrize(
    ("bounds", "why"),
    [
        ({"window_s": 43_201, "payment_minor": {}}, r"window that cannot be.*offline_codes"),
        ({"window_s": 60, "payment_minor": {"XXX": 1}}, "unknown one"),
        ({"window_s": 60}, "payment_minor"),
    ],
)
def test_genesis_names_no_bounds_for_late_codes_that_cannot_be(city: City, bounds: object, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        load_genesis(city.context(), {"offline_codes": [bounds]})
