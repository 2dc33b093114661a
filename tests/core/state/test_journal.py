"""The journal: a block's writes over the committed records, and what is left after a roll-back."""

from __future__ import annotations

import gc
import weakref

from chainpos.core.state.journal import Change, Journal
from chainpos.core.state.state import State
from tests.core.state.conftest import ACCOUNTS, MARKS, Account, Mark, advance


def encoded(minor: int) -> bytes:
    return ACCOUNTS.encode(Account("a", minor))


def test_a_journal_reads_through_to_the_committed_records() -> None:
    state = State((ACCOUNTS,), {b"ac1": encoded(1)})
    journal = Journal(state)
    assert journal.get(ACCOUNTS, b"1") == Account("a", 1)
    journal.delete(ACCOUNTS, b"1")
    assert journal.get(ACCOUNTS, b"1") is None
    assert state.get(ACCOUNTS, b"1") == Account("a", 1)


def test_changes_ascend_and_leave_out_what_is_as_it_was() -> None:
    journal = Journal(State((ACCOUNTS,), {b"ac1": encoded(1), b"ac2": encoded(2)}))
    journal.put(ACCOUNTS, b"9", Account("a", 9))
    journal.put(ACCOUNTS, b"1", Account("a", 5))
    journal.put(ACCOUNTS, b"1", Account("a", 1))
    journal.delete(ACCOUNTS, b"2")
    journal.delete(ACCOUNTS, b"3")
    assert journal.changes() == [Change(b"ac2", encoded(2), None), Change(b"ac9", None, encoded(9))]


def test_a_roll_back_leaves_what_was_written_before_the_mark() -> None:
    journal = Journal(State((ACCOUNTS,), {b"ac1": encoded(1)}))
    journal.put(ACCOUNTS, b"1", Account("a", 2))
    mark = journal.mark()
    journal.delete(ACCOUNTS, b"1")
    journal.put(ACCOUNTS, b"1", Account("a", 3))
    journal.put(ACCOUNTS, b"2", Account("a", 4))
    journal.rollback(mark)
    assert journal.get(ACCOUNTS, b"1") == Account("a", 2)
    assert journal.changes() == [Change(b"ac1", encoded(1), encoded(2))]
    journal.rollback(0)
    assert journal.changes() == []


def test_created_names_what_is_there_now_and_was_not_at_the_mark() -> None:
    journal = Journal(State((ACCOUNTS,), {b"ac1": encoded(1)}))
    journal.put(ACCOUNTS, b"early", Account("a"))
    journal.delete(ACCOUNTS, b"1")
    mark = journal.mark()
    journal.put(ACCOUNTS, b"early", Account("a", 1))  # was there already
    journal.put(ACCOUNTS, b"1", Account("a", 1))  # had been deleted
    journal.put(ACCOUNTS, b"z", Account("a"))
    journal.put(ACCOUNTS, b"b", Account("a"))
    journal.put(ACCOUNTS, b"gone", Account("a"))
    journal.delete(ACCOUNTS, b"gone")
    assert journal.created(mark) == [b"ac1", b"acz", b"acb"]
    assert journal.created() == [b"acearly", b"acz", b"acb"]
    journal.rollback(mark)
    assert journal.created(mark) == []


def test_a_committed_record_that_is_written_again_is_not_created() -> None:
    state = State((ACCOUNTS,))
    advance(state, {b"ac1": encoded(1)})
    journal = Journal(state)
    journal.put(ACCOUNTS, b"1", Account("a", 2))
    assert journal.created() == []


def test_a_record_whose_key_nobody_chooses_is_not_counted_as_created() -> None:
    journal = Journal(State((ACCOUNTS, MARKS)))
    journal.put(MARKS, b"1", Mark(1))
    journal.put(ACCOUNTS, b"1", Account("a"))
    assert journal.created() == [b"ac1"]


def test_views_say_what_get_says() -> None:
    journal = Journal(State((ACCOUNTS,), {b"ac1": encoded(1), b"ac2": encoded(2)}))
    journal.put(ACCOUNTS, b"2", Account("a", 3))
    journal.delete(ACCOUNTS, b"1")
    assert [journal.views[ACCOUNTS][key] for key in (b"1", b"2", b"3")] == [None, Account("a", 3), None]
    journal.rollback(0)
    assert [journal.views[ACCOUNTS][key] for key in (b"1", b"2")] == [Account("a", 1), Account("a", 2)]


class Forgettable(State):
    """One that can be asked whether anything still holds it."""


def test_a_journal_goes_with_its_block_and_waits_for_no_collector() -> None:
    committed = Forgettable((ACCOUNTS,))
    is_held = weakref.ref(committed)
    journal = Journal(committed)
    journal.put(ACCOUNTS, b"1", Account("a", 1))
    journal.views[ACCOUNTS].put(b"1", Account("a", 2))
    gc.disable()
    try:
        del journal, committed
        assert is_held() is None
    finally:
        gc.enable()


def test_what_a_view_writes_is_the_journals() -> None:
    journal = Journal(State((ACCOUNTS,), {b"ac1": encoded(1)}))
    view = journal.views[ACCOUNTS]
    view.put(b"1", Account("a", 2))
    mark = journal.mark()
    view.put(b"1", Account("a", 3))
    assert journal.get(ACCOUNTS, b"1") == Account("a", 3)
    journal.rollback(mark)
    assert view[b"1"] == Account("a", 2)
    assert journal.changes() == [Change(b"ac1", encoded(1), encoded(2))]
