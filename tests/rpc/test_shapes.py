"""Shapes beyond the vectors: what is left out, what may be null, and what of a hostile answer is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypeVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainpos.core.chain.commit import ABSENT, Commit, CommitSig
from chainpos.core.chain.header import BlockId
from chainpos.core.chain.merkle import MerkleProof
from chainpos.core.chain.params import DEFAULT
from chainpos.core.chain.protobuf import put_message, put_uint, timestamp
from chainpos.core.chain.results import Event, EventAttribute, TxResult
from chainpos.core.chain.validators import Validator, ValidatorSet
from chainpos.errors import MalformedBytes
from chainpos.rpc.backend import (
    Application,
    BlockResults,
    BroadcastAnswer,
    IncludedTransaction,
    NodeReport,
    PendingTransaction,
    PendingTransactions,
    ProofOperation,
    QueryAnswer,
    TransactionProof,
    UpstreamReport,
)
from chainpos.rpc.shapes import blocks, events, evidence, nodes, results, scalars
from chainpos.rpc.shapes.scalars import decode
from tests.rpc.conftest import FakeNode, Json

RESULT = TxResult(7, b"\x01", "log", "info", 5, 6, (Event("paid", (EventAttribute("k", "v", index=False),)),), "space")


def written(value: object) -> Json:
    return json.loads(msgspec.json.encode(value))


Shape = TypeVar("Shape")


def again(value: Shape) -> Shape:
    return decode(msgspec.json.encode(value), type(value))


@pytest.mark.parametrize("result", [TxResult(), RESULT])
def test_a_result_reads_back_in_both_of_its_forms(result: TxResult) -> None:
    assert results.read_tx_result(again(results.tx_result_json(result))) == result
    assert results.read_tx_result(again(results.bare_tx_result_json(result))) == result


def test_a_result_without_anything_has_all_fields_or_none() -> None:
    assert written(results.tx_result_json(TxResult())) == {
        "code": 0,
        "data": None,
        "log": "",
        "info": "",
        "gas_wanted": "0",
        "gas_used": "0",
        "events": [],
        "codespace": "",
    }
    assert written(results.bare_tx_result_json(TxResult())) == {}


@pytest.mark.parametrize(
    "value",
    [
        BlockResults(5),
        BlockResults(5, (RESULT,), (Event("cycle"),), ((bytes(32), 0), (b"\x01" * 32, 10)), DEFAULT, b"\x02" * 32),
    ],
)
def test_block_results_read_back(value: BlockResults) -> None:
    assert results.read_block_results(again(results.block_results_json(value))) == value


def test_a_validator_update_is_written_as_amino_writes_it() -> None:
    shape = written(results.validator_updates_json(((bytes(32), 10), (bytes(32), 0))))
    key = {"Sum": {"type": "tendermint.crypto.PublicKey_Ed25519", "value": {"ed25519": "A" * 43 + "="}}}
    assert shape == [{"pub_key": key, "power": "10"}, {"pub_key": key}]


def test_an_absent_vote_is_written_as_cometbft_writes_it() -> None:
    shape = blocks.commit_json(Commit(5, 1, BlockId(), (CommitSig(),)))
    vote = written(shape)["signatures"][0]
    assert vote == {
        "block_id_flag": ABSENT,
        "validator_address": "",
        "timestamp": "0001-01-01T00:00:00Z",
        "signature": None,
    }
    assert blocks.read_commit(again(shape)).signatures == (CommitSig(),)


def test_gos_nil_slices_are_read_as_empty(node: FakeNode) -> None:
    shape = written(evidence.stored_block_json(node.stored[0]))
    shape["block"]["data"]["txs"] = None
    shape["block"]["evidence"]["evidence"] = None
    shape["block"]["last_commit"]["signatures"] = None
    read = evidence.read_stored_block(decode(json.dumps(shape).encode(), blocks.StoredBlockJson))
    assert read == node.stored[0]


def test_a_block_that_is_not_there_is_null() -> None:
    shape = blocks.no_block_json()
    assert written(shape) == {"block_id": {"hash": "", "parts": {"total": 0, "hash": ""}}, "block": None}
    assert evidence.read_stored_block(again(shape)) is None


def test_a_light_client_attack_reads_back_to_the_same_bytes(node: FakeNode) -> None:
    header, commit = node.stored[1].block.header, node.commits[1]
    member = Validator(node.public_key, 10, -3)
    # The proposer's priority differs from the member's: it is part of the bytes.
    members = put_message(1, member.encode()) + put_message(2, Validator(node.public_key, 10, 8).encode())
    light_block = put_message(1, put_message(1, header.encode()) + put_message(2, commit.encode()))
    light_block += put_message(2, members)
    inner = put_message(1, light_block) + put_uint(2, 1) + put_message(3, member.encode()) + put_uint(4, 10)
    encoded = put_message(2, inner + put_message(5, timestamp(header.time_ns)))
    shape = evidence.evidence_json(encoded)
    assert shape.type == "tendermint/LightClientAttackEvidence"
    assert evidence.read_evidence(again(shape)) == encoded


@pytest.mark.parametrize("value", [b"{}", b"[]", b'{"vote_a":5}'])
@pytest.mark.parametrize("kind", [evidence.DUPLICATE_VOTE, evidence.LIGHT_CLIENT_ATTACK, "unknown"])
def test_evidence_that_is_none_is_malformed(kind: str, value: bytes) -> None:
    with pytest.raises(MalformedBytes):
        evidence.read_evidence(blocks.TypedJson(kind, msgspec.Raw(value)))


@pytest.mark.parametrize(
    "proof", [None, TransactionProof(b"\x03" * 32, b"tx", MerkleProof(2, 1, bytes(32), (bytes(32),)))]
)
def test_a_transaction_reads_back(proof: TransactionProof | None) -> None:
    value = IncludedTransaction(b"\x07" * 32, 5, 1, b"tx", RESULT, proof)
    shape = results.tx_json(value)
    assert ("proof" in written(shape)) is (proof is not None)
    assert results.read_tx(again(shape)) == value


@pytest.mark.parametrize("value", [BroadcastAnswer(bytes(32)), BroadcastAnswer(bytes(32), 503, b"", "no", "payments")])
def test_a_broadcast_reads_back(value: BroadcastAnswer) -> None:
    assert results.read_broadcast(again(results.broadcast_json(value))) == value


def test_counts_of_the_mempool_come_without_its_transactions() -> None:
    value = PendingTransactions(3, 30, (b"a", b"b"))
    assert results.read_pending(again(results.pending_json(value))) == value
    assert written(results.pending_json(value))["n_txs"] == "2"
    assert written(results.pending_json(value, only_counts=True)) == {
        "n_txs": "3",
        "total": "3",
        "total_bytes": "30",
        "txs": None,
    }


@pytest.mark.parametrize(
    "value",
    [QueryAnswer(5), QueryAnswer(5, b"k", b"v", (ProofOperation("simple:v", b"k", b"d"),), 1, "l", "i", 2, "s")],
)
def test_a_query_answer_reads_back(value: QueryAnswer) -> None:
    shape = nodes.query_json(value)
    assert "proofOps" in written(shape)["response"]
    assert nodes.read_query(again(shape)) == value


def test_a_proof_of_endless_operations_is_malformed() -> None:
    operations = tuple(ProofOperation("simple:v", b"", b"") for _ in range(17))
    with pytest.raises(MalformedBytes):
        nodes.read_query(nodes.query_json(QueryAnswer(5, b"k", b"v", operations)))


def test_an_application_at_its_start_leaves_its_zeros_out() -> None:
    value = Application("chainpos", "0.1.0", 0, 0, b"")
    assert written(nodes.application_json(value))["response"] == {"data": "chainpos", "version": "0.1.0"}
    assert nodes.read_application(again(nodes.application_json(value))) == value


def test_our_own_events_read_back() -> None:
    pending = PendingTransaction(b"\x05" * 32, b"tx")
    report = NodeReport(
        mode="peer",
        state="syncing",
        chain_id="c",
        moniker="m",
        version="1",
        height=5,
        upstreams=(UpstreamReport("ws://127.0.0.1:1/websocket", connected=False, height=9, verdict="forged_header"),),
    )
    for value, data in ((pending, events.pending_tx_json(pending)), (report, events.status_event_json(report))):
        message = events.EventMessageJson("chainpos.event EXISTS", data, msgspec.Raw(b'{"chainpos.event":["x"]}'))
        assert events.read_event_message(msgspec.json.encode(message)).value == value


@pytest.mark.parametrize(
    "document",
    [
        b"{}",
        b'{"query":"q","data":{"type":"tendermint/event/Vote","value":{}},"events":{}}',
        b'{"query":"q","data":{"type":"tendermint/event/NewBlock","value":{}},"events":{}}',
        b'{"query":"q","data":{"type":"tendermint/event/Tx","value":{"TxResult":{"height":"x"}}},"events":{}}',
        b'{"query":"q","data":{"type":"chainpos/event/PendingTx","value":{"hash":"","tx":""}},"events":{}}',
        b'{"query":"q","data":{"type":"chainpos/event/Status","value":{"mode":"boss"}},"events":{}}',
        b'{"query":"q","data":{"type":"tendermint/event/Tx","value":{"TxResult":{}}},"events":{"a":[1]}}',
    ],
)
def test_a_hostile_event_is_malformed(document: bytes) -> None:
    with pytest.raises(MalformedBytes):
        events.read_event_message(document)


READERS: list[tuple[Callable[[str], object], list[str]]] = [
    (scalars.read_int64, ["", "+1", " 1", "01", "1_0", "-0x1", "1.0", "９", "9223372036854775808", "9" * 5000]),
    (scalars.read_uint64, ["-1", "18446744073709551616"]),
    (scalars.read_count, ["-1"]),
    (scalars.read_hash, ["ab", "AB" * 31, "AB" * 33, "zz" * 32, " " + "AB" * 31 + "A", "AB" * 5000]),
    (scalars.read_tx_hash, [""]),
    (scalars.read_address, ["AB" * 32, "AB"]),
    (scalars.read_app_hash, ["AB" * 129, "A"]),
    (scalars.read_time, ["", "2026-01-02", "2026-01-02T03:04:05", "2026-13-02T03:04:05Z", "0000-01-01T00:00:00Z"]),
]


@pytest.mark.parametrize(("reader", "text"), [(reader, text) for reader, texts in READERS for text in texts])
def test_a_scalar_in_another_spelling_is_malformed(reader: Callable[[str], object], text: str) -> None:
    with pytest.raises(MalformedBytes):
        reader(text)


@given(st.integers(-(2**63), 2**63 - 1))
def test_integers_read_back_from_their_text(value: int) -> None:
    assert scalars.read_int64(str(value)) == value


@given(st.binary(max_size=40))
def test_hex_reads_back(value: bytes) -> None:
    assert scalars.read_hex(scalars.hex_text(value), 40) == value


def test_a_validator_whose_address_is_anothers_is_malformed(node: FakeNode) -> None:
    shape = blocks.validator_json(Validator(node.public_key, 10))
    shape.address = "AB" * 20
    with pytest.raises(MalformedBytes):
        blocks.read_validator(shape)


def test_a_validator_set_of_too_much_power_is_malformed(node: FakeNode) -> None:
    members = [Validator(node.public_key, 2**60 - 1), Validator(bytes(32), 1)]
    assert blocks.validator_set(members[:1]) == ValidatorSet(tuple(members[:1]))
    with pytest.raises(MalformedBytes):
        blocks.validator_set(members)


def test_a_deep_or_wrong_document_is_malformed() -> None:
    for document in (b"[" * 100_000, b'{"header":' * 5000, b"\xff", b"", b"null", b'{"header":5}'):
        with pytest.raises(MalformedBytes):
            decode(document, blocks.HeaderAnswerJson)
