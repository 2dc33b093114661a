"""The client against our server: typed answers, pipelining, events, and what happens when the other side goes away."""

from __future__ import annotations

import asyncio
import json

import pytest

from chainpos.core.chain.header import Header
from chainpos.core.chain.validators import Validator, ValidatorSet
from chainpos.core.values.hashes import sha256
from chainpos.rpc import connection
from chainpos.rpc.backend import IncludedTransaction, NewBlock, NodeReport, PendingTransaction
from chainpos.rpc.client import Disconnected, Dropped, ReceivedEvent, RpcClient, RpcError, TimedOut
from chainpos.rpc.limits import Limits
from chainpos.rpc.server import RpcServer
from chainpos.rpc.subscriptions import SubscriptionLimits
from tests.rpc.conftest import LINK_ID, REFUSED_TX, FakeNode, connected, serving, until, url_of


async def next_event(subscription: connection.Subscription) -> ReceivedEvent | Dropped:
    async with asyncio.timeout(60):
        return await anext(subscription)


async def test_each_answer_comes_in_cores_types(client: RpcClient, node: FakeNode) -> None:
    assert await client.status() == await node.status()
    assert await client.genesis() == node.doc
    assert await client.block(2) == node.stored[1]
    assert await client.block() == node.stored[2]
    assert await client.commit(2) == await node.commit(2)
    assert await client.block_results(3) == node.outcomes[2]
    assert await client.block_metas(1, 3) == list(reversed(await node.block_metas(1, 3)))
    assert await client.consensus_params(1) == await node.consensus_params(1)
    assert await client.abci_info() == await node.application()
    assert await client.report() == await node.report()
    assert await client.tx(sha256(b"tx 0 of block 2")) == await node.transaction_at(2, 0)


async def test_a_block_that_was_fetched_has_the_id_it_was_committed_under(client: RpcClient) -> None:
    stored = await client.block(3)
    assert stored is not None
    assert stored.block.block_id() == stored.block_id


async def test_a_transaction_comes_with_its_proof_when_asked(client: RpcClient, node: FakeNode) -> None:
    found = await client.tx(sha256(b"tx 1 of block 3"), prove=True)
    assert found.proof is not None
    assert found.proof.root_hash == node.stored[2].block.header.data_hash


async def test_validators_come_whole_whatever_the_number_of_pages(
    client: RpcClient, node: FakeNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = tuple(Validator(sha256(b"%d" % number), 1000 - number) for number in range(250))

    async def many(height: int) -> ValidatorSet:
        return ValidatorSet(members)

    monkeypatch.setattr(node, "validators", many)
    assert (await client.validators(2)).validators == members
    assert (await client.validators()).validators == members


async def test_a_broadcast_is_answered_with_its_code(client: RpcClient) -> None:
    accepted = await client.broadcast_tx_sync(b"pay")
    assert (accepted.code, accepted.hash) == (0, sha256(b"pay"))
    refused = await client.broadcast_tx_sync(REFUSED_TX)
    assert (refused.code, refused.codespace) == (503, "payments")


async def test_a_query_and_a_search_and_the_mempool(client: RpcClient, node: FakeNode) -> None:
    answer = await client.abci_query("/store/ab12/key", b"\x01\x02", prove=True)
    assert (answer.value, answer.height) == (b"record of \x01\x02", 3)
    assert answer.proof is not None
    page = await client.tx_search("tx.height > 1", per_page=2, descending=True)
    assert (page.total, [(one.height, one.index) for one in page.transactions]) == (3, [(3, 1), (3, 0)])
    await client.broadcast_tx_sync(b"pay")
    assert (await client.unconfirmed_txs()).transactions == (b"pay",)


async def test_a_request_is_published_and_listed(client: RpcClient) -> None:
    assert await client.publish_request(b"request", b"signature") == LINK_ID
    assert [(one.id, one.request, one.signature) for one in await client.requests()] == [
        (LINK_ID, b"request", b"signature")
    ]


async def test_an_error_comes_with_its_code_and_detail(client: RpcClient) -> None:
    with pytest.raises(RpcError) as caught:
        await client.block(99)
    assert (caught.value.code, caught.value.message) == (-32603, "Internal error")
    assert "99" in caught.value.data


async def test_many_calls_are_under_way_at_a_time_and_each_gets_its_own_answer(client: RpcClient) -> None:
    heights = [number % 3 + 1 for number in range(500)]
    found = await asyncio.gather(*(client.block(height) for height in heights))
    assert [stored.block.header.height for stored in found if stored is not None] == heights
    assert client._calls == {}


async def test_a_call_that_is_not_answered_times_out_and_the_connection_lives(node: FakeNode) -> None:
    async with serving(node) as server, connected(server) as client:
        node.slow_s = 0.2
        with pytest.raises(TimedOut):
            await client.call("status", 0.05)
        node.slow_s = 0.0
        await asyncio.sleep(0.2)
        assert (await client.status()).moniker == "fake"
        assert client._calls == {}


async def test_a_call_that_is_cancelled_leaves_nothing_behind(client: RpcClient, node: FakeNode) -> None:
    node.slow_s = 0.1
    task = asyncio.create_task(client.broadcast_tx_sync(b"pay"))
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert client._calls == {}


async def test_events_come_in_their_types(client: RpcClient, node: FakeNode) -> None:
    blocks = await client.subscribe("tm.event = 'NewBlock'")
    headers = await client.subscribe("tm.event = 'NewBlockHeader'")
    txs = await client.subscribe("tm.event = 'Tx'")
    pending = await client.subscribe("chainpos.event = 'PendingTx'")
    status = await client.subscribe("chainpos.event = 'Status'")
    await client.broadcast_tx_sync(b"pay")
    stored = node.add_block([b"pay"], publish=True)
    node.hub.publish_status(await node.report())
    values = []
    for subscription in (blocks, headers, txs, pending, status):
        event = await next_event(subscription)
        assert isinstance(event, ReceivedEvent)
        values.append(event.value)
    assert values[0] == NewBlock(stored, node.outcomes[-1])
    assert isinstance(values[1], Header)
    assert values[1] == stored.block.header
    assert values[2] == await node.transaction_at(4, 0)
    assert isinstance(values[2], IncludedTransaction)
    assert values[3] == PendingTransaction(sha256(b"pay"), b"pay")
    assert isinstance(values[4], NodeReport)
    assert values[4] == await node.report()


async def test_events_that_are_not_taken_are_dropped_and_counted(client: RpcClient, node: FakeNode) -> None:
    subscription = await client.subscribe("tm.event = 'NewBlockHeader'", limit=3)
    for _ in range(10):
        node.add_block(publish=True)
    await client.status()
    await until(lambda: subscription._dropped == 7)
    heights = []
    for _ in range(3):
        event = await next_event(subscription)
        assert isinstance(event, ReceivedEvent)
        assert isinstance(event.value, Header)
        heights.append(event.value.height)
    assert heights == [4, 5, 6]
    assert await next_event(subscription) == Dropped(7)
    node.add_block(publish=True)
    event = await next_event(subscription)
    assert isinstance(event, ReceivedEvent)
    assert isinstance(event.value, Header)
    assert event.value.height == 14


async def test_so_many_bytes_of_events_wait_and_no_more(
    client: RpcClient, node: FakeNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "MAX_WAITING_EVENT_BYTES", 5_000)
    subscription = await client.subscribe("tm.event = 'NewBlock'")
    for _ in range(5):
        node.add_block([bytes(1000)], publish=True)
    await until(lambda: len(subscription._waiting) + subscription._dropped == 5)
    assert subscription._waiting_bytes <= 5_000
    assert subscription._dropped > 0


async def test_a_subscription_that_the_server_cancels_ends_with_its_error(node: FakeNode) -> None:
    limits = SubscriptionLimits(max_waiting_events=2)
    async with serving(node, subscriptions=limits) as server, connected(server) as client:
        subscription = await client.subscribe("tm.event = 'NewBlock'")
        for _ in range(5):
            node.add_block(publish=True)
        with pytest.raises(RpcError) as caught:
            await next_event(subscription)
        assert caught.value.code == -32000
        again = await client.subscribe("tm.event = 'NewBlock'")
        node.add_block(publish=True)
        assert isinstance(await next_event(again), ReceivedEvent)


async def test_a_closed_subscription_ends_its_iteration_and_unsubscribes(client: RpcClient, node: FakeNode) -> None:
    subscription = await client.subscribe("tm.event = 'NewBlock'")
    node.add_block(publish=True)
    await subscription.close()
    await subscription.close()
    assert [event async for event in subscription] == []
    assert node.hub._subscribers == {}
    assert client._subscriptions == {}


async def test_a_refused_subscription_leaves_nothing_behind(client: RpcClient) -> None:
    with pytest.raises(RpcError):
        await client.subscribe("malformed query")
    assert client._subscriptions == {}


async def test_when_the_server_ends_calls_and_iterations_end_too(node: FakeNode) -> None:
    async with serving(node) as server:
        client = await RpcClient.connect(url_of(server))
        subscription = await client.subscribe("tm.event = 'NewBlock'")
        node.slow_s = 5.0
        call = asyncio.create_task(client.broadcast_tx_sync(b"pay"))
        await asyncio.sleep(0.02)
    with pytest.raises(Disconnected):
        await call
    with pytest.raises((Disconnected, RpcError)):
        await next_event(subscription)
    assert not client.is_open
    with pytest.raises(Disconnected):
        await client.status()
    await client.close()


async def test_a_closed_client_makes_no_calls_and_closes_twice(server: RpcServer) -> None:
    client = await RpcClient.connect(url_of(server))
    waiting = await client.subscribe("tm.event = 'NewBlock'")
    await client.close()
    await client.close()
    with pytest.raises(Disconnected):
        await client.status()
    with pytest.raises(Disconnected):
        await next_event(waiting)


async def test_connecting_to_nothing_is_disconnected() -> None:
    for url in ("ws://127.0.0.1:1/websocket", "http://127.0.0.1:1", "nonsense", "ws://host.invalid/websocket"):
        with pytest.raises(Disconnected):
            await RpcClient.connect(url, 1.0)


async def test_connecting_elsewhere_on_the_server_is_disconnected(server: RpcServer) -> None:
    host, port = server.address
    with pytest.raises(Disconnected):
        await RpcClient.connect(f"ws://{host}:{port}/status", 1.0)


async def test_a_client_stays_connected_while_it_has_nothing_to_say(node: FakeNode) -> None:
    limits = Limits(ping_period_s=0.05, read_timeout_s=0.5)
    async with serving(node, limits=limits) as server, connected(server) as client:
        await asyncio.sleep(0.7)
        assert json.loads(await client.call("health")) == {}
