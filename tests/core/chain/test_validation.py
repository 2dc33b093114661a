"""Each rule that a block must pass: broken alone, and refused by its own code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from chainpos.core.chain.block import Block
from chainpos.core.chain.commit import ABSENT, NIL, Commit, CommitSig, median_time
from chainpos.core.chain.header import BlockId, PartSetHeader
from chainpos.core.chain.signatures import Signature, verify_batch
from chainpos.core.chain.tip import ChainTip, build_block, next_tip
from chainpos.core.chain.validation import BlockRefused, check_block
from chainpos.core.values.hashes import address_of
from tests.core.chain.conftest import MadeBlock, MadeChain, duplicate_vote, public_key

CHAIN = MadeChain()
CHAIN.add([b"one"])
CHAIN.add([b"two"], updates=[(public_key(9), 5)])
CHAIN.add()
MADE = CHAIN.add([b"three", b"four"])
FIRST = CHAIN.blocks[0]
replace = msgspec.structs.replace


def refusal(block: Block, *, tip: ChainTip = MADE.before, block_id: BlockId | None = None) -> str:
    """The code that a block is refused by, under its own ID unless another is given."""
    with pytest.raises(BlockRefused) as caught:
        check_block(tip, block, block.block_id() if block_id is None else block_id)
    assert str(caught.value).startswith(caught.value.code)
    return caught.value.code


def with_header(made: MadeBlock = MADE, **fields: Any) -> Block:
    return replace(made.block, header=replace(made.block.header, **fields))


def with_last_commit(commit: Commit) -> Block:
    """The block as a proposer would make it who saw other votes."""
    fields: dict[str, Any] = {"last_commit_hash": commit.hash()}
    if all(vote.flag == ABSENT or MADE.before.last_validators.by_address(vote.address) for vote in commit.signatures):
        fields["time_ns"] = median_time(commit, MADE.before.last_validators)
    return replace(with_header(**fields), last_commit=commit)


def with_votes(*votes: CommitSig) -> Block:
    return with_last_commit(replace(MADE.block.last_commit, signatures=votes))


@pytest.mark.parametrize("made", CHAIN.blocks, ids=lambda made: f"height {made.block.header.height}")
def test_every_block_of_a_chain_passes_on_its_own_tip_and_no_other(made: MadeBlock) -> None:
    check_block(made.before, made.block, made.block_id)
    for other in CHAIN.blocks:
        if other is not made:
            assert refusal(made.block, tip=other.before) in {"wrong_height", "wrong_last_block_id"}


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"version_block": 12}, "wrong_block_version"),
        ({"chain_id": "c" * 51}, "malformed_chain_id"),
        ({"height": 0}, "malformed_height"),
        ({"data_hash": b"short"}, "malformed_hash"),
        ({"proposer_address": b"short"}, "malformed_proposer"),
        ({"last_block_id": BlockId(b"short")}, "malformed_block_id"),
        ({"last_commit_hash": bytes(32)}, "wrong_last_commit_hash"),
        ({"data_hash": bytes(32)}, "wrong_data_hash"),
        ({"evidence_hash": bytes(32)}, "wrong_evidence_hash"),
        ({"version_app": 2}, "wrong_app_version"),
        ({"chain_id": "other"}, "wrong_chain"),
        ({"height": 5}, "wrong_height"),
        ({"last_block_id": BlockId(bytes(32), PartSetHeader(1, bytes(32)))}, "wrong_last_block_id"),
        ({"app_hash": bytes(32)}, "wrong_app_hash"),
        ({"app_hash": b""}, "wrong_app_hash"),
        ({"consensus_hash": bytes(32)}, "wrong_consensus_hash"),
        ({"last_results_hash": bytes(32)}, "wrong_last_results_hash"),
        ({"validators_hash": bytes(32)}, "wrong_validators_hash"),
        ({"next_validators_hash": bytes(32)}, "wrong_next_validators_hash"),
        ({"proposer_address": bytes(20)}, "unknown_proposer"),
        ({"time_ns": MADE.before.time_ns}, "time_not_greater"),
        ({"time_ns": MADE.block.header.time_ns + 1}, "wrong_time"),
        ({"time_ns": MADE.block.header.time_ns - 1}, "wrong_time"),
    ],
)
def test_a_header_that_breaks_one_rule_is_refused_by_that_rule(fields: dict[str, Any], code: str) -> None:
    assert refusal(with_header(**fields)) == code


def test_a_block_that_is_not_the_one_voted_for_is_forged() -> None:
    other = BlockId(bytes(32), MADE.block_id.parts)
    assert refusal(MADE.block, block_id=other) == "forged_header"
    assert refusal(with_header(app_hash=bytes(32)), block_id=MADE.block_id) == "forged_header"
    assert refusal(with_header(validators_hash=b""), block_id=BlockId(b"", MADE.block_id.parts)) == "forged_header"


def test_transactions_that_were_altered_added_left_out_or_reordered_are_noticed() -> None:
    for txs in ((b"three",), (b"four", b"three"), (b"three", b"four", b"five"), (b"three", b"fouR"), ()):
        assert refusal(replace(MADE.block, txs=txs), block_id=MADE.block_id) == "wrong_data_hash"


def test_parts_that_are_not_those_voted_for_are_noticed() -> None:
    for parts in (PartSetHeader(2, MADE.block_id.parts.hash), PartSetHeader(1, bytes(32)), PartSetHeader()):
        assert refusal(MADE.block, block_id=BlockId(MADE.block_id.hash, parts)) == "wrong_part_set"


def test_a_commits_round_is_no_part_of_the_header_but_of_the_parts() -> None:
    other_round = replace(MADE.block.last_commit, round=1)
    assert refusal(replace(MADE.block, last_commit=other_round), block_id=MADE.block_id) == "wrong_part_set"
    assert refusal(replace(MADE.block, last_commit=other_round)) == "last_commit_bad_signature"


def test_a_last_commit_malformed_in_itself_is_refused() -> None:
    votes = MADE.block.last_commit.signatures
    assert refusal(with_last_commit(replace(MADE.block.last_commit, round=-1))) == "malformed_commit"
    bent = replace(votes[0], signature=b"")
    assert refusal(with_votes(bent, *votes[1:])) == "malformed_vote"


def test_a_last_commit_needs_over_two_thirds_and_every_signature_true() -> None:
    votes = MADE.block.last_commit.signatures
    absent = CommitSig()
    assert refusal(with_votes(absent, absent, *votes[2:])) == "last_commit_not_enough_power"
    assert refusal(with_votes(*votes[:3], replace(votes[3], signature=bytes(64)))) == "last_commit_bad_signature"
    assert refusal(with_votes(*votes[:3])) == "last_commit_wrong_vote_count"
    assert refusal(with_votes(*votes[::-1])) == "last_commit_wrong_vote_address"
    stranger = replace(votes[0], address=address_of(public_key(30)))
    assert refusal(with_votes(stranger, *votes[1:])) == "last_commit_wrong_vote_address"
    for fields in ({"height": 2}, {"block_id": FIRST.block_id}):
        commit = replace(MADE.block.last_commit, **fields)
        assert refusal(with_last_commit(commit)).startswith("last_commit_wrong_commit_")


def test_other_votes_than_we_saw_are_as_good_when_they_are_enough() -> None:
    votes = MADE.block.last_commit.signatures
    fewer = with_votes(CommitSig(), *votes[1:])
    check_block(MADE.before, fewer, fewer.block_id())


def test_a_commit_that_was_verified_is_not_verified_again_and_any_other_is() -> None:
    asked: list[int] = []

    def counting(claims: Sequence[Signature]) -> list[bool]:
        asked.append(len(claims))
        return verify_batch(claims)

    check_block(MADE.before, MADE.block, MADE.block_id, verify_signatures=counting)
    assert asked == [4]
    knowing = replace(MADE.before, commit=MADE.block.last_commit)
    check_block(knowing, MADE.block, MADE.block_id, verify_signatures=counting)
    assert asked == [4]
    fewer = with_votes(CommitSig(), *MADE.block.last_commit.signatures[1:])
    check_block(knowing, fewer, fewer.block_id(), verify_signatures=counting)
    assert asked == [4, 3]


def test_the_first_block_carries_no_votes_and_genesis_time() -> None:
    assert refusal(replace_first(time_ns=FIRST.before.time_ns + 1), tip=FIRST.before) == "wrong_genesis_time"
    voted = replace(FIRST.block, last_commit=CHAIN.blocks[1].block.last_commit)
    voted = replace(voted, header=replace(voted.header, last_commit_hash=voted.last_commit.hash()))
    assert refusal(voted, tip=FIRST.before) == "unexpected_last_commit"


def replace_first(**fields: Any) -> Block:
    return with_header(FIRST, **fields)


def test_a_chain_may_begin_at_any_height() -> None:
    chain = MadeChain(initial_height=1000)
    for _ in range(3):
        made = chain.add()
        check_block(made.before, made.block, made.block_id)
    assert chain.tip.height == 1002
    assert refusal(with_header(chain.blocks[0], height=1), tip=chain.blocks[0].before) == "wrong_height"


def test_the_time_may_be_either_lines_median_when_someone_voted_for_nil() -> None:
    chain = MadeChain(powers=(10, 10, 10, 10))
    chain.add(flags={0: NIL})
    made = chain.add()
    commit = made.block.last_commit
    counting, not_counting = (
        median_time(commit, made.before.last_validators, count_nil=count_nil) for count_nil in (True, False)
    )
    assert counting != not_counting
    assert made.block.header.time_ns == counting
    for time_ns in (counting, not_counting):
        block = with_header(made, time_ns=time_ns)
        check_block(made.before, block, block.block_id())
    assert refusal(with_header(made, time_ns=counting + 1), tip=made.before) == "wrong_time"


def test_blocks_over_the_size_limit_are_refused() -> None:
    size = len(MADE.block.encode())
    for max_bytes, fits in ((size, True), (size - 1, False), (-1, True)):
        tip = replace(MADE.before, params=replace(MADE.before.params, max_bytes=max_bytes, evidence_max_bytes=0))
        block = with_header(consensus_hash=tip.params.hash())
        if fits:
            check_block(tip, block, block.block_id())
        else:
            assert refusal(block, tip=tip) == "block_too_large"


def test_evidence_is_taken_when_well_formed_and_within_its_limit() -> None:
    item = duplicate_vote(CHAIN.blocks[2])
    block = build_block(MADE.before, [], MADE.block.last_commit, MADE.block.header.proposer_address, [item])
    check_block(MADE.before, block, block.block_id())
    small = replace(MADE.before, params=replace(MADE.before.params, evidence_max_bytes=len(item)))
    assert refusal(block, tip=small) == "too_much_evidence"
    bent = replace(block, evidence=(item[:-1],))
    assert refusal(bent) == "malformed_evidence"


def test_the_very_same_checks_pass_after_a_journey_over_the_wire() -> None:
    tip = CHAIN.blocks[0].before
    for made in CHAIN.blocks:
        block = Block.decode(made.block.encode())
        check_block(tip, block, BlockId.decode(made.block_id.encode()))
        tip = next_tip(tip, block, made.block_id, made.after.app_hash, made.results, made.updates)
    assert tip == CHAIN.tip
