"""Which records may be forgotten: strictly before the second asked for, oldest first, the same on every machine."""

from __future__ import annotations

from typing import Any

from chainpos.core.state.expiry import Unexpired
from chainpos.core.state.journal import Journal
from chainpos.core.state.state import State
from chainpos.core.state.tables import Table
from tests.core.state.conftest import ACCOUNTS, MARKS, Account, Mark, advance


def marks(until: dict[bytes, int]) -> dict[bytes, bytes]:
    return {b"mk" + key: MARKS.encode(Mark(second)) for key, second in until.items()}


def test_a_record_is_kept_through_the_second_in_which_it_expires() -> None:
    state = State((MARKS,), marks({b"a": 100}))
    assert state.expired(100) == []
    assert state.expired(101) == [(MARKS, b"a")]


def test_the_oldest_come_first_then_the_lowest_key() -> None:
    state = State((MARKS, ACCOUNTS), marks({b"late": 300, b"b": 100, b"a": 100, b"old": 5}))
    assert [key for _, key in state.expired(1_000)] == [b"old", b"a", b"b", b"late"]
    assert [key for _, key in state.expired(1_000, limit=2)] == [b"old", b"a"]
    assert [key for _, key in state.expired(200)] == [b"old", b"a", b"b"]
    assert state.expired(1_000, limit=0) == []


def test_a_record_that_is_put_off_or_deleted_no_longer_expires() -> None:
    state = State((MARKS,), marks({b"a": 100, b"b": 100, b"c": 100}))
    advance(state, {**marks({b"a": 500}), b"mkb": None})
    assert state.expired(400) == [(MARKS, b"c")]
    assert state.expired(501) == [(MARKS, b"c"), (MARKS, b"a")]


def test_what_is_only_staged_does_not_expire() -> None:
    state = State((MARKS,))
    journal = Journal(state)
    journal.put(MARKS, b"a", Mark(1))
    state.stage(journal.changes())
    assert state.expired(100) == []


def test_tables_without_expiry_are_never_listed() -> None:
    state = State((MARKS, ACCOUNTS), {b"ac1": ACCOUNTS.encode(Account("a"))})
    assert state.expired(2**62) == []


def test_a_state_that_is_loaded_anew_lists_the_same() -> None:
    state = State((MARKS,))
    for block in range(20):
        advance(state, marks({b"%d" % (block * 7 % 13): block * 11 % 60, b"x%d" % block: 30}))
        advance(state, {b"mk%d" % (block * 5 % 13): None})
    again = State((MARKS,), state.values())
    assert state.expired(61) == again.expired(61)
    assert len(state.expired(61)) == len(state)
    advance(again, {table.full_key(key): None for table, key in again.expired(61)})
    assert (again.expired(61), len(again)) == ([], 0)


def test_a_view_without_what_expired_is_the_state_after_forgetting_it() -> None:
    state = State((MARKS, ACCOUNTS), {**marks({b"old": 100, b"new": 101}), b"ac1": ACCOUNTS.encode(Account("a"))})
    view = Unexpired(state, {table.prefix: table for table in (MARKS, ACCOUNTS)}, 101)
    journal = Journal(state)
    for table, key in state.expired(101):
        journal.delete(table, key)
    asked: tuple[tuple[Table[Any], bytes], ...] = (
        (MARKS, b"old"), (MARKS, b"new"), (MARKS, b"none"), (ACCOUNTS, b"1"), (ACCOUNTS, b"2"),
    )  # fmt: skip
    for table, key in asked:
        assert view.get(table, key) == journal.get(table, key)
        assert (view.value(table.full_key(key)) is None) == (journal.get(table, key) is None)
