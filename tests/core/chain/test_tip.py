"""Moving from tip to tip: what a block changes, and when."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from chainpos.core.chain.block import data_hash
from chainpos.core.chain.commit import EMPTY_COMMIT
from chainpos.core.chain.header import ZERO_BLOCK_ID
from chainpos.core.chain.merkle import EMPTY_ROOT
from chainpos.core.chain.params import DEFAULT
from chainpos.core.chain.results import TxResult, results_hash
from chainpos.core.chain.tip import (
    ChainTip,
    build_block,
    decode_tip,
    encode_tip,
    make_genesis_tip,
    next_tip,
)
from chainpos.core.chain.validation import check_block
from chainpos.core.values.hashes import address_of
from chainpos.errors import MalformedBytes, StateMismatch
from tests.core.chain.conftest import MadeBlock, MadeChain, public_key

replace = msgspec.structs.replace


def moved(made: MadeBlock, **changes: Any) -> ChainTip:
    given: dict[str, Any] = {"app_hash_after": bytes(32), "results": made.results}
    return next_tip(made.before, made.block, made.block_id, **(given | changes))


def test_the_tip_before_the_first_block_is_what_genesis_says() -> None:
    doc = MadeChain(powers=(3, 2), initial_height=5).doc
    tip = make_genesis_tip(doc, b"a" * 32)
    assert (tip.height, tip.next_height, tip.is_genesis) == (4, 5, True)
    assert (tip.block_id, tip.last_results_hash, tip.app_hash) == (ZERO_BLOCK_ID, EMPTY_ROOT, b"a" * 32)
    assert (tip.time_ns, tip.params, tip.app_version) == (doc.genesis_time_ns, DEFAULT, DEFAULT.app_version)
    assert tip.validators == doc.validator_set()
    assert tip.next_validators == doc.validator_set().advanced()
    assert make_genesis_tip(doc, b"", app_version=7).app_version == 7


def test_a_block_moves_every_part_of_the_tip() -> None:
    chain = MadeChain()
    chain.add()
    made = chain.add([b"one"])
    results = [TxResult(data=b"receipt", gas_used=5)]
    tip = moved(made, app_hash_after=b"n" * 32, results=results, commit=made.commit)
    assert (tip.height, tip.next_height, tip.is_genesis) == (2, 3, False)
    assert (tip.block_id, tip.time_ns) == (made.block_id, made.block.header.time_ns)
    assert (tip.app_hash, tip.last_results_hash, tip.commit) == (b"n" * 32, results_hash(results), made.commit)
    assert tip.last_validators == made.before.validators
    assert tip.validators == made.before.next_validators
    assert tip.next_validators == made.before.next_validators.advanced()


def test_a_change_of_validators_acts_two_heights_later() -> None:
    chain = MadeChain(powers=(10, 10))
    newcomer = address_of(public_key(5))
    heights = [
        made.block.header.height for made in (chain.add(updates=[(public_key(5), 10)]), chain.add(), chain.add())
    ]
    sets = [made.before.validators for made in chain.blocks]
    assert heights == [1, 2, 3]
    assert [found.by_address(newcomer) is not None for found in sets] == [False, False, True]


def test_a_change_of_parameters_acts_one_height_later() -> None:
    chain = MadeChain()
    made = chain.add()
    params = replace(DEFAULT, max_gas=1000, app_version=2)
    tip = moved(made, param_updates=params)
    assert (tip.params, tip.app_version) == (params, 2)
    block = build_block(tip, [], made.commit, tip.validators.proposer().address)
    assert (block.header.consensus_hash, block.header.version_app) == (params.hash(), 2)
    check_block(tip, block, block.block_id())


@pytest.mark.parametrize(
    "changes",
    [
        {"results": [TxResult()]},
        {"validator_updates": [(public_key(25), 0)]},
        {"validator_updates": [(public_key(0), -1)]},
        {"validator_updates": [(public_key(n), 0) for n in range(4)]},
        {"param_updates": replace(DEFAULT, max_bytes=0)},
        {"param_updates": replace(DEFAULT, vote_extensions_enable_height=9)},
    ],
)
def test_a_change_that_our_own_rules_should_never_make_halts(changes: dict[str, Any]) -> None:
    with pytest.raises(StateMismatch):
        moved(MadeChain().add(), **changes)


def test_a_built_block_is_the_right_next_one() -> None:
    chain = MadeChain()
    for txs in ([], [b"one", b"two"], [b"x" * 70_000]):
        made = chain.add(txs)
        check_block(made.before, made.block, made.block_id)
        assert made.block.header.data_hash == data_hash(txs)


def test_the_first_block_is_built_without_votes_whatever_is_given() -> None:
    chain = MadeChain()
    commit = chain.add().commit
    tip = make_genesis_tip(chain.doc, bytes(32))
    assert build_block(tip, [], commit, bytes(20)).last_commit == EMPTY_COMMIT


def test_a_tip_reads_back_from_the_store() -> None:
    chain = MadeChain()
    tips = [chain.tip, chain.add([b"one"]).after, chain.add(updates=[(public_key(8), 3)]).after]
    tips.append(replace(chain.tip, commit=chain.blocks[-1].commit))
    for tip in tips:
        assert decode_tip(encode_tip(tip)) == tip


@pytest.mark.parametrize("bend", [b"", b"\x00", b"\x9d", "cut", "longer", "validators"])
def test_a_tip_that_is_not_whole_is_refused(bend: bytes | str) -> None:
    chain = MadeChain()
    data = encode_tip(chain.add().after)
    bent = {"cut": data[:-1], "longer": data + b"\0", "validators": data.replace(public_key(0), bytes(32))}
    with pytest.raises(MalformedBytes):
        decode_tip(bent[bend] if isinstance(bend, str) else bend)
