"""The client against servers that lie about the protocol: each ends as a named error, none grows or hangs it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from chainpos.errors import MalformedBytes
from chainpos.rpc.client import Disconnected, RpcClient, RpcError, TimedOut
from tests.rpc.conftest import until

Handler = Callable[[ServerConnection], Awaitable[None]]


@asynccontextmanager
async def talking_to(
    handler: Handler, *, timeout_s: float = 60.0, max_bytes: int = 100_000
) -> AsyncIterator[RpcClient]:
    async def survive(socket: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            await handler(socket)

    async with serve(survive, "127.0.0.1", 0, compression=None) as server:
        port = server.sockets[0].getsockname()[1]
        url = f"ws://127.0.0.1:{port}/websocket"
        async with await RpcClient.connect(url, timeout_s, max_answer_bytes=max_bytes) as client:
            yield client


def answering(*messages: bytes | str) -> Handler:
    """Answers each call with these messages, `%d` being the call's id."""

    async def handler(socket: ServerConnection) -> None:
        async for call in socket:
            for message in messages:
                call_id = json.loads(call)["id"]
                await socket.send(message.replace("%d", str(call_id)) if isinstance(message, str) else message)

    return handler


@pytest.mark.parametrize(
    "message",
    ["", "junk", "[]", "5", "{}", '{"id":%d}', '{"id":[],"result":{}}', b"\xff\xfe", '{"id":%d,"error":5}',
     '{"id":%d,"result":' + "[" * 50_000, '{"error":{"code":-32700,"message":"Parse error"}}'],
)  # fmt: skip
async def test_what_is_no_answer_ends_the_connection(message: bytes | str) -> None:
    async with talking_to(answering(message)) as client:
        with pytest.raises(Disconnected) as caught:
            await client.status()
        assert not isinstance(caught.value, TimedOut)
        assert not client.is_open


@pytest.mark.parametrize("result", ["null", "5", "[]", "{}", '"text"', '{"node_info":{}}', "[" * 30_000 + "]" * 30_000])
@pytest.mark.parametrize("method", ["status", "block", "commit", "validators", "block_results", "genesis", "report"])
async def test_an_answer_of_another_shape_is_malformed(method: str, result: str) -> None:
    async with talking_to(answering('{"id":%d,"result":' + result + "}")) as client:
        with pytest.raises((MalformedBytes, Disconnected)) as caught:
            await getattr(client, method)()
        assert not isinstance(caught.value, TimedOut)


async def test_an_answer_over_the_limit_ends_the_connection() -> None:
    async with talking_to(answering('{"id":%d,"result":"' + "x" * 200_000 + '"}')) as client:
        with pytest.raises(Disconnected):
            await client.status()


async def test_answers_to_calls_that_were_never_made_are_passed_over() -> None:
    stray = ['{"id":99,"result":{}}', '{"id":"1","result":{}}', '{"id":98,"error":{"code":1,"message":"m"}}']
    async with talking_to(answering(*stray, '{"id":%d,"result":{}}', '{"id":%d,"result":{}}')) as client:
        assert await client.call("health") == b"{}"
        assert await client.call("health") == b"{}"


async def test_a_server_that_never_answers_times_out() -> None:
    async with talking_to(answering()) as client:
        client._timeout_s = 0.05
        with pytest.raises(TimedOut):
            await client.status()
        with pytest.raises(TimedOut):
            await client.subscribe("tm.event = 'Tx'")
        assert client._calls == {}
        assert client._subscriptions == {}


async def test_an_error_of_any_code_is_an_rpc_error() -> None:
    async with talking_to(answering('{"id":%d,"error":{"code":7,"message":"\\u001b[31mred","data":"d"}}')) as client:
        with pytest.raises(RpcError) as caught:
            await client.status()
        assert (caught.value.code, caught.value.data) == (7, "d")


async def test_a_flood_of_events_is_dropped_and_not_kept() -> None:
    async def flood(socket: ServerConnection) -> None:
        call_id = json.loads(await socket.recv())["id"]
        await socket.send(json.dumps({"id": call_id, "result": {}}))
        for _ in range(20_000):
            await socket.send(json.dumps({"id": call_id, "result": {"query": "q"}}))
        await socket.wait_closed()

    async with talking_to(flood) as client:
        subscription = await client.subscribe("tm.event = 'Tx'", limit=10)
        await until(lambda: subscription._dropped > 19_000, 5.0)
        assert len(subscription._waiting) == 10
        with pytest.raises(MalformedBytes):
            await anext(subscription)


async def test_pages_of_validators_that_never_end_are_malformed() -> None:
    page = '{"block_height":"1","validators":[],"count":"0","total":"500"}'
    async with talking_to(answering('{"id":%d,"result":' + page + "}")) as client:
        with pytest.raises(MalformedBytes):
            await client.validators(1)


async def test_a_redirect_is_not_followed() -> None:
    reached = False

    async def elsewhere(socket: ServerConnection) -> None:
        nonlocal reached
        reached = True

    async with serve(elsewhere, "127.0.0.1", 0) as other:
        target = f"ws://127.0.0.1:{other.sockets[0].getsockname()[1]}/websocket"

        def redirect(socket: ServerConnection, request: Request) -> Response:
            response = socket.respond(HTTPStatus.FOUND, "")
            response.headers["Location"] = target
            return response

        async with serve(elsewhere, "127.0.0.1", 0, process_request=redirect) as first:
            with pytest.raises(Disconnected):
                await RpcClient.connect(f"ws://127.0.0.1:{first.sockets[0].getsockname()[1]}/websocket", 1.0)
    assert not reached


async def test_the_other_sides_words_do_not_enter_our_sentence() -> None:
    async def goodbye(socket: ServerConnection) -> None:
        await socket.recv()
        await socket.close(1011, "\x1b[31mPAID")

    async with talking_to(goodbye) as client:
        with pytest.raises(Disconnected) as caught:
            await client.status()
        assert "PAID" not in str(caught.value)
