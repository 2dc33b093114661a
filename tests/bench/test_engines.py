"""Payments a second behind three engines: our application behind one CometBFT validator, CometBFT's own key-value store
behind one, and the embedded engine; the store by CometBFT's load tool as well, where $CHAINPOS_COMETBFT_LOAD names it.

Run: pytest tests/bench/test_engines.py -m bench -s. Only the ratios mean something; the loader shares the machine. What
was measured is in README.md.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import time
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from chainpos.core.chain.genesis import dump_genesis
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.engine.keys import SigningKey
from chainpos.errors import UserFacingError
from chainpos.node.cometbft_home import Pace, comet_settings, init_network, loopback_places
from chainpos.node.config import NodeSettings
from chainpos.node.home import Home, init_validator_of
from chainpos.pilot.acts import Hands
from chainpos.pilot.city import load_city
from chainpos.pilot.genesis import CHAIN_ID, city_genesis
from chainpos.pilot.processes import free_port, start
from chainpos.pilot.resources import sample_data
from chainpos.pilot.trial import Trial, find_cometbft
from chainpos.rpc.client import RpcClient
from tests.measured import hold

pytestmark = [pytest.mark.bench]
PAYMENTS = 2_000
# CometBFT answers one call after another on a connection, and sends to a socket application up to 20 ms later.
CONNECTIONS = 50
IN_FLIGHT = 200
TIMEOUT_S = 120.0
LOAD_TOOL = "CHAINPOS_COMETBFT_LOAD"
TOOL_S = 15
# As long as the embedded engine waits between two blocks.
PACE = Pace(timeout_commit_ms=100, empty_blocks_s=2)


def payments(count: int) -> list[bytes]:
    """Payments of as many customers and shops as the city has, all different."""
    city, now_s = load_city(sample_data()), int(time.time())
    hands = Hands(CHAIN_ID, lambda: secrets.token_bytes(16))
    buyers = city.customers
    return [
        hands.pay(
            hands.request(city.merchants[number % len(city.merchants)], 100 + number % 50, f"B{number}", now_s),
            buyers[number % len(buyers)],
            now_s,
        )
        for number in range(count)
    ]


async def load(address: str, txs: list[bytes]) -> float:
    """Transactions a second, from the first that is sent to the last that is in a block."""
    url = f"ws://{address}/websocket"
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(await RpcClient.connect(url)) for _ in range(CONNECTIONS)]
        client = clients[0]
        first = (await client.status()).latest.height
        gate = asyncio.Semaphore(IN_FLIGHT)

        async def send(number: int, wire: bytes) -> int:
            async with gate:
                return (await clients[number % CONNECTIONS].broadcast_tx_sync(wire)).code

        began = time.perf_counter()
        codes = await asyncio.gather(*(send(number, wire) for number, wire in enumerate(txs)))
        accepted = codes.count(0)
        assert accepted > len(txs) * 0.95, sorted(set(codes))
        counted, height = 0, first
        async with asyncio.timeout(TIMEOUT_S):
            while counted < accepted:
                top = (await client.status()).latest.height
                while height < top:
                    metas = await client.block_metas(height + 1, min(top, height + 20))
                    counted += sum(meta.transactions for meta in metas)
                    height = max(meta.header.height for meta in metas)
                await asyncio.sleep(0.02)
        return accepted / (time.perf_counter() - began)


async def load_by_tool(address: str) -> float | None:
    """Transactions a second by CometBFT's own load tool, as fast as it can send; None where it is not named."""
    tool = os.environ.get(LOAD_TOOL)
    if not tool:
        return None
    process = await asyncio.create_subprocess_exec(
        tool, "--endpoints", f"ws://{address}/websocket", "--connections", "4", "--rate", "2000", "--size", "500",
        "--time", str(TOOL_S), "--broadcast-tx-method", "sync", stdout=DEVNULL, stderr=DEVNULL,
    )  # fmt: skip
    async with asyncio.timeout(TIMEOUT_S):
        assert await process.wait() == 0
    async with await RpcClient.connect(f"ws://{address}/websocket") as client:
        top, filled = (await client.status()).latest.height, []
        for low in range(1, top + 1, 20):
            metas = await client.block_metas(low, min(top, low + 19))
            filled += [(meta.header.time_ns, meta.transactions) for meta in metas if meta.transactions]
    # A header's time is that of the block before it: the first block's own transactions are left out.
    filled.sort()
    span_ns = filled[-1][0] - filled[0][0]
    return sum(count for _, count in filled[1:]) * SECOND_NS / span_ns


@asynccontextmanager
async def embedded(folder: Path) -> AsyncIterator[str]:
    key = SigningKey(secrets.token_bytes(32))
    doc = city_genesis(
        load_city(sample_data()), sample_data(), validator=key.public_key, genesis_time_ns=time.time_ns()
    )
    address = f"127.0.0.1:{free_port()}"
    settings = NodeSettings(mode="validator", moniker="bench", listen=address)
    init_validator_of(folder / "e", settings, genesis=dump_genesis(doc), key=key)
    child = await start("validator", ("-m", "chainpos.node.run", str(folder / "e")), log=folder / "e.log")
    try:
        yield address
    finally:
        await child.stop()


@asynccontextmanager
async def behind_cometbft(folder: Path, *, key_value_store: bool) -> AsyncIterator[str]:
    place = folder / ("k" if key_value_store else "c")
    doc = city_genesis(load_city(sample_data()), sample_data(), validator=bytes(32), genesis_time_ns=time.time_ns())
    if key_value_store:
        # Its own genesis: it reads no app_state but a small one.
        doc = msgspec.structs.replace(
            doc, app_state=json.dumps({"network": {"name": "k", "demo": True, "utc_offset_s": 0}}).encode()
        )
    note = init_network(place, doc, loopback_places(place, 1, free_port), PACE)
    node = note.nodes[0]
    trial = Trial(place)
    process = None
    try:
        if key_value_store:
            settings = comet_settings(msgspec.structs.replace(node, abci="kvstore"), note.nodes[:0], PACE)
            Home(place / node.name).cometbft_settings.write_text(settings, encoding="utf-8")
            process = await asyncio.create_subprocess_exec(
                str(find_cometbft()), "start", "--home", str(place / node.name), stdout=DEVNULL, stderr=DEVNULL
            )
        else:
            await asyncio.to_thread(trial.up)
        await trial.wait_ready(height=1)
        yield node.rpc
    finally:
        trial.down()
        if process is not None:
            process.terminate()
            await process.wait()


async def test_three_engines_side_by_side(tmp_path: Path) -> None:
    try:
        find_cometbft()
    except UserFacingError as error:
        pytest.skip(error.sentence())
    rates: dict[str, float] = {}
    async with embedded(tmp_path) as address:
        rates["embedded"] = await load(address, payments(PAYMENTS))
    async with behind_cometbft(tmp_path, key_value_store=False) as address:
        rates["behind CometBFT"] = await load(address, payments(PAYMENTS))
    async with behind_cometbft(tmp_path, key_value_store=True) as address:
        rates["CometBFT's key-value store"] = await load(
            address, [b"%d=%s" % (number, b"x" * 500) for number in range(PAYMENTS)]
        )
    async with behind_cometbft(tmp_path / "by_tool", key_value_store=True) as address:
        by_tool = await load_by_tool(address)
    if by_tool is not None:
        rates["CometBFT's key-value store by CometBFT's load tool"] = by_tool
    for name, rate in rates.items():
        ratios = f"{rate / rates['embedded']:.2f} of the embedded engine, {rate / rates['behind CometBFT']:.2f} of ours"
        print(f"{name}: {rate:,.0f} transactions/s, {ratios} behind CometBFT")
    # No promise, but a floor under which something is broken.
    hold(rates["embedded"] / rates["behind CometBFT"], 10, "embedded over CometBFT")
