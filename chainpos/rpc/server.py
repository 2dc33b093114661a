"""The RPC server: one port for HTTP and WebSocket. It owns the listening socket and every connection's task.

It refuses connections beyond its limits, and survives whatever a client sends: a connection's fault ends that
connection alone.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable
from types import TracebackType
from typing import Final, Self

from chainpos.rpc.admission import Crowd, Doorman, Paces
from chainpos.rpc.answering import Answerer
from chainpos.rpc.backend import Backend
from chainpos.rpc.http import HttpConnection
from chainpos.rpc.limits import Limits
from chainpos.rpc.outgoing import Buffers, Outgoing
from chainpos.rpc.subscriptions import EventHub
from chainpos.rpc.websocket import WebSocketSession

DEFAULT_PORT: Final = 26657
_BACKLOG: Final = 128
# What is read ahead of a client is at most twice this.
_READER_LIMIT_BYTES: Final = 32 * 1024
_GOODBYE_S: Final = 1.0
_FULL: Final = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_log = logging.getLogger(__name__)


class RpcServer:
    """Serves a Backend and the events published to a hub, for as long as its `async with` lasts.

    `port` 0 takes a free port; `address` says which. `names` are host names, besides localhost and IP addresses, by
    which browsers may reach the node. A connection is a task in this object's own group.
    """

    def __init__(
        self,
        backend: Backend,
        hub: EventHub,
        *,
        host: str = "127.0.0.1",
        port: int = DEFAULT_PORT,
        limits: Limits | None = None,
        names: Iterable[str] = (),
    ) -> None:
        self._limits = limits or Limits()
        self._hub = hub
        self._answerer = Answerer(backend, hub, self._limits)
        self._doorman = Doorman(names)
        self._crowd = Crowd(self._limits.max_connections, self._limits.max_connections_per_address)
        self._paces = Paces(self._limits.requests_per_second, self._limits.burst, time.monotonic)
        self._buffers = Buffers(self._limits.max_buffered_bytes)
        self._host = host
        self._port = port
        self._group = asyncio.TaskGroup()
        self._tasks: set[asyncio.Task[None]] = set()
        self._sessions: set[WebSocketSession] = set()
        self._server: asyncio.Server | None = None
        self._closing = False

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that it listens on. Raises RuntimeError before it does."""
        if self._server is None:
            raise RuntimeError("the RPC server is not listening")
        host, port = self._server.sockets[0].getsockname()[:2]
        return str(host), int(port)

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return self._crowd.count

    async def __aenter__(self) -> Self:
        """Listen. Raises OSError when the port is taken."""
        self._server = await asyncio.start_server(
            self._accept, self._host, self._port, limit=_READER_LIMIT_BYTES, backlog=_BACKLOG
        )
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening, tell subscribers, close every connection within a second."""
        self._closing = True
        if self._server is not None:
            self._server.close()
        self._hub.close()
        for session in self._sessions:
            session.say_goodbye()
        for task in self._tasks:
            task.cancel()
        # The body's own error goes on as it is, and not wrapped in the group's.
        await self._group.__aexit__(None, None, None)
        if self._server is not None:
            await self._server.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peername")
        address = str(peer[0]) if peer else ""
        if self._closing or not self._crowd.enter(address):
            writer.write(_FULL)
            writer.close()
            return
        task = self._group.create_task(self._serve(reader, writer, address), name=f"rpc client {address}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: str) -> None:
        outgoing, pace = Outgoing(writer, self._buffers, self._limits), self._paces.of(address)
        try:
            upgrade = await HttpConnection(reader, outgoing, self._answerer, self._doorman, self._limits, pace).run()
            if upgrade is not None:
                session = WebSocketSession(reader, outgoing, self._answerer, self._hub, self._limits, pace)
                self._sessions.add(session)
                try:
                    await session.run(upgrade.already_read)
                finally:
                    self._sessions.discard(session)
        except (OSError, TimeoutError):
            _log.debug("a client is gone, or too slow")
        except Exception:  # noqa: BLE001 - one client's connection must not end the server
            _log.exception("a connection failed")
        finally:
            try:
                await outgoing.close(_GOODBYE_S if self._closing else None)
            finally:
                self._crowd.leave(address)
