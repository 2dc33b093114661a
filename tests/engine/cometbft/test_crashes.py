"""The application dies at each step between FinalizeBlock and Commit: a handshake replays to the same hash.

Source: CometBFT v0.38 consensus/replay.go `Handshaker.ReplayBlocks`.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from chainpos.core.values.hashes import sha256
from chainpos.node.cometbft_home import Pace
from chainpos.pilot.trial import APPLICATION, COMETBFT
from chainpos.rpc.client import Disconnected, RpcClient, RpcError
from tests.engine.cometbft.crashing_application import STEPS
from tests.engine.cometbft.networks import PATIENCE_S, RealNetwork
from tests.node.conftest import Nodes, issue_tx, peer_home, until

pytestmark = [pytest.mark.cometbft]
SCRIPT = Path(__file__).with_name("crashing_application.py")


async def _crash(network: RealNetwork, step: str) -> bytes:
    """Bring the application down at `step` of a block with a transaction, which comes back."""
    height = await network.height()
    await asyncio.to_thread(network.trial.down)
    place = network.trial.note.nodes[0]
    process = await asyncio.create_subprocess_exec(
        # Far enough that CometBFT is up, and every block until then may hold the transaction.
        sys.executable, str(SCRIPT), str(network.folder / place.name), place.abci, step, str(height + 3),
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    await asyncio.to_thread(network.trial.up, roles=[COMETBFT])
    await network.trial.wait_ready()
    number, wires = 0, []
    while process.returncode is None:
        wires.append(issue_tx(STEPS.index(step) * 1000 + number))
        number += 1
        try:
            async with asyncio.timeout(2.0), await network.client() as client:
                await client.broadcast_tx_sync(wires[-1])
        except (Disconnected, RpcError, TimeoutError, ConnectionError):
            pass
        await asyncio.sleep(0.2)
        assert number < 200
    assert process.returncode == 9
    await asyncio.to_thread(network.trial.down)
    return wires[0]


async def test_at_every_step_a_handshake_replays_to_the_same_hash(cometbft: Path, tmp_path: Path) -> None:
    network = RealNetwork(tmp_path / "n", 1, pace=Pace(100, 1))
    nodes = Nodes(tmp_path)
    try:
        await network.start(0)
        await network.wait_above(2)
        peer_home(tmp_path / "peer", network.genesis, network.rpc(0))
        # It executes every block by itself, and would halt at the first hash that differs.
        peer = await nodes.start(tmp_path / "peer")
        for step in STEPS:
            wire = await _crash(network, step)
            await network.start(0)
            top = await network.height()
            await network.wait_above(top)
            async with await RpcClient.connect(peer.url) as ours:

                async def is_paid(ours: RpcClient = ours, wire: bytes = wire, top: int = top, step: str = step) -> bool:
                    report = await ours.report()
                    assert not report.halted_reason, (step, report)
                    page = await ours.tx_search(f"tx.hash='{sha256(wire).hex().upper()}'")
                    assert len(page.transactions) <= 1
                    return report.height > top and len(page.transactions) == 1

                await until(is_paid, timeout_s=PATIENCE_S)
        await nodes.close()
        await asyncio.to_thread(network.trial.down)
        assert not [each for each in network.trial.running() if each.role in (APPLICATION, COMETBFT)]
    finally:
        await nodes.close()
        network.close()
