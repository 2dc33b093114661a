"""How fast a peer is, live and while it catches up. Figures are printed; the bounds are wide, for slow days."""

from __future__ import annotations

import asyncio
import statistics
import time
from pathlib import Path

import psutil
import pytest

from chainpos.engine.embedded import BlockMaker
from chainpos.engine.keys import load_validator_key
from chainpos.engine.sign_state import Signer
from chainpos.node.clock import SystemClock
from chainpos.node.home import Home
from chainpos.node.ledger import Ledger
from chainpos.rpc.client import RpcClient
from tests.measured import target
from tests.node.conftest import Processes, issue_tx, pay_tx, peer_home, until, validator_home

pytestmark = pytest.mark.bench


def shown(name: str, values_ms: list[float]) -> float:
    """Print the spread of some times; their median."""
    ordered = sorted(values_ms)
    median, p99 = statistics.median(ordered), ordered[len(ordered) * 99 // 100]
    print(f"{name}: p50 {median:.1f} ms, p99 {p99:.1f} ms, max {ordered[-1]:.1f} ms of {len(ordered)}")
    return median


async def test_a_payment_is_in_the_peers_own_ledger_within_50_ms(tmp_path: Path, processes: Processes) -> None:
    genesis = validator_home(tmp_path / "validator")
    validator = processes.start("validator")
    peer_home(tmp_path / "peer", genesis, validator.rpc)
    peer = processes.start("peer")
    async with await RpcClient.connect(peer.url) as client:

        async def ready() -> bool:
            return (await client.report()).height >= 2

        await until(ready)
        events = await client.subscribe("tm.event='Tx'")
        times_ms = []
        for number in range(100):
            wire = pay_tx(f"L{number}")
            began = time.monotonic()
            assert (await client.broadcast_tx_sync(wire)).code == 0
            await anext(events)
            times_ms.append((time.monotonic() - began) * 1000)
            await asyncio.sleep(0.12)
        target(shown("broadcast to the peer's Tx event", times_ms), 50, "ms to the peer")
    for node in (validator, peer):
        used_mb = psutil.Process(node.process.pid).memory_info().rss / 1e6
        print(f"memory {used_mb:.0f} MB")
        target(used_mb, 120, "MB")


async def test_a_peer_answers_while_it_syncs_ten_thousand_transactions(tmp_path: Path, processes: Processes) -> None:
    genesis = validator_home(tmp_path / "validator")
    home = Home(tmp_path / "validator")
    ledger = Ledger.open(home.database)
    signer = Signer(load_validator_key(home.validator_key), home.sign_state)
    maker = BlockMaker(ledger, signer, SystemClock())
    for start in range(0, 10_000, 250):
        maker.make([])
        maker.make([issue_tx(number) for number in range(start, start + 250)])
    maker.make([])
    ledger.close()
    signer.close()
    validator = processes.start("validator")
    peer_home(tmp_path / "peer", genesis, validator.rpc)
    began = time.monotonic()
    peer = processes.start("peer")
    times_ms = []
    async with await RpcClient.connect(peer.url) as client:
        while True:
            asked = time.monotonic()
            report = await client.report()
            times_ms.append((time.monotonic() - asked) * 1000)
            if report.state == "online" and report.executed_transactions == 10_000:
                break
            await asyncio.sleep(0.005)
    print(f"10,000 transactions in {time.monotonic() - began:.1f} s, with the process's start")
    target(shown("RPC answers meanwhile", times_ms), 50, "ms to an answer")
