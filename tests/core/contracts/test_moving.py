"""A new genesis that goes on from an older chain: the same records, and nothing but those."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from chainpos.core.chain.genesis import GenesisDoc, GenesisValidator
from chainpos.core.chain.params import DEFAULT
from chainpos.core.contracts.governance.records import ONLY, VALIDATORS
from chainpos.core.contracts.moving import NAME, ORIGIN, Origin, dump
from chainpos.core.execution import genesis_state
from chainpos.core.state.commitment import Commitment
from chainpos.core.values.timestamps import SECOND_NS
from tests.core.blocks import Chain, genesis_records
from tests.core.contracts.conftest import CHAIN_ID, GENESIS_S
from tests.node.conftest import issue_tx

HEIGHT = 7


def moved(records: dict[bytes, bytes]) -> dict[str, Any]:
    origin = Origin(CHAIN_ID, HEIGHT, bytes(range(32)), Commitment(records).root)
    return {NAME: dump(origin, records)}


def doc(
    app_state: Any, *, initial_height: int = HEIGHT + 1, validators: tuple[GenesisValidator, ...] = ()
) -> GenesisDoc:
    encoded = json.dumps(app_state).encode()
    return GenesisDoc(CHAIN_ID, GENESIS_S * SECOND_NS, initial_height, DEFAULT, validators, app_state=encoded)


def test_every_record_is_there_again_beside_where_they_come_from() -> None:
    chain = Chain()
    chain.append(issue_tx(1, now_s=GENESIS_S), issue_tx(2, now_s=GENESIS_S))
    records = chain.state.values()
    state = genesis_state(doc(moved(records)))
    found = state.get(ORIGIN, b"")
    assert found == Origin(CHAIN_ID, HEIGHT, bytes(range(32)), chain.state.app_hash)
    assert {key: value for key, value in state.values().items() if not key.startswith(ORIGIN.prefix)} == records


def test_validators_are_the_new_ones() -> None:
    validator = GenesisValidator(bytes([1]) * 32, 10)
    state = genesis_state(doc(moved(dict(genesis_records())), validators=(validator,)))
    found = state.get(VALIDATORS, ONLY)
    assert found is not None
    assert [(each.public_key, each.power) for each in found.validators] == [(validator.public_key, 10)]


def test_a_network_may_move_again() -> None:
    once = genesis_state(doc(moved(dict(genesis_records()))))
    again = genesis_state(doc(moved(once.values())))
    found = again.get(ORIGIN, b"")
    assert found is not None
    assert found.app_hash == once.app_hash


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda section: section["records"].pop(), "do not lead to the app hash"),
        (lambda section: section.update(app_hash="00" * 32), "do not lead to the app hash"),
        (lambda section: section.update(block_hash="00"), "do not lead to the app hash"),
        (lambda section: section.update(height=HEIGHT + 1), "does not follow"),
        (lambda section: section["records"].append(["zz", ""]), "hex and base64"),
        (lambda section: section.update(more=1), "more"),
    ],
)
def test_anything_else_is_refused(change: Any, sentence: str) -> None:
    app_state = copy.deepcopy(moved(dict(genesis_records())))
    change(app_state[NAME])
    with pytest.raises(ValueError, match=sentence):
        genesis_state(doc(app_state))


def test_records_of_no_known_kind_and_broken_ones_are_refused() -> None:
    for key, sentence in ((b"??nothing", "no such kind"), (ORIGIN.prefix + b"x", "not a record of its kind")):
        with pytest.raises(ValueError, match=sentence):
            genesis_state(doc(moved({**genesis_records(), key: b"\x00"})))


def test_nothing_may_stand_beside_it() -> None:
    app_state = {**moved(dict(genesis_records())), "governance": {}}
    with pytest.raises(ValueError, match=r"stands alone|missing"):
        genesis_state(doc(app_state))
