"""Nodes as processes, killed without warning: whole heights, no payment lost, none doubled."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from chainpos.node.replay import replay
from chainpos.node.verify import verify_home
from chainpos.rpc.client import Disconnected, RpcClient
from chainpos.rpc.protocol import RpcError
from tests.node.conftest import Processes, free_port, issue_tx, peer_home, until, validator_home
from tests.seeds import seeds


@pytest.fixture
def homes(tmp_path: Path) -> Path:
    """A validator on a fixed port and a peer that follows it."""
    port = free_port()
    genesis = validator_home(tmp_path / "validator", port=port)
    peer_home(tmp_path / "peer", genesis, f"127.0.0.1:{port}")
    return tmp_path


async def send_all(url: str, transactions: list[bytes], *, pause_s: float) -> list[bytes]:
    """Broadcast one after the other, again until accepted; the hashes."""
    hashes = []
    client: RpcClient | None = None
    for wire in transactions:
        while True:
            try:
                if client is None:
                    client = await RpcClient.connect(url, 2.0)
                answer = await client.broadcast_tx_sync(wire)
            except Disconnected:
                if client is not None:
                    await client.close()
                client = None
                await asyncio.sleep(0.05)
                continue
            if answer.log == "too_many_waiting":
                await asyncio.sleep(0.05)
                continue
            assert answer.code == 0 or answer.log == "replayed", answer
            hashes.append(answer.hash)
            break
        await asyncio.sleep(pause_s)
    if client is not None:
        await client.close()
    return hashes


async def settled(url: str, hashes: list[bytes]) -> None:
    """Wait until all transactions are in blocks of this node, each of them accepted."""
    async with await RpcClient.connect(url) as client:
        for tx_hash in hashes:
            found: list[int] = []

            async def included(tx_hash: bytes = tx_hash, found: list[int] = found) -> bool:
                try:
                    found.append((await client.tx(tx_hash)).result.code)
                except RpcError:
                    return False
                return True

            await until(included)
            assert found == [0]
        assert (await client.report()).mempool_transactions == 0


async def same_chain(*urls: str) -> None:
    """Wait until all nodes are at one height; their app hashes agree."""

    async def level() -> bool:
        reports = []
        for url in urls:
            async with await RpcClient.connect(url) as client:
                reports.append(await client.report())
        return len({(report.height, report.app_hash) for report in reports}) == 1

    await until(level)


def stopped_and_verified(homes: Path, processes: Processes, *names: str, transactions: int) -> None:
    """Every home recomputes to what it stores, and to the same chain."""
    found = [verify_home(homes / name) for name in names]
    assert [each.findings for each in found] == [()] * len(names)
    assert {each.transactions for each in found} == {transactions}
    assert len({each.app_hash for each in found}) == 1
    assert replay(homes / names[0]).accepted == transactions


async def killing(homes: Path, processes: Processes, victim: str, *, count: int, kills: int, seed: int) -> None:
    """Send transactions to the peer while the victim is killed at random moments and started again."""
    draw = random.Random(seed)
    running = {name: processes.start(name) for name in ("validator", "peer")}
    # The peer gets a new port whenever it starts, so that what is sent goes where the victim is not.
    url = running["peer" if victim == "validator" else "validator"].url
    sending = asyncio.create_task(send_all(url, [issue_tx(number) for number in range(count)], pause_s=0.02))
    for _ in range(kills):
        await asyncio.sleep(draw.uniform(0.05, 0.6))
        running[victim].kill()
        running[victim] = await asyncio.to_thread(processes.start, victim)
    hashes = await sending
    urls = [running[name].url for name in ("validator", "peer")]
    for each in urls:
        await settled(each, hashes)
    await same_chain(*urls)
    assert [running[name].stop() for name in ("peer", "validator")] == [0, 0]
    stopped_and_verified(homes, processes, "validator", "peer", transactions=count)


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["validator", "peer"])
async def test_a_node_killed_while_payments_run_loses_none_and_doubles_none(
    homes: Path, processes: Processes, victim: str
) -> None:
    await killing(homes, processes, victim, count=25, kills=1, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", seeds(2))
@pytest.mark.parametrize("victim", ["validator", "peer"])
async def test_killed_often_at_random_moments_a_node_loses_none_and_doubles_none(
    homes: Path, processes: Processes, victim: str, seed: int
) -> None:
    await killing(homes, processes, victim, count=300, kills=10, seed=seed)


@pytest.mark.slow
async def test_what_was_taken_while_the_validator_was_away_is_in_a_block_when_it_is_back(
    homes: Path, processes: Processes
) -> None:
    validator, peer = processes.start("validator"), processes.start("peer")
    async with await RpcClient.connect(peer.url) as client:

        async def online() -> bool:
            return (await client.report()).state == "online"

        await until(online)
        validator.kill()

        async def offline() -> bool:
            return (await client.report()).state == "offline"

        await until(offline)
        answers = [await client.broadcast_tx_sync(issue_tx(number)) for number in range(5)]
        assert {(answer.code, answer.log) for answer in answers} == {(0, "held")}
        assert (await client.unconfirmed_txs()).total == 5
        validator = processes.start("validator")
        await settled(peer.url, [answer.hash for answer in answers])
        await until(online)
    await same_chain(validator.url, peer.url)


def test_a_second_process_never_starts_on_the_same_home(homes: Path, processes: Processes) -> None:
    processes.start("validator")
    with pytest.raises(AssertionError, match="in use"):
        processes.start("validator")


def test_a_node_ends_with_whoever_started_it(homes: Path, processes: Processes) -> None:
    node = processes.start("validator")
    assert node.process.stdin is not None
    node.process.stdin.close()
    assert node.process.wait(10) == 0
