"""Netting as a pure function, against an independent statement of what it must be."""

from __future__ import annotations

import random
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from chainpos.core.contracts.settlement.netting import NetPosition, Netting, Owed, Shortfall, net_out

NAMES = ("a", "b", "c", "d", "e")


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[Owed], dict[str, int]]:
    minor = st.one_of(st.integers(1, 20), st.integers(1, 2**40))
    pairs = [(debtor, creditor) for debtor in NAMES for creditor in NAMES if debtor != creditor]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=12))
    obligations = [Owed(debtor, creditor, draw(minor)) for debtor, creditor in chosen]
    reserves = {name: draw(st.one_of(st.just(0), minor)) for name in NAMES if draw(st.booleans())}
    return obligations, reserves


def positions(obligations: list[Owed], debtors: set[str]) -> dict[str, int]:
    """What everybody gains when exactly these debtors settle all that they owe."""
    return {
        name: sum(each.minor for each in obligations if each.creditor == name and each.debtor in debtors)
        - sum(each.minor for each in obligations if each.debtor == name and name in debtors)
        for name in NAMES
    }


def can_settle(obligations: list[Owed], reserves: dict[str, int], debtors: set[str]) -> bool:
    gains = positions(obligations, debtors)
    return all(reserves.get(name, 0) + gains[name] >= 0 for name in NAMES)


def largest(obligations: list[Owed], reserves: dict[str, int]) -> set[str]:
    """Every set of debtors tried, the largest first."""
    debtors = sorted({each.debtor for each in obligations})
    for size in range(len(debtors), -1, -1):
        fitting = [set(some) for some in combinations(debtors, size) if can_settle(obligations, reserves, set(some))]
        if fitting:
            assert len(fitting) == 1, "the largest set is one"
            return fitting[0]
    raise AssertionError("nobody settling always works")


@given(case=cases())
def test_the_debtors_that_settle_are_the_largest_set_that_can(case: tuple[list[Owed], dict[str, int]]) -> None:
    obligations, reserves = case
    assert set(net_out(obligations, reserves).settled) == largest(obligations, reserves)


@given(case=cases())
def test_net_positions_sum_to_zero_and_are_the_gross_less_the_offsets(case: tuple[list[Owed], dict[str, int]]) -> None:
    obligations, reserves = case
    netting = net_out(obligations, reserves)
    settled = set(netting.settled)
    gains = positions(obligations, settled)
    assert dict(netting.nets) == {name: minor for name, minor in gains.items() if minor}
    assert sum(minor for _, minor in netting.nets) == 0
    gross = sum(each.minor for each in obligations if each.debtor in settled)
    # What an institution both owes and is owed need not move: summed over all, that is what netting saves.
    offsets = sum(
        min(
            sum(each.minor for each in obligations if each.debtor == name and name in settled),
            sum(each.minor for each in obligations if each.creditor == name and each.debtor in settled),
        )
        for name in NAMES
    )
    assert (netting.settled_minor, netting.moved_minor) == (gross, gross - offsets)
    assert netting.gross_minor == sum(each.minor for each in obligations)
    assert netting.rolled_over_minor == netting.gross_minor - gross
    assert {name for name, _ in netting.rolled_over} | settled == {each.debtor for each in obligations}


@given(case=cases(), seed=st.integers(0, 10_000))
def test_the_order_of_the_input_decides_nothing(case: tuple[list[Owed], dict[str, int]], seed: int) -> None:
    obligations, reserves = case
    shuffled = random.Random(seed).sample(obligations, len(obligations))
    turned = dict(random.Random(seed).sample(sorted(reserves.items()), len(reserves)))
    assert net_out(shuffled, turned) == net_out(obligations, reserves)


@given(case=cases())
def test_whoever_is_rolled_over_was_short_by_what_is_said(case: tuple[list[Owed], dict[str, int]]) -> None:
    obligations, reserves = case
    left = {each.debtor for each in obligations}
    for debtor, minor in net_out(obligations, reserves).rolled_over:
        gains = positions(obligations, left)
        short = {name: -gains[name] - reserves.get(name, 0) for name in left}
        assert short[debtor] == minor > 0
        assert minor == max(short.values())
        assert debtor == min(name for name in left if short[name] == minor)
        left.remove(debtor)


def test_nothing_owed_is_nothing_moved() -> None:
    assert net_out([], {"a": 5}) == Netting((), (), (), 0, 0, 0, 0)


def test_a_ring_settles_without_any_reserve() -> None:
    ring = [Owed("a", "b", 70), Owed("b", "c", 70), Owed("c", "a", 70)]
    assert net_out(ring, {}) == Netting(("a", "b", "c"), (), (), 210, 210, 0, 0)


def test_taking_one_out_starves_another() -> None:
    # a owes b 100 and has nothing; b would pass them on to c, having 30 itself; c owes a 10.
    chain = [Owed("a", "b", 100), Owed("b", "c", 120), Owed("c", "a", 10)]
    netting = net_out(chain, {"b": 30, "c": 0})
    assert netting.rolled_over == (Shortfall("a", 90), Shortfall("b", 90), Shortfall("c", 10))
    assert netting.settled == ()
    assert net_out(chain, {"a": 90, "b": 30}).nets == (
        NetPosition("a", -90), NetPosition("b", -20), NetPosition("c", 110),
    )  # fmt: skip


def test_equal_shortfalls_go_by_name() -> None:
    twins = [Owed("b", "c", 10), Owed("a", "c", 10)]
    assert net_out(twins, {}).rolled_over == (Shortfall("a", 10), Shortfall("b", 10))


def test_what_others_owe_a_debtor_without_reserve_still_settles() -> None:
    netting = net_out([Owed("a", "b", 100), Owed("b", "a", 40)], {"b": 40})
    assert netting.settled == ("b",)
    assert netting.rolled_over == (Shortfall("a", 60),)
    assert netting.nets == (NetPosition("a", 40), NetPosition("b", -40))
