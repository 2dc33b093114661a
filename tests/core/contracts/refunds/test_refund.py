"""refunds.refund: out of which money it comes, what it records and tells; every reason to refuse, without a trace."""

from __future__ import annotations

from typing import Any

import pytest

from chainpos.core.contracts.balances.codes import INSUFFICIENT_FUNDS
from chainpos.core.contracts.balances.port import Leg, post
from chainpos.core.contracts.balances.records import NETWORK_HOLDER, fee_account
from chainpos.core.contracts.compliance.codes import MERCHANT_FROZEN
from chainpos.core.contracts.compliance.messages import Freeze
from chainpos.core.contracts.customers.codes import ACCOUNT_CLOSED
from chainpos.core.contracts.customers.records import CLOSED, CUSTOMERS
from chainpos.core.contracts.institutions.messages import DrainReserve
from chainpos.core.contracts.merchants.codes import (
    MERCHANT_NOT_OPEN,
    OVER_TILL_REFUND_LIMIT,
    TILL_REVOKED,
    UNKNOWN_TILL,
)
from chainpos.core.contracts.merchants.records import CLOSED as SHOP_CLOSED
from chainpos.core.contracts.merchants.records import MERCHANTS, REVOKED, TILLS
from chainpos.core.contracts.payments.codes import UNKNOWN_PAYMENT
from chainpos.core.contracts.ports import Placement, account_subject, merchant_subject
from chainpos.core.contracts.refunds import codes, invariants
from chainpos.core.contracts.refunds.events import REFUNDED
from chainpos.core.contracts.refunds.genesis import load_genesis
from chainpos.core.contracts.refunds.messages import Refund, refund_subject
from chainpos.core.contracts.refunds.records import REFUNDS, RefundRecord, refund_key
from chainpos.core.contracts.settlement.codes import NET_DEBIT_CAP, NOT_ENOUGH_AVAILABLE
from chainpos.core.contracts.settlement.messages import Close, RequestPayout
from tests.core.contracts.city import SOUTH, City, make_city
from tests.core.contracts.conftest import BANK, CNY, GENESIS_S, WALLET, events_of, genesis_values, key_of


def back(payment_id: bytes, minor: int, reference: str = "R1", reason: str = "") -> Refund:
    return Refund(payment_id, minor, reference, reason)


def kept(city: City, payment_id: bytes, reference: str = "R1") -> RefundRecord:
    record = city.state.get(REFUNDS, refund_key(payment_id, reference))
    assert record is not None
    return record


def test_a_whole_refund_leaves_everybody_where_they_were(city: City) -> None:
    payment_id = city.bought("alice", "TEAHOUSE", 10_000)
    result = city.accepted(back(payment_id, 10_000, reason="wrong size"), "TEAHOUSE.till")
    assert (city.deposit("alice"), city.deposit("TEAHOUSE")) == (1_000_000, 0)
    assert (city.fees(BANK, BANK), city.fees(NETWORK_HOLDER, BANK)) == (0, 0)
    assert city.money("TEAHOUSE") == (0, 0, 0, 0)
    assert city.payment(payment_id).refunded_minor == 10_000
    record = kept(city, payment_id)
    assert (record.amount_minor, record.net_minor, record.reason) == (10_000, 9_962, "wrong size")
    assert (record.merchant, record.signer) == ("TEAHOUSE", key_of("TEAHOUSE.till").public)
    (told,) = events_of(result, REFUNDED)
    assert told == {
        "payment": payment_id.hex(),
        "reference": "R1",
        "merchant": "TEAHOUSE",
        "signer": key_of("TEAHOUSE.till").public.hex(),
        "payer": key_of("alice").address.hex(),
        "institution": BANK,
        "currency": CNY,
        "amount_minor": "10000",
        "refunded_minor": "10000",
        "fee_minor": "38",
        "source": "available",
    }


def test_partial_refunds_return_their_share_of_the_fee_and_the_rest_of_it_at_last(city: City) -> None:
    payment_id = city.bought("alice", "TEAHOUSE", 1_000, tip=50)  # fee 3.8, so 4; the network's 0.8, so 1
    assert city.payment(payment_id).net_minor == 1_046
    fees = []
    for number, minor in enumerate((300, 300, 300, 150), start=1):
        city.accepted(back(payment_id, minor, f"R{number}"), "TEAHOUSE.till")
        record = kept(city, payment_id, f"R{number}")
        fees.append((record.fee_acquirer_minor, record.fee_network_minor))
    # Of 4 there are back, by and by: 1.2, 2.4, 3.6, 4; so 1, 2, 4, 4. Of those the network's: 0.25, 0.5, 1, 1.
    assert fees == [(1, 0), (0, 1), (2, 0), (0, 0)]
    assert city.deposit("TEAHOUSE") == 0
    assert city.deposit("alice") == 1_000_000


def test_before_the_cycle_closes_a_refund_makes_the_debtor_owe_less(city: City) -> None:
    payment_id = city.bought("alice", "BOOKS", 10_000)
    assert (city.owed(BANK, SOUTH), city.money("BOOKS")) == (10_000, (9_962, 0, 0, 0))
    result = city.accepted(back(payment_id, 4_000), "BOOKS.till")
    assert (city.owed(BANK, SOUTH), city.owed(SOUTH, BANK)) == (6_000, 0)
    assert city.money("BOOKS") == (5_977, 0, 0, 0)  # of the fee of 38, 15 came back
    assert kept(city, payment_id).placement == Placement(BANK, 1, 0)
    assert events_of(result, REFUNDED)[0]["source"] == "pending"
    city.accepted(back(payment_id, 6_000, "R2"), "BOOKS.owner")
    assert city.owed(BANK, SOUTH) == 0
    assert city.batch(BANK).creditors == ()


def test_after_the_cycle_a_netted_shops_bank_owes_the_payers(city: City) -> None:
    payment_id = city.bought("alice", "BOOKS", 10_000)
    city.to_cutoff()
    city.accepted(Close(BANK, CNY), BANK)
    city.accepted(back(payment_id, 4_000), "BOOKS.till")
    assert (city.owed(BANK, SOUTH), city.owed(SOUTH, BANK)) == (0, 4_000)
    assert city.money("BOOKS") == (0, 5_977, 0, 0)
    assert kept(city, payment_id).placement == Placement("", 0, 1)


def test_an_instant_shops_bank_pays_the_refund_in_reserves_while_it_has_any(city: City) -> None:
    payment_id = city.bought("alice", "NOODLES", 10_000)
    assert (city.reserve(BANK), city.reserve(WALLET)) == (9_990_000, 1_010_000)
    city.accepted(back(payment_id, 4_000), "NOODLES.till")
    assert (city.reserve(BANK), city.reserve(WALLET)) == (9_994_000, 1_006_000)
    spend_reserve(city, WALLET, 1_006_000)
    city.accepted(back(payment_id, 6_000, "R2"), "NOODLES.till")
    assert city.owed(WALLET, BANK) == 6_000


def spend_reserve(city: City, institution: str, minor: int) -> None:
    city.accepted(DrainReserve(institution, CNY, minor, "test"), "central_bank")


def test_out_of_a_rolled_over_batch_the_money_is_still_taken(city: City) -> None:
    payment_id = city.bought("fay", "TEAHOUSE", 1_500_000)
    city.to_cutoff()
    city.accepted(Close(BANK, CNY), BANK)
    assert city.batch(SOUTH).rolled_over_times == 1
    city.accepted(back(payment_id, 1_500_000), "TEAHOUSE.owner")
    assert (city.owed(SOUTH, BANK), city.batch(SOUTH).rolled_over_times) == (0, 0)
    assert city.money("TEAHOUSE") == (0, 0, 0, 0)


def test_more_than_the_payment_is_refused_however_it_is_split(city: City) -> None:
    payment_id = city.bought("alice", "TEAHOUSE", 10_000, tip=100)
    city.refused(back(payment_id, 10_101), "TEAHOUSE.owner", codes.EXCEEDS_PAYMENT)
    city.accepted(back(payment_id, 10_000), "TEAHOUSE.owner")
    city.refused(back(payment_id, 101, "R2"), "TEAHOUSE.owner", codes.EXCEEDS_PAYMENT)
    city.accepted(back(payment_id, 100, "R2"), "TEAHOUSE.owner")
    city.refused(back(payment_id, 1, "R3"), "TEAHOUSE.owner", codes.EXCEEDS_PAYMENT)


def test_the_same_reference_refunds_once_per_payment(city: City) -> None:
    first, second = city.bought("alice", "TEAHOUSE", 10_000), city.bought("alice", "TEAHOUSE", 10_000)
    city.accepted(back(first, 100), "TEAHOUSE.till")
    city.refused(back(first, 100), "TEAHOUSE.till", codes.ALREADY_REFUNDED)
    city.refused(back(first, 7, reason="another"), "TEAHOUSE.owner", codes.ALREADY_REFUNDED)
    city.accepted(back(second, 100), "TEAHOUSE.till")


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (Refund(b"\0" * 32, 5, "R1", ""), UNKNOWN_PAYMENT),
        (Refund(b"\0" * 32, 5, "", ""), codes.BAD_REFUND_REFERENCE),
        (Refund(b"\0" * 32, 5, "r" * 26, ""), codes.BAD_REFUND_REFERENCE),
        (Refund(b"\0" * 32, 5, "r\n", ""), codes.BAD_REFUND_REFERENCE),
        (Refund(b"\0" * 32, 5, "R1", "\x1b[8m"), codes.BAD_REFUND_REASON),
        (Refund(b"\0" * 32, 5, "R1", "y" * 81), codes.BAD_REFUND_REASON),
    ],
)
def test_what_makes_no_sense_is_refused(city: City, message: Refund, code: Any) -> None:
    city.refused(message, "TEAHOUSE.till", code)


def test_nothing_is_no_refund(city: City) -> None:
    city.refused(back(city.bought("alice", "TEAHOUSE", 10), 0), "TEAHOUSE.till", codes.NOTHING_TO_REFUND)


def test_a_till_keeps_to_its_limit_of_the_day_and_the_owner_may_do_more(city: City) -> None:
    payment_id = city.bought("alice", "TEAHOUSE", 200_000)
    city.accepted(back(payment_id, 60_000), "TEAHOUSE.till")
    city.refused(back(payment_id, 40_001, "R2"), "TEAHOUSE.till", OVER_TILL_REFUND_LIMIT)
    city.accepted(back(payment_id, 40_000, "R2"), "TEAHOUSE.till")
    city.accepted(back(payment_id, 1_000, "R3"), "TEAHOUSE.owner")
    city.advance(86_400)
    city.accepted(back(payment_id, 1_000, "R4"), "TEAHOUSE.till")


def test_strangers_and_revoked_tills_refund_nothing(city: City) -> None:
    payment_id = city.bought("alice", "TEAHOUSE", 10_000)
    for other in ("NOODLES.till", "NOODLES.owner", "alice", BANK):
        city.refused(back(payment_id, 1), other, UNKNOWN_TILL)
    city.alter(TILLS, key_of("TEAHOUSE.till").public, status=REVOKED)
    city.refused(back(payment_id, 1), "TEAHOUSE.till", TILL_REVOKED)


def test_a_closed_or_frozen_shop_returns_nothing(city: City) -> None:
    payment_id = city.bought("alice", "TEAHOUSE", 10_000)
    city.accepted(Freeze(merchant_subject("TEAHOUSE"), "court 1", GENESIS_S + 60), "regulator")
    city.refused(back(payment_id, 1), "TEAHOUSE.till", MERCHANT_FROZEN)
    city.advance(60)
    city.alter(MERCHANTS, b"TEAHOUSE", status=SHOP_CLOSED)
    city.refused(back(payment_id, 1), "TEAHOUSE.till", MERCHANT_NOT_OPEN)


def test_money_goes_back_to_a_frozen_account_but_not_to_a_closed_one(city: City) -> None:
    payment_id = city.bought("alice", "TEAHOUSE", 10_000)
    city.accepted(Freeze(account_subject(key_of("alice").address), "court 2", GENESIS_S + 60), "regulator")
    city.accepted(back(payment_id, 4_000), "TEAHOUSE.till")
    assert city.deposit("alice") == 994_000
    city.alter(CUSTOMERS, key_of("alice").address, status=CLOSED)
    city.refused(back(payment_id, 1, "R2"), "TEAHOUSE.till", ACCOUNT_CLOSED)


def test_a_refund_may_exceed_a_wallets_balance_limit(city: City) -> None:
    state = make_city()
    for row in state["customers"]["tiers"]:
        if row["tier"] == "tier_3":
            row["steps"].append(
                {"effective_from_s": GENESIS_S + 5, "limits": [{**row["steps"][0]["limits"][0], "balance_minor": 1}]}
            )
    city = City(genesis_values(state))
    payment_id = city.bought("alice", "TEAHOUSE", 10_000)
    city.advance(10)
    city.accepted(back(payment_id, 10_000), "TEAHOUSE.till")


def test_without_enough_available_a_settled_payment_is_not_refunded(city: City) -> None:
    payment_id = city.bought("alice", "BOOKS", 10_000)
    city.to_cutoff()
    city.accepted(Close(BANK, CNY), BANK)
    city.accepted(RequestPayout("BOOKS", CNY, 9_000), "BOOKS.owner")
    city.bought("alice", "BOOKS", 50_000)  # pending, and so no help
    city.refused(back(payment_id, 1_000), "BOOKS.till", NOT_ENOUGH_AVAILABLE)
    city.accepted(back(payment_id, 900), "BOOKS.till")
    assert city.money("BOOKS")[1:3] == (65, 9_000)  # 962 less 900, and 3 of the fee came back


def test_a_refund_that_would_burst_the_shops_banks_cap_is_refused(city: City) -> None:
    state = make_city()
    for row in state["institutions"]["institutions"]:
        row["debit_caps"][0]["cap_minor"] = 15_000 if row["institution"] == SOUTH else 1_000_000
    city = City(genesis_values(state))
    pending = city.bought("alice", "BOOKS", 20_000)
    # southbank owes 30,000 and is owed 20,000: 10,000 of its 15,000.
    city.bought("fay", "TEAHOUSE", 30_000)
    city.refused(back(pending, 5_001), "BOOKS.owner", NET_DEBIT_CAP)
    city.accepted(back(pending, 5_000), "BOOKS.owner")
    city.to_cutoff()
    city.accepted(Close(BANK, CNY), BANK)
    city.bought("fay", "TEAHOUSE", 14_000)
    city.refused(back(pending, 1_001, "R2"), "BOOKS.owner", NET_DEBIT_CAP)
    city.accepted(back(pending, 1_000, "R2"), "BOOKS.owner")


def test_fees_that_have_moved_away_cannot_come_back(city: City) -> None:
    payment_id = city.bought("alice", "TEAHOUSE", 10_000)
    ctx = city.context()
    post(ctx, CNY, (Leg(fee_account(BANK, BANK), -30), Leg(fee_account(NETWORK_HOLDER, BANK), 30)))
    city.commit(ctx)
    city.refused(back(payment_id, 10_000), "TEAHOUSE.till", INSUFFICIENT_FUNDS)


def test_a_refusal_is_told_by_the_payment(city: City) -> None:
    assert refund_subject(back(b"\xab" * 32, 1)) == {"payment": "ab" * 32}


@pytest.mark.parametrize(
    "changed",
    [{"amount_minor": 0}, {"fee_network_minor": -1}, {"fee_acquirer_minor": 10_001}, {"debtor": BANK}, {"entry": 0}],
)
def test_the_invariant_finds_a_refund_that_cannot_be(city: City, changed: dict[str, Any]) -> None:
    payment_id = city.bought("alice", "TEAHOUSE", 10_000)
    city.accepted(back(payment_id, 10_000), "TEAHOUSE.till")
    assert invariants.refunds_are_whole(city.state) == []
    city.alter(REFUNDS, refund_key(payment_id, "R1"), **changed)
    assert len(invariants.refunds_are_whole(city.state)) == 1


def test_genesis_names_no_refunds(city: City) -> None:
    load_genesis(city.context(), {})
    with pytest.raises(ValueError, match="unknown field"):
        load_genesis(city.context(), {"refunds": []})
