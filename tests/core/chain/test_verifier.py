"""The light client's verdicts, one reason at a time; the fuzzed model is in test_verifier_model.py."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from chainpos.core.chain.commit import ABSENT, COMMIT, NIL, Commit, CommitSig
from chainpos.core.chain.header import BlockId, Header, PartSetHeader
from chainpos.core.chain.validators import Validator, ValidatorSet, make_validator_set
from chainpos.core.chain.verifier import (
    Outcome,
    TrustedState,
    TrustOptions,
    UntrustedBlock,
    Verdict,
    compare_with_witness,
    trust_block,
    trust_genesis,
    verify,
    verify_adjacent,
    verify_backwards,
    verify_commit,
    verify_non_adjacent,
)
from chainpos.errors import MalformedBytes
from tests.core.chain.conftest import SECOND, MadeBlock, MadeChain, public_key, signed_commit, signed_vote

CHAIN = MadeChain()
for _ in range(6):
    CHAIN.add([b"tx"])
FIRST, SECOND_BLOCK, LAST = CHAIN.blocks[0], CHAIN.blocks[1], CHAIN.blocks[5]
OPTIONS = TrustOptions(trusting_period_ns=1000 * SECOND)
NOW = LAST.block.header.time_ns + 1


def trusted(made: MadeBlock) -> TrustedState:
    verdict = trust_block(CHAIN.doc.chain_id, made.light, made.block_id.hash)
    assert verdict.trusted is not None
    return verdict.trusted


def resigned(made: MadeBlock, **fields: Any) -> UntrustedBlock:
    """A block whose header says something else, rightly signed by all."""
    header: Header = msgspec.structs.replace(made.block.header, **fields)
    block_id = BlockId(header.hash(), made.block_id.parts)
    commit = signed_commit("made-chain", header.height, block_id, made.before.validators, header.time_ns)
    return UntrustedBlock(header, commit, made.before.validators)


def with_votes(made: MadeBlock, *votes: CommitSig) -> UntrustedBlock:
    return msgspec.structs.replace(made.light, commit=msgspec.structs.replace(made.commit, signatures=votes))


def code_of(block: UntrustedBlock, *, since: MadeBlock = FIRST, now_ns: int = NOW) -> str:
    verdict = verify(trusted(since), block, OPTIONS, now_ns)
    assert verdict.outcome is not Outcome.SUCCESS
    assert verdict.trusted is None
    assert not verdict.ok
    return verdict.code


def test_an_adjacent_and_a_distant_header_are_believed() -> None:
    for made in (SECOND_BLOCK, LAST):
        verdict = verify(trusted(FIRST), made.light, OPTIONS, NOW)
        assert verdict.ok
        assert verdict.trusted is not None
        assert verdict.trusted.header == made.block.header
        assert verdict.trusted.next_validators_hash == made.block.header.next_validators_hash


def test_the_first_header_is_adjacent_to_genesis() -> None:
    genesis = trust_genesis(CHAIN.doc)
    verdict = verify_adjacent(genesis, FIRST.light, OPTIONS, NOW)
    assert verdict.ok
    assert verify(genesis, LAST.light, OPTIONS, NOW).ok
    other = MadeChain(powers=(1, 2)).add()
    assert verify_adjacent(genesis, other.light, OPTIONS, NOW).code == "wrong_validators_hash"


def test_each_rule_refuses_the_heights_that_are_the_others() -> None:
    assert verify_adjacent(trusted(FIRST), LAST.light, OPTIONS, NOW).code == "not_adjacent"
    assert verify_non_adjacent(trusted(FIRST), SECOND_BLOCK.light, OPTIONS, NOW).code == "adjacent"


def test_trust_expires_at_the_very_nanosecond() -> None:
    end = FIRST.block.header.time_ns + OPTIONS.trusting_period_ns
    assert code_of(LAST.light, now_ns=end) == "trust_expired"
    assert verify(trusted(FIRST), LAST.light, OPTIONS, end - 1).ok


def test_a_header_from_the_future_is_refused_beyond_the_drift() -> None:
    time_ns = LAST.block.header.time_ns
    assert code_of(LAST.light, now_ns=time_ns - OPTIONS.clock_drift_ns) == "header_from_future"
    assert verify(trusted(FIRST), LAST.light, OPTIONS, time_ns - OPTIONS.clock_drift_ns + 1).ok


def test_an_old_height_and_an_old_time_are_refused() -> None:
    assert code_of(FIRST.light, since=FIRST) == "height_not_greater"
    assert code_of(FIRST.light, since=LAST) == "height_not_greater"
    old = FIRST.block.header.time_ns
    assert code_of(resigned(LAST, time_ns=old)) == "time_not_greater"
    assert verify(trusted(FIRST), resigned(LAST, time_ns=old + 1), OPTIONS, NOW).ok


def test_another_chains_header_is_refused() -> None:
    other = MadeChain(chain_id="other-chain")
    other.add()
    assert code_of(other.add().light) == "wrong_chain"


def test_a_header_that_was_changed_after_it_was_signed_is_forged() -> None:
    header = msgspec.structs.replace(LAST.block.header, app_hash=bytes(32))
    assert code_of(msgspec.structs.replace(LAST.light, header=header)) == "forged_header"


def test_a_commit_for_another_height_is_refused() -> None:
    commit = msgspec.structs.replace(LAST.commit, height=5)
    assert code_of(msgspec.structs.replace(LAST.light, commit=commit)) == "wrong_commit_height"


def test_validators_that_are_not_the_headers_are_refused() -> None:
    more = make_validator_set([*LAST.before.validators.validators, Validator(public_key(8), 1)])
    for validators, code in (
        (more, "wrong_validators"),
        (ValidatorSet(), "malformed_validators"),
        (ValidatorSet((Validator(public_key(8), -1),)), "malformed_validators"),
        (ValidatorSet((Validator(public_key(8), 2**61),)), "malformed_validators"),
    ):
        assert code_of(msgspec.structs.replace(LAST.light, validators=validators)) == code


def test_the_next_header_must_have_the_validators_that_were_announced() -> None:
    validators = make_validator_set([Validator(public_key(8), 1)])
    header = msgspec.structs.replace(SECOND_BLOCK.block.header, validators_hash=validators.hash())
    block_id = BlockId(header.hash(), SECOND_BLOCK.block_id.parts)
    commit = signed_commit("made-chain", 2, block_id, validators, header.time_ns)
    assert code_of(UntrustedBlock(header, commit, validators)) == "wrong_validators_hash"


def test_a_header_or_commit_malformed_in_itself_is_refused_by_its_own_code() -> None:
    assert code_of(resigned(LAST, version_block=10)) == "wrong_block_version"
    bent = CommitSig(COMMIT, b"short", 1, b"s")
    assert code_of(with_votes(LAST, bent, *LAST.commit.signatures[1:])) == "malformed_vote"


def test_exactly_two_thirds_are_not_enough_and_one_more_is() -> None:
    chain = MadeChain(powers=(1, 1, 1))
    chain.add()
    two_thirds = chain.add(flags={0: ABSENT})
    state = trust_genesis(chain.doc)
    first = verify(state, chain.blocks[0].light, OPTIONS, NOW).trusted
    assert first is not None
    assert verify(first, two_thirds.light, OPTIONS, NOW).code == "not_enough_power"
    all_of_them = chain.blocks[0]
    assert verify(state, all_of_them.light, OPTIONS, NOW).ok


def test_votes_for_nil_count_for_nothing() -> None:
    chain = MadeChain()
    made = chain.add(flags={0: NIL, 1: NIL})
    assert verify(trust_genesis(chain.doc), made.light, OPTIONS, NOW).code == "not_enough_power"


def test_exactly_the_trust_level_is_not_enough_trust() -> None:
    strangers = [(public_key(n), 10) for n in (20, 21)]
    chain = MadeChain(powers=(10, 10, 10))
    chain.add(updates=[*strangers, (public_key(1), 0), (public_key(2), 0)])
    chain.add()
    chain.add()
    made = chain.blocks[2]
    start = verify(trust_genesis(chain.doc), chain.blocks[0].light, OPTIONS, NOW).trusted
    assert start is not None
    verdict = verify(start, made.light, OPTIONS, NOW)
    assert (verdict.outcome, verdict.code) == (Outcome.NOT_ENOUGH_TRUST, "not_enough_trust")
    step = verify(start, chain.blocks[1].light, OPTIONS, NOW).trusted
    assert step is not None
    assert verify(step, made.light, OPTIONS, NOW).ok


def test_a_higher_trust_level_asks_for_more_of_the_old_validators() -> None:
    chain = MadeChain(powers=(10, 10, 10))
    chain.add(updates=[(public_key(2), 0), (public_key(20), 10)])
    chain.add()
    made = chain.add()
    start = trust_genesis(chain.doc)
    assert verify(start, made.light, OPTIONS, NOW).ok
    strict = TrustOptions(1000 * SECOND, trust_level=(2, 3))
    assert verify(start, made.light, strict, NOW).outcome is Outcome.NOT_ENOUGH_TRUST


def test_a_trusted_validator_that_votes_twice_is_an_error() -> None:
    chain = MadeChain(powers=(10, 10, 10, 10))
    for _ in range(3):
        chain.add()
    made = chain.blocks[-1]
    first = made.commit.signatures[0]
    assert (
        verify(trust_genesis(chain.doc), with_votes(made, first, first, first, first), OPTIONS, NOW).code
        == "double_vote"
    )


def test_a_signature_that_does_not_hold_is_refused_by_old_and_new_validators() -> None:
    bent = msgspec.structs.replace(LAST.commit.signatures[0], signature=bytes(64))
    assert code_of(with_votes(LAST, bent, *LAST.commit.signatures[1:])) == "bad_signature"
    bent = msgspec.structs.replace(SECOND_BLOCK.commit.signatures[0], signature=bytes(64))
    assert code_of(with_votes(SECOND_BLOCK, bent, *SECOND_BLOCK.commit.signatures[1:])) == "bad_signature"


def test_votes_must_be_as_many_as_validators_and_in_their_order() -> None:
    votes = SECOND_BLOCK.commit.signatures
    assert code_of(with_votes(SECOND_BLOCK, *votes[1:])) == "wrong_vote_count"
    assert code_of(with_votes(SECOND_BLOCK, *votes[::-1])) == "wrong_vote_address"


def test_what_only_a_hash_links_to_cannot_be_skipped_from() -> None:
    verdict = verify_backwards(trusted(LAST), CHAIN.blocks[4].block.header)
    assert verdict.ok
    assert verdict.trusted is not None
    older = verify_backwards(verdict.trusted, CHAIN.blocks[3].block.header).trusted
    assert older is not None
    assert verify(older, LAST.light, OPTIONS, NOW).code == "no_trusted_validators"
    assert verify(older, CHAIN.blocks[4].light, OPTIONS, NOW).ok


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"app_hash": bytes(32)}, "forged_header"),
        ({"chain_id": "other"}, "wrong_chain"),
        ({"time_ns": LAST.block.header.time_ns}, "time_not_before"),
        ({"height": 0}, "malformed_height"),
    ],
)
def test_an_older_header_that_is_not_the_linked_one_is_refused(fields: dict[str, Any], code: str) -> None:
    older = msgspec.structs.replace(CHAIN.blocks[4].block.header, **fields)
    assert verify_backwards(trusted(LAST), older).code == code


def test_there_is_nothing_before_genesis() -> None:
    assert verify_backwards(trust_genesis(CHAIN.doc), FIRST.block.header).code == "nothing_before_genesis"


def test_a_witness_agrees_or_one_of_the_two_lies() -> None:
    header = LAST.block.header
    assert compare_with_witness(trusted(LAST), header).ok
    assert (
        compare_with_witness(trusted(LAST), msgspec.structs.replace(header, app_hash=b"x")).code
        == "conflicting_headers"
    )
    assert compare_with_witness(trusted(LAST), FIRST.block.header).code == "wrong_height"


def test_a_block_trusted_by_hand_must_have_the_hash_its_validators_and_their_signatures() -> None:
    chain_id = CHAIN.doc.chain_id

    def code(block: UntrustedBlock, hash_: bytes = LAST.block_id.hash, chain: str = chain_id) -> str:
        return trust_block(chain, block, hash_).code

    assert code(LAST.light) == ""
    assert code(LAST.light, FIRST.block_id.hash) == code(LAST.light, b"") == "forged_header"
    assert code(LAST.light, chain="other") == "wrong_chain"
    mine = make_validator_set([Validator(public_key(9), 10)])
    own_commit = signed_commit(chain_id, 6, LAST.block_id, mine, NOW)
    assert code(UntrustedBlock(LAST.block.header, own_commit, mine)) == "wrong_validators"
    unsigned = tuple(msgspec.structs.replace(vote, signature=bytes(64)) for vote in LAST.commit.signatures)
    assert code(with_votes(LAST, *unsigned)) == "bad_signature"


def test_next_validators_are_taken_only_when_the_header_names_them() -> None:
    state = trusted(LAST)
    assert state.with_next_validators(CHAIN.tip.validators).validators == CHAIN.tip.validators
    with pytest.raises(MalformedBytes):
        state.with_next_validators(make_validator_set([Validator(public_key(9), 10)]))


@pytest.mark.parametrize("level", [(1, 4), (0, 1), (4, 3), (1, 0), (-1, -3)])
def test_a_trust_level_outside_a_third_and_one_is_refused(level: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="trust level"):
        TrustOptions(1, trust_level=level)


@pytest.mark.parametrize(("period", "drift"), [(0, 0), (-1, 0), (1, -1)])
def test_periods_below_zero_are_refused(period: int, drift: int) -> None:
    with pytest.raises(ValueError, match="trusting period"):
        TrustOptions(period, drift)


def full(commit: Commit, validators: ValidatorSet = LAST.before.validators) -> Verdict:
    return verify_commit("made-chain", validators, LAST.block_id, 6, commit)


def test_a_full_commit_is_verified_to_its_last_signature_for_nil_too() -> None:
    assert full(LAST.commit).ok
    votes = LAST.commit.signatures
    row = LAST.before.validators.validators[3]
    nil = signed_vote("made-chain", LAST.commit, row.public_key, NIL, NOW)
    assert full(msgspec.structs.replace(LAST.commit, signatures=(*votes[:3], nil))).ok
    for bent in (
        msgspec.structs.replace(votes[3], signature=bytes(64)),
        msgspec.structs.replace(nil, flag=COMMIT),
        msgspec.structs.replace(votes[3], flag=NIL),
        msgspec.structs.replace(votes[3], time_ns=votes[3].time_ns + 1),
    ):
        assert full(msgspec.structs.replace(LAST.commit, signatures=(*votes[:3], bent))).code == "bad_signature"


def test_a_full_commit_is_for_this_block_at_this_height_by_these_validators() -> None:
    votes, replace = LAST.commit.signatures, msgspec.structs.replace
    other_parts = BlockId(LAST.block_id.hash, PartSetHeader(2, bytes(32)))
    for commit, code in (
        (replace(LAST.commit, height=7), "wrong_commit_height"),
        (replace(LAST.commit, block_id=other_parts), "wrong_commit_block_id"),
        (replace(LAST.commit, signatures=votes[:3]), "wrong_vote_count"),
        (replace(LAST.commit, signatures=(votes[1], votes[0], *votes[2:])), "wrong_vote_address"),
        (replace(LAST.commit, signatures=(CommitSig(), CommitSig(), *votes[2:])), "not_enough_power"),
        (replace(LAST.commit, round=-1), "malformed_commit"),
        (replace(LAST.commit, round=1), "bad_signature"),
    ):
        assert full(commit).code == code


def test_nobody_can_commit_for_an_empty_set() -> None:
    commit = msgspec.structs.replace(LAST.commit, height=0, signatures=())
    assert verify_commit("made-chain", ValidatorSet(), LAST.block_id, 0, commit).code == "not_enough_power"
