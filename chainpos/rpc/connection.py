"""The client's end of one WebSocket: calls matched by id, many at a time, and events. What comes is taken as hostile.

It refuses answers that are too large, are no JSON-RPC, or do not decode; it never grows: calls under way, events that
wait and what is read ahead are bounded. It does not reconnect: whoever uses it knows what to ask again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Final, Self

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from chainpos.errors import ChainposError, MalformedBytes
from chainpos.rpc.protocol import RequestId, RpcError, encode_call, read_reply
from chainpos.rpc.shapes.events import ReceivedEvent, read_event_message

# The largest block is 100 MiB; ours are far smaller, and a peer that sends more is not ours.
MAX_ANSWER_BYTES: Final = 64 * 1024 * 1024
MAX_IN_FLIGHT: Final = 64
MAX_WAITING_EVENTS: Final = 1_000
MAX_WAITING_EVENT_BYTES: Final = 32 * 1024 * 1024
_READ_AHEAD_FRAMES: Final = 4
# The certificate must be one that this machine trusts; SSL_CERT_FILE names others.
TLS: Final = "wss://"


def websocket_url(address: str) -> str:
    """Where a node at HOST:PORT, or wss://HOST:PORT behind TLS, is asked."""
    return f"{address if address.startswith(TLS) else f'ws://{address}'}/websocket"


class Disconnected(ChainposError):
    """There is no connection: it was not made, it broke, or the other side did not keep to the protocol."""


class TimedOut(Disconnected):
    """The other side did not answer in time. The connection itself may be whole."""


class Dropped(msgspec.Struct, frozen=True):
    """So many events were dropped here, because they came faster than they were taken. Fill the gap by height."""

    count: int


class Subscription:
    """Events of one query: iterate over it. Ends by raising RpcError when the server cancels it, or Disconnected.

    Yields `Dropped` in the place of events that were dropped. A server that drops events says so by cancelling.
    """

    def __init__(self, connection: Connection, query: str, request_id: int, limit: int) -> None:
        self.query = query
        self._connection = connection
        self._request_id = request_id
        self._limit = limit
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._dropped = 0
        self._end: ChainposError | None = None
        self._closed = False
        self._wake = asyncio.Event()

    def __aiter__(self) -> AsyncIterator[ReceivedEvent | Dropped]:
        return self

    async def __anext__(self) -> ReceivedEvent | Dropped:
        """The next event. Raises RpcError, Disconnected, or MalformedBytes for one that cannot be read."""
        while True:
            if self._waiting:
                document = self._waiting.popleft()
                self._waiting_bytes -= len(document)
                return read_event_message(document)
            if self._dropped:
                dropped, self._dropped = self._dropped, 0
                return Dropped(dropped)
            if self._closed:
                raise StopAsyncIteration
            if self._end is not None:
                raise self._end
            self._wake.clear()
            await self._wake.wait()

    async def close(self) -> None:
        """Unsubscribe; the iteration ends. Does not raise."""
        if self._closed:
            return
        self._closed = True
        self._waiting.clear()
        self._dropped = 0
        self._wake.set()
        self._connection.forget(self._request_id)
        if self._end is None:
            with contextlib.suppress(RpcError, Disconnected):
                await self._connection.call("unsubscribe", query=self.query)

    def put(self, document: bytes) -> None:
        """An event came. What came first is kept: a gap is filled from its end."""
        full = self._waiting_bytes + len(document) > MAX_WAITING_EVENT_BYTES and bool(self._waiting)
        if full or len(self._waiting) >= self._limit or self._dropped:
            self._dropped += 1
        else:
            self._waiting.append(document)
            self._waiting_bytes += len(document)
        self._wake.set()

    def end(self, error: ChainposError) -> None:
        """No more will come, for this reason."""
        self._end = error
        self._wake.set()


class _Handshake(connect):
    """The opening handshake, which goes where it was told to and nowhere else."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Follow no redirect: another node is not the one that was asked."""
        return exc


class Connection:
    """Calls and subscriptions over one WebSocket. `RpcClient` adds the methods by name."""

    def __init__(self, socket: ClientConnection, timeout_s: float) -> None:
        self._socket = socket
        self._timeout_s = timeout_s
        self._last_id = 0
        self._calls: dict[int, asyncio.Future[bytes]] = {}
        self._subscriptions: dict[int, Subscription] = {}
        self._in_flight = asyncio.Semaphore(MAX_IN_FLIGHT)
        self._end: Disconnected | None = None
        self._reader = asyncio.create_task(self._read(), name="rpc client")

    @classmethod
    async def connect(cls, url: str, timeout_s: float = 10.0, *, max_answer_bytes: int = MAX_ANSWER_BYTES) -> Self:
        """A connection to a URL that `websocket_url` gave. `timeout_s` bounds the handshake, and each call by default.

        Raises Disconnected.
        """
        try:
            socket = await _Handshake(
                url,
                open_timeout=timeout_s,
                close_timeout=1.0,
                max_size=max_answer_bytes,
                max_queue=_READ_AHEAD_FRAMES,
                compression=None,
                proxy=None,
            )
        except (OSError, TimeoutError, UnicodeError, InvalidHandshake, InvalidURI, EOFError) as error:
            raise Disconnected(f"cannot connect to {url}: {error}") from error
        return cls(socket, timeout_s)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def is_open(self) -> bool:
        """Whether calls can be made."""
        return self._end is None

    async def call(self, method: str, timeout_s: float | None = None, /, **params: object) -> bytes:
        """The JSON of a method's result. Parameters are in CometBFT's forms: integers as text, bytes as base64.

        Many may be under way; they are answered as the server sees fit. Raises RpcError, TimedOut, Disconnected.
        """
        try:
            async with asyncio.timeout(self._timeout_s if timeout_s is None else timeout_s), self._in_flight:
                return await self._exchange(self._next_id(), method, params)
        except TimeoutError as error:
            raise TimedOut(f"{method} was not answered in time") from error

    async def subscribe(self, query: str, *, limit: int = MAX_WAITING_EVENTS) -> Subscription:
        """The events that match `query` from now on; at most `limit` wait here. Raises as `call` does.

        After TimedOut make a new connection: the server may have subscribed this one all the same.
        """
        request_id = self._next_id()
        subscription = Subscription(self, query, request_id, limit)
        # Before the answer comes: events may come right behind it.
        self._subscriptions[request_id] = subscription
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._exchange(request_id, "subscribe", {"query": query})
        except TimeoutError as error:
            self.forget(request_id)
            raise TimedOut("subscribe was not answered in time") from error
        except BaseException:
            self.forget(request_id)
            raise
        return subscription

    async def close(self) -> None:
        """Close the connection; calls under way raise Disconnected. Does not raise."""
        self._finish(Disconnected("the connection was closed"))
        self._reader.cancel()
        await self._socket.close()
        # Waits without raising the reader's own cancellation, which must not be taken for ours.
        await asyncio.wait({self._reader})

    def forget(self, request_id: int) -> None:
        """Events under this id are passed over from now on."""
        self._subscriptions.pop(request_id, None)

    def _next_id(self) -> int:
        self._last_id += 1
        return self._last_id

    async def _exchange(self, request_id: int, method: str, params: dict[str, object]) -> bytes:
        if self._end is not None:
            raise Disconnected(str(self._end))
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._calls[request_id] = future
        try:
            await self._socket.send(encode_call(request_id, method, params), text=True)
            return await future
        except ConnectionClosed as error:
            raise Disconnected("the connection broke") from error
        finally:
            self._calls.pop(request_id, None)

    async def _read(self) -> None:
        try:
            while True:
                self._take(await self._socket.recv(decode=False))
        except ConnectionClosed as error:
            self._finish(Disconnected(f"the connection broke: {_reason(error)}"))
        except MalformedBytes as error:
            self._finish(Disconnected(f"the other side does not keep to the protocol: {error}"))
            await self._socket.close(1002)

    def _take(self, message: bytes) -> None:
        reply = read_reply(message)
        future = self._calls.get(reply.id) if isinstance(reply.id, int) else None
        if future is not None and not future.done():
            if reply.error is not None:
                future.set_exception(reply.error)
            else:
                future.set_result(reply.result)
            return
        subscription = self._subscriptions.get(reply.id) if isinstance(reply.id, int) else None
        if subscription is not None:
            self._take_event(reply.id, subscription, reply.result, reply.error)
        elif reply.id is None and reply.error is not None:
            raise MalformedBytes(f"the other side could not read a call: {reply.error.code}")

    def _take_event(
        self, request_id: RequestId | None, subscription: Subscription, result: bytes, error: RpcError | None
    ) -> None:
        if error is None:
            subscription.put(result)
            return
        subscription.end(error)
        if isinstance(request_id, int):
            self.forget(request_id)

    def _finish(self, reason: Disconnected) -> None:
        if self._end is not None:
            return
        self._end = reason
        for future in self._calls.values():
            if not future.done():
                future.set_exception(Disconnected(str(reason)))
        for subscription in self._subscriptions.values():
            subscription.end(Disconnected(str(reason)))


def _reason(error: ConnectionClosed) -> str:
    # The other side's own words stay out: they come from a stranger.
    return f"close code {error.rcvd.code}" if error.rcvd is not None else "without a close frame"
