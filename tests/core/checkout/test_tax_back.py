"""What a refund gives back of a bill's tax: of what it names, else in proportion; all of a bill, all of its tax."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainpos.core.checkout.takings import NO_RATE, Taxed, by_rate
from chainpos.core.checkout.tax_back import negated, tax_back

# 50.00 of a bill: 13 % and 6 % of it, one part without tax, and a tip.
BILL = (Taxed(0, 500, 0), Taxed(60_000, 2_120, 120), Taxed(130_000, 2_260, 260), Taxed(NO_RATE, 120, 0))


@st.composite
def bills(draw: st.DrawFn) -> list[Taxed]:
    """Some rates, each with no more tax than was charged, and a tip."""
    rates = draw(st.lists(st.integers(0, 1_000_000), min_size=1, max_size=4, unique=True))
    parts = [Taxed(rate, due := draw(st.integers(0, 10_000)), draw(st.integers(0, due))) for rate in rates]
    return [*parts, Taxed(NO_RATE, draw(st.integers(0, 50)), 0)]


def due(rows: list[Taxed] | tuple[Taxed, ...]) -> int:
    return sum(each.due_minor for each in rows)


def test_an_amount_takes_its_part_of_every_rate() -> None:
    assert tax_back(BILL, 500) == (
        Taxed(NO_RATE, 12, 0), Taxed(0, 50, 0), Taxed(60_000, 212, 12), Taxed(130_000, 226, 26),
    )  # fmt: skip


def test_a_minor_unit_goes_to_the_rate_with_most_left_and_its_tax_is_rounded() -> None:
    assert tax_back(BILL, 1) == (Taxed(130_000, 1, 0),)
    assert tax_back((Taxed(1_000_000, 2, 1),), 1) == (Taxed(1_000_000, 1, 1),)


def test_chosen_pieces_take_their_own_tax_and_no_other() -> None:
    assert tax_back(BILL, 1_130, named=(Taxed(130_000, 565, 65), Taxed(130_000, 565, 65))) == (
        Taxed(130_000, 1_130, 130),
    )  # fmt: skip


def test_pieces_that_do_not_come_to_the_amount_are_not_believed() -> None:
    assert tax_back(BILL, 500, named=(Taxed(130_000, 499, 57),)) == tax_back(BILL, 500)


def test_pieces_of_which_an_amount_took_some_before_take_what_is_left_and_the_rest_of_the_others() -> None:
    left = by_rate([*BILL, *negated(tax_back(BILL, 2_500))])
    back = {each.rate_ppm: each for each in tax_back(left, 2_260, named=(Taxed(130_000, 2_260, 260),))}
    assert back[130_000] == Taxed(130_000, 1_130, 130)
    assert back[60_000].tax_minor <= 60


def test_money_beyond_the_bill_goes_back_first_and_without_tax() -> None:
    assert tax_back(BILL, 300, beyond_minor=300) == (Taxed(NO_RATE, 300, 0),)
    assert by_rate([*tax_back(BILL, 800, beyond_minor=300), Taxed(NO_RATE, -300, 0)]) == tax_back(BILL, 500)


def test_what_is_past_all_that_is_left_has_no_tax() -> None:
    assert tax_back(BILL, 6_000) == by_rate([*BILL, Taxed(NO_RATE, 1_000, 0)])
    assert tax_back((), 7) == (Taxed(NO_RATE, 7, 0),)


@given(bill=bills(), minor=st.integers(0, 50_000))
def test_one_amount_is_within_two_minor_units_of_its_exact_part(bill: list[Taxed], minor: int) -> None:
    """One unit by how the amount is shared out, half a unit by how the tax of that share is rounded."""
    minor = min(minor, due(bill))
    for each in tax_back(bill, minor):
        whole = next(row for row in bill if row.rate_ppm == each.rate_ppm)
        assert abs(each.due_minor - Fraction(whole.due_minor * minor, due(bill))) < 1
        assert abs(each.tax_minor - Fraction(whole.tax_minor * minor, due(bill))) < 2


@given(bill=bills(), beyond_minor=st.integers(0, 100), choice=st.data())
def test_refunds_of_a_whole_bill_give_back_exactly_its_tax_in_whatever_order_and_never_more(
    bill: list[Taxed], beyond_minor: int, choice: st.DataObject
) -> None:
    left, back = by_rate(bill), list[Taxed]()
    while whole := due(left) + beyond_minor:
        named: tuple[Taxed, ...] = ()
        minor = choice.draw(st.integers(1, whole))
        if choice.draw(st.booleans()):
            # Pieces as they were sold, whatever went back of their rate since.
            sold = choice.draw(st.sampled_from(bill))
            minor = choice.draw(st.integers(0, min(sold.due_minor, whole)))
            named = (Taxed(sold.rate_ppm, minor, choice.draw(st.integers(0, min(sold.tax_minor, minor)))),)
        found = tax_back(left, minor, beyond_minor=beyond_minor, named=named)
        assert due(found) == minor
        assert all(each.due_minor >= 0 <= each.tax_minor for each in found)
        back += found
        past = sum(each.due_minor for each in found if each.rate_ppm == NO_RATE)
        over = 0 if named else min(past, beyond_minor)
        beyond_minor -= over
        left = by_rate([*left, *negated(found), Taxed(NO_RATE, over, 0)])
        if left[0].due_minor < 0:
            beyond_minor, left = beyond_minor + left[0].due_minor, (Taxed(NO_RATE, 0, 0), *left[1:])
        assert all(each.due_minor >= 0 <= each.tax_minor for each in left)
    taxes = {each.rate_ppm: each.tax_minor for each in by_rate(back)}
    assert {rate: tax for rate, tax in taxes.items() if tax} == {
        each.rate_ppm: each.tax_minor for each in bill if each.tax_minor
    }


@pytest.mark.parametrize("step", [1, 7, 333])
def test_a_bill_that_goes_back_bit_by_bit_goes_back_whole(step: int) -> None:
    left, back = by_rate(BILL), list[Taxed]()
    while minor := min(step, due(left)):
        back += (found := tax_back(left, minor))
        left = by_rate([*left, *negated(found)])
    assert by_rate(back) == by_rate(BILL)
