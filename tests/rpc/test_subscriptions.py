"""The hub without a server: who is sent what, what is encoded and how often, what waits."""

from __future__ import annotations

import json

import pytest

from chainpos.core.values.hashes import sha256
from chainpos.rpc import subscriptions
from chainpos.rpc.backend import BlockResults, PendingTransaction, StoredBlock
from chainpos.rpc.protocol import RpcError
from chainpos.rpc.shapes.events import EventDataJson, new_block_json
from chainpos.rpc.subscriptions import EventHub, Subscriber, SubscriptionLimits
from tests.rpc.conftest import FakeNode, Json

NEW_BLOCK = "tm.event = 'NewBlock'"


def taken(subscriber: Subscriber) -> list[Json]:
    return [json.loads(message) for message in subscriber.messages()]


@pytest.fixture
async def hub(node: FakeNode) -> EventHub:
    return node.hub


async def test_what_nobody_asked_for_is_not_encoded(
    hub: EventHub, node: FakeNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise AssertionError

    subscriber = Subscriber()
    hub.subscribe(subscriber, 1, "tm.event = 'NewBlockHeader'")
    for name in ("new_block_json", "tx_event_json", "_tx_event", "_attributes"):
        monkeypatch.setattr(subscriptions, name, fail)
    node.add_block([b"tx"], publish=True)
    assert len(taken(subscriber)) == 1


async def test_one_event_is_encoded_once_for_all_subscribers(
    hub: EventHub, node: FakeNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    def counted(stored: StoredBlock, results: BlockResults) -> EventDataJson:
        made.append(stored)
        return new_block_json(stored, results)

    monkeypatch.setattr(subscriptions, "new_block_json", counted)
    everybody = [Subscriber() for _ in range(5)]
    for number, subscriber in enumerate(everybody):
        hub.subscribe(subscriber, number, NEW_BLOCK)
    node.add_block([b"tx"], publish=True)
    assert [taken(subscriber)[0]["id"] for subscriber in everybody] == [0, 1, 2, 3, 4]
    assert len(made) == 1


async def test_a_query_that_names_no_kind_of_event_hears_of_every_kind(hub: EventHub, node: FakeNode) -> None:
    subscriber = Subscriber()
    hub.subscribe(subscriber, 1, "tx.hash EXISTS")
    node.add_block([b"tx"], publish=True)
    hub.publish_pending(PendingTransaction(sha256(b"p"), b"p"))
    assert [one["result"]["data"]["type"].rpartition("/")[2] for one in taken(subscriber)] == ["Tx", "PendingTx"]


async def test_subscriptions_of_one_subscriber_take_turns(hub: EventHub, node: FakeNode) -> None:
    subscriber = Subscriber()
    hub.subscribe(subscriber, "a", NEW_BLOCK)
    hub.subscribe(subscriber, "b", "tm.event = 'NewBlockHeader'")
    node.add_block(publish=True)
    node.add_block(publish=True)
    assert [one["id"] for one in taken(subscriber)] == ["a", "b", "a", "b"]
    assert taken(subscriber) == []


async def test_more_bytes_than_may_wait_cancel_the_subscription_but_one_event_always_fits(node: FakeNode) -> None:
    node.hub = hub = EventHub(SubscriptionLimits(max_waiting_bytes=10_000))
    subscriber = Subscriber()
    hub.subscribe(subscriber, 1, NEW_BLOCK)
    node.add_block([bytes(20_000)], publish=True)
    assert "result" in taken(subscriber)[0]
    node.add_block([bytes(3_000)], publish=True)
    node.add_block([bytes(3_000)], publish=True)
    assert [one["error"]["code"] for one in taken(subscriber)] == [-32000]
    assert subscriber.subscriptions == {}


async def test_a_subscriber_that_left_is_forgotten(hub: EventHub, node: FakeNode) -> None:
    subscriber = Subscriber()
    hub.subscribe(subscriber, 1, NEW_BLOCK)
    hub.leave(subscriber)
    hub.leave(subscriber)
    node.add_block(publish=True)
    assert taken(subscriber) == []
    with pytest.raises(RpcError):
        hub.unsubscribe_all(subscriber)


async def test_whoever_waits_for_a_transaction_is_told_of_its_block(hub: EventHub, node: FakeNode) -> None:
    first, second, other = (hub.watch_transaction(sha256(tx)) for tx in (b"a", b"a", b"b"))
    second.cancel()
    node.add_block([b"x", b"a"], publish=True)
    included = await first
    assert (included.height, included.index, included.transaction) == (4, 1, b"a")
    assert not other.done()
    hub.unwatch(sha256(b"b"), other)
    hub.unwatch(sha256(b"a"), first)
    assert hub._watched == {}


async def test_closing_tells_every_subscription_why(hub: EventHub, node: FakeNode) -> None:
    subscriber = Subscriber()
    hub.subscribe(subscriber, 1, NEW_BLOCK)
    node.add_block(publish=True)
    hub.close()
    assert subscriber.wake.is_set()
    assert [one["error"]["data"] for one in taken(subscriber)] == [
        "subscription was canceled (reason: CometBFT exited)"
    ]
