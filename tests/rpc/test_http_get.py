"""Fetching what a link points to, from our server and from others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from chainpos.errors import MalformedBytes
from chainpos.rpc.client import Disconnected, RpcClient, TimedOut, http_get, read_link_answer
from chainpos.rpc.server import RpcServer
from tests.rpc.conftest import LINK_ID


@asynccontextmanager
async def answering(*chunks: bytes, pause_s: float = 0.0) -> AsyncIterator[str]:
    """The address of a server that answers whatever it is asked with these bytes."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        try:
            for chunk in chunks:
                writer.write(chunk)
                await writer.drain()
                await asyncio.sleep(pause_s)
        except OSError:
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_a_link_as_a_qr_code_has_it_is_fetched(server: RpcServer, client: RpcClient) -> None:
    await client.publish_request(b"request", b"signature")
    host, port = server.address
    answer = await http_get(f"HTTP://{host}:{port}/P/{LINK_ID}", 10_000, 2.0)
    assert answer.status == 200
    found = read_link_answer(answer.body)
    assert (found.request, found.signature) == (b"request", b"signature")


async def test_a_link_to_nothing_has_its_status(server: RpcServer) -> None:
    host, port = server.address
    assert (await http_get(f"http://{host}:{port}/P/{LINK_ID}", 10_000, 2.0)).status == 404


@pytest.mark.parametrize("body", [b"", b"{}", b'{"request":"!","signature":""}', b'{"request":5}', b"[" * 9999])
def test_an_answer_that_holds_no_request_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedBytes):
        read_link_answer(body)


@pytest.mark.parametrize(
    "url",
    ["", "nonsense", "ftp://127.0.0.1/", "https://127.0.0.1/", "http://", "http:///p", "http://127.0.0.1:0/",
     "http://127.0.0.1:99999/", "http://user@127.0.0.1/", "http://[::1/", "http://127.0.0.1/a b", "http://127.0.0.1/é",
     "http://127.0.0.1/\r\nX: y", "http://127.0.0.1:1/", "http://host.invalid/",
     "http://a..b/", f"http://{'x' * 64}.example/"],
)  # fmt: skip
async def test_what_is_no_reachable_address_is_disconnected(url: str) -> None:
    with pytest.raises(Disconnected):
        await http_get(url, 1000, 1.0)


async def test_an_address_that_no_request_can_ask_for_is_disconnected() -> None:
    async with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as url:
        with pytest.raises(Disconnected):
            await http_get(f"{url}/\x7f", 1000, 2.0)


async def test_an_answer_over_the_limit_is_not_read_on() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n"
    async with answering(head, *([b"x" * 10_000] * 1000)) as url:
        with pytest.raises(Disconnected, match="over 50000 bytes"):
            await http_get(url, 50_000, 2.0)


async def test_an_endless_head_is_refused() -> None:
    async with answering(b"HTTP/1.1 200 OK\r\n", *([b"X: " + b"y" * 10_000 + b"\r\n"] * 100)) as url:
        with pytest.raises(Disconnected):
            await http_get(url, 50_000, 2.0)


async def test_an_answer_that_takes_too_long_times_out() -> None:
    async with answering(b"HTTP/1.1 200 OK\r\n", *([b"X: y\r\n"] * 100), pause_s=0.01) as url:
        with pytest.raises(TimedOut):
            await http_get(url, 50_000, 0.1)


@pytest.mark.parametrize(
    "answer", [b"", b"junk\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", b"\x00" * 50]
)
async def test_an_answer_that_is_no_http_or_is_cut_short_is_disconnected(answer: bytes) -> None:
    async with answering(answer) as url:
        with pytest.raises(Disconnected):
            await http_get(url, 1000, 1.0)


async def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    moved = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    async with answering(moved) as url:
        assert (await http_get(url, 1000, 1.0)).status == 302
