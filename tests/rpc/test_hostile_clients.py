"""Clients that mean harm or are broken: none crashes the server, none grows it, and others are answered meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from chainpos.rpc.limits import Limits
from chainpos.rpc.outgoing import Buffers
from chainpos.rpc.server import RpcServer
from chainpos.rpc.subscriptions import SubscriptionLimits
from tests.rpc.conftest import FakeNode, connected, exchange, http_request, parsed, serving, until

HANDSHAKE = (
    b"GET /websocket HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
CLOSED_BY_SIZE = (1009).to_bytes(2, "big")
CLOSED_BY_PROTOCOL = (1002).to_bytes(2, "big")
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def raw(server: RpcServer) -> AsyncIterator[Streams]:
    reader, writer = await asyncio.open_connection(*server.address)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


@asynccontextmanager
async def upgraded(server: RpcServer) -> AsyncIterator[Streams]:
    async with raw(server) as (reader, writer):
        writer.write(HANDSHAKE)
        await reader.readuntil(b"\r\n\r\n")
        yield reader, writer


def frame(message: bytes, first: int = 0x81) -> bytes:
    """A masked frame whose mask changes nothing."""
    if len(message) < 126:
        head = bytes((first, 0x80 | len(message)))
    else:
        head = bytes((first, 0xFE)) + len(message).to_bytes(2, "big")
    return head + bytes(4) + message


async def ended(reader: asyncio.StreamReader, within_s: float = 8.0) -> bytes:
    """What still comes until the server closes. Fails when it does not close."""
    async with asyncio.timeout(within_s):
        with contextlib.suppress(OSError):
            return await reader.read()
        return b""


async def is_alive_and_empty(server: RpcServer, *, clients: int = 0) -> bool:
    """The server still answers, and keeps nothing of clients that are gone."""
    assert parsed(await exchange(server, http_request("GET", "/health")))[0] == 200
    await until(lambda: server.connections <= clients)
    return len(server._tasks) == clients


async def test_a_head_that_comes_byte_by_byte_is_not_waited_for(node: FakeNode) -> None:
    async with serving(node, limits=Limits(request_timeout_s=0.1)) as server:
        async with raw(server) as (reader, writer):
            with contextlib.suppress(OSError):
                for byte in http_request("GET", "/status"):
                    writer.write(bytes((byte,)))
                    await asyncio.sleep(0.005)
            assert await ended(reader) == b""
        assert node.calls == 0
        assert await is_alive_and_empty(server)


async def test_a_body_that_never_comes_is_not_waited_for(node: FakeNode) -> None:
    async with serving(node, limits=Limits(request_timeout_s=0.1)) as server:
        async with raw(server) as (reader, writer):
            writer.write(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nx")
            assert await ended(reader) == b""
        assert await is_alive_and_empty(server)


async def test_a_client_that_says_nothing_is_left(node: FakeNode) -> None:
    async with serving(node, limits=Limits(idle_timeout_s=0.3)) as server:
        async with raw(server) as (reader, _):
            assert await ended(reader) == b""
        async with raw(server) as (reader, writer):
            writer.write(http_request("GET", "/health", Connection="keep-alive"))
            assert (await ended(reader)).startswith(b"HTTP/1.1 200 OK")
        assert await is_alive_and_empty(server)


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"a" * 100_000,
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 100_000,
        b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: y\r\n" % number for number in range(5_000)),
    ],
    ids=["target", "header", "many headers"],
)
async def test_a_head_over_the_limit_is_refused(server: RpcServer, head: bytes) -> None:
    async with raw(server) as (reader, writer):
        writer.write(head)
        assert (await ended(reader))[:13] in (b"HTTP/1.1 431 ", b"")
    assert await is_alive_and_empty(server)


@pytest.mark.parametrize(
    "junk",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100),
        b"\r\n\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nnot a size\r\n",
        b"GET /\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\x00b\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ],
)
async def test_what_is_no_request_is_refused_in_one_line(server: RpcServer, junk: bytes) -> None:
    async with raw(server) as (reader, writer):
        writer.write(junk)
        writer.write_eof()
        found = await ended(reader)
        assert found[:12] in (b"HTTP/1.1 400", b"")
        assert len(found) < 400
    assert await is_alive_and_empty(server)


async def test_random_bytes_do_no_harm(server: RpcServer, caplog: pytest.LogCaptureFixture) -> None:
    rng = random.Random(5)
    for _ in range(60):
        async with upgraded(server) if rng.random() < 0.7 else raw(server) as (reader, writer):
            writer.write(rng.randbytes(rng.randrange(1, 2000)))
            writer.write_eof()
            await ended(reader)
    assert await is_alive_and_empty(server)
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"\x81\xff" + (2**62).to_bytes(8, "big") + bytes(4), CLOSED_BY_SIZE),
        (b"\x81\xff" + (262_145).to_bytes(8, "big") + bytes(4), CLOSED_BY_SIZE),
        (b"\x81\x05hello", CLOSED_BY_PROTOCOL),
        (b"\xf1\x80" + bytes(4), CLOSED_BY_PROTOCOL),
        (b"\x8f\x80" + bytes(4), CLOSED_BY_PROTOCOL),
        (frame(b"", 0x80), CLOSED_BY_PROTOCOL),
        (frame(b"x" * 126, 0x89), CLOSED_BY_PROTOCOL),
    ],
    ids=[
        "2^62 bytes",
        "over the limit",
        "unmasked",
        "reserved bits",
        "unknown opcode",
        "nothing to continue",
        "long ping",
    ],
)
async def test_a_frame_that_breaks_the_protocol_ends_the_connection(
    server: RpcServer, sent: bytes, code: bytes
) -> None:
    async with upgraded(server) as (reader, writer):
        writer.write(sent)
        assert (await ended(reader))[2:4] == code
    assert await is_alive_and_empty(server)


async def test_a_message_that_grows_by_fragments_is_cut(node: FakeNode) -> None:
    async with serving(node, limits=Limits(max_body_bytes=10_000)) as server:
        async with upgraded(server) as (reader, writer):
            with contextlib.suppress(OSError):
                writer.write(frame(b"x" * 1000, 0x01))
                for _ in range(20):
                    writer.write(frame(b"x" * 1000, 0x00))
            assert (await ended(reader))[2:4] == CLOSED_BY_SIZE
        assert await is_alive_and_empty(server)


async def test_empty_fragments_do_not_add_up(node: FakeNode) -> None:
    async with serving(node) as server, upgraded(server) as (reader, writer):
        writer.write(frame(b'{"id":1,"method":', 0x01) + frame(b"", 0x00) * 20_000 + frame(b'"health"}', 0x80))
        async with asyncio.timeout(20):
            assert b'"result":{}' in await reader.readuntil(b"}}")


async def test_deeply_nested_json_is_a_parse_error(server: RpcServer) -> None:
    async with connected(server) as client:
        await client._socket.send('{"id":1,"params":' + "[" * 50_000 + "]" * 50_000 + "}")
        await asyncio.sleep(0)
    assert await is_alive_and_empty(server)


async def test_a_client_that_asks_and_does_not_read_is_cut(node: FakeNode) -> None:
    node.add_block([os.urandom(100_000)])
    limits = Limits(write_timeout_s=0.1, write_high_water_bytes=64 * 1024)
    async with serving(node, limits=limits) as server:
        async with upgraded(server) as (reader, writer):
            writer.write(frame(b'{"id":1,"method":"block","params":{"height":"4"}}') * 2_000)
            # One answer at a time is made: 2,000 would be 270 MB.
            async with asyncio.timeout(8):
                while server.connections:
                    await asyncio.sleep(0.01)
                    assert server._buffers.total_bytes < 1_000_000
            assert node.calls < 200
            del reader
        assert await is_alive_and_empty(server)


async def test_a_client_that_pings_and_does_not_read_is_cut(node: FakeNode) -> None:
    limits = Limits(write_timeout_s=0.1, write_high_water_bytes=16 * 1024)
    async with serving(node, limits=limits) as server:
        async with upgraded(server) as (_, writer):
            flood = frame(b"x" * 120, 0x89) * 2_000
            async with asyncio.timeout(8):
                while server.connections:
                    with contextlib.suppress(OSError):
                        writer.write(flood if writer.transport.get_write_buffer_size() < 10_000_000 else b"")
                    await asyncio.sleep(0.001)
                    assert server._buffers.total_bytes < 2_000_000
        assert await is_alive_and_empty(server)


async def test_a_subscriber_that_does_not_read_costs_a_bounded_amount(node: FakeNode) -> None:
    limits = Limits(write_timeout_s=0.2, write_high_water_bytes=64 * 1024)
    most = SubscriptionLimits(max_waiting_bytes=1_000_000)
    async with serving(node, limits=limits, subscriptions=most) as server:
        async with upgraded(server) as (_, writer):
            query = b'{"id":1,"method":"subscribe","params":{"query":"tm.event = \'Tx\'"}}'
            writer.write(frame(query))
            await until(lambda: node.hub._subscribers)
            (subscriber,) = node.hub._subscribers
            (subscription,) = subscriber.subscriptions.values()
            for _ in range(40):
                node.add_block([os.urandom(4000) for _ in range(50)], publish=True)
                await asyncio.sleep(0)
                assert subscription._waiting_bytes <= 1_000_000
                assert server._buffers.total_bytes < 200_000
            # Either the subscription is lost, or the whole connection with it.
            await until(lambda: not subscriber.subscriptions)
            assert subscription._waiting_bytes == 0
        assert await is_alive_and_empty(server)
        assert node.hub._subscribers == {}


class _Held:
    """Stands for a connection in the bookkeeping of buffers."""

    def __init__(self, held: int) -> None:
        self.buffered_bytes = held
        self.aborted = False

    def abort(self) -> None:
        self.aborted = True


def test_when_all_buffers_together_hold_too_much_the_fullest_is_cut() -> None:
    buffers = Buffers(100)
    small, large, last = _Held(30), _Held(60), _Held(20)
    for held in (small, large, last):
        buffers.note(held)  # type: ignore[arg-type]
    assert [held.aborted for held in (small, large, last)] == [False, True, False]
    assert buffers.total_bytes == 50
    small.buffered_bytes = 0
    buffers.note(small)  # type: ignore[arg-type]
    assert buffers.total_bytes == 20


async def test_a_thousand_connections_stay_bounded(node: FakeNode) -> None:
    async with serving(node, limits=Limits(max_connections=50, max_connections_per_address=50)) as server:
        opened: list[Streams] = []
        for _ in range(1000):
            opened.append(await asyncio.open_connection(*server.address))
            assert server.connections <= 50
        turned_away = [await ended(reader) for reader, _ in opened[60:80]]
        assert all(answer.startswith(b"HTTP/1.1 503 ") for answer in turned_away)
        assert server.connections == 50
        for _, writer in opened:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for _, writer in opened), return_exceptions=True)
        assert await is_alive_and_empty(server)


async def test_one_address_does_not_take_all_connections(node: FakeNode) -> None:
    limits = Limits(max_connections=50, max_connections_per_address=2)
    async with serving(node, limits=limits) as server, raw(server), raw(server), raw(server) as (reader, _):
        assert (await ended(reader)).startswith(b"HTTP/1.1 503 ")


async def test_a_client_that_leaves_in_mid_answer_leaves_nothing_behind(node: FakeNode) -> None:
    node.slow_s = 0.05
    async with serving(node) as server:
        for method in (b"block", b"broadcast_tx_sync"):
            async with upgraded(server) as (_, writer):
                writer.write(frame(b'{"id":1,"method":"%s"}' % method))
                await asyncio.sleep(0.01)
        async with raw(server) as (_, writer):
            writer.write(http_request("GET", "/block"))
            await asyncio.sleep(0.01)
        node.slow_s = 0.0
        assert await is_alive_and_empty(server)


async def test_others_are_answered_while_one_client_floods(node: FakeNode) -> None:
    async with serving(node) as server, upgraded(server) as (reader, writer), connected(server) as other:
        writer.write(frame(b'{"id":1,"method":"health"}') * 20_000)
        # In time of the processor: all of it is in this process, whatever else the machine does.
        waits = []
        for _ in range(20):
            began = time.process_time()
            await other.call("health")
            waits.append(time.process_time() - began)
        assert sorted(waits)[10] < 0.1
        del reader
