"""A connection to one node that is there again by itself: calls on one WebSocket, events on another.

It refuses calls while there is no connection, with a sentence. Two sockets, because an answer must not wait behind a
flood of events, and because a node gives one connection five subscriptions.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Final

from chainpos.errors import EXIT_UNREACHABLE, MalformedBytes, UserFacingError
from chainpos.rpc.client import Disconnected, RpcClient, RpcError

FIRST_PAUSE_S: Final = 0.1
LONGEST_PAUSE_S: Final = 2.0
CALL_TIMEOUT_S: Final = 5.0
Serve = Callable[[RpcClient, RpcClient], Awaitable[None]]


class NodeConnection:
    """`address` is HOST:PORT. `keep` holds the connection; `client` is for calls, None while there is no connection."""

    def __init__(self, address: str, *, timeout_s: float = CALL_TIMEOUT_S) -> None:
        self.address = address
        self.client: RpcClient | None = None
        self._timeout_s = timeout_s
        self._pause_s = FIRST_PAUSE_S

    def require(self) -> RpcClient:
        """The client for calls. Raises UserFacingError while the node cannot be reached."""
        if self.client is None or not self.client.is_open:
            raise UserFacingError(
                f"The node at {self.address} does not answer.",
                next_step="Start it, or wait: the connection comes back by itself.",
                exit_code=EXIT_UNREACHABLE,
            )
        return self.client

    async def open(self) -> RpcClient:
        """One connection for calls alone, for who asks a few things and ends. Raises UserFacingError."""
        try:
            self.client = await RpcClient.connect(websocket_url(self.address), self._timeout_s)
        except Disconnected:
            return self.require()
        return self.client

    async def close(self) -> None:
        """Close what `open` opened."""
        if self.client is not None:
            await self.client.close()
            self.client = None

    async def keep(self, serve: Serve, lost: Callable[[], None]) -> None:
        """Connect and call `serve(calls, events)`, again and again, until cancelled.

        `serve` ends by raising when a connection breaks; `lost` is called after each end and each failed attempt.
        """
        while True:
            try:
                await self._once(serve)
            except (Disconnected, RpcError, MalformedBytes, TimeoutError):
                # The node's own words are not passed on: they come from outside.
                lost()
            await asyncio.sleep(self._pause_s)
            self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)

    async def _once(self, serve: Serve) -> None:
        url = websocket_url(self.address)
        async with contextlib.AsyncExitStack() as stack:
            calls = await stack.enter_async_context(await RpcClient.connect(url, self._timeout_s))
            events = await stack.enter_async_context(await RpcClient.connect(url, self._timeout_s))
            self.client = calls
            try:
                await serve(calls, events)
            finally:
                self.client = None

    def succeeded(self) -> None:
        """The connection proved useful: the next attempt after a loss comes quickly again."""
        self._pause_s = FIRST_PAUSE_S


def websocket_url(address: str) -> str:
    """ws://HOST:PORT/websocket."""
    return f"ws://{address}/websocket"
