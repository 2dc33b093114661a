"""The committed state: it moves at commit and not before, and answers like the plain dictionary that it stands for."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from chainpos.core.state import state as state_module
from chainpos.core.state.journal import Change, Journal
from chainpos.core.state.state import State
from chainpos.errors import MalformedBytes, StateMismatch
from tests.core.state.conftest import ACCOUNTS, GROUND_BUCKET, GROUND_KEYS, MARKS, Account, Mark, advance
from tests.core.state.naive import state_root


def test_a_state_answers_with_what_was_committed() -> None:
    state = State((ACCOUNTS, MARKS))
    journal = Journal(state)
    journal.put(ACCOUNTS, b"1", Account("ann", 5))
    assert state.get(ACCOUNTS, b"1") is None
    state.commit(state.stage(journal.changes()))
    assert state.get(ACCOUNTS, b"1") == Account("ann", 5)
    assert state.get(ACCOUNTS, b"1") is state.get(ACCOUNTS, b"1")
    assert state.value(b"ac1") == ACCOUNTS.encode(Account("ann", 5))
    assert (len(state), state.get(MARKS, b"1"), state.value(b"")) == (1, None, None)


def test_a_kept_record_gives_way_to_the_next_one() -> None:
    state = State((ACCOUNTS,))
    for minor in (1, 2):
        advance(state, {b"ac1": ACCOUNTS.encode(Account("ann", minor))})
        assert state.get(ACCOUNTS, b"1") == Account("ann", minor)
    advance(state, {b"ac1": None})
    assert state.get(ACCOUNTS, b"1") is None


def test_kept_records_stay_within_their_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_module, "MAX_DECODED_RECORDS", 3)
    state = State((ACCOUNTS,), {b"ac%d" % n: ACCOUNTS.encode(Account("a", n)) for n in range(10)})
    assert [state.get(ACCOUNTS, b"%d" % n) for n in range(10)] == [Account("a", n) for n in range(10)]
    assert len(state._decoded) <= 3


def test_staging_changes_nothing_until_it_is_committed(state: State, records: dict[bytes, bytes]) -> None:
    root = state.app_hash
    staged = state.stage([Change(key, records[key], None) for key in sorted(records)])
    assert staged.app_hash == state_root({})
    assert (state.app_hash, state.values()) == (root, records)
    state.commit(staged)
    assert (state.app_hash, state.values(), len(state)) == (staged.app_hash, {}, 0)


def test_no_changes_lead_to_the_same_app_hash(state: State) -> None:
    staged = state.stage([])
    root = state.app_hash
    state.commit(staged)
    assert staged.app_hash == root == state.app_hash


def test_a_stale_update_is_refused_whole(state: State) -> None:
    first = state.stage([Change(b"ac-x", None, b"1")])
    second = state.stage([Change(b"ac-y", None, b"1")])
    state.commit(first)
    with pytest.raises(StateMismatch, match="staged on another state"):
        state.commit(second)
    assert (state.value(b"ac-x"), state.value(b"ac-y")) == (b"1", None)


@pytest.mark.parametrize(
    "changes",
    [
        [Change(b"ac-x", b"something", b"1")],
        [Change(b"ac-y", None, b"1"), Change(b"ac-x", None, b"1")],
        [Change(b"ac-x", None, b"1"), Change(b"ac-x", None, b"2")],
        [Change(b"", None, b"1")],
    ],
)
def test_changes_that_do_not_follow_from_the_state_are_refused(state: State, changes: list[Change]) -> None:
    with pytest.raises(StateMismatch, match="does not follow"):
        state.stage(changes)


def test_a_scan_gives_one_table_by_ascending_key_as_it_was_at_the_call() -> None:
    state = State((ACCOUNTS, MARKS))
    after = {b"ac" + bytes((n,)): ACCOUNTS.encode(Account("a", n)) for n in (200, 3, 77)}
    advance(state, {**after, b"mk1": MARKS.encode(Mark(1)), b"ab": b"x", b"ad": b"x"})
    scan = state.records(ACCOUNTS)
    advance(state, {b"ac\x03": None, b"ac\x04": ACCOUNTS.encode(Account("late"))})
    assert list(scan) == [(bytes((n,)), Account("a", n)) for n in (3, 77, 200)]
    assert [key for key, _ in state.records(ACCOUNTS)] == [b"\x04", b"\x4d", b"\xc8"]


def test_a_record_of_another_shape_is_refused_when_it_is_read() -> None:
    state = State((ACCOUNTS,), {b"ac1": b"\xc3"})
    with pytest.raises(MalformedBytes, match="accounts"):
        state.get(ACCOUNTS, b"1")


def test_a_bucket_says_how_full_it_is(state: State) -> None:
    assert state.records_in(GROUND_BUCKET) == len(GROUND_KEYS)


class LedgerMachine(RuleBasedStateMachine):
    """Journals over a state, rolled back, staged and committed at random, against a dictionary and the naive root."""

    keys = st.sampled_from([b"a", b"b", b"c", b"dd"])

    @initialize()
    def begin(self) -> None:
        self.state = State((ACCOUNTS, MARKS))
        self.model: dict[bytes, bytes] = {}
        self.begin_block()

    def begin_block(self) -> None:
        self.journal = Journal(self.state)
        self.pending = dict(self.model)
        self.marks: list[tuple[int, dict[bytes, bytes]]] = []

    @rule(key=keys, minor=st.integers(0, 3))
    def put_account(self, key: bytes, minor: int) -> None:
        self.journal.put(ACCOUNTS, key, Account("x", minor))
        self.pending[b"ac" + key] = ACCOUNTS.encode(Account("x", minor))

    @rule(key=keys, until_s=st.integers(0, 200))
    def put_mark(self, key: bytes, until_s: int) -> None:
        self.journal.put(MARKS, key, Mark(until_s))
        self.pending[b"mk" + key] = MARKS.encode(Mark(until_s))

    @rule(table=st.sampled_from([ACCOUNTS, MARKS]), key=keys)
    def delete(self, table: object, key: bytes) -> None:
        chosen = ACCOUNTS if table is ACCOUNTS else MARKS
        self.journal.delete(chosen, key)
        self.pending.pop(chosen.prefix + key, None)

    @rule()
    def mark(self) -> None:
        self.marks.append((self.journal.mark(), dict(self.pending)))

    @rule()
    def roll_back(self) -> None:
        if self.marks:
            mark, self.pending = self.marks.pop()
            self.journal.rollback(mark)

    @rule()
    def commit(self) -> None:
        staged = self.state.stage(self.journal.changes())
        assert staged.app_hash == state_root(self.pending)
        assert self.state.app_hash == state_root(self.model)
        self.state.commit(staged)
        self.model = self.pending
        self.begin_block()

    @rule()
    def abandon(self) -> None:
        self.state.stage(self.journal.changes())
        self.begin_block()

    @rule(before_s=st.integers(0, 210))
    def expire(self, before_s: int) -> None:
        marks = [(MARKS.decode(value).until_s, key[2:]) for key, value in self.model.items() if key.startswith(b"mk")]
        expected = [(MARKS, key) for until_s, key in sorted(marks) if until_s < before_s]
        assert self.state.expired(before_s) == expected
        assert self.state.expired(before_s, limit=1) == expected[:1]

    @invariant()
    def both_agree(self) -> None:
        if hasattr(self, "state"):
            assert self.state.values() == dict(sorted(self.model.items()))
            for key in (b"a", b"dd"):
                value = self.pending.get(b"ac" + key)
                assert self.journal.get(ACCOUNTS, key) == (None if value is None else ACCOUNTS.decode(value))


TestLedgerMachine = LedgerMachine.TestCase
TestLedgerMachine.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
