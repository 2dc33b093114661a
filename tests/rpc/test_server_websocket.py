"""WebSocket over a real socket, as a client sees it that is not ours."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.protocol import State

from chainpos.rpc.backend import NodeReport
from chainpos.rpc.limits import Limits
from chainpos.rpc.server import RpcServer
from chainpos.rpc.subscriptions import SubscriptionLimits
from tests.rpc.conftest import FakeNode, Json, serving, until, url_of

NEW_BLOCK = "tm.event = 'NewBlock'"


@pytest.fixture
async def socket(server: RpcServer) -> AsyncIterator[ClientConnection]:
    async with connect(url_of(server), proxy=None, compression=None) as socket:
        yield socket


async def ask(socket: ClientConnection, call_id: object, method: str, params: Json = None) -> None:
    await socket.send(json.dumps({"jsonrpc": "2.0", "id": call_id, "method": method, "params": params}))


async def heard(socket: ClientConnection) -> Json:
    async with asyncio.timeout(60):
        return json.loads(await socket.recv())


async def answer(socket: ClientConnection, method: str, params: Json = None) -> Json:
    await ask(socket, "one", method, params)
    found = await heard(socket)
    assert found["id"] == "one"
    return found


async def test_a_call_is_answered(socket: ClientConnection) -> None:
    assert (await answer(socket, "block", {"height": "2"}))["result"]["block"]["header"]["height"] == "2"


async def test_bad_parameters_are_an_internal_error_here(socket: ClientConnection) -> None:
    error = (await answer(socket, "block", {"height": 2}))["error"]
    assert (error["code"], error["message"]) == (-32603, "Internal error")
    assert error["data"].startswith("error converting json params to arguments: ")


async def test_junk_and_batches_are_parse_errors_and_the_connection_lives(socket: ClientConnection) -> None:
    for junk in ("junk", "[]", '[{"id":1,"method":"status"}]', "{" * 1000):
        await socket.send(junk)
        found = await heard(socket)
        assert found["error"]["code"] == -32700
        assert "id" not in found
    assert (await answer(socket, "health"))["result"] == {}


async def test_binary_and_fragmented_messages_are_read(socket: ClientConnection) -> None:
    await socket.send(b'{"id":1,"method":"health"}')
    assert (await heard(socket))["id"] == 1
    await socket.send(["{", '"id":2,', '"method":', '"health"}'])
    assert (await heard(socket))["id"] == 2


async def test_an_unknown_method_is_not_found(socket: ClientConnection) -> None:
    assert (await answer(socket, "mine"))["error"]["code"] == -32601


async def test_reads_are_answered_in_the_order_in_which_they_came(socket: ClientConnection) -> None:
    for number in range(50):
        await ask(socket, number, "block", {"height": str(number % 3 + 1)})
    assert [(await heard(socket))["id"] for _ in range(50)] == list(range(50))


async def test_a_broadcast_that_waits_does_not_hold_up_the_reads(node: FakeNode) -> None:
    node.slow_s = 0.2
    async with serving(node) as server, connect(url_of(server), proxy=None) as socket:
        await ask(socket, "slow", "broadcast_tx_sync", {"tx": "cGF5"})
        await ask(socket, "quick", "health")
        assert [(await heard(socket))["id"], (await heard(socket))["id"]] == ["quick", "slow"]


async def test_only_so_many_broadcasts_of_one_client_wait_at_a_time(node: FakeNode) -> None:
    node.slow_s = 0.2
    limits = Limits(max_waiting_each=2)
    async with serving(node, limits=limits) as server, connect(url_of(server), proxy=None) as socket:
        for number in range(6):
            await ask(socket, number, "broadcast_tx_sync", {"tx": "cGF5"})
        await until(lambda: node.calls == 2)
        await asyncio.sleep(0.02)
        assert node.calls == 2
        assert sorted([(await heard(socket))["id"] for _ in range(6)]) == list(range(6))


async def test_those_who_wait_for_blocks_do_not_keep_others_from_paying(node: FakeNode) -> None:
    limits = Limits(max_watches=1, max_broadcasts=1)
    async with serving(node, limits=limits) as server, connect(url_of(server), proxy=None) as socket:
        for number in range(3):
            await ask(socket, number, "broadcast_tx_commit", {"tx": "bmV2ZXI="})
        await until(lambda: node.hub._watched)
        await ask(socket, "pay", "broadcast_tx_sync", {"tx": "cGF5"})
        assert (await heard(socket))["id"] == "pay"


async def test_a_search_that_takes_long_holds_up_no_read_of_anybody(
    node: FakeNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on = asyncio.Event()

    async def find(*_: object) -> list[tuple[int, int]]:
        await goes_on.wait()
        return []

    monkeypatch.setattr(node, "find_transactions", find)
    limits = Limits(max_reads=1, max_searches=1)
    async with serving(node, limits=limits) as server, connect(url_of(server), proxy=None) as socket:
        for name in ("first", "second"):
            await ask(socket, name, "tx_search", {"query": "tx.height > 0"})
        await ask(socket, "read", "block", {"height": "1"})
        assert (await heard(socket))["id"] == "read"
        goes_on.set()
        assert {(await heard(socket))["id"] for _ in range(2)} == {"first", "second"}


async def test_a_subscription_is_acknowledged_and_its_events_come_under_its_id(
    socket: ClientConnection, node: FakeNode
) -> None:
    await ask(socket, 7, "subscribe", {"query": NEW_BLOCK})
    assert await heard(socket) == {"jsonrpc": "2.0", "id": 7, "result": {}}
    node.add_block([b"tx"], publish=True)
    event = await heard(socket)
    assert event["id"] == 7
    result = event["result"]
    assert result["query"] == NEW_BLOCK
    assert result["data"]["type"] == "tendermint/event/NewBlock"
    assert set(result["data"]["value"]) == {"block", "block_id", "result_finalize_block"}
    assert result["events"] == {"tm.event": ["NewBlock"], "cycle.closed": ["yes"]}


async def test_each_type_of_event_comes_to_those_who_asked(socket: ClientConnection, node: FakeNode) -> None:
    queries = [
        "tm.event = 'NewBlockHeader'",
        "tm.event = 'Tx' AND paid.minor = 3",
        "chainpos.event = 'PendingTx'",
        "chainpos.event = 'Status'",
    ]
    for number, query in enumerate(queries):
        await ask(socket, number, "subscribe", {"query": query})
        assert (await heard(socket))["result"] == {}
    node.add_block([b"four", b"two"], publish=True)
    node.add_block([b"one"], publish=True)
    await node.broadcast(b"pay")
    node.hub.publish_status(NodeReport(mode="peer", state="offline", chain_id="c", moniker="m", version="1", height=5))
    events = [await heard(socket) for _ in range(6)]
    assert sorted((one["id"], one["result"]["data"]["type"]) for one in events) == [
        (0, "tendermint/event/NewBlockHeader"),
        (0, "tendermint/event/NewBlockHeader"),
        (1, "tendermint/event/Tx"),
        (1, "tendermint/event/Tx"),
        (2, "chainpos/event/PendingTx"),
        (3, "chainpos/event/Status"),
    ]
    found = [one["result"]["events"] for one in events if one["id"] == 1]
    assert [(one["tx.height"], one["paid.minor"], len(one["tx.hash"][0])) for one in found] == [
        (["4"], ["3"], 64),
        (["5"], ["3"], 64),
    ]


async def test_a_sixth_subscription_and_the_same_one_twice_are_refused(socket: ClientConnection) -> None:
    for number in range(5):
        assert "result" in await answer(socket, "subscribe", {"query": f"tx.height = {number}"})
    again = await answer(socket, "subscribe", {"query": "tx.height=0"})
    assert again["error"]["data"] == "max_subscriptions_per_client 5 reached"
    assert "result" in await answer(socket, "unsubscribe", {"query": "tx.height  =  4"})
    again = await answer(socket, "subscribe", {"query": "tx.height=0"})
    assert again["error"]["data"] == "already subscribed"


async def test_unsubscribing_from_nothing_is_refused(socket: ClientConnection) -> None:
    assert (await answer(socket, "unsubscribe", {"query": NEW_BLOCK}))["error"]["data"] == "subscription not found"
    assert (await answer(socket, "unsubscribe_all"))["error"]["data"] == "subscription not found"
    assert "result" in await answer(socket, "subscribe", {"query": NEW_BLOCK})
    assert "result" in await answer(socket, "unsubscribe_all")


async def test_a_malformed_query_is_refused_as_cometbft_refuses_it(
    socket: ClientConnection, answers: dict[str, Json]
) -> None:
    error = (await answer(socket, "subscribe", {"query": "malformed query"}))["error"]
    assert error == answers["subscribe_malformed"]["error"]
    error = (await answer(socket, "subscribe", {"query": "x" * 513}))["error"]
    assert error["data"] == "maximum query length exceeded"


async def test_no_more_events_come_after_unsubscribing(socket: ClientConnection, node: FakeNode) -> None:
    await answer(socket, "subscribe", {"query": NEW_BLOCK})
    await answer(socket, "unsubscribe", {"query": NEW_BLOCK})
    node.add_block(publish=True)
    assert (await answer(socket, "health"))["result"] == {}


async def test_subscribers_beyond_the_limit_are_refused(node: FakeNode) -> None:
    limits = SubscriptionLimits(max_subscribers=1)
    async with (
        serving(node, subscriptions=limits) as server,
        connect(url_of(server), proxy=None) as first,
        connect(url_of(server), proxy=None) as second,
    ):
        assert "result" in await answer(first, "subscribe", {"query": NEW_BLOCK})
        refused = await answer(second, "subscribe", {"query": NEW_BLOCK})
        assert refused["error"]["data"] == "max_subscription_clients 1 reached"
        await first.close()
        await until(lambda: not node.hub._subscribers)
        assert "result" in await answer(second, "subscribe", {"query": NEW_BLOCK})


async def test_a_subscriber_that_cannot_keep_up_is_told_and_loses_the_subscription(node: FakeNode) -> None:
    limits = SubscriptionLimits(max_waiting_events=3)
    async with (
        serving(node, subscriptions=limits) as server,
        connect(url_of(server), proxy=None, compression=None) as socket,
    ):
        await ask(socket, 7, "subscribe", {"query": NEW_BLOCK})
        await heard(socket)
        for _ in range(5):
            node.add_block(publish=True)
        assert await heard(socket) == {
            "jsonrpc": "2.0",
            "id": 7,
            "error": {
                "code": -32000,
                "message": "Server error",
                "data": "subscription was canceled (reason: internal subscription event buffer is out of capacity)",
            },
        }
        assert "result" in await answer(socket, "subscribe", {"query": NEW_BLOCK})


async def test_a_block_of_many_transactions_reaches_its_subscriber_whole(
    socket: ClientConnection, node: FakeNode
) -> None:
    await answer(socket, "subscribe", {"query": "tm.event = 'Tx'"})
    node.add_block([b"tx %d" % number for number in range(2000)], publish=True)
    indexes = [(await heard(socket))["result"]["data"]["value"]["TxResult"].get("index", 0) for _ in range(2000)]
    assert indexes == list(range(2000))


async def test_the_server_pings_and_a_client_that_answers_stays(node: FakeNode) -> None:
    limits = Limits(ping_period_s=0.05, read_timeout_s=0.5)
    async with (
        serving(node, limits=limits) as server,
        connect(url_of(server), proxy=None, ping_interval=None) as socket,
    ):
        await asyncio.sleep(0.7)
        assert (await answer(socket, "health"))["result"] == {}


async def test_a_client_that_is_never_heard_again_is_left(node: FakeNode) -> None:
    limits = Limits(ping_period_s=10.0, read_timeout_s=0.05)
    async with (
        serving(node, limits=limits) as server,
        connect(url_of(server), proxy=None, ping_interval=None) as socket,
    ):
        with pytest.raises(ConnectionClosed) as caught:
            await heard(socket)
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1001
        await until(lambda: server.connections == 0)


async def test_subscribers_are_told_when_the_server_ends(node: FakeNode) -> None:
    async with serving(node) as server:
        socket = await connect(url_of(server), proxy=None, compression=None)
        await answer(socket, "subscribe", {"query": NEW_BLOCK})
    told = await heard(socket)
    assert told["error"]["data"] == "subscription was canceled (reason: CometBFT exited)"
    with pytest.raises(ConnectionClosed) as caught:
        await heard(socket)
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1001
    await socket.close()


async def test_compression_is_never_agreed_to(server: RpcServer) -> None:
    async with connect(url_of(server), proxy=None, compression="deflate") as socket:
        assert socket.protocol.extensions == []


async def test_a_web_page_of_another_site_opens_no_socket(server: RpcServer) -> None:
    with pytest.raises(InvalidStatus) as caught:
        await connect(url_of(server), proxy=None, origin="http://evil.example")  # type: ignore[arg-type]
    assert caught.value.response.status_code == 403


async def test_frames_sent_right_behind_the_handshake_are_not_lost(server: RpcServer) -> None:
    reader, writer = await asyncio.open_connection(*server.address)
    handshake = (
        b"GET /websocket HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    message = b'{"id":1,"method":"health"}'
    writer.write(handshake + bytes((0x81, 0x80 | len(message), 0, 0, 0, 0)) + message)
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
    head = await reader.readexactly(2)
    assert json.loads(await reader.readexactly(head[1])) == {"jsonrpc": "2.0", "id": 1, "result": {}}
    writer.close()
    await writer.wait_closed()


async def test_the_closing_handshake_is_answered(socket: ClientConnection) -> None:
    await socket.close()
    assert socket.protocol.state is State.CLOSED
    assert socket.protocol.close_code == 1000
