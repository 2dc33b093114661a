"""One WebSocket client: its calls answered, its events sent. The frames are `websockets`' own protocol without I/O.

Calls that only read are answered in the order in which they came, one at a time, so that a client that does not take
its answers is not answered further. Calls that wait for more than the store (broadcasts) run beside them, a few at a
time, and are answered when they are done. Source: CometBFT rpc/jsonrpc/server/ws_handler.go.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol

from chainpos.rpc.admission import Pace
from chainpos.rpc.answering import Answerer
from chainpos.rpc.limits import Limits
from chainpos.rpc.methods import METHODS
from chainpos.rpc.outgoing import Outgoing
from chainpos.rpc.protocol import Call, read_websocket
from chainpos.rpc.subscriptions import EventHub, Subscriber

_READ_BYTES: Final = 64 * 1024
_DATA = (Opcode.TEXT, Opcode.BINARY, Opcode.CONT)
# How long the loop may be kept by one client that has much to ask or to hear.
_TURN_S: Final = 0.002
_log = logging.getLogger(__name__)
# `websockets` tells of every connection at INFO.
_frames_log = logging.getLogger(f"{__name__}.frames")
_frames_log.setLevel(logging.WARNING)


class WebSocketSession:
    """From the end of the handshake to the end of the connection."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        outgoing: Outgoing,
        answerer: Answerer,
        hub: EventHub,
        limits: Limits,
        pace: Pace,
    ) -> None:
        self._reader = reader
        self._outgoing = outgoing
        self._answerer = answerer
        self._hub = hub
        self._limits = limits
        self._protocol = ServerProtocol(state=State.OPEN, max_size=limits.max_body_bytes, logger=_frames_log)
        self._subscriber = Subscriber()
        self._loop = asyncio.get_running_loop()
        self._pace = pace
        self._slots = asyncio.Semaphore(limits.max_waiting_each)
        self._beside: set[asyncio.Task[None]] = set()
        self._message = bytearray()
        self._turn_began = self._loop.time()

    async def run(self, already_read: bytes) -> None:
        """Serve until the client leaves or breaks a rule. `already_read` came behind the handshake."""
        try:
            async with asyncio.TaskGroup() as group:
                events = group.create_task(self._send_events(), name="rpc events")
                try:
                    await self._receive(group, already_read)
                finally:
                    events.cancel()
                    for task in self._beside:
                        task.cancel()
        except* (OSError, TimeoutError):
            _log.debug("a WebSocket client is gone or does not read")
        finally:
            self._hub.leave(self._subscriber)

    def say_goodbye(self) -> None:
        """Queue the messages that end subscriptions and the close frame, without waiting for them to be taken."""
        if self._protocol.state is State.OPEN:
            for message in self._subscriber.messages():
                self._protocol.send_text(message)
            self._protocol.send_close(CloseCode.GOING_AWAY)
            self._outgoing.write_now(self._protocol.data_to_send())

    async def _receive(self, group: asyncio.TaskGroup, already_read: bytes) -> None:
        received = already_read
        while True:
            if received:
                self._protocol.receive_data(received)
            for event in self._protocol.events_received():
                if isinstance(event, Frame) and event.opcode in _DATA:
                    await self._take_frame(event, group)
            await self._flush()
            if self._protocol.state is not State.OPEN:
                return
            try:
                async with asyncio.timeout(self._limits.read_timeout_s):
                    received = await self._reader.read(_READ_BYTES)
            except TimeoutError:
                self._protocol.fail(CloseCode.GOING_AWAY, "nothing was heard for too long")
                await self._flush()
                return
            if not received:
                return

    async def _take_frame(self, frame: Frame, group: asyncio.TaskGroup) -> None:
        self._message += frame.data
        if frame.fin:
            message = bytes(self._message)
            self._message.clear()
            await self._take_message(message, group)

    async def _take_message(self, message: bytes, group: asyncio.TaskGroup) -> None:
        delay_s = self._pace.take()
        if delay_s:
            await asyncio.sleep(delay_s)
        reading = read_websocket(message)
        if reading.error:
            await self._send(reading.error)
        for call in reading.calls:
            method = METHODS.get(call.method)
            if method is not None and method.pool != "reads":
                await self._slots.acquire()
                task = group.create_task(self._answer_beside(call), name=f"rpc {call.method}")
                self._beside.add(task)
                task.add_done_callback(self._beside.discard)
            else:
                await self._send(await self._answerer.call(call, "websocket", self._subscriber))
        await self._let_others_run()

    async def _answer_beside(self, call: Call) -> None:
        try:
            await self._send(await self._answerer.call(call, "websocket", self._subscriber))
        finally:
            self._slots.release()

    async def _send_events(self) -> None:
        next_ping = self._loop.time() + self._limits.ping_period_s
        while True:
            try:
                async with asyncio.timeout_at(next_ping):
                    await self._subscriber.wake.wait()
            except TimeoutError:
                next_ping = await self._ping()
            self._subscriber.wake.clear()
            for message in self._subscriber.messages():
                await self._send(message)
                if self._loop.time() >= next_ping:
                    next_ping = await self._ping()
                await self._let_others_run()

    async def _ping(self) -> float:
        if self._protocol.state is State.OPEN:
            self._protocol.send_ping(b"")
            await self._flush()
        return self._loop.time() + self._limits.ping_period_s

    async def _send(self, message: bytes) -> None:
        if self._protocol.state is State.OPEN:
            self._protocol.send_text(message)
            await self._flush()

    async def _flush(self) -> None:
        await self._outgoing.send(*self._protocol.data_to_send())

    async def _let_others_run(self) -> None:
        # Neither a buffered read nor a write that fits the buffer suspends.
        if self._loop.time() - self._turn_began > _TURN_S:
            await asyncio.sleep(0)
            self._turn_began = self._loop.time()
