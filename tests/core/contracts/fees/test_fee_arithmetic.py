"""Fees: the rounding, the bounds, the split, and what comes back with refunds; figures computed by hand."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainpos.core.contracts.fees.records import Comparison, FeeRule, PublishedRate, in_force
from chainpos.core.contracts.fees.rules import cost_elsewhere, fee_of, returned_so_far, share
from chainpos.core.contracts.ports import FeeSplit
from chainpos.core.values.amount import MAX_MINOR

AMOUNTS = st.one_of(st.integers(0, 2_000), st.integers(0, MAX_MINOR))
PPM = st.one_of(st.sampled_from([0, 1, 1_000, 3_800, 6_000, 500_000, 999_999, 1_000_000]), st.integers(0, 1_000_000))


@st.composite
def rules(draw: st.DrawFn) -> FeeRule:
    low = draw(st.one_of(st.just(0), st.integers(0, 500)))
    high = draw(st.one_of(st.just(MAX_MINOR), st.integers(low, low + 500)))
    return FeeRule(0, draw(PPM), low, high, draw(PPM))


def rule(ppm: int, low: int = 0, high: int = MAX_MINOR, network_ppm: int = 0) -> FeeRule:
    return FeeRule(0, ppm, low, high, network_ppm)


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (0, 0),
        (131, 0),  # 0.4978
        (132, 1),  # 0.5016
        (1_250, 5),  # 4.75
        (100_000, 380),
        (2_500, 10),  # 9.5 exactly: half rounds up
    ],
)
def test_a_rate_of_0_38_percent_rounds_half_up(amount: int, expected: int) -> None:
    assert fee_of(rule(3_800), amount).total_minor == expected


def test_a_fee_stays_between_its_minimum_and_its_maximum() -> None:
    bounded = rule(10_000, low=5, high=50)
    assert [fee_of(bounded, amount).total_minor for amount in (100, 499, 600, 4_900, 5_000, 90_000)] == [
        5, 5, 6, 49, 50, 50,
    ]  # fmt: skip


def test_a_fee_is_never_more_than_its_amount() -> None:
    assert fee_of(rule(0, low=100), 30) == FeeSplit(30, 0)


def test_the_network_has_its_rounded_share_and_the_acquirer_the_rest() -> None:
    # 0.5 % of 1,010 is 5.05, so 5; half of that is 2.5, so 3.
    assert fee_of(rule(5_000, network_ppm=500_000), 1_010) == FeeSplit(acquirer_minor=2, network_minor=3)
    assert fee_of(rule(3_800, network_ppm=200_000), 10_000) == FeeSplit(acquirer_minor=30, network_minor=8)


@given(rule=rules(), amount=AMOUNTS)
def test_a_fee_is_its_exact_share_within_half_a_minor_unit_and_splits_without_loss(rule: FeeRule, amount: int) -> None:
    fee = fee_of(rule, amount)
    assert 0 <= fee.network_minor <= fee.total_minor <= amount
    assert fee.acquirer_minor >= 0
    exact = Fraction(amount * rule.ppm, 1_000_000)
    bounded = min(max(exact, Fraction(rule.minimum_minor)), Fraction(rule.maximum_minor), Fraction(amount))
    assert abs(fee.total_minor - bounded) <= Fraction(1, 2)


@given(amount=AMOUNTS, whole=st.integers(1, MAX_MINOR), part=st.integers(0, MAX_MINOR))
def test_a_share_is_the_nearest_whole_number_and_half_goes_up(amount: int, whole: int, part: int) -> None:
    part %= whole + 1
    exact = Fraction(amount * part, whole)
    difference = share(amount, part, whole) - exact
    assert Fraction(-1, 2) < difference <= Fraction(1, 2)


@st.composite
def refunded_payments(draw: st.DrawFn) -> tuple[FeeSplit, int, list[int]]:
    """A fee, the amount that it was taken of, and partial refunds of all of it and a tip."""
    amount = draw(st.one_of(st.integers(1, 60), st.integers(1, MAX_MINOR)))
    tip = draw(st.one_of(st.just(0), st.integers(0, 50)))
    fee = fee_of(draw(rules()), amount)
    cuts = draw(st.lists(st.integers(0, amount + tip), max_size=8))
    edges = sorted({0, *cuts, amount + tip})
    return fee, amount, [after - before for before, after in pairwise(edges)]


@given(case=refunded_payments())
def test_partial_refunds_return_exactly_the_whole_fee_and_never_more_than_themselves(
    case: tuple[FeeSplit, int, list[int]],
) -> None:
    fee, amount, refunds = case
    refunded, back = 0, FeeSplit(0, 0)
    acquirer = network = 0
    for part in refunds:
        refunded += part
        after = returned_so_far(fee, amount, refunded)
        step = FeeSplit(after.acquirer_minor - back.acquirer_minor, after.network_minor - back.network_minor)
        assert step.acquirer_minor >= 0
        assert step.network_minor >= 0
        assert step.total_minor <= part
        acquirer += step.acquirer_minor
        network += step.network_minor
        back = after
    assert FeeSplit(acquirer, network) == fee


@given(case=refunded_payments(), at=st.floats(0, 1))
def test_what_has_come_back_is_the_same_share_of_the_fee_as_of_the_goods(
    case: tuple[FeeSplit, int, list[int]], at: float
) -> None:
    fee, amount, _ = case
    refunded = int(at * amount)
    exact = Fraction(fee.total_minor * refunded, amount)
    assert abs(returned_so_far(fee, amount, refunded).total_minor - exact) <= Fraction(1, 2)


def test_the_tip_comes_back_last_and_without_fee() -> None:
    fee = FeeSplit(30, 8)
    assert returned_so_far(fee, 10_000, 10_000) == fee
    assert returned_so_far(fee, 10_000, 11_000) == fee
    assert returned_so_far(fee, 10_000, 5_000) == FeeSplit(15, 4)


def test_the_last_rule_that_has_begun_is_in_force() -> None:
    first, second = FeeRule(100, 1, 0, 1, 0), FeeRule(200, 2, 0, 1, 0)
    assert in_force((first, second), 99) is None
    assert in_force((first, second), 100) == first
    assert in_force((first, second), 199) == first
    assert in_force((first, second), 200) == second


def test_what_it_costs_elsewhere_follows_the_published_rate_of_its_day() -> None:
    elsewhere = Comparison("Wallets", "钱包", (PublishedRate(100, 6_000), PublishedRate(200, 3_800)))
    assert cost_elsewhere(elsewhere, 99, 10_000) is None
    assert cost_elsewhere(elsewhere, 150, 10_000) == 60
    assert cost_elsewhere(elsewhere, 250, 10_000) == 38
