"""A real city for the wallet, and a link host that serves whatever a hostile merchant would."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chainpos.core.checkout.request import SignedRequest, Terms, format_link, make_request
from chainpos.core.values.amount import Amount
from chainpos.wallet.keys import Key
from tests.core.contracts.conftest import CHAIN_ID, CNY
from tests.node.conftest import Nodes
from tests.till.conftest import MERCHANT, Shop, signing_key


class Host:
    """A link's host: answers every GET with `status` and `body`, and keeps what was asked."""

    def __init__(self) -> None:
        self.status = 200
        self.body = b"{}"
        self.asked: list[str] = []
        self.port = 0
        self._server: asyncio.Server

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        self._server.close()
        await self._server.wait_closed()

    def serve(self, encoded: bytes, signature: bytes) -> None:
        document = {"request": base64.b64encode(encoded).decode(), "signature": base64.b64encode(signature).decode()}
        self.status, self.body = 200, json.dumps(document).encode()

    def link(self, link_id: str) -> str:
        return format_link("127.0.0.1", self.port, link_id)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.asked.append(head.split(b" ", 2)[1].decode())
        head = b"HTTP/1.1 %d X\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (self.status, len(self.body))
        writer.write(head + self.body)
        await writer.drain()
        writer.close()


def signed(
    amount_minor: int = 1000,
    *,
    merchant: str = MERCHANT,
    till: str | Key = f"{MERCHANT}.till",
    life_s: int = 120,
    begun_s: int = 60,
    reference: str = "W1",
    chain_id: str = CHAIN_ID,
) -> SignedRequest:
    """A request as a till, or somebody who would like to be one, signs it."""
    key = signing_key(till) if isinstance(till, str) else till
    now_s = int(time.time())
    # A request that is over already began early enough to have had a life.
    terms = Terms(merchant, reference, Amount(amount_minor, CNY), now_s + min(life_s, 0) - begun_s, now_s + life_s)
    return make_request(terms, chain_id, key.public_key, key.sign)


@pytest.fixture
async def nodes(tmp_path: Path) -> AsyncIterator[Nodes]:
    made = Nodes(tmp_path)
    yield made
    await made.close()


@pytest.fixture
async def city(nodes: Nodes, tmp_path: Path) -> AsyncIterator[Shop]:
    made = Shop(nodes, tmp_path)
    await made.open_city()
    yield made
    await made.close()


@pytest.fixture
async def host() -> AsyncIterator[Host]:
    made = Host()
    await made.open()
    yield made
    await made.close()
