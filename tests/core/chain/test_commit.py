"""Commits: golden sign bytes, well-formedness, and the median time."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from chainpos.core.chain.commit import (
    ABSENT,
    COMMIT,
    EMPTY_COMMIT,
    NIL,
    PRECOMMIT,
    PREVOTE,
    ZERO_TIME_NS,
    Commit,
    CommitSig,
    commit_fault,
    median_time,
    vote_sign_bytes,
)
from chainpos.core.chain.header import BlockId, PartSetHeader
from chainpos.core.chain.merkle import EMPTY_ROOT
from chainpos.core.chain.validators import Validator, make_validator_set
from chainpos.core.values.hashes import address_of
from tests.core.chain.conftest import public_key, signed_commit

ZERO_TIME = "2a0b088092b8c398feffffff01"
BLOCK_ID = BlockId(b"h" * 32, PartSetHeader(1, b"p" * 32))
VALIDATORS = make_validator_set(Validator(public_key(n), 10) for n in range(4))
SOUND = signed_commit("chain", 5, BLOCK_ID, VALIDATORS, 1_000_000_000)


@pytest.mark.parametrize(
    ("chain_id", "height", "round_", "kind", "encoded"),
    [
        # CometBFT types/vote_test.go TestVoteSignBytesTestVectors
        ("", 0, 0, 0, "0d" + ZERO_TIME),
        ("", 1, 1, PRECOMMIT, "210802110100000000000000190100000000000000" + ZERO_TIME),
        ("", 1, 1, PREVOTE, "210801110100000000000000190100000000000000" + ZERO_TIME),
        ("", 1, 1, 0, "1f110100000000000000190100000000000000" + ZERO_TIME),
        (
            "test_chain_id",
            1,
            1,
            0,
            "2e110100000000000000190100000000000000" + ZERO_TIME + "320d746573745f636861696e5f6964",
        ),
    ],
)
def test_sign_bytes_are_those_of_cometbfts_own_test(
    chain_id: str, height: int, round_: int, kind: int, encoded: str
) -> None:
    assert vote_sign_bytes(chain_id, height, round_, None, ZERO_TIME_NS, kind).hex() == encoded


def test_a_vote_for_nil_and_a_vote_for_the_zero_block_id_are_the_same() -> None:
    assert vote_sign_bytes("c", 1, 0, None, 0) == vote_sign_bytes("c", 1, 0, BlockId(), 0)
    assert vote_sign_bytes("c", 1, 0, None, 0) != vote_sign_bytes("c", 1, 0, BLOCK_ID, 0)


def test_the_initial_commit_is_empty_and_hashes_to_nothing() -> None:
    assert EMPTY_COMMIT.hash() == EMPTY_ROOT
    assert EMPTY_COMMIT.encode().hex() == "1a021200"
    assert commit_fault(EMPTY_COMMIT) == ""


def test_a_sound_commit_has_no_fault_and_reads_back() -> None:
    assert commit_fault(SOUND) == ""
    assert Commit.decode(SOUND.encode()) == SOUND


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"height": -1}, "malformed_commit"),
        ({"round": -1}, "malformed_commit"),
        ({"block_id": BlockId()}, "malformed_commit"),
        ({"signatures": ()}, "malformed_commit"),
    ],
)
def test_what_is_wrong_with_a_commit_is_named(fields: dict[str, Any], code: str) -> None:
    assert commit_fault(msgspec.structs.replace(SOUND, **fields)) == code


@pytest.mark.parametrize(
    "vote",
    [
        CommitSig(0, b"a" * 20, 1, b"s" * 64),
        CommitSig(4, b"a" * 20, 1, b"s" * 64),
        CommitSig(COMMIT, b"a" * 19, 1, b"s" * 64),
        CommitSig(COMMIT, b"a" * 20, 1, b""),
        CommitSig(NIL, b"a" * 20, 1, b"s" * 65),
        CommitSig(ABSENT, b"a" * 20, ZERO_TIME_NS, b""),
        CommitSig(ABSENT, b"", ZERO_TIME_NS, b"s"),
        CommitSig(ABSENT, b"", 0, b""),
    ],
)
def test_a_malformed_vote_spoils_the_commit(vote: CommitSig) -> None:
    assert commit_fault(msgspec.structs.replace(SOUND, signatures=(vote, *SOUND.signatures[1:]))) == "malformed_vote"


def votes(*rows: tuple[int, int, int]) -> Commit:
    """A commit of (key number, flag, time)."""
    signatures = tuple(
        CommitSig() if flag == ABSENT else CommitSig(flag, address_of(public_key(n)), time_ns, b"s" * 64)
        for n, flag, time_ns in rows
    )
    return Commit(5, 0, BLOCK_ID, signatures)


def test_the_median_of_equal_powers_is_the_lower_middle() -> None:
    commit = votes((0, COMMIT, 40), (1, COMMIT, 10), (2, COMMIT, 30), (3, COMMIT, 20))
    assert median_time(commit, VALIDATORS) == 20


def test_the_median_is_weighted_by_power() -> None:
    validators = make_validator_set(
        [Validator(public_key(0), 70), Validator(public_key(1), 20), Validator(public_key(2), 10)]
    )
    commit = votes((0, COMMIT, 900), (1, COMMIT, 1), (2, COMMIT, 2))
    assert median_time(commit, validators) == 900


def test_absent_votes_have_no_say_in_the_time() -> None:
    commit = votes((0, ABSENT, 0), (1, COMMIT, 10), (2, COMMIT, 30), (3, COMMIT, 20))
    assert median_time(commit, VALIDATORS) == 20


def test_votes_for_nil_have_a_say_only_where_they_are_counted() -> None:
    commit = votes((0, NIL, 900), (1, COMMIT, 10), (2, NIL, 800), (3, COMMIT, 20))
    assert median_time(commit, VALIDATORS) == 20
    assert median_time(commit, VALIDATORS, count_nil=False) == 10


def test_a_single_validators_time_is_the_blocks() -> None:
    validators = make_validator_set([Validator(public_key(0), 1)])
    assert median_time(votes((0, COMMIT, 77)), validators) == 77


def test_a_strangers_vote_has_no_weight_and_is_an_error() -> None:
    with pytest.raises(KeyError):
        median_time(votes((9, COMMIT, 1)), VALIDATORS)


def test_without_votes_there_is_only_gos_zero_time() -> None:
    assert median_time(EMPTY_COMMIT, VALIDATORS) == ZERO_TIME_NS
