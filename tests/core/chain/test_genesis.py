"""genesis.json, both ways."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chainpos.core.chain.genesis import GenesisDoc, GenesisValidator, dump_genesis, load_genesis
from chainpos.core.chain.params import DEFAULT
from chainpos.core.values.hashes import address_of
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.errors import MalformedBytes
from tests.core.chain.conftest import load_json, public_key

DOC = GenesisDoc(
    chain_id="city-1",
    genesis_time_ns=1_760_000_000 * SECOND_NS + 5,
    initial_height=1,
    params=DEFAULT,
    validators=(GenesisValidator(public_key(0), 10, "中央 bank"), GenesisValidator(public_key(1), 5)),
    app_hash=b"",
    app_state=b'{"b": [1, 2.50],  "a": "\\u4e0a"}',
)


def written(**changes: Any) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(dump_genesis(DOC))
    read.update(changes)
    return read


def load(read: dict[str, Any]) -> GenesisDoc:
    return load_genesis(json.dumps(read).encode())


def test_a_document_reads_back_and_its_app_state_keeps_every_byte() -> None:
    assert load_genesis(dump_genesis(DOC)) == DOC
    assert DOC.app_state in dump_genesis(DOC)


def test_it_is_written_as_cometbft_writes_it() -> None:
    read = written()
    assert read["genesis_time"] == "2025-10-09T08:53:20.000000005Z"
    assert read["initial_height"] == "1"
    assert read["app_hash"] == ""
    assert read["consensus_params"]["block"] == {"max_bytes": "22020096", "max_gas": "-1"}
    assert read["consensus_params"]["evidence"]["max_age_duration"] == "172800000000000"
    assert read["consensus_params"]["abci"] == {"vote_extensions_enable_height": "0"}
    assert read["validators"][0]["address"] == address_of(public_key(0)).hex().upper()
    assert read["validators"][0]["pub_key"]["type"] == "tendermint/PubKeyEd25519"


def test_the_genesis_of_a_real_chain_is_read(vectors: Path) -> None:
    read = load_json(vectors / "rpc_v0_38" / "incoming" / "genesis.json")["result"]["genesis"]
    doc = load(read)
    assert (doc.chain_id, doc.initial_height, len(doc.validators)) == ("dockerchain", 1, 1)
    assert doc.params.app_version == 0
    assert doc.app_state == b"{}"
    assert load_genesis(dump_genesis(doc)) == doc


def test_what_may_be_left_out_has_its_usual_value() -> None:
    read = written()
    del read["initial_height"], read["app_hash"], read["app_state"], read["consensus_params"]["abci"]
    read["consensus_params"]["version"] = {}
    del read["validators"][0]["address"], read["validators"][0]["name"]
    doc = load(read)
    assert doc.initial_height == 1
    assert doc.app_state == b"{}"
    assert doc.params.app_version == 0
    assert doc.validator_set() == DOC.validator_set()


def test_height_zero_means_one_as_in_cometbft() -> None:
    assert load(written(initial_height="0")).initial_height == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"chain_id": ""},
        {"chain_id": "c" * 51},
        {"chain_id": "链" * 17},
        {"initial_height": "-1"},
        {"initial_height": 1},
        {"initial_height": "one"},
        {"genesis_time": "yesterday"},
        {"genesis_time": "1969-12-31T23:59:59Z"},
        {"app_hash": "xyz"},
        {"initial_heigth": "7"},
        {"validators": [{"pub_key": {"type": "tendermint/PubKeySecp256k1", "value": "AA=="}, "power": "1"}]},
        {"validators": [{"pub_key": {"type": "tendermint/PubKeyEd25519", "value": "AA=="}, "power": "1"}]},
        {"validators": [{"pub_key": {"type": "tendermint/PubKeyEd25519", "value": "?"}, "power": "1"}]},
    ],
)
def test_a_document_that_cometbft_would_refuse_or_misread_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(MalformedBytes):
        load(written(**changes))


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("block", {"max_bytes": "0", "max_gas": "-1"}),
        ("block", {"max_bytes": "1", "max_gas": "-1"}),
        ("block", {"max_bytes": "22020096", "max_gas": "-1", "time_iota_ms": "1"}),
        ("validator", {"pub_key_types": []}),
        ("version", {"app": "-1"}),
        ("version", {"app": "99999999999999999999"}),
        ("version", {"app": "18446744073709551616"}),
        ("block", {"max_bytes": "22020096", "max_gas": "9223372036854775808"}),
        ("authority", {"authority": "someone"}),
    ],
)
def test_parameters_out_of_range_are_refused(part: str, value: dict[str, Any]) -> None:
    read = written()
    read["consensus_params"][part] = value
    with pytest.raises(MalformedBytes):
        load(read)


def test_an_empty_authority_of_newer_cometbft_is_taken() -> None:
    read = written()
    read["consensus_params"]["authority"] = {"authority": ""}
    assert load(read) == msgspec.structs.replace(DOC, app_state=json.dumps(read["app_state"]).encode())


@pytest.mark.parametrize(
    ("field", "value"), [("power", "0"), ("power", "-1"), ("address", "00" * 20), ("address", "xyz")]
)
def test_a_validator_that_could_not_sign_is_refused(field: str, value: str) -> None:
    read = written()
    read["validators"][0][field] = value
    with pytest.raises(MalformedBytes):
        load(read)


def test_a_validator_named_twice_is_refused() -> None:
    twice = msgspec.structs.replace(DOC, validators=(DOC.validators[0], DOC.validators[0]))
    with pytest.raises(MalformedBytes, match="twice"):
        dump_genesis(twice)


@pytest.mark.parametrize("data", [b"", b"null", b"[]", b"{", b"{}", b"\xff", b'{"app_state":' + b"[" * 5000])
def test_what_is_no_document_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedBytes):
        load_genesis(data)


def test_app_state_that_is_no_json_is_not_written() -> None:
    with pytest.raises(MalformedBytes):
        dump_genesis(msgspec.structs.replace(DOC, app_state=b'{"a": '))
