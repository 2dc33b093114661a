"""What of results and parameters is hashed, and their forms in the store."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainpos.core.chain.merkle import EMPTY_ROOT
from chainpos.core.chain.params import DEFAULT, MAX_BLOCK_BYTES, ConsensusParams, params_fault
from chainpos.core.chain.results import (
    Event,
    EventAttribute,
    TxResult,
    decode_results,
    encode_results,
    result_proof,
    results_hash,
    verify_result,
)
from chainpos.errors import MalformedBytes

texts = st.text(max_size=12)
events = st.builds(
    Event,
    type=texts,
    attributes=st.lists(st.builds(EventAttribute, texts, texts, st.booleans()), max_size=3).map(tuple),
)
results_strategy = st.lists(
    st.builds(
        TxResult,
        code=st.integers(0, 2**32 - 1),
        data=st.binary(max_size=40),
        log=texts,
        info=texts,
        gas_wanted=st.integers(-(2**63), 2**63 - 1),
        gas_used=st.integers(-(2**63), 2**63 - 1),
        events=st.lists(events, max_size=2).map(tuple),
        codespace=texts,
    ),
    max_size=6,
)


@given(results_strategy)
def test_results_read_back_from_the_store_whole(results: list[TxResult]) -> None:
    assert decode_results(encode_results(results)) == tuple(results)


@given(results_strategy.filter(bool), st.data())
def test_each_result_is_proved_by_code_data_and_gas_alone(results: list[TxResult], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(results) - 1))
    root, proof, result = results_hash(results), result_proof(results, index), results[index]
    bare = TxResult(result.code, result.data, "", "", result.gas_wanted, result.gas_used)
    assert verify_result(root, bare, proof)
    replace = msgspec.structs.replace
    assert verify_result(root, replace(bare, log="prose", events=(Event("Paid"),), codespace="x"), proof)
    assert not verify_result(root, replace(bare, code=result.code ^ 1), proof)
    assert not verify_result(root, replace(bare, data=result.data + b"!"), proof)
    assert not verify_result(root, replace(bare, gas_used=result.gas_used ^ 1), proof)


def test_no_results_hash_to_nothing_and_an_empty_one_does_not() -> None:
    assert results_hash([]) == EMPTY_ROOT
    assert results_hash([TxResult()]) != EMPTY_ROOT
    assert TxResult().leaf() == b""
    assert TxResult().is_ok
    assert not TxResult(code=1).is_ok


@pytest.mark.parametrize(
    "data", [b"", b"\x90\x90", b"\x91\xa1x", b"\x91\x91\xcc\x01", encode_results([TxResult()])[:-1]]
)
def test_results_that_are_not_whole_or_not_canonical_are_refused(data: bytes) -> None:
    with pytest.raises(MalformedBytes):
        decode_results(data)


def changed(**fields: Any) -> ConsensusParams:
    return msgspec.structs.replace(DEFAULT, **fields)


def test_the_default_parameters_hash_as_on_real_chains() -> None:
    # The consensus_hash of every header in the public v0.38 vectors.
    assert DEFAULT.hash().hex().upper() == "048091BC7DDC283F77BFBF91D73C44DA58C3DF8A9CBC867405D8B7F3DAADA22F"
    assert params_fault(DEFAULT) == ""


def test_only_the_block_limits_are_hashed() -> None:
    assert changed(evidence_max_bytes=1, app_version=9).hash() == DEFAULT.hash()
    assert changed(max_gas=5).hash() != DEFAULT.hash()
    assert changed(max_bytes=5).hash() != DEFAULT.hash()


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"max_bytes": 0}, "malformed_max_bytes"),
        ({"max_bytes": -2}, "malformed_max_bytes"),
        ({"max_bytes": MAX_BLOCK_BYTES + 1}, "malformed_max_bytes"),
        ({"max_bytes": -1}, ""),
        ({"max_gas": -2}, "malformed_max_gas"),
        ({"evidence_max_age_blocks": 0}, "malformed_evidence_age"),
        ({"evidence_max_age_ns": 0}, "malformed_evidence_age"),
        ({"evidence_max_bytes": -1}, "malformed_evidence_bytes"),
        ({"max_bytes": 100, "evidence_max_bytes": 101}, "malformed_evidence_bytes"),
        ({"max_bytes": -1, "evidence_max_bytes": MAX_BLOCK_BYTES}, ""),
        ({"vote_extensions_enable_height": -1}, "malformed_vote_extensions"),
        ({"pub_key_types": ()}, "malformed_key_types"),
        ({"pub_key_types": ("rot13",)}, "malformed_key_types"),
        ({"pub_key_types": ("ed25519", "secp256k1")}, ""),
    ],
)
def test_parameters_out_of_range_are_named(fields: dict[str, Any], code: str) -> None:
    params = changed(**fields)
    assert params_fault(params) == code
    if code:
        with pytest.raises(MalformedBytes):
            ConsensusParams.decode(params.encode())
    else:
        assert ConsensusParams.decode(params.encode()) == params
