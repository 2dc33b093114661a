"""Who wants to hear of which events, and what waits for them. No I/O: a connection takes messages out and sends them.

A subscriber that does not keep up loses its subscription and is told so, as CometBFT tells it; what waited for it is
dropped, so that a slow client costs a bounded amount of memory. It must then subscribe again and fill the gap by
height. Refused are a sixth subscription, the same query twice, and subscribers beyond the limit.
Source: CometBFT rpc/core/events.go, libs/pubsub/pubsub.go, types/event_bus.go.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from chainpos.core.chain.results import Event
from chainpos.core.values.hashes import sha256
from chainpos.rpc.backend import BlockResults, IncludedTransaction, NodeReport, PendingTransaction, StoredBlock
from chainpos.rpc.protocol import (
    INTERNAL_ERROR,
    MESSAGES,
    SERVER_ERROR,
    RequestId,
    RpcError,
    encode_error,
    encode_result,
)
from chainpos.rpc.query import Attributes, MalformedQuery, Query, attributes_of, parse_query
from chainpos.rpc.shapes.events import (
    CHAINPOS_KEY,
    COMETBFT_KEY,
    EventDataJson,
    EventMessageJson,
    new_block_header_json,
    new_block_json,
    pending_tx_json,
    status_event_json,
    tx_event_json,
)
from chainpos.rpc.shapes.scalars import hex_text

OUT_OF_CAPACITY: Final = "internal subscription event buffer is out of capacity"
NODE_EXITED: Final = "CometBFT exited"
# What an event takes beyond the bytes it is about: attributes, JSON names, hex.
_EVENT_OVERHEAD_BYTES: Final = 1024


class SubscriptionLimits(msgspec.Struct, frozen=True):
    """CometBFT's own limits are 100 subscribers, 5 subscriptions each and 200 events waiting.

    Here a whole block's Tx events are queued at once, so that more may wait, but only so many bytes of them.
    """

    max_subscribers: int = 100
    max_subscriptions_each: int = 5
    max_waiting_events: int = 20_000
    max_waiting_bytes: int = 16 * 1024 * 1024


class PublishedEvent:
    """One event, whose JSON is made when the first subscriber is sent it, and once for all of them."""

    __slots__ = ("_attributes", "_data", "_make_attributes", "_make_data", "key", "name", "size_bytes")

    def __init__(
        self,
        key: str,
        name: str,
        size_bytes: int,
        make_data: Callable[[], EventDataJson],
        make_attributes: Callable[[], dict[str, list[str]]] = dict,
    ) -> None:
        self.key = key
        self.name = name
        self.size_bytes = size_bytes + _EVENT_OVERHEAD_BYTES
        self._make_data = make_data
        self._make_attributes = make_attributes
        self._data: EventDataJson | None = None
        self._attributes: dict[str, list[str]] | None = None

    @property
    def attributes(self) -> Attributes:
        """What queries match."""
        if self._attributes is None:
            self._attributes = self._make_attributes()
            self._attributes.setdefault(self.key, []).append(self.name)
        return self._attributes

    def message(self, query: str) -> EventMessageJson:
        """What a subscriber of `query` is sent."""
        if self._data is None:
            self._data = self._make_data()
        return EventMessageJson(query, self._data, msgspec.Raw(msgspec.json.encode(self.attributes)))


class Subscription:
    """One query of one subscriber. `request_id` is that of its `subscribe`, under which its events go out."""

    __slots__ = ("_limits", "_only_kind", "_query", "_waiting", "_waiting_bytes", "cancelled", "request_id", "text")

    def __init__(self, request_id: RequestId, text: str, query: Query, limits: SubscriptionLimits) -> None:
        self.request_id = request_id
        self.text = text
        self.cancelled = ""
        self._query = query
        self._limits = limits
        self._only_kind = len(query.conditions) == 1
        self._waiting: deque[PublishedEvent] = deque()
        self._waiting_bytes = 0

    def may_want(self, key: str, name: str) -> bool:
        """Whether events of this kind can match at all."""
        for known in (COMETBFT_KEY, CHAINPOS_KEY):
            wanted = self._query.required_value(known)
            if wanted is not None:
                return (known, wanted) == (key, name)
        return True

    def wants(self, event: PublishedEvent) -> bool:
        """Whether the event matches. The attributes are only made when the kind of event does not decide alone."""
        if self._only_kind and self._query.required_value(event.key) == event.name:
            return True
        return self._query.matches(event.attributes)

    def put(self, event: PublishedEvent) -> None:
        """Queue an event, or cancel the subscription where too much waits already."""
        if self.cancelled:
            return
        self._waiting_bytes += event.size_bytes
        full = self._waiting_bytes > self._limits.max_waiting_bytes and bool(self._waiting)
        if full or len(self._waiting) >= self._limits.max_waiting_events:
            self.cancel(OUT_OF_CAPACITY)
        else:
            self._waiting.append(event)

    def cancel(self, reason: str) -> None:
        """Drop what waits; the next message says why."""
        self.cancelled = reason
        self._waiting.clear()
        self._waiting_bytes = 0

    def take(self) -> bytes | None:
        """The next message to send, or None when nothing waits."""
        if self.cancelled:
            detail = f"subscription was canceled (reason: {self.cancelled})"
            return encode_error(self.request_id, SERVER_ERROR, detail)
        if not self._waiting:
            return None
        event = self._waiting.popleft()
        self._waiting_bytes -= event.size_bytes
        return encode_result(self.request_id, event.message(self.text))


class Subscriber:
    """One connection's subscriptions. `wake` is set whenever there may be something to take."""

    def __init__(self) -> None:
        self.subscriptions: dict[str, Subscription] = {}
        self.wake = asyncio.Event()

    def messages(self) -> Iterator[bytes]:
        """What waits, one message at a time, the subscriptions taking turns."""
        found = True
        while found:
            found = False
            for normal_form, subscription in list(self.subscriptions.items()):
                message = subscription.take()
                if message is None:
                    continue
                if subscription.cancelled:
                    self.subscriptions.pop(normal_form, None)
                found = True
                yield message


class EventHub:
    """Publishes a node's events to the subscribers of its RPC server. To be called in the event loop's thread."""

    def __init__(self, limits: SubscriptionLimits | None = None) -> None:
        self._limits = limits or SubscriptionLimits()
        # A dict for its order: subscribers hear of an event in the order in which they came.
        self._subscribers: dict[Subscriber, None] = {}
        self._watched: dict[bytes, list[asyncio.Future[IncludedTransaction]]] = {}

    def subscribe(self, subscriber: Subscriber, request_id: RequestId, text: str) -> None:
        """Add a subscription. Raises RpcError with CometBFT's sentence."""
        query = _parsed(text)
        if subscriber not in self._subscribers and len(self._subscribers) >= self._limits.max_subscribers:
            raise _refused(f"max_subscription_clients {self._limits.max_subscribers} reached")
        if len(subscriber.subscriptions) >= self._limits.max_subscriptions_each:
            raise _refused(f"max_subscriptions_per_client {self._limits.max_subscriptions_each} reached")
        if str(query) in subscriber.subscriptions:
            raise _refused("already subscribed")
        subscriber.subscriptions[str(query)] = Subscription(request_id, text, query, self._limits)
        self._subscribers[subscriber] = None

    def unsubscribe(self, subscriber: Subscriber, text: str) -> None:
        """Remove a subscription. Raises RpcError with CometBFT's sentence."""
        if subscriber.subscriptions.pop(str(_parsed(text)), None) is None:
            raise _refused("subscription not found")
        if not subscriber.subscriptions:
            self._subscribers.pop(subscriber, None)

    def unsubscribe_all(self, subscriber: Subscriber) -> None:
        """Remove all of a subscriber's subscriptions. Raises RpcError when there is none."""
        if not subscriber.subscriptions:
            raise _refused("subscription not found")
        self.leave(subscriber)

    def leave(self, subscriber: Subscriber) -> None:
        """Forget a subscriber, whose connection has ended."""
        subscriber.subscriptions.clear()
        self._subscribers.pop(subscriber, None)

    def close(self) -> None:
        """Tell every subscriber that no more will come."""
        for subscriber in self._subscribers:
            for subscription in subscriber.subscriptions.values():
                subscription.cancel(NODE_EXITED)
            subscriber.wake.set()

    def publish_block(self, stored: StoredBlock, results: BlockResults) -> None:
        """A block was committed: NewBlock, NewBlockHeader, and Tx for each transaction."""
        header, txs = stored.block.header, stored.block.txs
        size = sum(len(tx) for tx in txs)
        self._publish(
            PublishedEvent(
                COMETBFT_KEY,
                "NewBlock",
                2 * size,
                lambda: new_block_json(stored, results),
                lambda: _attributes(results.events),
            )
        )
        self._publish(PublishedEvent(COMETBFT_KEY, "NewBlockHeader", 0, lambda: new_block_header_json(header)))
        wanting = self._wanting(COMETBFT_KEY, "Tx")
        if not wanting and not self._watched:
            return
        for index, (tx, result) in enumerate(zip(txs, results.results, strict=True)):
            included = IncludedTransaction(sha256(tx), header.height, index, tx, result)
            for future in self._watched.pop(included.hash, ()):
                if not future.done():
                    future.set_result(included)
            if wanting:
                _deliver(_tx_event(included), wanting)

    def publish_pending(self, pending: PendingTransaction) -> None:
        """A transaction entered the mempool."""
        attributes = {"tx.hash": [hex_text(pending.hash)]}
        self._publish(
            PublishedEvent(
                CHAINPOS_KEY,
                "PendingTx",
                len(pending.transaction),
                lambda: pending_tx_json(pending),
                lambda: {key: list(values) for key, values in attributes.items()},
            )
        )

    def publish_status(self, report: NodeReport) -> None:
        """The node's own state changed: syncing, offline, halted, an upstream dropped, an alarm."""
        self._publish(PublishedEvent(CHAINPOS_KEY, "Status", 0, lambda: status_event_json(report)))

    def watch_transaction(self, tx_hash: bytes) -> asyncio.Future[IncludedTransaction]:
        """Done when the transaction is in a block. Whoever asks must call `unwatch` if he stops waiting."""
        future: asyncio.Future[IncludedTransaction] = asyncio.get_running_loop().create_future()
        self._watched.setdefault(tx_hash, []).append(future)
        return future

    def unwatch(self, tx_hash: bytes, future: asyncio.Future[IncludedTransaction]) -> None:
        """Stop waiting for a transaction."""
        waiting = self._watched.get(tx_hash, [])
        if future in waiting:
            waiting.remove(future)
        if not waiting:
            self._watched.pop(tx_hash, None)

    def _wanting(self, key: str, name: str) -> list[tuple[Subscriber, Subscription]]:
        return [
            (subscriber, subscription)
            for subscriber in self._subscribers
            for subscription in subscriber.subscriptions.values()
            if subscription.may_want(key, name)
        ]

    def _publish(self, event: PublishedEvent) -> None:
        _deliver(event, self._wanting(event.key, event.name))


def _deliver(event: PublishedEvent, wanting: list[tuple[Subscriber, Subscription]]) -> None:
    for subscriber, subscription in wanting:
        if subscription.wants(event):
            subscription.put(event)
            subscriber.wake.set()


def _tx_event(included: IncludedTransaction) -> PublishedEvent:
    def attributes() -> dict[str, list[str]]:
        found = _attributes(included.result.events)
        found.setdefault("tx.hash", []).append(hex_text(included.hash))
        found.setdefault("tx.height", []).append(str(included.height))
        return found

    return PublishedEvent(
        COMETBFT_KEY, "Tx", 2 * len(included.transaction), lambda: tx_event_json(included), attributes
    )


def _attributes(events: tuple[Event, ...]) -> dict[str, list[str]]:
    return attributes_of((event.type, ((one.key, one.value) for one in event.attributes)) for event in events)


def _parsed(text: str) -> Query:
    try:
        return parse_query(text)
    except MalformedQuery as error:
        detail = str(error)
        raise _refused(detail if "maximum" in detail else f"failed to parse query: {detail}") from error


def _refused(detail: str) -> RpcError:
    return RpcError(INTERNAL_ERROR, MESSAGES[INTERNAL_ERROR], detail)
