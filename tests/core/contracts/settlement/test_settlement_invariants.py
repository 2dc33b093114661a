"""Each invariant of settlement finds what it is there to find: a fault planted past all rules."""

from __future__ import annotations

from typing import Any

import pytest

from chainpos.core.contracts.ports import MerchantTerms
from chainpos.core.contracts.settlement import clearing, invariants, port
from chainpos.core.contracts.settlement.messages import Close, FailPayout, RequestPayout
from chainpos.core.contracts.settlement.records import (
    BATCHES,
    CYCLES,
    NO_MONEY,
    OBLIGATIONS,
    PAYOUTS,
    POSITIONS,
    NetLeg,
    Obligation,
    Pending,
    batch_key,
    cycle_key,
    obligation_key,
    payout_key,
    position_key,
    with_pending,
)
from chainpos.errors import StateMismatch
from tests.core.contracts.city import SOUTH, City
from tests.core.contracts.conftest import BANK, CNY, WALLET


@pytest.fixture
def busy(city: City) -> City:
    """A cycle closed, money in all four states, one obligation open."""
    city.bought("alice", "BOOKS", 10_000)
    city.to_cutoff()
    city.accepted(Close(BANK, CNY), BANK)
    city.bought("fay", "BOOKS", 1_000)
    city.accepted(RequestPayout("BOOKS", CNY, 500), "BOOKS.owner")
    city.bought("alice", "BOOKS", 2_000)
    return city


def found(city: City) -> set[str]:
    return {
        violation.invariant
        for invariant in (
            invariants.batches_are_the_sum_of_obligations,
            invariants.money_is_in_one_state,
            invariants.pending_money_is_owed,
            invariants.nettings_add_up,
        )
        for violation in invariant(city.state)
    }


def test_a_busy_city_is_sound(busy: City) -> None:
    assert found(busy) == set()


BATCH, STATE, OWED, NETTING = (
    "batches_are_the_sum_of_obligations", "money_is_in_one_state", "pending_money_is_owed", "nettings_add_up",
)  # fmt: skip
EASTS = batch_key(BANK, CNY)
BOOKS = position_key("BOOKS", CNY)


@pytest.mark.parametrize(
    ("table", "key", "changed", "expected"),
    [
        (BATCHES, EASTS, {"owed_minor": 1_999}, BATCH),
        (BATCHES, EASTS, {"due_minor": 1}, BATCH),
        (BATCHES, EASTS, {"creditors": ()}, BATCH),
        (BATCHES, EASTS, {"creditors": (SOUTH, WALLET)}, BATCH),
        (BATCHES, EASTS, {"number": 0}, BATCH),
        (BATCHES, batch_key(SOUTH, CNY), {"rolled_over_times": 1}, BATCH),
        (OBLIGATIONS, obligation_key(BANK, SOUTH, CNY), {"amount_minor": 0}, BATCH),
        (POSITIONS, BOOKS, {"available_minor": 1}, STATE),
        (POSITIONS, BOOKS, {"requested_minor": 499, "available_minor": 10_459}, STATE),
        (POSITIONS, BOOKS, {"paid_out_minor": 1}, STATE),
        (POSITIONS, BOOKS, {"payouts": 2}, STATE),
        (POSITIONS, BOOKS, {"available_minor": -1}, STATE),
        (PAYOUTS, payout_key("BOOKS", CNY, 1), {"state": "lost"}, STATE),
        (PAYOUTS, payout_key("BOOKS", CNY, 1), {"amount_minor": 1}, STATE),
        (CYCLES, cycle_key(CNY, 1), {"settled_minor": 9_999}, NETTING),
        (CYCLES, cycle_key(CNY, 1), {"moved_minor": 1}, NETTING),
        (CYCLES, cycle_key(CNY, 1), {"legs": (NetLeg(BANK, -1),)}, NETTING),
        (CYCLES, cycle_key(CNY, 1), {"rolled_over_minor": 1, "gross_minor": 10_001}, NETTING),
    ],
)
def test_a_planted_fault_is_found(busy: City, table: Any, key: bytes, changed: dict[str, Any], expected: str) -> None:
    busy.alter(table, key, **changed)
    assert expected in found(busy)


def test_money_awaited_from_whoever_owes_less_is_found(busy: City) -> None:
    waiting = (Pending(BANK, 2, 1_992 + 9),)
    busy.alter(POSITIONS, BOOKS, pending=waiting)
    assert OWED in found(busy)


def test_the_same_debtor_twice_in_a_position_is_found(busy: City) -> None:
    busy.alter(POSITIONS, BOOKS, pending=(Pending(BANK, 2, 1_992), Pending(BANK, 2, 0)))
    assert STATE in found(busy)


def test_an_account_without_a_position_is_found(busy: City) -> None:
    ctx = busy.context()
    ctx.delete(POSITIONS, BOOKS)
    busy.commit(ctx)
    assert STATE in found(busy)


def test_an_obligation_to_oneself_is_found(busy: City) -> None:
    ctx = busy.context()
    ctx.put(OBLIGATIONS, obligation_key(BANK, BANK, CNY), Obligation(5))
    busy.commit(ctx)
    assert BATCH in found(busy)


def test_what_no_input_can_bring_about_halts(busy: City) -> None:
    with pytest.raises(StateMismatch):
        with_pending(NO_MONEY, BANK, 1, -1)
    with pytest.raises(StateMismatch):
        clearing.owe_less(busy.context(), BANK, SOUTH, CNY, 2_001)
    ctx = busy.context(BANK)
    ctx.delete(OBLIGATIONS, obligation_key(BANK, SOUTH, CNY))
    busy.commit(ctx)
    busy.to_cutoff()
    with pytest.raises(StateMismatch):
        busy.run(Close(BANK, CNY), BANK)


def test_a_payout_of_a_merchant_without_position_halts(busy: City) -> None:
    ctx = busy.context()
    ctx.delete(POSITIONS, BOOKS)
    busy.commit(ctx)
    with pytest.raises(StateMismatch):
        busy.run(FailPayout("BOOKS", CNY, 1, "lost"), SOUTH)


def test_money_joins_the_open_batch_and_frees_what_an_earlier_one_held() -> None:
    position = with_pending(with_pending(NO_MONEY, "b", 1, 5), "a", 7, 3)
    assert position.pending == (Pending("a", 7, 3), Pending("b", 1, 5))
    after = with_pending(position, "b", 2, 10)
    assert (after.pending, after.available_minor) == ((Pending("a", 7, 3), Pending("b", 2, 10)), 5)
    assert with_pending(after, "b", 2, -10).pending_minor == 3


def test_an_institution_owes_itself_nothing(busy: City) -> None:
    terms = MerchantTerms("BOOKS", SOUTH, "standard", "netted")
    ctx = busy.context()
    placement = port.credit(ctx, terms, SOUTH, CNY, 10, 10)
    assert (placement.debtor, placement.batch) == ("", 0)
