"""Dated limits of tiers and code classes: to the fen, by the network's own days."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainpos.core.contracts.customers import codes, port
from chainpos.core.contracts.customers.records import CUSTOMERS, DayUsage
from chainpos.core.contracts.ports import CUSTOMER_CODE, DYNAMIC_QR, STATIC_QR
from chainpos.core.values.amount import MAX_MINOR
from chainpos.core.values.timestamps import DAY_S
from chainpos.errors import Code, Rejected, StateMismatch
from tests.core.contracts.conftest import CNY, GENESIS_S, World, genesis_values, make_app_state

TO_MIDNIGHT_S = 6_400  # from GENESIS_S, in China


def spend(world: World, name: str, amount_minor: int, instrument: str = DYNAMIC_QR, currency: str = CNY) -> Code | None:
    """The code of the refusal, or None."""
    ctx = world.context()
    try:
        port.spend(ctx, world.address(name), amount_minor, currency, instrument)
    except Rejected as refusal:
        assert ctx.journal.changes() == []
        return refusal.code
    world.commit(ctx)
    world.check()
    return None


def usage(world: World, name: str) -> tuple[DayUsage, ...]:
    customer = world.state.get(CUSTOMERS, world.address(name))
    assert customer is not None
    return customer.usage


def test_a_single_payment_goes_up_to_the_limit_and_no_fen_further(world: World) -> None:
    assert spend(world, "alice", 500_001) == codes.OVER_SINGLE_LIMIT
    assert spend(world, "alice", 500_000) is None


def test_a_day_adds_up_to_the_limit_and_no_fen_further(world: World) -> None:
    assert spend(world, "alice", 500_000) is None
    assert spend(world, "alice", 499_999) is None
    assert spend(world, "alice", 2) == codes.OVER_DAILY_LIMIT
    assert spend(world, "alice", 1) is None
    assert spend(world, "alice", 1) == codes.OVER_DAILY_LIMIT


def test_a_day_ends_at_midnight_of_the_network(world: World) -> None:
    for _ in range(2):
        assert spend(world, "alice", 500_000) is None
    world.advance(TO_MIDNIGHT_S - 1)
    assert spend(world, "alice", 1) == codes.OVER_DAILY_LIMIT
    world.advance(1)
    assert spend(world, "alice", 1) is None
    assert [entry.spent_minor for entry in usage(world, "alice")] == [1]


def test_shown_codes_have_the_cap_of_the_customers_class(world: World) -> None:
    assert spend(world, "bob", 100_000, CUSTOMER_CODE) is None
    assert spend(world, "bob", 1, CUSTOMER_CODE) == codes.OVER_CODE_CAP
    assert spend(world, "bob", 1, DYNAMIC_QR) is None
    assert spend(world, "alice", 100_001, CUSTOMER_CODE) is None


def test_a_class_without_a_cap_is_bound_by_the_tier_alone(world: World) -> None:
    assert spend(world, "carol", 5_000_000, CUSTOMER_CODE) is None


def test_printed_codes_have_the_lowest_cap_whatever_the_class(world: World) -> None:
    for name in ("alice", "bob", "carol", "erin"):
        assert spend(world, name, 50_001, STATIC_QR) == codes.OVER_STATIC_CAP
        assert spend(world, name, 50_000, STATIC_QR) is None
        assert spend(world, name, 1, STATIC_QR) == codes.OVER_STATIC_CAP


def test_codes_and_printed_codes_count_to_the_whole_day(world: World) -> None:
    spend(world, "alice", 400, CUSTOMER_CODE)
    spend(world, "alice", 30, STATIC_QR)
    spend(world, "alice", 2, DYNAMIC_QR)
    (entry,) = usage(world, "alice")
    assert (entry.spent_minor, entry.code_minor, entry.static_minor) == (432, 400, 30)


def test_a_currency_without_limits_is_not_spent(world: World) -> None:
    assert spend(world, "alice", 1, currency="USD") == codes.NO_LIMITS_IN_FORCE


def test_a_wallet_holds_up_to_its_limit(world: World) -> None:
    ctx = world.context()
    port.require_room(ctx, world.address("alice"), 2_000_000, CNY)
    port.require_room(ctx, world.address("erin"), MAX_MINOR, CNY)
    for name, after_minor in (("alice", 2_000_001), ("erin", MAX_MINOR + 1)):
        with pytest.raises(Rejected) as refusal:
            port.require_room(ctx, world.address(name), after_minor, CNY)
        assert refusal.value.code == codes.OVER_BALANCE_LIMIT


def test_without_a_limit_the_day_stays_countable(world: World) -> None:
    assert spend(world, "erin", MAX_MINOR - 5) is None
    assert spend(world, "erin", 6) == codes.OVER_DAILY_LIMIT
    assert spend(world, "erin", 5) is None


def test_an_unknown_presentation_is_a_bug_of_ours(world: World) -> None:
    with pytest.raises(StateMismatch):
        spend(world, "alice", 1, "telepathy")


def in_two_currencies(app_state: dict[str, Any]) -> dict[str, Any]:
    for tier in app_state["customers"]["tiers"]:
        (step,) = tier["steps"]
        step["limits"].append({**step["limits"][0], "currency": "USD"})
    return app_state


def test_currencies_are_counted_apart(
    app_state: dict[str, Any], world_of: Callable[[Mapping[str, Any]], World]
) -> None:
    world = world_of(in_two_currencies(app_state))
    assert [spend(world, "alice", 500_000, currency=code) for code in (CNY, "USD", CNY, "USD")] == [None] * 4
    assert spend(world, "alice", 1) == codes.OVER_DAILY_LIMIT
    assert spend(world, "alice", 1, currency="USD") == codes.OVER_DAILY_LIMIT
    assert len(usage(world, "alice")) == 2


def test_limits_change_at_their_second_and_not_before(
    app_state: dict[str, Any], world_of: Callable[[Mapping[str, Any]], World]
) -> None:
    tier_3 = app_state["customers"]["tiers"][1]
    lower = {"currency": CNY, "single_minor": 100, "daily_minor": 1_000_000, "balance_minor": 50}
    tier_3["steps"] += [
        {"effective_from_s": GENESIS_S + 10, "limits": [lower]},
        {"effective_from_s": GENESIS_S + 20, "limits": []},
    ]
    printed = app_state["customers"]["code_classes"][3]
    printed["steps"] += [
        {"effective_from_s": GENESIS_S + 10, "caps": [{"currency": CNY, "daily_minor": 40}]},
        {"effective_from_s": GENESIS_S + 20, "caps": []},
    ]
    world = world_of(app_state)
    world.advance(9)
    assert spend(world, "alice", 101) is None
    assert spend(world, "carol", 41, STATIC_QR) is None
    world.advance(1)
    assert spend(world, "alice", 101) == codes.OVER_SINGLE_LIMIT
    assert spend(world, "alice", 100) is None
    assert spend(world, "bob", 41, STATIC_QR) == codes.OVER_STATIC_CAP
    assert spend(world, "bob", 40, STATIC_QR) is None
    world.advance(10)
    assert spend(world, "alice", 1) == codes.NO_LIMITS_IN_FORCE
    assert spend(world, "carol", 1, STATIC_QR) == codes.NO_LIMITS_IN_FORCE


# Each payment: who, how much, how presented, how many seconds later.
PAYMENTS = st.lists(
    st.tuples(
        st.sampled_from(["alice", "bob", "dave"]),
        st.one_of(st.integers(1, 600_000), st.sampled_from([50_000, 100_000, 200_000, 500_000])),
        st.sampled_from([DYNAMIC_QR, STATIC_QR, CUSTOMER_CODE]),
        st.integers(0, DAY_S),
    ),
    max_size=12,
)
VALUES = genesis_values(make_app_state())
# Written out from the table, apart from the code that is tested: single, daily, daily by shown codes.
TABLE = {
    "alice": (500_000, 1_000_000, 500_000),
    "bob": (500_000, 1_000_000, 100_000),
    "dave": (200_000, 500_000, 100_000),
}


@given(PAYMENTS)
def test_no_day_goes_beyond_any_limit_and_nothing_within_is_refused(payments: list[tuple[str, int, str, int]]) -> None:
    world = World(VALUES)
    book: dict[tuple[str, int, str], int] = {}
    for name, amount_minor, instrument, wait_s in payments:
        world.advance(wait_s)
        day = (world.time_s + 8 * 3_600) // DAY_S
        single, daily, by_code = TABLE[name]
        paid_today = sum(minor for (who, when, _), minor in book.items() if (who, when) == (name, day))
        alike_today = book.get((name, day, instrument), 0)
        cap = {DYNAMIC_QR: MAX_MINOR, STATIC_QR: 50_000, CUSTOMER_CODE: by_code}[instrument]
        allowed = amount_minor <= single and paid_today + amount_minor <= daily and alike_today + amount_minor <= cap
        refused = spend(world, name, amount_minor, instrument)
        assert (refused is None) == allowed
        if allowed:
            book[name, day, instrument] = alike_today + amount_minor
