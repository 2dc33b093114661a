"""A node joins from a snapshot and becomes a validator, another leaves, and our peer follows through both."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import msgspec
import pytest

from chainpos.core.chain.validators import ValidatorSet
from chainpos.core.contracts.governance.changes import SetValidator
from chainpos.core.contracts.governance.messages import Approve, Propose, change_hash
from chainpos.engine.keys import load_validator_key
from chainpos.node.home import Home
from chainpos.node.joining import join
from chainpos.rpc.client import RpcClient
from tests.core.blocks import transaction
from tests.engine.cometbft.networks import PATIENCE_S, RealNetwork
from tests.engine.cometbft.test_network import new_tx, pay, reach
from tests.node.conftest import Nodes, RunningNode, peer_home, until

pytestmark = [pytest.mark.cometbft]
KIND = "governance.validator"


async def decide(client: RpcClient, number: int, change: SetValidator) -> int:
    """Operator and regulator decide together; the height of the decision."""
    encoded, now_s = msgspec.msgpack.encode(change), int(time.time())
    propose = Propose("operator", KIND, encoded, "change the validators", now_s + 600)
    await pay(client, transaction(propose, "operator", nonce=number, expires_s=now_s + 300))
    approve = Approve(number, "regulator", change_hash(KIND, encoded))
    return await pay(client, transaction(approve, "regulator", nonce=number, expires_s=now_s + 300))


async def validators_of(peer: RunningNode, height: int) -> ValidatorSet:
    async with await RpcClient.connect(peer.url) as ours:
        return await ours.validators(height)


async def joined_peer(network: RealNetwork, nodes: Nodes) -> RunningNode:
    """A peer of ours that begins from a snapshot of two CometBFT nodes, asked over RPC."""
    folder = nodes.folder / "late"
    peer_home(folder, network.genesis, network.rpc(0), network.rpc(1))
    facts = await join(folder)
    assert facts.height % 4 == 0
    late = await nodes.start(folder)
    await reach(late, await network.height())
    async with await RpcClient.connect(late.url) as ours:
        assert (await ours.status()).earliest.height == facts.height + 1
    return late


async def test_a_node_joins_from_a_snapshot_and_validators_come_and_go(cometbft: Path, tmp_path: Path) -> None:
    network = RealNetwork(tmp_path / "n", 4)
    network.trial.application_options = ("--snapshot-every", "4")
    nodes = Nodes(tmp_path)
    try:
        await network.start(0, 1, 2, 3)
        await network.wait_above(1)
        peer_home(tmp_path / "peer", network.genesis, network.rpc(0), network.rpc(1))
        peer = await nodes.start(tmp_path / "peer")
        async with await network.client() as client:
            for _ in range(3):
                top = await pay(client, new_tx())
            await network.wait_above(top + 3)

            # A fifth node takes over a snapshot: it never had the first blocks.
            key = await network.add_node()
            await network.start(4)
            await network.wait_above(top + 3, 4)
            async with await network.client(4) as joined:
                status = await joined.status()
                assert status.earliest.height > 1
            assert "took over the records of height" in network.trial.log("node4", "application").read_text()

            late = await joined_peer(network, nodes)

            # It becomes a validator, and its votes count.
            height = await decide(client, 1, SetValidator(key.public_key, 10))
            await network.wait_above(height + 2)
            assert len((await client.validators(height + 1)).validators) == 4
            assert len((await client.validators(height + 2)).validators) == 5

            async def votes() -> bool:
                await asyncio.sleep(0.2)
                commit = (await client.commit()).commit
                return key.address in {each.address for each in commit.signatures}

            await until(votes, timeout_s=PATIENCE_S)

            # Another leaves; with the new one, four are left, of which one may fail.
            leaver = load_validator_key(Home(network.folder / "node3").validator_key)
            height = await decide(client, 2, SetValidator(leaver.public_key, 0))
            await network.wait_above(height + 2)
            left = {each.address for each in (await client.validators(height + 2)).validators}
            assert (len(left), leaver.address in left, key.address in left) == (4, False, True)
            await asyncio.to_thread(network.trial.down, ["node2", "node3"])
            height = await pay(client, new_tx())
            await network.wait_above(height, 0, 1, 4)
        await reach(peer, height)
        await reach(late, height)
        assert await validators_of(late, height) == await validators_of(peer, height)
        async with await RpcClient.connect(peer.url) as ours:
            assert {each.address for each in (await ours.validators(height)).validators} == left
            report = await ours.report()
        mine = await asyncio.to_thread(network.records, 4)
        assert report.app_hash == mine[1].hex().upper()
    finally:
        await nodes.close()
        network.close()
