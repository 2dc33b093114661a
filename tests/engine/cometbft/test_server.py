"""The socket: order, framing, several connections, what is too large, and an application that fails."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path
from typing import Any

import pytest

from chainpos.core.chain.protobuf import delimited, varint
from chainpos.engine.cometbft import messages as abci
from chainpos.engine.cometbft.fields import decode_response, encode_request
from chainpos.engine.cometbft.server import MAX_CONNECTIONS, MAX_MESSAGE_BYTES, AbciServer, split_proxy_app
from chainpos.errors import StateMismatch, UserFacingError


class Client:
    """What CometBFT does on one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, address: str) -> Client:
        kind, where = split_proxy_app(address)
        if kind == "unix":
            return cls(*await asyncio.open_unix_connection(where))
        host, _, port = where.rpartition(":")
        return cls(*await asyncio.open_connection(host, int(port)))

    def send(self, *requests: Any) -> None:
        self.writer.write(b"".join(delimited(encode_request(each)) for each in requests))

    async def receive(self) -> Any:
        length = shift = 0
        while (byte := (await self.reader.readexactly(1))[0]) >= 0x80:
            length |= (byte & 0x7F) << shift
            shift += 7
        return decode_response(await self.reader.readexactly(length | byte << shift))

    async def close(self) -> None:
        self.writer.close()
        await self.writer.wait_closed()


class Echoes:
    """Answers what it is asked; fails where it is told to."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def answer(self, request: Any) -> Any:
        self.asked.append(request)
        if isinstance(request, abci.CommitRequest):
            raise StateMismatch("told to fail")
        if isinstance(request, abci.CheckTxRequest):
            return abci.CheckTxResponse(log=request.tx.decode())
        return request


@pytest.mark.parametrize("kind", ["unix", "tcp"])
async def test_answers_come_in_the_order_asked_on_each_connection(tmp_path: Path, kind: str) -> None:
    address = f"unix://{tmp_path}/a.sock" if kind == "unix" else "tcp://127.0.0.1:0"
    async with AbciServer(Echoes(), address) as server:
        clients = [await Client.connect(server.address) for _ in range(4)]
        for number, client in enumerate(clients):
            client.send(*(abci.CheckTxRequest(b"%d/%d" % (number, each)) for each in range(50)), abci.Flush())
        for number, client in enumerate(clients):
            said = [(await client.receive()).log for _ in range(50)]
            assert said == [f"{number}/{each}" for each in range(50)]
            assert await client.receive() == abci.Flush()
            await client.close()


async def test_a_flood_on_one_connection_does_not_hold_up_another(tmp_path: Path) -> None:
    application = Echoes()
    async with AbciServer(application, f"unix://{tmp_path}/a.sock") as server:
        flood, other = await Client.connect(server.address), await Client.connect(server.address)
        flood.send(*(abci.CheckTxRequest(b"x" * 100) for _ in range(2_000)))
        other.send(abci.Echo("me too"))
        assert await other.receive() == abci.Echo("me too")
        assert len(application.asked) < 2_000
        await flood.close()
        await other.close()


async def test_bytes_that_are_not_abci_end_the_connection_alone(tmp_path: Path) -> None:
    async with AbciServer(Echoes(), f"unix://{tmp_path}/a.sock") as server:
        for junk in (b"\x02\xff\xff", varint(MAX_MESSAGE_BYTES + 1), b"\xff" * 6):
            client = await Client.connect(server.address)
            client.writer.write(junk)
            assert isinstance(await client.receive(), abci.Failure)
            assert await client.reader.read() == b""
            await client.close()
        client = await Client.connect(server.address)
        client.send(abci.Echo("still here"))
        assert await client.receive() == abci.Echo("still here")
        await client.close()


async def test_a_failing_application_says_so_and_ends(tmp_path: Path) -> None:
    async with AbciServer(Echoes(), f"unix://{tmp_path}/a.sock") as server:
        client = await Client.connect(server.address)
        client.send(abci.CommitRequest(), abci.Echo("too late"))
        assert isinstance(await client.receive(), abci.Failure)
        assert await client.reader.read() == b""
        with pytest.raises(StateMismatch, match="told to fail"):
            await server.failed()
        await client.close()


async def test_more_connections_than_a_node_opens_are_refused(tmp_path: Path) -> None:
    async with AbciServer(Echoes(), f"unix://{tmp_path}/a.sock") as server:
        clients = [await Client.connect(server.address) for _ in range(MAX_CONNECTIONS)]
        for client in clients:
            client.send(abci.Flush())
            await client.receive()
        extra = await Client.connect(server.address)
        assert await extra.reader.read() == b""
        for client in [*clients, extra]:
            await client.close()


async def test_the_socket_is_its_owners_alone_and_goes_with_the_server(tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    async with AbciServer(Echoes(), f"unix://{path}"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not path.exists()


async def test_a_socket_that_a_crash_left_behind_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    left = AbciServer(Echoes(), f"unix://{path}")
    await left.__aenter__()
    async with AbciServer(Echoes(), f"unix://{path}") as server:
        client = await Client.connect(server.address)
        client.send(abci.Echo("new"))
        assert await client.receive() == abci.Echo("new")
        await client.close()
    await left.__aexit__(None, None, None)


async def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(UserFacingError, match="cannot listen"):
        await AbciServer(Echoes(), f"unix://{path}").__aenter__()
    assert path.read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("address", ["", "unix://relative", "tcp://host", "tcp://:1", "http://a:1", "/a.sock"])
def test_other_addresses_are_refused(address: str) -> None:
    with pytest.raises(UserFacingError, match="not an address"):
        split_proxy_app(address)
