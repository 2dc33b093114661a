"""Ground keys: what transactions may add to one bucket is bounded, and only that."""

from __future__ import annotations

import pytest

from chainpos.core.state import crowding
from chainpos.core.state.commitment import MAX_BUCKET_RECORDS
from chainpos.core.state.crowding import Growth
from chainpos.core.state.state import State
from tests.core.state.conftest import GROUND_BUCKET, GROUND_KEYS, advance


class Sizes:
    """A state whose ground bucket has room for `room` more."""

    def __init__(self, room: int) -> None:
        self._room = room

    def records_in(self, bucket: int) -> int:
        return MAX_BUCKET_RECORDS - self._room if bucket == GROUND_BUCKET else 0


def test_a_transaction_finds_room_up_to_the_cap() -> None:
    assert Growth(Sizes(2)).admit(GROUND_KEYS[:2])
    assert not Growth(Sizes(2)).admit(GROUND_KEYS[:3])


def test_what_earlier_transactions_of_the_block_added_counts() -> None:
    growth = Growth(Sizes(3))
    assert growth.admit(GROUND_KEYS[:2])
    assert not growth.admit(GROUND_KEYS[2:4])
    assert growth.admit(GROUND_KEYS[2:3])
    assert not growth.admit(GROUND_KEYS[3:4])


def test_a_refused_transaction_takes_no_room_not_even_elsewhere() -> None:
    growth = Growth(Sizes(1))
    assert not growth.admit([b"elsewhere", *GROUND_KEYS[:2]])
    assert growth._added == {}
    assert growth.admit(GROUND_KEYS[:1])


def test_other_buckets_are_not_affected() -> None:
    growth = Growth(Sizes(0))
    assert not growth.admit(GROUND_KEYS[:1])
    assert growth.admit([b"elsewhere"])
    assert growth.admit([])


def test_deletions_free_room_in_the_next_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowding, "MAX_BUCKET_RECORDS", 40)
    state = State((), dict.fromkeys(GROUND_KEYS, b"v"))
    assert not Growth(state).admit([b"gk-new", *GROUND_KEYS[:1]])
    advance(state, {GROUND_KEYS[0]: None})
    assert Growth(state).admit(GROUND_KEYS[:1])
    assert not Growth(state).admit(GROUND_KEYS[:2])


def test_what_the_ledger_writes_itself_is_staged_however_full_the_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowding, "MAX_BUCKET_RECORDS", 1)
    state = State((), dict.fromkeys(GROUND_KEYS[:20], b"v"))
    advance(state, dict.fromkeys(GROUND_KEYS[20:], b"v"))
    assert state.records_in(GROUND_BUCKET) == len(GROUND_KEYS)
