"""Every encoding: it reads back, and bytes that were tampered with are refused or are the very same value's bytes."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainpos.core.chain.block import Block
from chainpos.core.chain.commit import Commit, CommitSig
from chainpos.core.chain.evidence import DuplicateVote, decode_evidence, encode_duplicate_vote
from chainpos.core.chain.header import BlockId, Header, PartSetHeader
from chainpos.core.chain.merkle import MerkleProof
from chainpos.core.chain.params import DEFAULT, ConsensusParams
from chainpos.core.chain.results import Event, EventAttribute, TxResult, decode_results, encode_results
from chainpos.core.chain.tip import decode_tip, encode_tip
from chainpos.core.chain.validators import ValidatorSet
from chainpos.core.values.timestamps import MAX_TIME_S, SECOND_NS, ZERO_TIME_NS
from chainpos.errors import MalformedBytes
from tests.core.chain.conftest import MadeChain, duplicate_vote, public_key

int64s = st.integers(-(2**63), 2**63 - 1)
uint64s = st.integers(0, 2**64 - 1)
int32s = st.integers(-(2**31), 2**31 - 1)
times = st.integers(ZERO_TIME_NS, MAX_TIME_S * SECOND_NS)
hashes = st.one_of(st.just(b""), st.binary(min_size=32, max_size=32), st.binary(max_size=32))
addresses = st.binary(max_size=20)
chain_ids = st.text(max_size=12)
part_set_headers = st.builds(PartSetHeader, st.integers(0, 2**32 - 1), hashes)
block_ids = st.builds(BlockId, hashes, part_set_headers)
headers = st.builds(
    Header,
    version_block=uint64s,
    version_app=uint64s,
    chain_id=chain_ids,
    height=int64s,
    time_ns=times,
    last_block_id=block_ids,
    last_commit_hash=hashes,
    data_hash=hashes,
    validators_hash=hashes,
    next_validators_hash=hashes,
    consensus_hash=hashes,
    app_hash=st.binary(max_size=128),
    last_results_hash=hashes,
    evidence_hash=hashes,
    proposer_address=addresses,
)
votes = st.builds(CommitSig, st.integers(0, 3), addresses, times, st.binary(max_size=64))
commits = st.builds(Commit, int64s, int32s, block_ids, st.lists(votes, max_size=5).map(tuple))
blocks = st.builds(
    Block,
    headers,
    st.lists(st.binary(max_size=200), max_size=5).map(tuple),
    st.lists(st.binary(max_size=50), max_size=3).map(tuple),
    commits,
)


@given(headers)
def test_any_header_reads_back(header: Header) -> None:
    assert Header.decode(header.encode()) == header


@given(commits)
def test_any_commit_reads_back(commit: Commit) -> None:
    assert Commit.decode(commit.encode()) == commit


@settings(deadline=None)
@given(blocks)
def test_any_block_reads_back(block: Block) -> None:
    assert Block.decode(block.encode()) == block


CHAIN = MadeChain()
CHAIN.add([b"one", b""])
MADE = CHAIN.add([b"two", b"three" * 30], evidence=[duplicate_vote(CHAIN.blocks[0])], updates=[(public_key(8), 3)])
RESULTS = [
    TxResult(data=b"receipt", gas_used=5, events=(Event("Paid", (EventAttribute("reference", "S1"),)),)),
    TxResult(code=501, log="already_paid", codespace="chainpos"),
]


def reencoded_evidence(data: bytes) -> bytes:
    found = decode_evidence(data)
    return encode_duplicate_vote(found) if isinstance(found, DuplicateVote) else data


def through(kind: Any) -> Callable[[bytes], bytes]:
    def again(data: bytes) -> bytes:
        encoded: bytes = kind.decode(data).encode()
        return encoded

    return again


SAMPLES: dict[str, tuple[bytes, Callable[[bytes], bytes]]] = {
    "header": (MADE.block.header.encode(), through(Header)),
    "commit": (MADE.commit.encode(), through(Commit)),
    "block": (MADE.block.encode(), through(Block)),
    "block_id": (MADE.block_id.encode(), through(BlockId)),
    "validators": (CHAIN.tip.next_validators.encode(), through(ValidatorSet)),
    "params": (DEFAULT.encode(), through(ConsensusParams)),
    "proof": (MerkleProof(5, 3, bytes(32), (b"a" * 32, b"b" * 32)).encode(), through(MerkleProof)),
    "evidence": (duplicate_vote(CHAIN.blocks[0]), reencoded_evidence),
    "results": (encode_results(RESULTS), lambda data: encode_results(decode_results(data))),
    "tip": (encode_tip(CHAIN.tip), lambda data: encode_tip(decode_tip(data))),
}


def tampered(dice: Random, data: bytes) -> bytes:
    """`data` with one to three bytes changed, dropped, doubled or put in, or a stretch moved."""
    out = bytearray(data)
    for _ in range(dice.randint(1, 3)):
        at = dice.randrange(len(out)) if out else 0
        match dice.randrange(6):
            case 0 if out:
                out[at] ^= 1 << dice.randrange(8)
            case 1 if out:
                out[at] = dice.choice([0, 1, 0x7F, 0x80, 0xFF])
            case 2 if out:
                del out[at]
            case 3:
                out.insert(at, dice.randrange(256))
            case 4:
                end = at + dice.randint(1, 8)
                out[at:end] = out[at:end] * 2
            case _:
                end = at + dice.randint(1, 40)
                stretch = out[at:end]
                del out[at:end]
                to = dice.randint(0, len(out))
                out[to:to] = stretch
    return bytes(out)


def tamper_often(name: str, times_over: int, seed: int) -> int:
    """How many tampered encodings were read after all, each of them a value's own bytes."""
    data, again = SAMPLES[name]
    assert again(data) == data
    dice = Random(f"{name} {seed}")
    read = 0
    for _ in range(times_over):
        bent = tampered(dice, data)
        try:
            encoded = again(bent)
        except MalformedBytes:
            continue
        assert encoded == bent
        read += 1
    return read


@pytest.mark.parametrize("name", SAMPLES)
def test_tampered_bytes_are_refused_or_are_a_values_own(name: str) -> None:
    read = tamper_often(name, 400, seed=1)
    # Both ends are reached: a changed hash is another value, a changed length is none. In a validator set nearly all
    # bytes hang together: addresses on keys, the proposer on its member.
    assert name == "validators" or read > 0
    assert read < 400


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLES)
def test_tampered_bytes_are_refused_for_a_long_time(name: str) -> None:
    for seed in range(6):
        tamper_often(name, 5_000, seed)


@pytest.mark.parametrize("name", SAMPLES)
def test_every_shortened_encoding_is_refused_or_is_a_values_own(name: str) -> None:
    data, again = SAMPLES[name]
    for length in range(len(data)):
        try:
            assert again(data[:length]) == data[:length]
        except MalformedBytes:
            continue


@given(st.binary(max_size=300), st.sampled_from(sorted(SAMPLES)))
def test_noise_is_refused_or_is_a_values_own(noise: bytes, name: str) -> None:
    _, again = SAMPLES[name]
    try:
        assert again(noise) == noise
    except MalformedBytes:
        return
