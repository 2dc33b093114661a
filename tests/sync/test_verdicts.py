"""Which blocks may be executed, and whose fault it is when one may not."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from chainpos.core.chain.block import Block, data_hash
from chainpos.core.chain.commit import EMPTY_COMMIT, Commit
from chainpos.core.chain.header import BlockId, PartSetHeader
from chainpos.sync.verdicts import Fault, judge

TXS = (b"pay 1", b"pay 2")


@pytest.fixture
def block(chain: Any) -> Block:
    made: Block = chain.propose(TXS)
    return made


def lie(code: str) -> Fault:
    return Fault(code, ours=False)


def test_what_the_validators_signed_may_be_executed(chain: Any, block: Block) -> None:
    assert judge(chain.tip, block, chain.sign(block)) is None


def test_a_commit_of_a_later_round_is_as_good(chain: Any, block: Block) -> None:
    assert judge(chain.tip, block, chain.sign(block, round_=2)) is None


def test_a_header_that_was_not_signed_is_forged(chain: Any, block: Block) -> None:
    forged = chain.altered(block, time_ns=block.header.time_ns + 1)
    assert judge(chain.tip, forged, chain.sign(block)) == lie("forged_header")


def test_a_forged_header_under_a_commit_that_names_it_has_a_bad_signature(chain: Any, block: Block) -> None:
    forged = chain.altered(block, time_ns=block.header.time_ns + 1)
    commit = msgspec.structs.replace(chain.sign(block), block_id=forged.block_id())
    assert judge(chain.tip, forged, commit) == lie("bad_signature")


def test_a_wrong_signature_is_named(chain: Any, block: Block) -> None:
    commit = chain.sign(block)
    vote = msgspec.structs.replace(commit.signatures[0], signature=bytes(64))
    assert judge(chain.tip, block, msgspec.structs.replace(commit, signatures=(vote,))) == lie("bad_signature")


def test_changed_transactions_are_named(chain: Any, block: Block) -> None:
    altered = msgspec.structs.replace(block, txs=(b"pay 9", b"pay 2"))
    assert judge(chain.tip, altered, chain.sign(block)) == lie("altered_transactions")


def test_changed_transactions_under_a_header_made_to_fit_are_a_forged_header(chain: Any, block: Block) -> None:
    altered = msgspec.structs.replace(block, txs=(b"pay 9", b"pay 2"))
    fitting = chain.altered(altered, data_hash=data_hash(altered.txs))
    assert judge(chain.tip, fitting, chain.sign(block)) == lie("forged_header")


def test_a_wrong_app_hash_that_was_not_signed_is_named(chain: Any, block: Block) -> None:
    forged = chain.altered(block, app_hash=b"\x02" * 32)
    assert judge(chain.tip, forged, chain.sign(block)) == lie("wrong_app_hash")
    renamed = msgspec.structs.replace(chain.sign(block), block_id=forged.block_id())
    assert judge(chain.tip, forged, renamed) == lie("wrong_app_hash")


def test_a_wrong_app_hash_that_was_signed_is_our_own_divergence(chain: Any, block: Block) -> None:
    signed = chain.altered(block, app_hash=b"\x02" * 32)
    assert judge(chain.tip, signed, chain.sign(signed)) == Fault("wrong_app_hash", ours=True)


def test_wrong_results_that_were_signed_are_our_own_divergence(chain: Any, block: Block) -> None:
    signed = chain.altered(block, last_results_hash=b"\x02" * 32)
    assert judge(chain.tip, signed, chain.sign(signed)) == Fault("wrong_last_results_hash", ours=True)


def test_transactions_that_do_not_fit_a_signed_block_are_our_own_divergence(chain: Any, block: Block) -> None:
    signed = chain.altered(block, data_hash=b"\x02" * 32)
    assert judge(chain.tip, signed, chain.sign(signed)) == Fault("wrong_data_hash", ours=True)


def test_another_last_commit_is_the_upstreams_fault(chain: Any, block: Block) -> None:
    altered = msgspec.structs.replace(block, last_commit=EMPTY_COMMIT)
    assert judge(chain.tip, altered, chain.sign(block)) == lie("wrong_last_commit_hash")


def test_a_block_of_another_height_is_refused(chain: Any) -> None:
    old = chain.propose(TXS)
    commit = chain.sign(old)
    chain.extend()
    assert judge(chain.tip, old, commit) == lie("wrong_commit_height")


def test_a_commit_of_nobody_is_refused(chain: Any, block: Block) -> None:
    commit = Commit(chain.tip.next_height, 0, block.block_id(), ())
    fault = judge(chain.tip, block, commit)
    assert fault is not None
    assert not fault.ours


def test_other_parts_than_the_signed_ones_are_refused(chain: Any, block: Block) -> None:
    commit = chain.sign(block)
    other = BlockId(commit.block_id.hash, PartSetHeader(1, bytes(32)))
    assert judge(chain.tip, block, msgspec.structs.replace(commit, block_id=other)) == lie("bad_signature")
