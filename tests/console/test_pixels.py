"""The digits of an amount as half blocks."""

from __future__ import annotations

import pytest

from chainpos.console.pixels import FACES, SMALLEST, Face, big_number, drawing, fitting_number


def test_two_rows_of_pixels_are_one_row_of_cells() -> None:
    assert drawing("# #", "##.") == ("█▄▀",)


@pytest.mark.parametrize("face", FACES)
def test_every_digit_is_distinct_in_every_size(face: Face) -> None:
    drawn = {digit: big_number(digit, face) for digit in "0123456789"}
    assert len(set(drawn.values())) == 10
    assert {len(rows) for rows in drawn.values()} == {face.rows}
    for digit, rows in drawn.items():
        assert {len(row) for row in rows} == {face.width_of(digit)}


def test_no_size_is_lower_than_three_rows() -> None:
    assert SMALLEST.rows == 3


def test_the_largest_size_that_fits_is_chosen() -> None:
    assert len(fitting_number("12.50", 35, 5)) == 5
    assert len(fitting_number("12,345.50", 35, 5)) == 3
    assert len(fitting_number("12.50", 120, 9)) == 9


def test_a_number_too_long_for_one_row_takes_two() -> None:
    rows = fitting_number("12,345,678.90", 35, 6)
    assert len(rows) == 6
    assert all(len(row) <= 35 for row in rows)


def test_a_number_that_cannot_be_drawn_is_not_drawn() -> None:
    assert fitting_number("12,345,678.90", 8, 6) == ()
