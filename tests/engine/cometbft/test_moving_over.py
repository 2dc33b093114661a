"""From the embedded engine to CometBFT: exported at its last height, the chain goes on with every balance."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from chainpos.core.chain.genesis import load_genesis
from chainpos.core.contracts.balances.records import ACCOUNTS
from chainpos.core.contracts.moving import ORIGIN
from chainpos.core.values.hashes import sha256
from chainpos.node.clock import SystemClock
from chainpos.node.home import Home
from chainpos.rpc.client import RpcClient
from chainpos.store.chain import ChainReader
from chainpos.wallet.network import Network
from tests.engine.cometbft.networks import RealNetwork
from tests.engine.cometbft.test_network import ALICE, pay, reach
from tests.node.conftest import Nodes, issue_tx, nodes, peer_home

__all__ = ["nodes"]
pytestmark = [pytest.mark.cometbft]


def chainpos(*arguments: str) -> dict[str, object]:
    ran = subprocess.run(
        [sys.executable, "-m", "chainpos", *arguments, "--json"], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    found: dict[str, object] = json.loads(ran.stdout)
    return found


async def test_the_chain_goes_on_with_every_balance(cometbft: Path, nodes: Nodes, tmp_path: Path) -> None:
    old = await nodes.validator()
    paid = [issue_tx(number) for number in range(3)]
    async with await RpcClient.connect(old.url) as client:
        for wire in paid:
            await pay(client, wire)
    await asyncio.sleep(0.5)
    await old.stop()
    with ChainReader.open(Home(old.folder).database) as reader:
        tip, before = reader.tip(), reader.load_records()
    genesis, folder = tmp_path / "moved.json", tmp_path / "n"
    told = await asyncio.to_thread(chainpos, "node", "export", "--home", str(old.folder), "--output", str(genesis))
    assert told["initial_height"] == tip.height + 1
    await asyncio.to_thread(
        chainpos, "network", "init", "--genesis", str(genesis), "--validators", "4", "--output", str(folder),
        "--empty-blocks-s", "2",
    )  # fmt: skip
    network = RealNetwork.open(folder)
    try:
        await network.start(0, 1, 2, 3)
        await network.wait_above(tip.height + 1)
        peer_home(tmp_path / "peer", network.genesis, network.rpc(0), network.rpc(1))
        peer = await nodes.start(tmp_path / "peer")
        wallet = Network(load_genesis(network.genesis), (network.rpc(0), network.rpc(1)), SystemClock())
        async with await network.client() as client:
            assert (await client.status()).earliest.height == tip.height + 1
            await wallet.sync()
            account = (await wallet.record(ACCOUNTS, ALICE)).record
            assert account == ACCOUNTS.decode(before[ACCOUNTS.prefix + ALICE])
            origin = (await wallet.record(ORIGIN, b"")).record
            assert origin is not None
            assert (origin.height, origin.block_hash) == (tip.height, tip.block_id.hash)
            # What was paid before the move cannot be paid again after it.
            answer = await client.broadcast_tx_sync(paid[0])
            assert answer.log == "replayed"
            wire = issue_tx(77)
            height = await pay(client, wire)
            await network.wait_above(height)
            await reach(peer, height)
            included = await wallet.included(sha256(wire))
            assert included is not None
        await wallet.close()
    finally:
        await nodes.close()
        network.close()
