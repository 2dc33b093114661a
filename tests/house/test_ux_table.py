"""The README's table of promises is the tests' own names, and no promise is without a test."""

from __future__ import annotations

from tests.house.ux_table import PROMISES, README, held_by, with_table


def test_every_promise_of_the_screens_has_a_test_named_for_it() -> None:
    found = held_by()
    assert set(found) == set(PROMISES)
    assert [number for number, files in found.items() if not files] == []


def test_the_table_of_promises_is_true() -> None:
    text = README.read_text(encoding="utf-8")
    assert with_table(text) == text, "run: python -m tests.house.ux_table"
