"""payments.pay: what it moves, records and tells; and every reason to refuse, each of which leaves no trace."""

from __future__ import annotations

from typing import Any

import pytest

from chainpos.core.contracts.balances.codes import INSUFFICIENT_FUNDS
from chainpos.core.contracts.balances.records import NETWORK_HOLDER
from chainpos.core.contracts.compliance.codes import ACCOUNT_FROZEN, MERCHANT_FROZEN
from chainpos.core.contracts.compliance.messages import Freeze
from chainpos.core.contracts.customers.codes import (
    OVER_DAILY_LIMIT,
    OVER_SINGLE_LIMIT,
    OVER_STATIC_CAP,
    UNKNOWN_CUSTOMER,
)
from chainpos.core.contracts.fees.codes import NO_FEE_AGREED
from chainpos.core.contracts.merchants.codes import MERCHANT_NOT_OPEN, TILL_REVOKED, UNKNOWN_MERCHANT, UNKNOWN_TILL
from chainpos.core.contracts.merchants.records import CLOSED, MERCHANTS, REVOKED, TILLS
from chainpos.core.contracts.payments import codes, invariants
from chainpos.core.contracts.payments.events import PAID
from chainpos.core.contracts.payments.messages import static_payment_id
from chainpos.core.contracts.payments.records import PAYMENTS
from chainpos.core.contracts.payments.rules import pay
from chainpos.core.contracts.ports import STATIC_QR, Placement, account_subject, merchant_subject
from chainpos.core.contracts.settlement.codes import CURRENCY_NOT_SETTLED, NET_DEBIT_CAP
from tests.core.contracts.city import City, make_city
from tests.core.contracts.conftest import BANK, CNY, GENESIS_S, genesis_values, key_of


def test_a_payment_moves_the_amount_less_the_fee_and_records_everything(city: City) -> None:
    sale = city.sale("TEAHOUSE", 10_000)
    result = city.accepted(sale.pay(), "alice")
    assert result.data == sale.id
    assert (city.deposit("alice"), city.deposit("TEAHOUSE")) == (990_000, 9_962)
    assert (city.fees(BANK, BANK), city.fees(NETWORK_HOLDER, BANK)) == (30, 8)
    paid = city.payment(sale.id)
    assert paid.request_id == sale.id
    assert (paid.merchant, paid.acquirer, paid.till_key) == ("TEAHOUSE", BANK, key_of("TEAHOUSE.till").public)
    assert (paid.payer, paid.institution) == (key_of("alice").address, BANK)
    assert (paid.amount_minor, paid.tip_minor, paid.currency, paid.net_minor) == (10_000, 0, CNY, 9_962)
    assert (paid.fee_acquirer_minor, paid.fee_network_minor) == (30, 8)
    assert (paid.reference, paid.instrument) == ("S000001", "dynamic_qr")
    assert (paid.height, paid.time_s) == (1, GENESIS_S)
    assert paid.placement == Placement("", 0, 1)


def test_a_payment_is_told_by_request_reference_merchant_payer_and_till(city: City) -> None:
    sale = city.sale("BOOKS", 10_000, tip_allowed=True)
    result = city.accepted(sale.pay(tip=500), "alice")
    (told,) = [event for event in result.events if event.type == PAID]
    assert all(attribute.index for attribute in told.attributes)
    assert {attribute.key: attribute.value for attribute in told.attributes} == {
        "payment": sale.id.hex(),
        "request": sale.id.hex(),
        "reference": "S000001",
        "merchant": "BOOKS",
        "till": key_of("BOOKS.till").public.hex(),
        "payer": key_of("alice").address.hex(),
        "institution": "eastbank",
        "acquirer": "southbank",
        "currency": "CNY",
        "amount_minor": "10000",
        "tip_minor": "500",
        "fee_minor": "38",
        "instrument": "dynamic_qr",
    }


def test_a_tip_bears_no_fee_and_is_kept_apart(city: City) -> None:
    payment_id = city.bought("alice", "TEAHOUSE", 10_000, tip=2_000)
    paid = city.payment(payment_id)
    assert (paid.amount_minor, paid.tip_minor, paid.paid_minor, paid.net_minor) == (10_000, 2_000, 12_000, 11_962)
    assert (city.deposit("alice"), city.deposit("TEAHOUSE")) == (988_000, 11_962)


def test_a_static_code_is_paid_again_and_again_with_any_amount(city: City) -> None:
    sticker = city.sale("TEAHOUSE", 0, instrument=STATIC_QR, expires_s=0)
    first = city.accepted(sticker.pay(amount_minor=700), "alice")
    second = city.accepted(sticker.pay(amount_minor=700), "alice")
    assert len({first.data, second.data, sticker.id}) == 3
    assert [city.payment(each.data).request_id for each in (first, second)] == [sticker.id, sticker.id]
    assert city.payment(first.data).instrument == STATIC_QR
    city.advance(400 * 86_400)
    city.accepted(sticker.pay(amount_minor=1), "alice")


def test_a_static_payments_id_is_of_the_request_and_the_transactions_body(city: City) -> None:
    sticker = city.sale("TEAHOUSE", 0, instrument=STATIC_QR, expires_s=0)
    ctx = city.context("alice")
    assert pay(ctx, sticker.pay(amount_minor=5)) == static_payment_id(sticker.id, ctx.body_hash)


def test_a_static_code_may_fix_its_amount(city: City) -> None:
    sticker = city.sale("TEAHOUSE", 900, instrument=STATIC_QR, expires_s=0)
    city.refused(sticker.pay(amount_minor=899), "alice", codes.UNDERPAID)
    city.refused(sticker.pay(amount_minor=901), "alice", codes.OVERPAID)
    city.accepted(sticker.pay(), "alice")


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"request": b""}, codes.MALFORMED_REQUEST),
        ({"request": b"\x93\x01\x02\x03"}, codes.MALFORMED_REQUEST),
        ({"merchant": "NOODLES"}, codes.WRONG_MERCHANT),
        ({"currency": "HKD"}, codes.WRONG_CURRENCY),
        ({"amount_minor": 9_999}, codes.UNDERPAID),
        ({"amount_minor": 10_001}, codes.OVERPAID),
        ({"amount_minor": 0}, codes.NOTHING_TO_PAY),
        ({"tip_minor": 1}, codes.TIP_NOT_ALLOWED),
    ],
)
def test_what_is_not_exactly_the_request_is_refused(city: City, changed: dict[str, Any], code: Any) -> None:
    city.refused(city.sale().pay(**changed), "alice", code)


def test_nothing_of_an_open_amount_is_refused(city: City) -> None:
    sticker = city.sale("TEAHOUSE", 0, instrument=STATIC_QR, expires_s=0)
    city.refused(sticker.pay(), "alice", codes.NOTHING_TO_PAY)


def test_a_request_is_payable_until_the_second_it_expires(city: City) -> None:
    sale, late = city.sale(), city.sale()
    city.advance(599)
    city.accepted(sale.pay(), "alice")
    city.advance(1)
    city.refused(late.pay(), "alice", codes.REQUEST_EXPIRED)


def test_a_paid_request_is_not_paid_again_by_anybody(city: City) -> None:
    sale = city.sale()
    city.accepted(sale.pay(), "alice")
    city.refused(sale.pay(), "bob", codes.ALREADY_PAID)
    city.advance(600)
    city.refused(sale.pay(), "alice", codes.ALREADY_PAID)  # rather than expired: it is what the payer needs to hear


def test_a_cancelled_request_is_not_paid(city: City) -> None:
    sale = city.sale()
    city.accepted(sale.cancel, "TEAHOUSE.till")
    city.refused(sale.pay(), "alice", codes.REQUEST_CANCELLED)


def test_a_till_takes_no_more_than_it_may(city: City) -> None:
    city.accepted(city.sale(amount_minor=10_000_000).pay(), "erin")
    city.refused(city.sale(amount_minor=10_000_001).pay(), "erin", codes.OVER_TILL_LIMIT)
    tipped = city.sale(amount_minor=10_000_000, tip_allowed=True)
    city.refused(tipped.pay(tip=1), "erin", codes.OVER_TILL_LIMIT)


def test_an_unknown_shop_or_till_is_refused_by_name(city: City) -> None:
    city.refused(city.sale("NOWHERE").pay(), "alice", UNKNOWN_MERCHANT)
    # Another shop's till that asks in this shop's name: the swapped sticker.
    swapped = city.sale("TEAHOUSE", till_key=key_of("NOODLES.till").public)
    city.refused(swapped.pay(), "alice", UNKNOWN_TILL)


def test_a_closed_shop_and_a_revoked_till_are_refused(city: City) -> None:
    city.alter(TILLS, key_of("TEAHOUSE.till").public, status=REVOKED)
    city.refused(city.sale("TEAHOUSE").pay(), "alice", TILL_REVOKED)
    city.alter(MERCHANTS, b"NOODLES", status=CLOSED)
    city.refused(city.sale("NOODLES").pay(), "alice", MERCHANT_NOT_OPEN)


def test_frozen_payers_and_shops_are_refused_by_different_names(city: City) -> None:
    freeze = Freeze(account_subject(key_of("alice").address), "court 7/2026", GENESIS_S + 1_000)
    city.accepted(freeze, "regulator")
    city.refused(city.sale().pay(), "alice", ACCOUNT_FROZEN)
    city.accepted(city.sale().pay(), "bob")
    city.accepted(Freeze(merchant_subject("TEAHOUSE"), "court 8/2026", GENESIS_S + 1_000), "regulator")
    city.refused(city.sale().pay(), "bob", MERCHANT_FROZEN)


def test_a_stranger_cannot_pay(city: City) -> None:
    city.refused(city.sale().pay(), "nobody", UNKNOWN_CUSTOMER)


def test_a_payer_keeps_to_single_daily_and_static_limits(city: City) -> None:
    city.refused(city.sale(amount_minor=500_001).pay(), "alice", OVER_SINGLE_LIMIT)
    city.accepted(city.sale(amount_minor=500_000).pay(), "alice")
    city.accepted(city.sale(amount_minor=400_000).pay(), "alice")
    city.refused(city.sale(amount_minor=100_001).pay(), "alice", OVER_DAILY_LIMIT)
    sticker = city.sale("TEAHOUSE", 0, instrument=STATIC_QR, expires_s=0)
    city.refused(sticker.pay(amount_minor=50_001), "carol", OVER_STATIC_CAP)
    city.accepted(sticker.pay(amount_minor=50_000), "carol")
    # The tip is money as well.
    tipped = city.sale(amount_minor=90_000, tip_allowed=True)
    city.refused(tipped.pay(tip=10_001), "alice", OVER_DAILY_LIMIT)


def test_a_payer_without_the_money_is_refused(city: City) -> None:
    city.refused(city.sale(amount_minor=200_000, currency="HKD").pay(), "alice", INSUFFICIENT_FUNDS)
    city.accepted(city.sale(amount_minor=200_000).pay(), "dave")
    city.advance(86_400)
    city.refused(city.sale(amount_minor=1).pay(), "dave", INSUFFICIENT_FUNDS)


def test_without_a_fee_agreed_nothing_is_taken(city: City) -> None:
    city.alter(MERCHANTS, b"TEAHOUSE", fee_class="unheard_of")
    city.refused(city.sale().pay(), "alice", NO_FEE_AGREED)


def test_over_the_net_debit_cap_the_payment_is_refused_before_it_happens(city: City) -> None:
    state = make_city()
    for row in state["institutions"]["institutions"]:
        row["debit_caps"][0]["cap_minor"] = 15_000
    capped = City(genesis_values(state))
    capped.accepted(capped.sale("TEAHOUSE", 15_000).pay(), "gil")
    capped.refused(capped.sale("BOOKS", 1).pay(), "gil", NET_DEBIT_CAP)
    # What westpay is owed in turn makes room; its own customers' payments to its own shop need none.
    capped.accepted(capped.sale("BOOKS", 4_000).pay(), "alice")
    capped.refused(capped.sale("BOOKS", 1).pay(), "gil", NET_DEBIT_CAP)
    capped.accepted(capped.sale("NOODLES", 1_000).pay(), "gil")


def test_in_a_currency_without_cycles_only_one_institutions_own_payments_pass(city: City) -> None:
    state = make_city()
    state["settlement"] = {"cycles": []}
    city = City(genesis_values(state))
    city.refused(city.sale("TEAHOUSE").pay(), "gil", CURRENCY_NOT_SETTLED)
    city.accepted(city.sale("TEAHOUSE").pay(), "alice")
    city.accepted(city.sale("NOODLES").pay(), "alice")  # instant: reserves, no cycle


@pytest.mark.parametrize(
    "changed",
    [{"request_id": b"\1" * 32}, {"instrument": STATIC_QR}],
)
def test_the_invariant_finds_a_payment_under_another_id(city: City, changed: dict[str, Any]) -> None:
    payment_id = city.bought("alice", "TEAHOUSE", 100)
    assert invariants.a_request_is_paid_at_most_once(city.state) == []
    city.alter(PAYMENTS, payment_id, **changed)
    (violation,) = invariants.a_request_is_paid_at_most_once(city.state)
    assert payment_id.hex() in violation.detail


@pytest.mark.parametrize(
    "changed",
    [
        {"refunded_minor": 101},
        {"refunded_minor": -1},
        {"fee_refunded_acquirer_minor": 1},
        {"fee_refunded_network_minor": 1},
        {"fee_acquirer_minor": 101},
        {"tip_minor": -1},
    ],
)
def test_the_invariant_finds_more_going_back_than_came(city: City, changed: dict[str, Any]) -> None:
    payment_id = city.bought("alice", "TEAHOUSE", 100)
    assert invariants.refunds_stay_within_what_was_paid(city.state) == []
    city.alter(PAYMENTS, payment_id, **changed)
    assert len(invariants.refunds_stay_within_what_was_paid(city.state)) == 1
