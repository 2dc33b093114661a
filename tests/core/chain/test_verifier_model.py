"""The light client beside an independent model that knows only who signed, in whole numbers of shares."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainpos.core.chain.commit import ABSENT, COMMIT, NIL, Commit, CommitSig
from chainpos.core.chain.header import BlockId, Header, PartSetHeader
from chainpos.core.chain.validators import Validator, ValidatorSet, make_validator_set
from chainpos.core.chain.verifier import TrustedState, TrustOptions, UntrustedBlock, verify
from chainpos.core.values.hashes import address_of
from tests.core.chain.conftest import GENESIS_NS, SECOND, MadeChain, public_key, signed_vote

PEOPLE = range(8)
HEADER = MadeChain().add().block.header


class Scene(NamedTuple):
    """Powers by person, who votes how (a flag, or "forged"), and how far the heights and times are apart."""

    old: dict[int, int]
    new: dict[int, int]
    votes: dict[int, int | str]
    height_gap: int
    time_gap_s: int
    now_gap_s: int
    level: tuple[int, int]
    announced: bool


powers = st.dictionaries(st.sampled_from(PEOPLE), st.integers(1, 30), min_size=1)
scenes = st.builds(
    Scene,
    old=powers,
    new=powers,
    votes=st.dictionaries(st.sampled_from(PEOPLE), st.sampled_from([COMMIT, COMMIT, COMMIT, ABSENT, NIL, "forged"])),
    height_gap=st.sampled_from([0, 1, 1, 2, 2, 5, 5]),
    time_gap_s=st.sampled_from([0, 1, 5, 5, 5]),
    now_gap_s=st.sampled_from([-20, -9, 0, 94, 95, 200]),
    level=st.sampled_from([(1, 3), (2, 3), (1, 1)]),
    announced=st.booleans(),
)
PERIOD_S, DRIFT_S = 100, 10


def modelled(scene: Scene) -> str:
    """What should come of it, by the light client's specification, in the order of its own sentences."""
    if scene.now_gap_s + scene.time_gap_s >= PERIOD_S:
        return "invalid"
    if scene.height_gap <= 0 or scene.time_gap_s <= 0 or -scene.now_gap_s >= DRIFT_S:
        return "invalid"
    adjacent = scene.height_gap == 1
    if adjacent and not (scene.announced or scene.old == scene.new):
        return "invalid"
    ordered = sorted(scene.new, key=lambda person: (-scene.new[person], address_of(public_key(person))))
    signers = [person for person in ordered if scene.votes.get(person, COMMIT) in (COMMIT, "forged")]
    if not adjacent:
        numerator, denominator = scene.level
        known = [person for person in signers if person in scene.old]
        reached = counted(known, scene.old, sum(scene.old.values()) * numerator, denominator)
        if reached is None:
            return "not_enough_trust"
        if any(scene.votes.get(person) == "forged" for person in reached):
            return "invalid"
    reached = counted(signers, scene.new, sum(scene.new.values()) * 2, 3)
    if reached is None or any(scene.votes.get(person) == "forged" for person in reached):
        return "invalid"
    return "success"


def counted(people: list[int], power: dict[int, int], total_times: int, divided_by: int) -> list[int] | None:
    """Those whose votes are looked at until their power exceeds a share of the total; None if it never does."""
    for upto in range(1, len(people) + 1):
        if sum(power[person] for person in people[:upto]) > total_times // divided_by:
            return people[:upto]
    return None


def set_of(power: dict[int, int]) -> ValidatorSet:
    return make_validator_set(Validator(public_key(person), share) for person, share in power.items())


def staged(scene: Scene) -> tuple[TrustedState, UntrustedBlock]:
    """The same scene with real headers and signatures."""
    old, new = set_of(scene.old), set_of(scene.new)
    announced = new if scene.announced else old
    trusted = TrustedState("made-chain", 10, GENESIS_NS, None, old, announced.hash())
    header: Header = msgspec.structs.replace(
        HEADER,
        height=10 + scene.height_gap,
        time_ns=GENESIS_NS + scene.time_gap_s * SECOND,
        validators_hash=new.hash(),
        next_validators_hash=new.hash(),
    )
    commit = Commit(header.height, 0, BlockId(header.hash(), PartSetHeader(1, bytes(32))))
    by_key = {public_key(person): person for person in PEOPLE}
    votes: list[CommitSig] = []
    for row in new.validators:
        flag = scene.votes.get(by_key[row.public_key], COMMIT)
        vote = signed_vote(
            "made-chain", commit, row.public_key, flag if isinstance(flag, int) else COMMIT, header.time_ns
        )
        votes.append(msgspec.structs.replace(vote, signature=bytes(64)) if flag == "forged" else vote)
    return trusted, UntrustedBlock(header, msgspec.structs.replace(commit, signatures=tuple(votes)), new)


def check(scene: Scene) -> None:
    trusted, block = staged(scene)
    options = TrustOptions(PERIOD_S * SECOND, DRIFT_S * SECOND, scene.level)
    verdict = verify(trusted, block, options, block.header.time_ns + scene.now_gap_s * SECOND)
    assert verdict.outcome.value == modelled(scene), verdict.code


@settings(max_examples=150, deadline=None)
@given(scenes)
def test_the_verdict_is_the_models(scene: Scene) -> None:
    check(scene)


@pytest.mark.slow
@settings(max_examples=4_000, deadline=None)
@given(scenes)
def test_the_verdict_is_the_models_for_a_long_time(scene: Scene) -> None:
    check(scene)
