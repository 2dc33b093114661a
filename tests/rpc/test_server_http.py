"""HTTP over a real socket: statuses, batches, keep-alive, the doorman, limits."""

from __future__ import annotations

import asyncio
import json

import pytest

from chainpos.rpc.http import HttpConnection
from chainpos.rpc.limits import Limits
from chainpos.rpc.server import RpcServer
from tests.rpc.conftest import FakeNode, exchange, http_request, parsed, serving

HEALTH = b'{"jsonrpc":"2.0","id":1,"method":"health"}'


async def test_a_parse_error_has_the_status_500(server: RpcServer) -> None:
    status, answer = parsed(await exchange(server, http_request("POST", "/", b"{nonsense")))
    assert (status, answer["error"]["code"]) == (500, -32700)
    assert "id" not in answer


async def test_a_batch_is_answered_in_its_order(server: RpcServer) -> None:
    body = b"[" + b",".join(b'{"id":%d,"method":"block","params":{"height":"%d"}}' % (n, n) for n in (3, 9, 1)) + b"]"
    status, answer = parsed(await exchange(server, http_request("POST", "/", body)))
    assert status == 200
    assert [(one["id"], "error" in one) for one in answer] == [(3, False), (9, True), (1, False)]


async def test_a_batch_over_the_limit_is_refused_as_a_whole(server: RpcServer, node: FakeNode) -> None:
    body = b"[" + b",".join([b'{"id":1,"method":"status"}'] * 11) + b"]"
    status, answer = parsed(await exchange(server, http_request("POST", "/", body)))
    assert (status, answer["error"]["code"]) == (200, -32600)
    assert node.calls == 0


async def test_a_notification_is_neither_run_nor_answered(server: RpcServer, node: FakeNode) -> None:
    assert parsed(await exchange(server, http_request("POST", "/", b'{"method":"status"}'))) == (200, None)
    assert node.calls == 0


@pytest.mark.parametrize(("method", "body"), [("GET", b""), ("POST", b"")])
async def test_asking_for_nothing_lists_the_methods(server: RpcServer, method: str, body: bytes) -> None:
    answer = await exchange(server, http_request(method, "/", body))
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"tx_search" in answer
    assert b"subscribe" not in answer


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/block/1", 404),
        ("POST", "/block", 404),
        ("GET", "/websocket", 426),
        ("PUT", "/", 405),
        ("DELETE", "/block", 405),
        ("OPTIONS", "/", 405),
        ("GET", "/block?" + "&".join(f"a{n}=1" for n in range(50)), 400),
        ("GET", "http://127.0.0.1/block", 404),
        ("GET", "/../../etc/passwd", 404),
    ],
)
async def test_what_is_not_served_has_its_status(server: RpcServer, method: str, target: str, status: int) -> None:
    answer = await exchange(server, http_request(method, target))
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())


async def test_many_requests_go_over_one_connection(server: RpcServer) -> None:
    reader, writer = await asyncio.open_connection(*server.address)
    request = http_request("POST", "/", HEALTH, Connection="keep-alive")
    writer.write(request * 3)
    for _ in range(3):
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK")
        assert json.loads(await reader.readexactly(36))["result"] == {}
    writer.write(request)
    assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
    writer.close()
    await writer.wait_closed()


async def test_a_client_that_asks_before_sending_is_told_to_go_on(server: RpcServer) -> None:
    reader, writer = await asyncio.open_connection(*server.address)
    writer.write(http_request("POST", "/", HEALTH, Expect="100-continue")[: -len(HEALTH)])
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
    writer.write(HEALTH)
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
    writer.close()
    await writer.wait_closed()


async def test_a_body_in_chunks_is_read(server: RpcServer) -> None:
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    chunked = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (HEALTH[:10], HEALTH[10:])) + b"0\r\n\r\n"
    assert parsed(await exchange(server, head + chunked))[1]["result"] == {}


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example:26657"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Origin": "http://127.0.0.1:26657", "Host": "localhost:26657"},
    ],
)
@pytest.mark.parametrize(
    ("method", "target"), [("GET", "/status"), ("POST", "/"), ("GET", "/websocket"), ("GET", "/p/A")]
)
async def test_a_hostile_web_page_gets_nothing(
    server: RpcServer, node: FakeNode, headers: dict[str, str], method: str, target: str
) -> None:
    body = b'{"id":1,"method":"status"}' if method == "POST" else b""
    answer = await exchange(server, http_request(method, target, body, **headers))
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert node.calls == 0


async def test_answers_are_for_no_cache_and_for_no_other_site(server: RpcServer) -> None:
    head = (await exchange(server, http_request("GET", "/health"))).partition(b"\r\n\r\n")[0].lower()
    assert b"cache-control: no-store" in head
    assert b"x-content-type-options: nosniff" in head
    assert b"access-control" not in head


async def test_a_body_over_the_limit_is_refused_before_it_is_sent(server: RpcServer) -> None:
    request = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 262145\r\n\r\n"
    assert (await exchange(server, request)).startswith(b"HTTP/1.1 413 ")
    request = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + b"9" * 19 + b"\r\n\r\n"
    assert (await exchange(server, request)).startswith(b"HTTP/1.1 413 ")


async def test_a_chunked_body_over_the_limit_is_refused_when_it_passes_it(node: FakeNode) -> None:
    async with serving(node, limits=Limits(max_body_bytes=1000)) as server:
        head = b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        assert (await exchange(server, head + b"3e9\r\n" + b"x" * 1001)).startswith(b"HTTP/1.1 413 ")


async def test_a_node_that_is_too_slow_is_answered_for(node: FakeNode) -> None:
    node.slow_s = 5.0
    async with serving(node, limits=Limits(answer_timeout_s=0.05)) as server:
        _, answer = parsed(await exchange(server, http_request("POST", "/", b'{"id":1,"method":"status"}')))
    assert answer["error"]["data"] == "the node took too long to answer"


async def test_so_many_calls_at_a_time_reach_the_node(node: FakeNode) -> None:
    node.slow_s = 0.02
    async with serving(node, limits=Limits(max_reads=2)) as server:
        body = b'{"id":1,"method":"status"}'
        began = asyncio.get_running_loop().time()
        await asyncio.gather(*(exchange(server, http_request("POST", "/", body)) for _ in range(10)))
        assert asyncio.get_running_loop().time() - began >= 5 * 0.02


async def test_a_client_that_asks_too_fast_is_slowed_down_and_not_refused(node: FakeNode) -> None:
    async with serving(node, limits=Limits(requests_per_second=100.0, burst=1)) as server:
        reader, writer = await asyncio.open_connection(*server.address)
        began = asyncio.get_running_loop().time()
        writer.write(http_request("POST", "/", HEALTH, Connection="keep-alive") * 11)
        for _ in range(11):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
            await reader.readexactly(36)
        assert asyncio.get_running_loop().time() - began >= 0.09
        writer.close()
        await writer.wait_closed()


async def test_the_server_closes_its_clients_when_it_ends(node: FakeNode) -> None:
    async with serving(node) as server:
        reader, writer = await asyncio.open_connection(*server.address)
        writer.write(b"GET /hea")
        await asyncio.sleep(0.01)
        assert server.connections == 1
    assert await reader.read() == b""
    assert server.connections == 0
    writer.close()
    await writer.wait_closed()


async def test_a_taken_port_is_an_error_and_leaves_nothing_behind(server: RpcServer, node: FakeNode) -> None:
    with pytest.raises(OSError, match="address already in use"):
        async with RpcServer(node, node.hub, port=server.address[1]):
            pass


async def test_the_bodys_own_error_comes_out_of_the_server_as_it_is(node: FakeNode) -> None:
    with pytest.raises(KeyError):
        async with serving(node):
            raise KeyError


async def test_a_connection_that_our_own_bug_ends_is_logged_and_ends_no_other(
    server: RpcServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(_: HttpConnection) -> None:
        raise ZeroDivisionError("a secret detail")

    with monkeypatch.context() as patch:
        patch.setattr(HttpConnection, "run", broken)
        reader, writer = await asyncio.open_connection(*server.address)
        assert await reader.read() == b""
        writer.close()
    assert "a secret detail" in caplog.text
    status, _ = parsed(await exchange(server, http_request("GET", "/health")))
    assert status == 200
