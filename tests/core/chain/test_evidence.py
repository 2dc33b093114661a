"""Evidence as blocks carry it: read back, and refused where it could not be evidence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from chainpos.core.chain.commit import vote_sign_bytes
from chainpos.core.chain.evidence import (
    DuplicateVote,
    LightClientAttack,
    Misdeed,
    Vote,
    decode_evidence,
    encode_duplicate_vote,
    misdeeds_of,
)
from chainpos.core.chain.header import BlockId, PartSetHeader
from chainpos.core.chain.signatures import verify
from chainpos.errors import MalformedBytes
from tests.core.chain.conftest import MadeChain, attack, duplicate_vote, evidence_of, find_objects, load_json

CHAIN = MadeChain()
MADE = CHAIN.add([b"tx"])
LATER = CHAIN.add()


def sound() -> DuplicateVote:
    found = decode_evidence(duplicate_vote(MADE))
    assert isinstance(found, DuplicateVote)
    return found


def test_two_votes_that_exclude_each_other_read_back() -> None:
    found = sound()
    assert encode_duplicate_vote(found) == duplicate_vote(MADE)
    for vote in (found.vote_a, found.vote_b):
        signed = vote_sign_bytes("made-chain", vote.height, vote.round, vote.block_id, vote.time_ns)
        assert verify(MADE.before.validators.validators[0].public_key, signed, vote.signature)


def test_real_evidence_from_the_public_vectors_reads_back(vectors: Path) -> None:
    answer = load_json(vectors / "rpc_v0_38" / "incoming" / "block_search_evidence.json")
    (read,) = find_objects(answer, "type", "value")
    encoded = evidence_of(read)
    found = decode_evidence(encoded)
    assert isinstance(found, DuplicateVote)
    assert encode_duplicate_vote(found) == encoded
    assert found.vote_a.block_id.is_zero


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": 0},
        {"height": 0},
        {"round": -1},
        {"index": -1},
        {"address": b"short"},
        {"signature": b""},
        {"block_id": BlockId(bytes(32))},
        {"kind": 1, "extension": b"x", "extension_signature": b"y"},
        {"extension": b"x"},
    ],
)
def test_evidence_with_a_malformed_vote_is_refused(fields: dict[str, Any]) -> None:
    found = sound()
    bent: Vote = msgspec.structs.replace(found.vote_a, **fields)
    with pytest.raises(MalformedBytes):
        decode_evidence(encode_duplicate_vote(msgspec.structs.replace(found, vote_a=bent)))


def test_votes_that_are_the_same_or_in_the_wrong_order_are_no_evidence() -> None:
    found = sound()
    for a, b in ((found.vote_b, found.vote_a), (found.vote_a, found.vote_a)):
        with pytest.raises(MalformedBytes, match="order"):
            decode_evidence(encode_duplicate_vote(msgspec.structs.replace(found, vote_a=a, vote_b=b)))


def test_an_attack_on_light_clients_reads_back() -> None:
    found = decode_evidence(attack(LATER, 1))
    assert isinstance(found, LightClientAttack)
    assert (found.header, found.commit) == (LATER.block.header, LATER.commit)
    assert found.byzantine == LATER.before.validators.validators
    assert found.validators.hash() == LATER.block.header.validators_hash


@pytest.mark.parametrize("common_height", [0, -1, 3])
def test_an_attack_from_after_its_own_height_is_refused(common_height: int) -> None:
    with pytest.raises(MalformedBytes):
        decode_evidence(attack(LATER, common_height))


def test_an_attack_whose_commit_is_for_another_block_is_refused() -> None:
    mixed = LATER._replace(commit=msgspec.structs.replace(LATER.commit, block_id=MADE.block_id))
    with pytest.raises(MalformedBytes):
        decode_evidence(attack(mixed, 1))
    other = BlockId(LATER.block_id.hash, PartSetHeader(9, bytes(32)))
    assert decode_evidence(attack(LATER._replace(commit=msgspec.structs.replace(LATER.commit, block_id=other)), 1))


@pytest.mark.parametrize(
    "data", [b"", b"\x0a\x00", b"\x12\x00", b"\x1a\x00", duplicate_vote(MADE)[:-1], attack(LATER, 1) + b"\0"]
)
def test_bytes_that_are_no_evidence_are_refused(data: bytes) -> None:
    with pytest.raises(MalformedBytes):
        decode_evidence(data)


def test_a_block_accuses_whom_its_evidence_names_and_nobody_where_it_cannot_be_read() -> None:
    found = sound()
    double = Misdeed("duplicate_vote", found.vote_a.address, found.vote_a.height, found.validator_power)
    assert misdeeds_of([duplicate_vote(MADE), b"unknown"]) == (double,)
    accused = misdeeds_of([attack(LATER, 1)])
    assert {each.address for each in accused} == {each.address for each in LATER.before.validators.validators}
    assert {(each.kind, each.height) for each in accused} == {("light_client_attack", 1)}
