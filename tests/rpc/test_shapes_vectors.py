"""Shapes against answers of a real CometBFT (tendermint-rs, rpc_v0_38): read into core's types and written out."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from chainpos.core.chain.genesis import load_genesis
from chainpos.core.values.hashes import sha256
from chainpos.rpc.backend import BroadcastAnswer, IncludedTransaction, Network, NewBlock
from chainpos.rpc.shapes import blocks, events, evidence, nodes, results
from chainpos.rpc.shapes.scalars import decode
from tests.rpc.conftest import Json

V1_EVIDENCE_NAMES = {
    "total_voting_power": "TotalVotingPower",
    "validator_power": "ValidatorPower",
    "timestamp": "Timestamp",
}


def written(value: object) -> Json:
    return json.loads(msgspec.json.encode(value))


def there_and_back(shape: type[Any], read: Callable[[Any], Any], write: Callable[[Any], object], result: Json) -> Json:
    return written(write(read(decode(json.dumps(result).encode(), shape))))


def read_block(shape: blocks.StoredBlockJson) -> object:
    found = evidence.read_stored_block(shape)
    assert found is not None
    return found


@pytest.mark.parametrize("name", ["block_at_height_1", "block_at_height_10", "block_by_hash"])
def test_a_block_is_written_as_it_was_read(answers: dict[str, Json], name: str) -> None:
    result = answers[name]["result"]
    assert there_and_back(blocks.StoredBlockJson, read_block, evidence.stored_block_json, result) == result


def test_every_block_of_a_search_is_written_as_it_was_read(answers: dict[str, Json]) -> None:
    found = answers["block_search"]["result"]["blocks"]
    assert len(found) == 45
    for result in found:
        assert there_and_back(blocks.StoredBlockJson, read_block, evidence.stored_block_json, result) == result


def test_evidence_of_version_1_is_read_and_written_in_the_names_of_version_0_38(answers: dict[str, Json]) -> None:
    result = answers["block_search_evidence"]["result"]["blocks"][0]
    back = there_and_back(blocks.StoredBlockJson, read_block, evidence.stored_block_json, result)
    value = result["block"]["evidence"]["evidence"][0]["value"]
    for v1_name, name in V1_EVIDENCE_NAMES.items():
        value[name] = value.pop(v1_name)
    assert back == result


def test_a_block_hashes_to_its_id_after_it_was_read(answers: dict[str, Json]) -> None:
    for name in ("block_at_height_10", "subscribe_newblock_0"):
        result = answers[name]["result"]
        shown = result if "block" in result else result["data"]["value"]
        stored = evidence.read_stored_block(
            decode(
                json.dumps({"block": shown["block"], "block_id": shown["block_id"]}).encode(), blocks.StoredBlockJson
            )
        )
        assert stored is not None
        assert stored.block.block_id() == stored.block_id


def test_block_metas_are_written_as_they_were_read(answers: dict[str, Json]) -> None:
    result = answers["blockchain_from_1_to_10"]["result"]
    shape = decode(json.dumps(result).encode(), blocks.BlockchainJson)
    metas = [blocks.read_block_meta(meta) for meta in shape.block_metas]
    back = blocks.BlockchainJson(shape.last_height, tuple(blocks.block_meta_json(meta) for meta in metas))
    assert written(back) == result


def test_a_commit_is_written_as_it_was_read(answers: dict[str, Json]) -> None:
    result = answers["commit_at_height_10"]["result"]
    back = there_and_back(blocks.CommitAnswerJson, blocks.read_commit_answer, blocks.commit_answer_json, result)
    assert back == result


def test_block_results_are_written_as_they_were_read(answers: dict[str, Json]) -> None:
    result = answers["block_results_at_height_10"]["result"]
    back = there_and_back(results.BlockResultsJson, results.read_block_results, results.block_results_json, result)
    assert back == result


@pytest.mark.parametrize("name", ["tx_search_no_prove", "tx_search_with_prove"])
def test_a_search_is_written_as_it_was_read(answers: dict[str, Json], name: str) -> None:
    result = answers[name]["result"]
    assert there_and_back(results.TxSearchJson, results.read_tx_search, results.tx_search_json, result) == result


@pytest.mark.parametrize("name", ["broadcast_tx_async", "broadcast_tx_sync", "subscribe_txs_broadcast_tx_0"])
def test_a_broadcast_is_written_as_it_was_read(answers: dict[str, Json], name: str) -> None:
    result = answers[name]["result"]
    back = there_and_back(results.BroadcastJson, results.read_broadcast, results.broadcast_json, result)
    # This one field was filled in by hand, in lower case; CometBFT writes all hex in upper case.
    assert back == result | {"data": result["data"].upper()}


def test_a_broadcast_that_waited_for_its_block_has_cometbfts_shape(answers: dict[str, Json]) -> None:
    result = answers["broadcast_tx_commit"]["result"]
    shape = decode(json.dumps(result).encode(), results.BroadcastCommitJson)
    tx_hash = bytes.fromhex(shape.hash)
    included = IncludedTransaction(tx_hash, int(shape.height), 0, b"", results.read_tx_result(shape.tx_result))
    back = written(results.broadcast_commit_json(BroadcastAnswer(tx_hash), included))
    # A check has no gas here.
    back["check_tx"]["gas_wanted"] = "1"
    assert back == result


def test_the_status_is_written_as_it_was_read(answers: dict[str, Json]) -> None:
    result = answers["status"]["result"]
    back = there_and_back(nodes.StatusJson, nodes.read_status, nodes.status_json, result)
    # There are no p2p channels here.
    back["node_info"]["channels"] = result["node_info"]["channels"]
    assert back == result


def test_a_node_without_peers_has_cometbfts_shape(answers: dict[str, Json]) -> None:
    assert written(nodes.network_json(Network(True, ("Listener(@)",)))) == answers["net_info"]["result"]


def test_consensus_params_are_written_as_they_were_read(answers: dict[str, Json]) -> None:
    result = answers["consensus_params"]["result"]
    shape = decode(json.dumps(result).encode(), nodes.ConsensusParamsAnswerJson)
    back = nodes.consensus_params_json(nodes.read_consensus_params(shape.consensus_params))
    assert written(nodes.ConsensusParamsAnswerJson(shape.block_height, back)) == result


def test_the_genesis_document_passes_through_and_can_be_read(answers: dict[str, Json]) -> None:
    result = answers["genesis"]["result"]
    document = bytes(decode(json.dumps(result).encode(), nodes.GenesisJson).genesis)
    assert written(nodes.GenesisJson(msgspec.Raw(document))) == result
    assert load_genesis(document).chain_id == "dockerchain"


@pytest.mark.parametrize("name", ["abci_query_with_existing_key", "abci_query_with_non_existent_key"])
def test_a_query_is_written_as_it_was_read(answers: dict[str, Json], name: str) -> None:
    result = answers[name]["result"]
    assert there_and_back(nodes.QueryAnswerJson, nodes.read_query, nodes.query_json, result) == result


def test_the_application_is_written_as_it_was_read(answers: dict[str, Json]) -> None:
    result = answers["abci_info"]["result"]
    back = there_and_back(nodes.ApplicationAnswerJson, nodes.read_application, nodes.application_json, result)
    assert back == result


@pytest.mark.parametrize("number", range(5))
def test_a_new_block_event_is_written_as_it_was_read(answers: dict[str, Json], number: int) -> None:
    result = answers[f"subscribe_newblock_{number}"]["result"]
    event = events.read_event_message(json.dumps(result).encode())
    assert event.type == events.NEW_BLOCK
    assert isinstance(event.value, NewBlock)
    message = events.EventMessageJson(
        result["query"],
        events.new_block_json(event.value.stored, event.value.results),
        msgspec.Raw(msgspec.json.encode(event.attributes)),
    )
    assert written(message) == result


@pytest.mark.parametrize("number", range(5))
def test_a_tx_event_is_written_as_it_was_read(answers: dict[str, Json], number: int) -> None:
    result = answers[f"subscribe_txs_{number}"]["result"]
    event = events.read_event_message(json.dumps(result).encode())
    assert isinstance(event.value, IncludedTransaction)
    assert event.value.hash == sha256(event.value.transaction)
    assert written(events.tx_event_json(event.value)) == result["data"]
    assert event.attributes["tx.hash"] == (event.value.hash.hex().upper(),)


def test_every_answer_is_accounted_for(answers: dict[str, Json]) -> None:
    with_errors = {name for name, answer in answers.items() if "error" in answer}
    assert with_errors == {"block_at_height_0", "subscribe_malformed"}
    # Consensus rounds are not served: an embedded engine has none.
    assert "consensus_state" in answers
    assert len(answers) == 41
