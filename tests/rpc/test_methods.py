"""Each method over HTTP, by JSON-RPC and by URI, answered from a node in memory."""

from __future__ import annotations

import asyncio
import base64
import json

import pytest

from chainpos.core.chain.block import verify_tx
from chainpos.core.chain.merkle import MerkleProof
from chainpos.core.values.hashes import sha256
from chainpos.rpc import chain_methods, transaction_methods
from chainpos.rpc.chain_methods import ONE_CONDITION
from chainpos.rpc.methods import METHODS
from chainpos.rpc.server import RpcServer
from tests.rpc.conftest import LINK_ID, REFUSED_TX, FakeNode, Json, connected, exchange, http_request, parsed, until

TX = b"tx 0 of block 2"


async def post(server: RpcServer, method: str, params: Json = None) -> Json:
    body = json.dumps({"jsonrpc": "2.0", "id": 9, "method": method, "params": params}).encode()
    status, answer = parsed(await exchange(server, http_request("POST", "/", body)))
    assert status == 200
    assert answer["id"] == 9
    return answer


async def get(server: RpcServer, target: str) -> tuple[int, Json]:
    return parsed(await exchange(server, http_request("GET", target)))


async def result(server: RpcServer, method: str, params: Json = None) -> Json:
    return (await post(server, method, params))["result"]


async def refusal(server: RpcServer, method: str, params: Json = None) -> str:
    error = (await post(server, method, params))["error"]
    assert (error["code"], error["message"]) == (-32603, "Internal error")
    return str(error["data"])


def encoded(value: bytes) -> str:
    return base64.b64encode(value).decode()


async def test_health_says_nothing_but_that_it_answers(server: RpcServer) -> None:
    assert await result(server, "health") == {}


async def test_status_has_what_clients_require(server: RpcServer) -> None:
    found = await result(server, "status")
    info, sync, validator = found["node_info"], found["sync_info"], found["validator_info"]
    assert info["version"].startswith("0.38.")
    for name in ("id", "listen_addr", "network", "moniker", "channels"):
        assert info[name]
    assert info["protocol_version"] == {"p2p": "8", "block": "11", "app": "1"}
    assert all(isinstance(value, str) for value in info["other"].values())
    assert sync["latest_block_height"] == "3"
    assert sync["catching_up"] is False
    assert validator["address"]
    assert validator["voting_power"] == "10"


async def test_net_info_counts_its_peers(server: RpcServer) -> None:
    found = await result(server, "net_info")
    assert (found["n_peers"], len(found["peers"])) == ("1", 1)


async def test_genesis_is_the_document_itself(server: RpcServer) -> None:
    assert (await result(server, "genesis"))["genesis"]["chain_id"] == "rpc-test"


async def test_a_block_by_height_by_hash_and_the_latest(server: RpcServer, node: FakeNode) -> None:
    second = await result(server, "block", {"height": "2"})
    assert second["block"]["data"]["txs"] == [encoded(TX)]
    assert await result(server, "block", ["2"]) == second
    assert await result(server, "block_by_hash", {"hash": encoded(node.stored[1].block_id.hash)}) == second
    assert (await result(server, "block"))["block"]["header"]["height"] == "3"


async def test_the_first_block_has_an_empty_last_commit(server: RpcServer) -> None:
    commit = (await result(server, "block", {"height": "1"}))["block"]["last_commit"]
    assert commit == {
        "height": "0",
        "round": 0,
        "block_id": {"hash": "", "parts": {"total": 0, "hash": ""}},
        "signatures": [],
    }


async def test_a_block_of_no_known_hash_is_null(server: RpcServer) -> None:
    assert (await result(server, "block_by_hash", {"hash": encoded(bytes(32))}))["block"] is None
    assert (await result(server, "header_by_hash", {"hash": "AB" * 32}))["header"] is None


async def test_a_header_by_height_and_by_hash(server: RpcServer, node: FakeNode) -> None:
    third = await result(server, "header", {"height": "3"})
    assert third["header"]["height"] == "3"
    assert await result(server, "header_by_hash", {"hash": node.stored[2].block_id.hash.hex()}) == third


@pytest.mark.parametrize("method", ["block", "header", "commit", "block_results"])
async def test_heights_that_are_not_stored_are_refused_in_cometbfts_words(
    server: RpcServer, node: FakeNode, method: str, answers: dict[str, Json]
) -> None:
    assert await refusal(server, method, {"height": "0"}) == answers["block_at_height_0"]["error"]["data"]
    assert await refusal(server, method, {"height": "-1"}) == "height must be greater than 0, but got -1"
    above = "height 4 must be less than or equal to the current blockchain height 3"
    assert await refusal(server, method, {"height": "4"}) == above
    node.base = 2
    assert await refusal(server, method, {"height": "1"}) == "height 1 is not available, lowest height is 2"


async def test_validators_and_params_are_known_one_height_ahead(server: RpcServer) -> None:
    assert (await result(server, "validators"))["block_height"] == "4"
    assert (await result(server, "consensus_params", {"height": "4"}))["block_height"] == "4"
    assert "current blockchain height 4" in await refusal(server, "validators", {"height": "5"})


async def test_validators_come_in_pages(server: RpcServer) -> None:
    found = await result(server, "validators", {"height": "2", "page": "1", "per_page": "100000"})
    assert (found["count"], found["total"], len(found["validators"])) == ("1", "1", 1)
    assert await refusal(server, "validators", {"page": "2"}) == "page should be within [1, 1] range, given 2"
    assert await refusal(server, "validators", {"page": "0"}) == "page should be within [1, 1] range, given 0"


async def test_the_blockchain_is_descending_and_at_most_twenty_long(server: RpcServer, node: FakeNode) -> None:
    for _ in range(25):
        node.add_block()
    found = await result(server, "blockchain")
    heights = [int(meta["header"]["height"]) for meta in found["block_metas"]]
    assert found["last_height"] == "28"
    assert heights == list(range(28, 8, -1))
    some = await result(server, "blockchain", {"minHeight": "2", "maxHeight": "3"})
    assert [meta["num_txs"] for meta in some["block_metas"]] == ["2", "1"]
    assert int(some["block_metas"][0]["block_size"]) == len(node.stored[2].block.encode())


async def test_a_blockchain_of_impossible_heights_is_refused(server: RpcServer) -> None:
    assert await refusal(server, "blockchain", {"minHeight": "-1"}) == "heights must be non-negative"
    sentence = "min height 9 can't be greater than max height 3"
    assert await refusal(server, "blockchain", {"minHeight": "9", "maxHeight": "12"}) == sentence


async def test_the_commit_of_the_tip_is_not_canonical(server: RpcServer) -> None:
    assert (await result(server, "commit", {"height": "2"}))["canonical"] is True
    assert (await result(server, "commit"))["canonical"] is False


async def test_block_results_of_an_empty_block_are_null(server: RpcServer) -> None:
    empty = await result(server, "block_results", {"height": "1"})
    assert (empty["txs_results"], empty["finalize_block_events"], empty["validator_updates"]) == (None, None, None)
    full = await result(server, "block_results", {"height": "3"})
    assert [one["gas_used"] for one in full["txs_results"]] == ["15", "15"]


async def test_a_broadcast_says_what_the_mempool_said(server: RpcServer) -> None:
    good = await result(server, "broadcast_tx_sync", {"tx": encoded(b"pay")})
    assert good == {"code": 0, "data": "", "log": "", "codespace": "", "hash": sha256(b"pay").hex().upper()}
    bad = await result(server, "broadcast_tx_sync", {"tx": encoded(REFUSED_TX)})
    assert (bad["code"], bad["codespace"]) == (503, "payments")
    assert (await result(server, "broadcast_tx_async", {"tx": encoded(REFUSED_TX)}))["code"] == 0


async def test_a_broadcast_that_waits_for_its_block_is_answered_with_it(server: RpcServer, node: FakeNode) -> None:
    already = await result(server, "broadcast_tx_commit", {"tx": encoded(TX)})
    assert (already["height"], already["tx_result"]["gas_used"]) == ("2", "15")
    refused = await result(server, "broadcast_tx_commit", {"tx": encoded(REFUSED_TX)})
    assert (refused["check_tx"]["code"], refused["height"]) == (503, "0")

    async def make_block() -> None:
        await until(lambda: b"later" in node.mempool)
        node.add_block([b"later"], publish=True)

    async with connected(server) as client:
        document, _ = await asyncio.gather(client.call("broadcast_tx_commit", tx=encoded(b"later")), make_block())
    assert json.loads(document)["height"] == "4"
    assert node.hub._watched == {}


async def test_a_broadcast_that_no_block_takes_times_out(
    server: RpcServer, node: FakeNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transaction_methods, "BROADCAST_COMMIT_TIMEOUT_S", 0.01)
    sentence = "timed out waiting for tx to be included in a block"
    assert await refusal(server, "broadcast_tx_commit", {"tx": encoded(b"never")}) == sentence
    assert node.hub._watched == {}


async def test_a_query_has_its_record_and_its_proof(server: RpcServer) -> None:
    params = {"path": "/store/ab12/key", "data": "0aFF", "prove": True}
    response = (await result(server, "abci_query", params))["response"]
    assert response["key"] == encoded(b"\x0a\xff")
    assert response["proofOps"]["ops"] == [{"type": "simple:v", "key": "Cv8=", "data": "CgA="}]
    other = (await result(server, "abci_query", {"path": "/other", "data": ""}))["response"]
    assert (other["code"], other["value"], other["proofOps"]) == (2, None, None)


async def test_abci_info_names_the_application(server: RpcServer) -> None:
    response = (await result(server, "abci_info"))["response"]
    assert (response["data"], response["last_block_height"], response["app_version"]) == ("chainpos", "3", "1")


async def test_a_transaction_comes_with_a_proof_that_holds(server: RpcServer, node: FakeNode) -> None:
    node.add_block([b"a", b"b", b"c"])
    found = await result(server, "tx", {"hash": encoded(sha256(b"b")), "prove": True})
    steps = found["proof"]["proof"]
    proof = MerkleProof(
        int(steps["total"]),
        int(steps["index"]),
        base64.b64decode(steps["leaf_hash"]),
        tuple(base64.b64decode(aunt) for aunt in steps["aunts"]),
    )
    assert (found["height"], found["index"]) == ("4", 1)
    assert verify_tx(node.stored[3].block.header.data_hash, b"b", proof)
    assert found["proof"]["root_hash"] == node.stored[3].block.header.data_hash.hex().upper()
    assert "proof" not in await result(server, "tx", {"hash": encoded(sha256(b"b"))})


async def test_a_transaction_that_is_in_no_block_is_refused_by_its_hash(server: RpcServer) -> None:
    assert await refusal(server, "tx", {"hash": encoded(bytes(32))}) == f"tx ({'00' * 32}) not found"


async def test_a_search_is_sorted_and_paged(server: RpcServer, node: FakeNode) -> None:
    params = {"query": "tx.height > 1", "order_by": "desc", "per_page": "2", "page": "1"}
    found = await result(server, "tx_search", params)
    assert found["total_count"] == "3"
    assert [(one["height"], one["index"]) for one in found["txs"]] == [("3", 1), ("3", 0)]
    last = await result(server, "tx_search", params | {"page": "2", "prove": True})
    assert [(one["height"], one["index"], "proof" in one) for one in last["txs"]] == [("2", 0, True)]
    assert (await result(server, "tx_search", {"query": "paid.minor = 99"}))["txs"] == []


async def test_blocks_are_found_by_what_they_told(server: RpcServer, node: FakeNode) -> None:
    for query in ("cycle.closed = 'yes'", "cycle.closed EXISTS"):
        params = {"query": query, "order_by": "desc", "per_page": "2", "page": "1"}
        found = await result(server, "block_search", params)
        assert found["total_count"] == "2"
        assert [one["block"]["header"]["height"] for one in found["blocks"]] == ["3", "2"]
        assert found["blocks"][0] == await result(server, "block", {"height": "3"})
    assert (await result(server, "block_search", {"query": "cycle.closed = 'no'"}))["blocks"] == []


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("nonsense", "offset 8: EOF"),
        ("cycle.closed = 'yes' AND block.height > 1", ONE_CONDITION),
        ("block.height > 1", ONE_CONDITION),
        ("cycle.closed EXISTS", "the query matches more than 1 blocks"),
    ],
)
async def test_a_search_for_blocks_that_cannot_be_served_is_refused(
    server: RpcServer, query: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chain_methods, "MAX_BLOCKS_FOUND", 1)
    assert await refusal(server, "block_search", {"query": query}) == sentence


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"query": "nonsense"}, "offset 8: EOF"),
        ({"query": "x" * 600}, "maximum query length exceeded"),
        ({"query": "tx.height > 0", "order_by": "up"}, "expected order_by to be either `asc` or `desc` or empty"),
        ({"query": "tx.height > 0", "page": "7"}, "page should be within [1, 1] range, given 7"),
    ],
)
async def test_a_search_that_cannot_be_served_is_refused(server: RpcServer, params: Json, sentence: str) -> None:
    assert await refusal(server, "tx_search", params) == sentence


async def test_a_search_that_matches_too_much_is_refused_and_not_cut(
    server: RpcServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transaction_methods, "MAX_MATCHES", 2)
    assert "matches more than 2 transactions" in await refusal(server, "tx_search", {"query": "tx.height > 0"})


async def test_the_mempool_is_listed_up_to_a_limit(server: RpcServer, node: FakeNode) -> None:
    node.mempool = [b"%d" % number for number in range(50)]
    assert (await result(server, "unconfirmed_txs"))["n_txs"] == "30"
    assert (await result(server, "unconfirmed_txs", {"limit": "2"}))["txs"] == [encoded(b"0"), encoded(b"1")]
    assert await result(server, "num_unconfirmed_txs") == {
        "n_txs": "50",
        "total": "50",
        "total_bytes": "90",
        "txs": None,
    }


async def test_a_request_is_published_listed_and_fetched_in_any_case(server: RpcServer) -> None:
    published = {"request": encoded(b"request"), "signature": encoded(b"signed")}
    assert await result(server, "publish_request", published) == {"id": LINK_ID}
    assert (await result(server, "chainpos_requests"))["requests"] == [{"id": LINK_ID} | published]
    for target in (f"/p/{LINK_ID}", f"/P/{LINK_ID}", f"/p/{LINK_ID.lower()}"):
        assert await get(server, target) == (200, published)


async def test_a_request_that_the_node_refuses_is_not_served(server: RpcServer) -> None:
    unsigned = {"request": encoded(b"request"), "signature": ""}
    assert await refusal(server, "publish_request", unsigned) == "the request is not signed"


@pytest.mark.parametrize("link_id", [LINK_ID, LINK_ID[:-1], LINK_ID + "A", "", "../etc/passwd", "ABC%00", "A" * 5000])
async def test_a_link_to_nothing_is_not_found(server: RpcServer, link_id: str) -> None:
    answer = await exchange(server, http_request("GET", f"/p/{link_id}"))
    assert answer.startswith(b"HTTP/1.1 404 ")


async def test_the_node_reports_in_its_own_words(server: RpcServer) -> None:
    found = await result(server, "chainpos_node")
    assert (found["mode"], found["state"], found["height"]) == ("peer", "online", 3)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/block?height=2", "2"),
        ("/block?height=%222%22", "2"),
        ("/block", "3"),
        ("/header?height=1", "1"),
        ("/block_by_hash?hash=0x{hash}", "2"),
    ],
)
async def test_a_method_is_called_by_uri(server: RpcServer, node: FakeNode, target: str, expected: str) -> None:
    status, answer = await get(server, target.format(hash=node.stored[1].block_id.hash.hex()))
    found = answer["result"].get("block") or answer["result"]
    assert (status, answer["id"], found["header"]["height"]) == (200, -1, expected)


async def test_errors_by_uri_have_the_status_500(server: RpcServer) -> None:
    status, answer = await get(server, "/block?height=99")
    assert (status, answer["error"]["code"]) == (500, -32603)
    status, answer = await get(server, "/block?height=abc")
    assert (status, answer["error"]["code"]) == (500, -32602)
    assert answer["error"]["data"].startswith("error converting http params to arguments: ")


async def test_text_and_queries_by_uri_are_quoted(server: RpcServer) -> None:
    status, answer = await get(server, "/tx_search?query=%22tx.height%3D2%22&prove=true&order_by=%22asc%22")
    assert (status, answer["result"]["total_count"]) == (200, "1")
    status, answer = await get(server, "/abci_query?path=%22/store/ab12/key%22&data=0xab")
    assert answer["result"]["response"]["key"] == encoded(b"\xab")
    status, answer = await get(server, "/broadcast_tx_sync?tx=%22pay%22")
    assert answer["result"]["hash"] == sha256(b"pay").hex().upper()


@pytest.mark.parametrize("method", ["subscribe", "unsubscribe", "unsubscribe_all"])
async def test_events_are_not_for_http(server: RpcServer, method: str) -> None:
    assert (await post(server, method, {"query": "tm.event = 'Tx'"}))["error"]["code"] == -32601
    status, answer = await get(server, f"/{method}?query=%22a.b%3D1%22")
    assert (status, answer["error"]["code"]) == (404, -32601)


async def test_an_unknown_method_is_not_found(server: RpcServer) -> None:
    assert (await post(server, "mine"))["error"] == {"code": -32601, "message": "Method not found"}


async def test_bad_parameters_over_http_are_invalid_params(server: RpcServer) -> None:
    error = (await post(server, "block", {"height": 5}))["error"]
    assert (error["code"], error["message"]) == (-32602, "Invalid params")
    sentence = 'error converting json params to arguments: invalid 64-bit integer encoding "5", expected string'
    assert error["data"] == sentence


async def test_our_own_bug_is_answered_without_its_details(
    server: RpcServer, node: FakeNode, caplog: pytest.LogCaptureFixture
) -> None:
    node.broken = True
    assert await refusal(server, "block") == "the node failed to answer; its log says why"
    assert "a secret detail" in caplog.text


def test_every_method_of_the_wire_facts_is_served() -> None:
    named = """status health genesis net_info block block_by_hash block_search header block_results blockchain commit
        validators
        broadcast_tx_sync broadcast_tx_async broadcast_tx_commit abci_query abci_info tx tx_search unconfirmed_txs
        num_unconfirmed_txs consensus_params subscribe unsubscribe unsubscribe_all publish_request chainpos_requests
        chainpos_node"""
    assert set(named.split()) <= set(METHODS)
