"""What a node notices by itself, and says once, with since when."""

from __future__ import annotations

from collections import namedtuple
from pathlib import Path

import msgspec
import pytest

from chainpos.core.chain.block import evidence_hash
from chainpos.core.chain.commit import ABSENT, PRECOMMIT, Commit, CommitSig, vote_sign_bytes
from chainpos.core.chain.evidence import DuplicateVote, Vote, encode_duplicate_vote
from chainpos.core.chain.header import BlockId, PartSetHeader
from chainpos.core.chain.tip import ChainTip
from chainpos.core.chain.validators import ValidatorSet
from chainpos.inspect.search import Search
from chainpos.inspect.source import StoreSource
from chainpos.node import watching
from chainpos.node.condition import MAX_ALARMS, Condition
from chainpos.node.ledger import Appended
from chainpos.node.minutes import MAX_WAITS, MINUTES_KEPT, Minutes
from chainpos.store.chain import ChainReader
from tests.node.conftest import Clerk

MINUTE_NS = 60 * 10**9
SECOND_NS = 10**9
Usage = namedtuple("Usage", "total used free")


def test_a_disk_that_is_nearly_full_is_told_with_what_is_left(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage(10**12, 0, 730_000_000))
    assert watching.disk_low(tmp_path) == "0.73 GB free"
    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage(10**12, 0, watching.LEAST_FREE_BYTES))
    assert watching.disk_low(tmp_path) is None
    monkeypatch.undo()
    assert watching.disk_low(tmp_path / "nowhere") is None


def test_a_clock_far_behind_the_last_block_is_wrong(clerk: Clerk) -> None:
    clerk.make(clerk.issue())
    tip = clerk.ledger.tip
    assert watching.clock_skew(tip, tip.time_ns - watching.MOST_AHEAD_NS) is None
    assert watching.clock_skew(tip, tip.time_ns - 90 * SECOND_NS) == "90 s behind the last block"


def test_being_alone_is_an_alarm_only_after_a_while_and_only_for_who_follows_somebody() -> None:
    alone = watching.Alone()
    assert alone.look(0, 0, 0) is None
    assert alone.look(2, 0, 5 * SECOND_NS) is None
    assert alone.look(2, 0, 14 * SECOND_NS) is None
    assert alone.look(2, 0, 15 * SECOND_NS) == "none of 2 answers"
    assert alone.look(2, 1, 16 * SECOND_NS) is None
    assert alone.look(2, 0, 17 * SECOND_NS) is None, "it begins anew"


def test_a_full_mempool_is_told_before_it_is_full() -> None:
    assert watching.mempool_full(4_499, 5_000) is None
    assert watching.mempool_full(4_500, 5_000) == "4500 of 5000"


def test_a_validator_is_silent_after_twenty_blocks_and_well_again_after_one(clerk: Clerk) -> None:
    clerk.make(clerk.issue())
    tip = clerk.ledger.tip
    address = tip.last_validators.validators[0].address
    commit = tip.commit
    assert commit is not None
    absent = Commit(commit.height, 0, commit.block_id, (CommitSig(ABSENT, b"", 0, b""),))
    silent = msgspec.structs.replace(tip, commit=absent)
    signing = watching.Signing()
    told = [signing.look(silent) for _ in range(watching.SILENT_BLOCKS)]
    assert told[-2] is None
    assert told[-1] == f"1 of 1: {address.hex().upper()}"
    assert signing.look(tip) is None
    assert signing.look(silent) is None


def _proof(clerk: Clerk, height: int) -> bytes:
    votes = []
    for seed in (b"\x01", b"\x02"):
        block_id = BlockId(seed * 32, PartSetHeader(1, seed * 32))
        signature = clerk.key.sign(vote_sign_bytes(clerk.ledger.tip.chain_id, height, 0, block_id, 5))
        votes.append(Vote(PRECOMMIT, height, 0, block_id, 5, clerk.key.address, 0, signature))
    return encode_duplicate_vote(DuplicateVote(votes[0], votes[1], 10, 10, 5))


def _proving(clerk: Clerk, *evidence: bytes) -> Appended:
    """The next block, with evidence in it."""
    block = clerk.propose(clerk.issue())
    header = msgspec.structs.replace(block.header, evidence_hash=evidence_hash(evidence))
    block = msgspec.structs.replace(block, header=header, evidence=evidence)
    return clerk.ledger.append(block, clerk.sign(block))


def _alarms(condition: Condition, tip: ChainTip) -> list[tuple[str, str, int]]:
    report = condition.report(
        tip, MINUTE_NS, target_height=0, connected=0, upstreams=(), verified_signatures=0, mempool=(0, 0)
    )
    return [(each.code, each.detail, each.since_ns) for each in report.alarms]


def _started(clerk: Clerk, reader: ChainReader) -> Condition:
    """A node's condition as it begins, on the chain that is there."""
    condition = Condition("peer", "testnet-1", "two", clerk.database, MINUTE_NS)
    condition.proved(watching.proved_before(reader, MAX_ALARMS), clerk.ledger.tip)
    return condition


def test_a_proof_that_a_validator_signed_twice_is_an_alarm_until_it_is_no_validator(clerk: Clerk) -> None:
    clerk.make(clerk.issue())
    condition = Condition("peer", "testnet-1", "two", clerk.database, MINUTE_NS)
    found = _proving(clerk, _proof(clerk, 1))
    condition.appended(found, MINUTE_NS)
    culprit, time_ns = clerk.key.address.hex().upper(), found.stored.block.header.time_ns
    told = [("double_sign", f"{culprit} at height 1, proved in block 2", time_ns)]
    assert _alarms(condition, clerk.ledger.tip) == told
    # The same again is no second alarm, and other blocks do not end it.
    condition.appended(clerk.make(clerk.issue()), MINUTE_NS)
    assert _alarms(condition, clerk.ledger.tip) == told
    without = msgspec.structs.replace(clerk.ledger.tip, validators=ValidatorSet(()))
    condition.proved((), without)
    assert _alarms(condition, clerk.ledger.tip) == []


def test_a_double_signature_is_still_told_when_the_node_starts_again(clerk: Clerk) -> None:
    clerk.make(clerk.issue())
    proved = [_proving(clerk, _proof(clerk, 1), _proof(clerk, 2)), _proving(clerk, _proof(clerk, 3))]
    for _ in range(3):
        clerk.make(clerk.issue())
    clerk.reopen()
    culprit = clerk.key.address.hex().upper()
    with ChainReader.open(clerk.database) as reader:
        times = [each.stored.block.header.time_ns for each in proved]
        told = [
            ("double_sign", f"{culprit} at height {height}, proved in block {block}", times[block - 2])
            for height, block in ((1, 2), (2, 2), (3, 3))
        ]
        assert _alarms(_started(clerk, reader), clerk.ledger.tip) == told
        # The newest are kept where there are many, and a chain's own check finds nothing wrong with them.
        assert [detail for detail, _ in watching.proved_before(reader, 1)] == [told[-1][1]]
        assert reader.problems() == []
        hits = Search(StoreSource(reader, "here")).find(culprit.lower()).hits
        assert [(hit.kind, hit.height) for hit in hits] == [("block", 3), ("block", 2)]
        assert all(culprit in hit.summary for hit in hits)


def test_a_chain_that_proves_nothing_starts_without_that_alarm(clerk: Clerk) -> None:
    clerk.make(clerk.issue())
    with ChainReader.open(clerk.database) as reader:
        assert _alarms(_started(clerk, reader), clerk.ledger.tip) == []


def test_evidence_that_cannot_be_read_is_no_alarm(clerk: Clerk) -> None:
    made = clerk.make(clerk.issue())
    block = msgspec.structs.replace(made.stored.block, evidence=(b"nonsense",))
    assert list(watching.double_signs(block)) == []


def test_an_alarm_that_lasts_keeps_its_time_while_its_detail_changes(clerk: Clerk) -> None:
    condition = Condition("peer", "testnet-1", "two", clerk.database, MINUTE_NS)
    assert condition.hold("disk_low", "0.90 GB free", 5)
    assert not condition.hold("disk_low", "0.80 GB free", 9)
    report = condition.report(
        clerk.ledger.tip, MINUTE_NS, target_height=0, connected=0, upstreams=(), verified_signatures=0, mempool=(0, 0)
    )
    assert [(each.detail, each.since_ns) for each in report.alarms] == [("0.80 GB free", 5)]
    assert condition.hold("disk_low", None, 10)
    assert not condition.hold("disk_low", None, 11)


def test_minutes_tell_blocks_payments_and_the_typical_wait() -> None:
    minutes = Minutes(100 * MINUTE_NS)
    minutes.block(3, [10, 20, 90], 100 * MINUTE_NS)
    minutes.block(2, [30, 40], 100 * MINUTE_NS + 5)
    minutes.block(7, [], 102 * MINUTE_NS)
    assert minutes.series(102 * MINUTE_NS) == ((2, 0, 1), (5, 0, 7), (30, 0, 0))
    assert minutes.series(500 * MINUTE_NS)[0] == (0,) * MINUTES_KEPT


def test_a_busy_minute_keeps_a_bounded_sample_and_a_wait_under_a_millisecond_is_not_none() -> None:
    minutes = Minutes(0)
    for _ in range(3):
        minutes.block(MAX_WAITS, [0] * MAX_WAITS, 1)
    assert minutes.series(1)[2] == (1,)
