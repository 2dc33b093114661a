"""Payouts: requested, confirmed, failed; what each is made of; a payment's money in exactly one state."""

from __future__ import annotations

from typing import Any

import pytest

from chainpos.core.contracts.balances.records import SUPPLY, supply_key
from chainpos.core.contracts.compliance.codes import MERCHANT_FROZEN
from chainpos.core.contracts.compliance.messages import Freeze
from chainpos.core.contracts.institutions.codes import NOT_INSTITUTION_KEY
from chainpos.core.contracts.merchants.codes import MERCHANT_NOT_OPEN, UNKNOWN_MERCHANT, UNKNOWN_TILL
from chainpos.core.contracts.merchants.messages import ChangeTerms
from chainpos.core.contracts.merchants.records import CLOSED, MERCHANTS
from chainpos.core.contracts.ports import Placement, merchant_subject
from chainpos.core.contracts.refunds.messages import Refund
from chainpos.core.contracts.settlement import codes
from chainpos.core.contracts.settlement.events import PAYOUT_CONFIRMED, PAYOUT_FAILED, PAYOUT_REQUESTED
from chainpos.core.contracts.settlement.messages import Close, ConfirmPayout, FailPayout, RequestPayout
from chainpos.core.contracts.settlement.records import (
    AVAILABLE,
    FAILED,
    PAID_OUT,
    PENDING,
    REQUESTED,
    Through,
    first_payout,
    money_state,
    payout_of,
)
from tests.core.contracts.city import SOUTH, City
from tests.core.contracts.conftest import BANK, CNY, GENESIS_S, events_of, key_of


def ask(minor: int, merchant: str = "BOOKS") -> RequestPayout:
    return RequestPayout(merchant, CNY, minor)


def confirm(number: int, reference: str = "BK-1", merchant: str = "BOOKS") -> ConfirmPayout:
    return ConfirmPayout(merchant, CNY, number, reference)


def fail(number: int, reason: str = "account closed", merchant: str = "BOOKS") -> FailPayout:
    return FailPayout(merchant, CNY, number, reason)


def close(city: City) -> None:
    city.to_cutoff()
    city.accepted(Close(BANK, CNY), BANK)


def state_of(city: City, payment_id: bytes) -> str:
    paid = city.payment(payment_id)
    return money_state(paid.placement, city.batch(paid.debtor).number, city.payouts(paid.merchant))


def test_a_payout_sets_money_aside_and_a_confirmed_one_leaves_the_ledger(city: City) -> None:
    city.bought("fay", "BOOKS", 10_000)
    result = city.accepted(ask(9_000), "BOOKS.owner")
    assert result.data == (1).to_bytes(4, "big")
    assert city.money("BOOKS") == (0, 962, 9_000, 0)
    assert city.deposit("BOOKS") == 9_962
    (told,) = events_of(result, PAYOUT_REQUESTED)
    assert (told["merchant"], told["number"], told["acquirer"], told["amount_minor"]) == ("BOOKS", "1", SOUTH, "9000")
    city.advance(7)
    (told,) = events_of(city.accepted(confirm(1, "BK-77"), SOUTH), PAYOUT_CONFIRMED)
    assert told["bank_reference"] == "BK-77"
    assert (city.money("BOOKS"), city.deposit("BOOKS")) == ((0, 962, 0, 9_000), 962)
    supply = city.state.get(SUPPLY, supply_key(SOUTH, CNY))
    assert supply is not None
    assert (supply.issued_minor, supply.redeemed_minor) == (5_000_000, 9_000)
    (payout,) = city.payouts("BOOKS")
    assert (payout.state, payout.bank_reference, payout.decided_s) == (PAID_OUT, "BK-77", GENESIS_S + 7)
    assert (payout.requested_by, payout.requested_s) == (key_of("BOOKS.owner").public, GENESIS_S)


def test_a_payout_keeps_the_account_that_it_was_asked_for(city: City) -> None:
    city.bought("fay", "BOOKS", 10_000)
    city.accepted(ask(1_000), "BOOKS.owner")
    for account in ("CN-SECOND", "CN-THIRD"):
        city.accepted(ChangeTerms("BOOKS", "netted", account), "BOOKS.owner")
        city.accepted(ask(1_000), "BOOKS.owner")
        city.advance(86_400)
    city.accepted(ask(1_000), "BOOKS.owner")
    city.accepted(confirm(1), SOUTH)
    found = [payout.payout_account for payout in city.payouts("BOOKS")]
    assert found == ["CN-TEAHOUSE-001", "CN-TEAHOUSE-001", "CN-SECOND", "CN-THIRD"]


def test_a_failed_payout_is_available_again(city: City) -> None:
    city.bought("fay", "BOOKS", 10_000)
    city.accepted(ask(9_962), "BOOKS.till")
    (told,) = events_of(city.accepted(fail(1, "no such account"), SOUTH), PAYOUT_FAILED)
    assert told["reason"] == "no such account"
    assert (city.money("BOOKS"), city.deposit("BOOKS")) == ((0, 9_962, 0, 0), 9_962)
    (payout,) = city.payouts("BOOKS")
    assert (payout.state, payout.reason, payout.returned_entry) == (FAILED, "no such account", 2)


def test_pending_money_is_not_paid_out(city: City) -> None:
    city.bought("alice", "BOOKS", 10_000)
    city.refused(ask(1), "BOOKS.owner", codes.NOT_ENOUGH_AVAILABLE)
    close(city)
    city.refused(ask(9_963), "BOOKS.owner", codes.NOT_ENOUGH_AVAILABLE)
    city.accepted(ask(9_962), "BOOKS.owner")
    city.refused(ask(1), "BOOKS.owner", codes.NOT_ENOUGH_AVAILABLE)


def test_who_may_ask_for_a_payout(city: City) -> None:
    city.bought("fay", "BOOKS", 10_000)
    for other in ("alice", "NOODLES.till", "NOODLES.owner", SOUTH):
        city.refused(ask(1), other, UNKNOWN_TILL)
    city.refused(ask(0), "BOOKS.owner", codes.NOTHING_TO_PAY_OUT)
    city.refused(ask(1, "NOWHERE"), "BOOKS.owner", UNKNOWN_MERCHANT)
    city.accepted(Freeze(merchant_subject("BOOKS"), "court 9", GENESIS_S + 60), "regulator")
    city.refused(ask(1), "BOOKS.owner", MERCHANT_FROZEN)
    city.advance(60)
    city.accepted(ask(1), "BOOKS.till")
    city.alter(MERCHANTS, b"BOOKS", status=CLOSED)
    city.refused(ask(1), "BOOKS.owner", MERCHANT_NOT_OPEN)


@pytest.mark.parametrize("decide", [confirm, fail])
def test_who_may_decide_a_payout_and_only_once(city: City, decide: Any) -> None:
    city.bought("fay", "BOOKS", 10_000)
    city.accepted(ask(100), "BOOKS.owner")
    for other in ("BOOKS.owner", BANK, "operator"):
        city.refused(decide(1), other, NOT_INSTITUTION_KEY)
    for number in (0, 2):
        city.refused(decide(number), SOUTH, codes.UNKNOWN_PAYOUT)
    city.refused(decide(1, merchant="TEAHOUSE"), BANK, codes.UNKNOWN_PAYOUT)
    city.accepted(decide(1), SOUTH)
    city.refused(confirm(1), SOUTH, codes.PAYOUT_DECIDED)
    city.refused(fail(1), SOUTH, codes.PAYOUT_DECIDED)


@pytest.mark.parametrize("text", ["", " ", "\x1b", "\u202e", "x" * 36])
def test_a_bank_reference_is_text_of_35_bytes(city: City, text: str) -> None:
    city.bought("fay", "BOOKS", 10_000)
    city.accepted(ask(100), "BOOKS.owner")
    city.refused(confirm(1, text), SOUTH, codes.BAD_BANK_REFERENCE)
    city.accepted(confirm(1, "x" * 35), SOUTH)


@pytest.mark.parametrize("text", ["", "\r", "y" * 141])
def test_a_failure_has_a_reason_of_140_bytes(city: City, text: str) -> None:
    city.bought("fay", "BOOKS", 10_000)
    city.accepted(ask(100), "BOOKS.owner")
    city.refused(fail(1, text), SOUTH, codes.BAD_FAILURE_REASON)
    city.accepted(fail(1, "y" * 140), SOUTH)


def test_a_payments_money_goes_through_its_states_one_at_a_time(city: City) -> None:
    pending = city.bought("alice", "BOOKS", 10_000)
    at_once = city.bought("fay", "BOOKS", 1_000)
    assert (state_of(city, pending), state_of(city, at_once)) == (PENDING, AVAILABLE)
    city.accepted(ask(996), "BOOKS.owner")
    assert (state_of(city, pending), state_of(city, at_once)) == (PENDING, REQUESTED)
    close(city)
    assert (state_of(city, pending), state_of(city, at_once)) == (AVAILABLE, REQUESTED)
    city.accepted(confirm(1), SOUTH)
    later = city.bought("alice", "BOOKS", 10_000)
    assert [state_of(city, each) for each in (pending, at_once, later)] == [AVAILABLE, PAID_OUT, PENDING]
    city.accepted(ask(9_962), "BOOKS.owner")
    assert [state_of(city, each) for each in (pending, at_once, later)] == [REQUESTED, PAID_OUT, PENDING]
    city.accepted(fail(2), SOUTH)
    assert [state_of(city, each) for each in (pending, at_once, later)] == [AVAILABLE, PAID_OUT, PENDING]
    city.accepted(ask(9_962), "BOOKS.owner")
    city.accepted(confirm(3), SOUTH)
    assert [state_of(city, each) for each in (pending, at_once, later)] == [PAID_OUT, PAID_OUT, PENDING]


def test_a_payout_names_what_it_is_made_of(city: City) -> None:
    """
    payout 1  opens with 0; at once 996 and 1,992 (fees 4 and 8); takes 2,500; leaves 488
    cycle     alice's 9,962 (fee 38) become available
    payout 2  opens with 488; 9,962; a refund of 100 of fay's first, whose fee of 4 comes back by 0.4, so 0; takes all
    """
    first, second = city.bought("fay", "BOOKS", 1_000), city.bought("fay", "BOOKS", 2_000)
    netted = city.bought("alice", "BOOKS", 10_000)
    city.accepted(ask(2_500), "BOOKS.owner")
    close(city)
    city.accepted(Refund(first, 100, "R1", ""), "BOOKS.till")
    assert city.money("BOOKS")[1] == 488 + 9_962 - 100
    city.accepted(ask(10_350), "BOOKS.owner")
    one, two = city.payouts("BOOKS")
    assert (one.opening_minor, one.amount_minor, one.closing_minor) == (0, 2_500, 488)
    assert (two.opening_minor, two.amount_minor, two.closing_minor) == (488, 10_350, 0)
    assert (one.entry_through, one.through) == (2, (Through(BANK, 0),))
    assert (two.entry_through, two.through) == (3, (Through(BANK, 1),))
    both = [one, two]
    assert [first_payout(city.payment(each).placement, both) for each in (first, second, netted)] == [1, 1, 2]
    assert first_payout(Placement("", 0, 3), both) == 2  # the refund
    assert first_payout(Placement("", 0, 4), both) == 0
    assert first_payout(Placement(SOUTH, 1), both) == 0  # a debtor that it never had money from


def test_money_that_came_back_goes_with_the_payout_that_took_it_next(city: City) -> None:
    paid = city.payment(city.bought("fay", "BOOKS", 1_000)).placement
    city.accepted(ask(996), "BOOKS.owner")
    city.accepted(fail(1), SOUTH)
    assert (first_payout(paid, city.payouts("BOOKS")), payout_of(paid, city.payouts("BOOKS"))) == (1, 0)
    city.accepted(ask(500), "BOOKS.owner")
    city.accepted(fail(2), SOUTH)
    city.accepted(ask(996), "BOOKS.owner")
    assert payout_of(paid, city.payouts("BOOKS")) == 3
