"""settlement.close and settlement.resolve: cut-offs, netting on the ledger, roll-overs, and every reason to refuse."""

from __future__ import annotations

from typing import Any

import pytest

from chainpos.core.contracts.balances.events import POSTED
from chainpos.core.contracts.governance.codes import MISSING_ROLE
from chainpos.core.contracts.institutions.codes import (
    INSTITUTION_SUSPENDED,
    NOT_INSTITUTION_KEY,
    UNKNOWN_INSTITUTION,
)
from chainpos.core.contracts.institutions.events import RESERVE_FUNDED
from chainpos.core.contracts.institutions.messages import DrainReserve, FundReserve
from chainpos.core.contracts.institutions.records import INSTITUTIONS, SUSPENDED
from chainpos.core.contracts.refunds.messages import Refund
from chainpos.core.contracts.settlement import codes
from chainpos.core.contracts.settlement.events import BATCH_ROLLED_OVER, BATCH_SETTLED, NETTED
from chainpos.core.contracts.settlement.messages import Close, Resolve
from chainpos.core.contracts.settlement.records import (
    CYCLE,
    RESOLUTION,
    NetLeg,
    RolledOver,
    Through,
    Timetable,
    TimetableStep,
    last_cutoff,
    next_cutoff,
)
from tests.core.contracts.city import HKD, SOUTH, City, make_city
from tests.core.contracts.conftest import BANK, CNY, GENESIS_S, WALLET, events_of, genesis_values

CLOSE = Close(BANK, CNY)


def closed(city: City, currency: str = CNY) -> dict[str, str]:
    """What was told of a cycle that closes at the next cut-off."""
    city.to_cutoff()
    (told,) = events_of(city.accepted(Close(BANK, currency), BANK), NETTED)
    return told


def test_a_cycle_nets_what_three_banks_owe_each_other(city: City) -> None:
    # eastbank owes southbank 10,000; southbank eastbank 4,000; westpay eastbank 3,000 and southbank 2,000.
    city.bought("alice", "BOOKS", 10_000)
    city.bought("fay", "TEAHOUSE", 4_000)
    city.bought("gil", "TEAHOUSE", 3_000)
    city.bought("gil", "BOOKS", 2_000)
    told = closed(city)
    assert told == {
        "currency": CNY,
        "cycle": "1",
        "kind": "cycle",
        "cutoff_s": str(GENESIS_S + 40),
        "gross_minor": "19000",
        "settled_minor": "19000",
        "rolled_over_minor": "0",
        "moved_minor": "8000",
        "saved_minor": "11000",
    }
    # eastbank -10,000 +7,000; southbank -4,000 +12,000; westpay -5,000.
    assert (city.reserve(BANK), city.reserve(SOUTH), city.reserve(WALLET)) == (9_997_000, 1_008_000, 995_000)
    cycle = city.cycle(1)
    assert cycle.legs == (NetLeg(BANK, -3_000), NetLeg(SOUTH, 8_000), NetLeg(WALLET, -5_000))
    assert cycle.settled == (Through(BANK, 1), Through(SOUTH, 1), Through(WALLET, 1))
    assert (cycle.kind, cycle.height, cycle.time_s) == (CYCLE, 5, GENESIS_S + 40)
    for bank in (BANK, SOUTH, WALLET):
        assert city.batch(bank) == type(city.batch(bank))(number=2)
        assert city.owed(bank, SOUTH) == city.owed(bank, BANK) == 0


def test_pending_money_becomes_available_without_anybody_touching_it(city: City) -> None:
    city.bought("alice", "BOOKS", 10_000)
    assert city.money("BOOKS") == (9_962, 0, 0, 0)
    closed(city)
    assert city.money("BOOKS") == (0, 9_962, 0, 0)
    city.bought("alice", "BOOKS", 10_000)
    assert city.money("BOOKS") == (9_962, 9_962, 0, 0)


def test_one_currencys_cycle_leaves_the_others_alone(city: City) -> None:
    city.bought("fay", "TEAHOUSE", 10_000)
    city.bought("fay", "TEAHOUSE", 10_000, HKD)
    closed(city, HKD)
    assert city.money("TEAHOUSE") == (9_962, 0, 0, 0)
    assert city.money("TEAHOUSE", HKD) == (0, 9_962, 0, 0)
    assert (city.owed(SOUTH, BANK), city.owed(SOUTH, BANK, HKD)) == (10_000, 0)


def test_a_cycle_closes_once_after_its_cutoff(city: City) -> None:
    city.bought("alice", "BOOKS", 10_000)
    city.advance(39)
    city.refused(CLOSE, BANK, codes.BEFORE_CUTOFF)
    city.advance(1)
    city.accepted(CLOSE, BANK)
    city.bought("alice", "BOOKS", 10_000)
    city.refused(CLOSE, BANK, codes.BEFORE_CUTOFF)
    city.advance(59)
    city.refused(CLOSE, BANK, codes.BEFORE_CUTOFF)
    city.advance(600)
    city.accepted(CLOSE, BANK)  # cut-offs that nobody closed are one
    city.bought("alice", "BOOKS", 10_000)
    city.refused(CLOSE, BANK, codes.BEFORE_CUTOFF)


def test_an_empty_cycle_is_refused_and_its_cutoff_stays_open(city: City) -> None:
    city.to_cutoff()
    city.refused(CLOSE, BANK, codes.NOTHING_TO_SETTLE)
    city.bought("alice", "BOOKS", 10_000)
    city.accepted(CLOSE, BANK)


def test_a_currency_without_cycles_is_refused(city: City) -> None:
    city.refused(Close(BANK, "USD"), BANK, codes.CURRENCY_NOT_SETTLED)
    city.refused(Close(BANK, ""), BANK, codes.CURRENCY_NOT_SETTLED)


def test_any_institution_or_the_operator_may_close_and_nobody_else(city: City) -> None:
    city.bought("alice", "BOOKS", 10_000)
    city.to_cutoff()
    for message in (CLOSE, Resolve(BANK, CNY)):
        city.refused(message, SOUTH, NOT_INSTITUTION_KEY)
        city.refused(message, "operator", NOT_INSTITUTION_KEY)
    for message in (Close("", CNY), Resolve("", CNY)):
        city.refused(message, BANK, MISSING_ROLE)
    city.refused(Close("northbank", CNY), BANK, UNKNOWN_INSTITUTION)
    city.alter(INSTITUTIONS, SOUTH.encode(), status=SUSPENDED)
    city.refused(Close(SOUTH, CNY), SOUTH, INSTITUTION_SUSPENDED)
    city.accepted(Close("", CNY), "operator")


def test_a_debtor_without_reserve_is_rolled_over_and_named_and_others_settle(city: City) -> None:
    city.bought("fay", "TEAHOUSE", 1_500_000)  # southbank has 1,000,000
    city.bought("gil", "TEAHOUSE", 3_000)
    city.bought("alice", "BOOKS", 100_000)
    city.to_cutoff()
    result = city.accepted(CLOSE, BANK)
    (settled, other) = events_of(result, BATCH_SETTLED)
    assert ((settled["debtor"], settled["batch"]), other["debtor"]) == ((BANK, "1"), WALLET)
    (rolled,) = events_of(result, BATCH_ROLLED_OVER)
    assert rolled == {
        "currency": CNY, "cycle": "1", "debtor": SOUTH, "batch": "1",
        "owed_minor": "1500000", "shortfall_minor": "400000", "times": "1",
    }  # fmt: skip
    # 1,500,000 less the 100,000 that it was to receive is 400,000 more than its 1,000,000; those 100,000 it received.
    assert city.reserve(SOUTH) == 1_100_000
    assert city.batch(SOUTH).number == 1
    assert city.money("TEAHOUSE") == (1_494_300, 2_989, 0, 0)
    assert city.money("BOOKS") == (0, 99_620, 0, 0)
    assert city.cycle(1).rolled_over == (RolledOver(SOUTH, 1, 1_500_000, 400_000, 1),)
    assert (city.cycle(1).gross_minor, city.cycle(1).settled_minor) == (1_603_000, 103_000)
    assert closed(city)["settled_minor"] == "0"
    assert city.batch(SOUTH).rolled_over_times == 2


def test_a_cycle_in_which_nobody_can_settle_moves_no_reserve(city: City) -> None:
    city.bought("fay", "TEAHOUSE", 1_500_000)
    told = closed(city)
    assert (told["settled_minor"], told["moved_minor"], told["saved_minor"]) == ("0", "0", "0")
    assert city.reserve(SOUTH) == 1_000_000


def test_a_late_reserve_settles_what_was_rolled_over_as_it_comes(city: City) -> None:
    city.bought("fay", "TEAHOUSE", 1_500_000)
    closed(city)
    city.refused(Resolve(BANK, CNY), BANK, codes.NOTHING_RESOLVED)
    city.bought("alice", "BOOKS", 10_000)  # of the next cycle: a resolution leaves it alone
    city.accepted(FundReserve(SOUTH, CNY, 499_999, "late"), "central_bank")
    assert city.batch(SOUTH).number == 1
    result = city.accepted(FundReserve(SOUTH, CNY, 1, "the last fen"), "central_bank")
    assert [event.type for event in result.events][1:4] == [RESERVE_FUNDED, POSTED, NETTED]
    (told,) = events_of(result, NETTED)
    assert (told["kind"], told["cutoff_s"], told["moved_minor"]) == ("resolution", "0", "1500000")
    assert city.cycle(2).kind == RESOLUTION
    assert (city.reserve(SOUTH), city.batch(SOUTH).number, city.batch(SOUTH).rolled_over_times) == (0, 2, 0)
    assert city.batch(SOUTH).due_minor == 10_000
    assert (city.owed(BANK, SOUTH), city.batch(BANK).number) == (10_000, 1)
    assert city.money("TEAHOUSE") == (0, 1_494_300, 0, 0)
    city.refused(Resolve(BANK, CNY), BANK, codes.NOTHING_RESOLVED)


def test_two_that_wait_for_each_other_are_resolved_together(city: City) -> None:
    city.accepted(DrainReserve(SOUTH, CNY, 1_000_000, "test"), "central_bank")
    city.accepted(DrainReserve(WALLET, CNY, 1_000_000, "test"), "central_bank")
    city.bought("fay", "TEAHOUSE", 5_000)
    city.bought("gil", "TEAHOUSE", 3_000)
    assert closed(city)["rolled_over_minor"] == "8000"
    # westpay now owes southbank what that needs, and gets all that it owes from a new reserve.
    city.bought("gil", "BOOKS", 5_000)
    city.accepted(FundReserve(WALLET, CNY, 8_000, "late"), "central_bank")
    assert [city.reserve(bank) for bank in (BANK, SOUTH, WALLET)] == [10_008_000, 0, 0]
    assert city.cycle(2).settled == (Through(SOUTH, 1), Through(WALLET, 1))


def test_a_resolution_that_leaves_somebody_out_is_not_one_more_failed_cycle(city: City) -> None:
    city.accepted(DrainReserve(SOUTH, CNY, 1_000_000, "test"), "central_bank")
    city.accepted(DrainReserve(WALLET, CNY, 1_000_000, "test"), "central_bank")
    city.bought("fay", "TEAHOUSE", 5_000)
    city.bought("gil", "TEAHOUSE", 3_000)
    closed(city)
    city.accepted(FundReserve(WALLET, CNY, 3_000, "late"), "central_bank")
    assert city.cycle(2).rolled_over == (RolledOver(SOUTH, 1, 5_000, 5_000, 1),)
    assert (city.batch(WALLET).number, city.batch(SOUTH).rolled_over_times) == (2, 1)


def test_what_an_instant_payment_brings_settles_what_waited_for_it(city: City) -> None:
    """
    westpay has 1,000,000 and owes eastbank 1,004,000, rolled over. alice pays NOODLES, an instant shop of westpay:
    3,999 are one fen too little, one more is enough; eastbank gets 1,004,000 within alice's payment.
    """
    city.bought("gil", "TEAHOUSE", 1_004_000)
    assert closed(city)["rolled_over_minor"] == "1004000"
    city.bought("alice", "NOODLES", 3_999)
    assert (city.reserve(WALLET), city.batch(WALLET).number) == (1_003_999, 1)
    result = city.accepted(city.sale("NOODLES", 1).pay(), "alice")
    assert (events_of(result, NETTED)[0]["moved_minor"], city.reserve(WALLET)) == ("1004000", 0)
    assert city.money("TEAHOUSE")[:2] == (0, 1_004_000 - 3_815)


def test_what_a_refund_lessened_waits_until_somebody_asks(city: City) -> None:
    city.bought("fay", "TEAHOUSE", 995_000)
    late = city.bought("fay", "TEAHOUSE", 10_000)
    assert closed(city)["rolled_over_minor"] == "1005000"
    city.refused(Resolve(BANK, CNY), BANK, codes.NOTHING_RESOLVED)
    city.accepted(Refund(late, 10_000, "R1", ""), "TEAHOUSE.owner")
    assert city.batch(SOUTH).number == 1
    result = city.accepted(Resolve(SOUTH, CNY), SOUTH)
    assert (result.data, city.reserve(SOUTH)) == ((2).to_bytes(4, "big"), 5_000)


def test_reserves_for_a_bank_that_nobody_waits_for_settle_nothing(city: City) -> None:
    city.bought("fay", "TEAHOUSE", 1_500_000)
    closed(city)
    assert events_of(city.accepted(FundReserve(BANK, CNY, 500_000, "more"), "central_bank"), NETTED) == []
    assert events_of(city.accepted(FundReserve(SOUTH, HKD, 500_000, "else"), "central_bank"), NETTED) == []
    # What southbank owes only since the cycle is not what waits: the next cycle's own.
    other = City()
    other.bought("fay", "TEAHOUSE", 1_500_000)
    assert events_of(other.accepted(FundReserve(SOUTH, CNY, 500_000, "early"), "central_bank"), NETTED) == []


def test_an_instant_shop_whose_payers_bank_lacks_reserve_waits_for_the_cycle(city: City) -> None:
    city.accepted(DrainReserve(BANK, CNY, 9_995_000, "test"), "central_bank")
    city.bought("alice", "NOODLES", 5_000)
    assert (city.reserve(BANK), city.money("NOODLES")) == (0, (0, 4_981, 0, 0))
    city.bought("alice", "NOODLES", 1)
    assert (city.owed(BANK, WALLET), city.money("NOODLES")) == (1, (1, 4_981, 0, 0))


def test_perfect_offsets_settle_without_any_reserve(city: City) -> None:
    city.bought("alice", "BOOKS", 10_000)
    city.bought("fay", "TEAHOUSE", 10_000)
    told = closed(city)
    assert (told["settled_minor"], told["moved_minor"], told["saved_minor"]) == ("20000", "0", "20000")
    assert city.cycle(1).legs == ()


def test_cutoffs_follow_the_timetable_in_force() -> None:
    table = Timetable((TimetableStep(1_000, 60, 10), TimetableStep(2_000, 3_600, 0)))
    assert [last_cutoff(table, at) for at in (999, 1_000, 1_029, 1_030, 2_000, 3_600)] == [0, 970, 970, 1_030, 0, 3_600]
    assert [next_cutoff(table, at) for at in (999, 1_000, 1_030, 2_000, 3_600)] == [0, 1_030, 1_090, 3_600, 7_200]


FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"currency": "XXX", "interval_s": 60}, "unknown currency 'XXX'"),
    ({"currency": "USD", "interval_s": 60, "offset_s": 60}, "a whole interval"),
    ({"currency": "CNY", "interval_s": 60}, "do not ascend"),
    ({"currency": "USD", "interval_s": 9}, "Expected `int` >= 10"),
    ({"currency": "USD", "interval_s": 60, "offset_s": -1}, "Expected `int` >= 0"),
]


@pytest.mark.parametrize(("row", "message"), FAULTS)
def test_a_fault_in_genesis_is_told(row: dict[str, Any], message: str) -> None:
    state = make_city()
    state["settlement"]["cycles"].append(row)
    with pytest.raises(ValueError, match=rf"{message}.*`\$\.settlement\.cycles\[2\]"):
        genesis_values(state)


def test_a_later_row_changes_the_cycle_from_its_date(city: City) -> None:
    state = make_city()
    state["settlement"]["cycles"].append({"currency": CNY, "interval_s": 600, "from_s": GENESIS_S + 30})
    city = City(genesis_values(state))
    city.bought("alice", "BOOKS", 10_000)
    city.advance(40)
    city.refused(CLOSE, BANK, codes.BEFORE_CUTOFF)
    city.advance(360)  # 1,790,000,400 is the first multiple of 600 after genesis
    city.accepted(CLOSE, BANK)
