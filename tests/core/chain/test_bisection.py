"""Skipping verification step by step, over chains whose validators all change."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainpos.core.chain.bisection import Fetch, Found, Refused, begin, pivot_height, resume
from chainpos.core.chain.verifier import TrustOptions, UntrustedBlock, trust_genesis
from tests.core.chain.conftest import SECOND, MadeChain, public_key

OPTIONS = TrustOptions(trusting_period_ns=10_000 * SECOND)


def turning_chain(blocks: int, *, every: int = 2) -> MadeChain:
    """Three validators; every few heights the oldest leaves and a new one comes."""
    chain = MadeChain(powers=(10, 10, 10))
    gone, come = 0, 3
    for height in range(blocks):
        updates = []
        if height % every == 0:
            updates = [(public_key(gone), 0), (public_key(come), 10)]
            gone, come = gone + 1, come + 1
        chain.add(updates=updates)
    return chain


def run(chain: MadeChain, lie: dict[int, UntrustedBlock] | None = None) -> tuple[Found | Refused, list[int]]:
    """The end of the search for the last height, and the heights fetched on the way."""
    lights = {made.block.header.height: made.light for made in chain.blocks} | (lie or {})
    now_ns = chain.tip.time_ns + SECOND
    fetched: list[int] = []
    step = begin(trust_genesis(chain.doc), lights[chain.tip.height], OPTIONS, now_ns)
    while isinstance(step, Fetch):
        fetched.append(step.height)
        step = resume(step, lights[step.height], OPTIONS, now_ns)
    return step, fetched


def test_a_chain_whose_validators_stay_needs_no_block_in_between() -> None:
    chain = MadeChain()
    for _ in range(30):
        chain.add()
    found, fetched = run(chain)
    assert isinstance(found, Found)
    assert fetched == []
    assert [state.height for state in found.trace] == [30]


def test_a_chain_whose_validators_all_change_is_crossed_in_steps() -> None:
    chain = turning_chain(20)
    found, fetched = run(chain)
    assert isinstance(found, Found)
    assert found.trusted.header == chain.blocks[-1].block.header
    assert 0 < len(fetched) < 20
    heights = [state.height for state in found.trace]
    assert heights == sorted(set(heights))
    assert heights[-1] == 20


def test_the_target_itself_is_what_is_refused_when_it_lies() -> None:
    chain = turning_chain(12)
    target = chain.blocks[-1].light
    bent = msgspec.structs.replace(target.header, app_hash=bytes(32))
    found, _ = run(chain, {12: msgspec.structs.replace(target, header=bent)})
    assert isinstance(found, Refused)
    assert (found.height, found.verdict.code) == (12, "forged_header")


def test_a_lie_in_between_is_refused_at_its_own_height() -> None:
    chain = turning_chain(12)
    _, fetched = run(chain)
    at = fetched[0]
    light = chain.blocks[at - 1].light
    lie = msgspec.structs.replace(light, header=msgspec.structs.replace(light.header, app_hash=bytes(32)))
    found, _ = run(chain, {at: lie})
    assert isinstance(found, Refused)
    assert (found.height, found.verdict.code) == (at, "forged_header")


def test_an_answer_of_another_height_is_refused() -> None:
    chain = turning_chain(12)
    _, fetched = run(chain)
    found, _ = run(chain, {fetched[0]: chain.blocks[0].light})
    assert isinstance(found, Refused)
    assert (found.height, found.verdict.code) == (fetched[0], "wrong_height")


def test_the_pivot_is_nine_sixteenths_on_and_always_in_between() -> None:
    assert pivot_height(0, 16) == 9
    assert pivot_height(100, 102) == 101
    for gap in range(2, 200):
        assert 7 < pivot_height(7, 7 + gap) < 7 + gap
    with pytest.raises(ValueError, match="in between"):
        pivot_height(7, 8)


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 40), st.integers(1, 5))
def test_an_honest_chain_is_always_crossed(blocks: int, every: int) -> None:
    chain = turning_chain(blocks, every=every)
    found, fetched = run(chain)
    assert isinstance(found, Found)
    assert found.trusted.height == blocks
    assert len(fetched) == len(set(fetched))
