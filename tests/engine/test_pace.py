"""When the embedded engine makes a block."""

from __future__ import annotations

import pytest

from chainpos.engine.pace import MILLISECOND_NS, STALE_VOTE_NS, Due, Kind, TipFacts, next_block

NOW = 1_800_000_000 * 1_000_000_000
INTERVAL = 100 * MILLISECOND_NS
SETTLED = TipFacts(blocks=10, committed=True, vote_time_ns=NOW - MILLISECOND_NS)


def due(tip: TipFacts, *, waiting: bool, since_ms: int = 10_000, now_ns: int = NOW) -> Due | None:
    return next_block(
        tip, waiting=waiting, now_ns=now_ns, since_transactions_ns=since_ms * MILLISECOND_NS, interval_ns=INTERVAL
    )


def test_nothing_waiting_makes_no_block() -> None:
    assert due(SETTLED, waiting=False) is None


def test_a_transaction_after_a_pause_gets_its_block_at_once() -> None:
    assert due(SETTLED, waiting=True) == Due(Kind.TRANSACTIONS, 0)


def test_a_transaction_soon_after_another_block_waits_for_the_rest_of_the_interval() -> None:
    assert due(SETTLED, waiting=True, since_ms=30) == Due(Kind.TRANSACTIONS, 70 * MILLISECOND_NS)


def test_one_empty_block_commits_to_a_new_app_hash() -> None:
    changed = SETTLED._replace(committed=False)
    assert due(changed, waiting=False, since_ms=0) == Due(Kind.COMMITS, 0)


def test_the_committing_block_does_not_wait_for_transactions_that_are_not_due() -> None:
    changed = SETTLED._replace(committed=False)
    assert due(changed, waiting=True, since_ms=5) == Due(Kind.COMMITS, 0)


def test_under_load_the_next_transactions_commit_to_the_app_hash_themselves() -> None:
    changed = SETTLED._replace(committed=False)
    assert due(changed, waiting=True, since_ms=100) == Due(Kind.TRANSACTIONS, 0)


def test_a_stale_block_time_is_brought_to_the_present_first() -> None:
    stale = SETTLED._replace(vote_time_ns=NOW - STALE_VOTE_NS - 1)
    assert due(stale, waiting=True) == Due(Kind.BRINGS_TIME, 0)
    assert due(stale, waiting=False) is None


def test_a_vote_of_two_seconds_is_not_stale() -> None:
    assert due(SETTLED._replace(vote_time_ns=NOW - STALE_VOTE_NS), waiting=True) == Due(Kind.TRANSACTIONS, 0)


def test_a_clock_set_back_makes_no_block_stale() -> None:
    assert due(SETTLED, waiting=True, now_ns=NOW - 10 * STALE_VOTE_NS) == Due(Kind.TRANSACTIONS, 0)


@pytest.mark.parametrize("blocks", [0, 1])
def test_a_chain_begins_with_two_blocks_so_that_genesis_can_be_proved(blocks: int) -> None:
    assert due(SETTLED._replace(blocks=blocks), waiting=True) == Due(Kind.BEGINS, 0)
