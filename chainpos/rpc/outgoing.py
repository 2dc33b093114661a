"""What is on its way out of the server: writes with a time-out, and a bound on what all send buffers hold together.

A client that does not read costs memory. It is cut when it takes nothing for too long, or when the buffers of all
connections together are over the limit and its own is the fullest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from chainpos.rpc.limits import Limits


class Outgoing:
    """The sending half of one connection."""

    def __init__(self, writer: asyncio.StreamWriter, buffers: Buffers, limits: Limits) -> None:
        self._writer = writer
        self._buffers = buffers
        self._timeout_s = limits.write_timeout_s
        writer.transport.set_write_buffer_limits(high=limits.write_high_water_bytes)

    @property
    def buffered_bytes(self) -> int:
        """What the client has not taken yet."""
        return self._writer.transport.get_write_buffer_size()

    async def send(self, *chunks: bytes) -> None:
        """Write, and wait while the client is behind. An empty chunk ends the stream.

        Raises OSError when the connection is gone, TimeoutError when the client takes nothing for too long.
        """
        self.write_now(chunks)
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._writer.drain()
        finally:
            self._buffers.note(self)

    def write_now(self, chunks: Iterable[bytes]) -> None:
        """Write without waiting."""
        if self._writer.is_closing():
            return
        for chunk in chunks:
            if chunk:
                self._writer.write(chunk)
            elif self._writer.can_write_eof():
                self._writer.write_eof()
        self._buffers.note(self)

    def abort(self) -> None:
        """Cut the connection at once, throwing away what is buffered."""
        self._writer.transport.abort()

    async def close(self, within_s: float | None = None) -> None:
        """Close in good order: what is buffered goes first, for `within_s` or as long as a write may take."""
        self._writer.close()
        try:
            async with asyncio.timeout(self._timeout_s if within_s is None else within_s):
                await self._writer.wait_closed()
        except (OSError, TimeoutError):
            self.abort()
        finally:
            self._buffers.forget(self)


class Buffers:
    """The send buffers of all connections that hold anything."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._holding: dict[Outgoing, int] = {}

    @property
    def total_bytes(self) -> int:
        """What all clients together have not taken yet, as of each one's last write."""
        return sum(self._holding.values())

    def note(self, outgoing: Outgoing) -> None:
        """A buffer changed. Cuts the fullest connection when all together hold too much."""
        held = outgoing.buffered_bytes
        if not held:
            self._holding.pop(outgoing, None)
            return
        self._holding[outgoing] = held
        if self.total_bytes > self._limit_bytes:
            fullest = max(self._holding, key=lambda one: self._holding[one])
            self.forget(fullest)
            fullest.abort()

    def forget(self, outgoing: Outgoing) -> None:
        """A connection has ended."""
        self._holding.pop(outgoing, None)
