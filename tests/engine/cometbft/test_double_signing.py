"""A validator signs two blocks of one height: real validators convict it, and everybody is told."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from chainpos.core.chain.commit import PRECOMMIT, vote_sign_bytes
from chainpos.core.chain.evidence import DuplicateVote, Vote, encode_duplicate_vote
from chainpos.core.chain.header import BlockId, PartSetHeader
from chainpos.core.execution import MISBEHAVED
from chainpos.engine.keys import load_validator_key
from chainpos.node.home import Home
from chainpos.rpc.client import RpcClient, RpcError
from chainpos.rpc.shapes.evidence import evidence_json
from tests.engine.cometbft.networks import PATIENCE_S, RealNetwork
from tests.engine.cometbft.test_network import new_tx, pay, reach
from tests.node.conftest import Nodes, peer_home, until

pytestmark = [pytest.mark.cometbft]


async def two_votes(network: RealNetwork, client: RpcClient, culprit: int, height: int, *, flipped: int = 0) -> bytes:
    """Evidence that a validator voted twice at a height: real signatures of its own key over different blocks.

    `flipped` bits of the signatures make them another's.
    """
    key = load_validator_key(Home(network.folder / network.names[culprit]).validator_key)
    header = (await client.commit(height)).header
    validators = await client.validators(height)
    index, member = next((at, one) for at, one in enumerate(validators.validators) if one.address == key.address)
    votes = []
    for name in (b"\x01", b"\x02"):
        block_id = BlockId(name * 32, PartSetHeader(1, name * 32))
        message = vote_sign_bytes(header.chain_id, height, 0, block_id, header.time_ns)
        signature = key.sign(message)
        signature = bytes([signature[0] ^ flipped]) + signature[1:]
        votes.append(Vote(PRECOMMIT, height, 0, block_id, header.time_ns, key.address, index, signature))
    return encode_duplicate_vote(
        DuplicateVote(votes[0], votes[1], validators.total_power, member.power, header.time_ns)
    )


async def accuse(client: RpcClient, encoded: bytes) -> None:
    await client.call("broadcast_evidence", evidence=json.loads(msgspec.json.encode(evidence_json(encoded))))


async def convicted_at(client: RpcClient, above: int) -> int:
    """The height of the block that carries evidence."""
    found: list[int] = []

    async def is_in() -> bool:
        top = (await client.status()).latest.height
        for height in range(above + 1, top + 1):
            stored = await client.block(height)
            if stored is not None and stored.block.evidence:
                found.append(height)
        await asyncio.sleep(0.1)
        return bool(found)

    await until(is_in, timeout_s=PATIENCE_S)
    return found[0]


async def test_a_double_vote_reaches_every_application_and_is_shown_by_peers_and_inspector(
    cometbft: Path, tmp_path: Path
) -> None:
    network = RealNetwork(tmp_path / "n", 4)
    nodes = Nodes(tmp_path)
    try:
        await network.start(0, 1, 2, 3)
        peer_home(tmp_path / "peer", network.genesis, network.rpc(0), network.rpc(1))
        peer = await nodes.start(tmp_path / "peer")
        async with await network.client() as client:
            height = await pay(client, new_tx())
            await network.wait_above(height)
            evidence = await two_votes(network, client, 3, height)
            culprit = load_validator_key(Home(network.folder / "node3").validator_key).address.hex().upper()
            # A vote whose signature does not hold convicts nobody.
            broken = await two_votes(network, client, 3, height, flipped=1)
            with pytest.raises(RpcError):
                await accuse(client, broken)
            await accuse(client, evidence)
            block = await convicted_at(client, height)
            events = (await client.block_results(block)).events
            told = {each.key: each.value for each in events[0].attributes}
            assert events[0].type == MISBEHAVED
            assert told == {"validator": culprit, "kind": "duplicate_vote", "height": str(height), "power": "10"}
            # The network goes on, and the peer executes the block to the same end and raises an alarm.
            await network.wait_above(await pay(client, new_tx()))
            await reach(peer, block + 1)
            async with await RpcClient.connect(peer.url) as ours:
                assert (await ours.block_results(block)).events == events
                # Whoever searches either kind of node by the validator finds the block.
                for each in (ours, client):
                    found = await each.block_search(f"{MISBEHAVED}.validator = '{culprit}'", descending=True)
                    assert [stored.block.header.height for stored in found] == [block]
                alarms = [(each.code, each.detail) for each in (await ours.report()).alarms]
            assert alarms == [("double_sign", f"{culprit} at height {height}, proved in block {block}")]
        # Whoever looks tomorrow is told, too.
        await peer.stop()
        peer = await nodes.start(tmp_path / "peer")
        async with await RpcClient.connect(peer.url) as ours:
            again = [(each.code, each.detail) for each in (await ours.report()).alarms if each.code == "double_sign"]
        assert again == alarms
        for number in range(4):
            log = network.trial.log(network.names[number], "application").read_text()
            assert f"validator {culprit} is proved to have misbehaved at height {height}: duplicate_vote" in log
        await peer.stop()
        assert ("duplicate_vote", f"{culprit} at height {height}") in await asyncio.to_thread(
            inspected, peer.folder, block
        )
    finally:
        await nodes.close()
        network.close()


def inspected(folder: Path, height: int) -> list[tuple[str, str]]:
    """What support is shown of a block's misdeeds."""
    ran = subprocess.run(
        [sys.executable, "-m", "chainpos", "inspect", "show", "block", str(height), "--home", str(folder), "--json"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    parts = json.loads(ran.stdout)["parts"]
    return [(kind, detail) for name, rows in parts if name == "misbehaved" for kind, detail in rows]
