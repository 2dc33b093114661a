"""A proxy between a peer and an honest node that changes answers on their way, as a lying upstream would."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from websockets.asyncio.client import connect
from websockets.asyncio.server import Server, ServerConnection, serve

Json = Any
# From (method, parameters, result) to the result that is sent on.
Lie = Callable[[str, Json, Json], Json]


class LyingProxy:
    """Listens on a port of its own and passes every WebSocket message on, but for what `lie` changes in answers."""

    def __init__(self, upstream: str, lie: Lie, *, events: bool = True) -> None:
        """`events` says whether events are passed on, or only answers."""
        self.upstream = upstream
        self.events = events
        self.lie = lie
        self.told = 0
        self.rpc = ""
        self._server: Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await serve(self._serve, "127.0.0.1", 0, compression=None, max_size=None)
        port = next(iter(self._server.sockets)).getsockname()[1]
        self.rpc = f"127.0.0.1:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, client: ServerConnection) -> None:
        calls: dict[int, tuple[str, Json]] = {}
        async with connect(f"ws://{self.upstream}/websocket", compression=None, max_size=None, proxy=None) as upstream:

            async def up() -> None:
                async for message in client:
                    call = json.loads(message)
                    calls[call["id"]] = (call["method"], call.get("params", {}))
                    await upstream.send(message)

            async def down() -> None:
                async for message in upstream:
                    answer = json.loads(message)
                    if self.events or not answer.get("result", {}).get("data"):
                        await client.send(self._passed_on(answer, calls))

            tasks = [asyncio.create_task(up()), asyncio.create_task(down())]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    def _passed_on(self, answer: Json, calls: dict[int, tuple[str, Json]]) -> str:
        method, params = calls.get(answer.get("id"), ("", {}))
        if method not in {"", "subscribe"} and "result" in answer:
            before = json.dumps(answer["result"])
            answer["result"] = self.lie(method, params, answer["result"])
            self.told += before != json.dumps(answer["result"])
        return json.dumps(answer)


def at_height(height: int, lie: Lie) -> Lie:
    """Tell the lie about one height only."""

    def told(method: str, params: Json, result: Json) -> Json:
        return lie(method, params, result) if params.get("height") == str(height) else result

    return told


def nothing(_: str, __: Json, result: Json) -> Json:
    """The truth."""
    return result


def forged_header(method: str, _: Json, result: Json) -> Json:
    """Another proposer."""
    if method == "block":
        result["block"]["header"]["proposer_address"] = "00" * 20
    return result


def bad_signature(method: str, _: Json, result: Json) -> Json:
    """One bit of the validator's signature."""
    if method == "commit":
        vote = result["signed_header"]["commit"]["signatures"][0]
        signature = bytearray(base64.b64decode(vote["signature"]))
        signature[0] ^= 1
        vote["signature"] = base64.b64encode(signature).decode()
    return result


def altered_transaction(method: str, _: Json, result: Json) -> Json:
    """The last byte of a transaction."""
    if method == "block":
        wire = bytearray(base64.b64decode(result["block"]["data"]["txs"][0]))
        wire[-1] ^= 1
        result["block"]["data"]["txs"][0] = base64.b64encode(wire).decode()
    return result


def left_out_transaction(method: str, _: Json, result: Json) -> Json:
    """A transaction that never was."""
    if method == "block":
        result["block"]["data"]["txs"] = []
    return result


def wrong_app_hash(method: str, _: Json, result: Json) -> Json:
    """Another state."""
    if method == "block":
        result["block"]["header"]["app_hash"] = "AB" * 32
    if method == "commit":
        result["signed_header"]["header"]["app_hash"] = "AB" * 32
    return result


def another_height(method: str, _: Json, result: Json) -> Json:
    """The commit of another block."""
    if method == "commit":
        commit = result["signed_header"]["commit"]
        commit["height"] = str(int(commit["height"]) + 1)
    return result


def nonsense(method: str, _: Json, result: Json) -> Json:
    """A block that is none."""
    return {"block_id": {"hash": "zz"}, "block": "?"} if method == "block" else result


def another_network(method: str, _: Json, result: Json) -> Json:
    """A node of somebody else."""
    if method == "status":
        result["node_info"]["network"] = "elsewhere-1"
    return result


def boasting(method: str, _: Json, result: Json) -> Json:
    """A height that nobody has reached."""
    if method == "status":
        result["sync_info"]["latest_block_height"] = "1000000"
    return result
