"""A peer joins a chain of 100,000 payments: by a snapshot and skipping verification, and by executing all of it.

Run: pytest tests/bench/test_joining_a_long_chain.py -m bench -s. The payments are real and signed; only who builds the
chain believes his own signatures. CHAINPOS_LONG_CHAIN=10000 makes it shorter.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chainpos.core.chain.commit import COMMIT, EMPTY_COMMIT, Commit, CommitSig, vote_sign_bytes
from chainpos.core.chain.genesis import dump_genesis
from chainpos.core.chain.tip import build_block
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.engine.keys import SigningKey
from chainpos.node.config import NodeSettings
from chainpos.node.home import Home, init_peer, init_validator_of
from chainpos.node.ledger import Ledger
from chainpos.pilot.city import load_city
from chainpos.pilot.genesis import city_genesis
from chainpos.pilot.resources import sample_data
from chainpos.rpc.client import RpcClient
from chainpos.store.snapshots import Snapshots
from tests.bench.test_engines import payments
from tests.measured import target
from tests.node.conftest import Processes, until

pytestmark = [pytest.mark.bench]
PAYMENTS = int(os.environ.get("CHAINPOS_LONG_CHAIN", "100000"))
IN_A_BLOCK = 100
# So many blocks came since the last snapshot: two thousand payments.
SINCE = 20
PATIENCE_S = 900.0


class LongChain:
    """A validator's home with the chain, and a second node's with a copy of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = SigningKey(secrets.token_bytes(32))
        began_ns = time.time_ns()
        doc = city_genesis(
            load_city(sample_data()), sample_data(), validator=self.key.public_key, genesis_time_ns=began_ns - SECOND_NS
        )
        self.genesis = dump_genesis(doc)
        settings = NodeSettings(mode="validator", moniker="validator", listen="127.0.0.1:0")
        init_validator_of(folder / "validator", settings, genesis=self.genesis, key=self.key)
        self._build(Home(folder / "validator").database, began_ns)
        self.peer_home("second", "127.0.0.1:1")
        for name in ("chain.db", "snapshots"):
            copy = shutil.copytree if name == "snapshots" else shutil.copy
            copy(folder / "validator" / "data" / name, folder / "second" / "data" / name)

    def peer_home(self, name: str, *upstreams: str) -> Path:
        settings = NodeSettings(mode="peer", moniker=name, listen="127.0.0.1:0", upstreams=upstreams)
        init_peer(self.folder / name, settings, genesis=self.genesis)
        return self.folder / name

    def _build(self, database: Path, now_ns: int) -> None:
        ledger = Ledger.open(database, verify=lambda claims: [True] * len(claims))
        blocks = PAYMENTS // IN_A_BLOCK
        for number in range(blocks):
            tip = ledger.tip
            txs = payments(IN_A_BLOCK)
            # A payment is of the second in which it was signed; block time goes on with it.
            now_ns = max(now_ns + 1, time.time_ns())
            block = build_block(tip, txs, tip.commit or EMPTY_COMMIT, self.key.address)
            vote = vote_sign_bytes(tip.chain_id, tip.next_height, 0, block.block_id(), now_ns)
            signed = CommitSig(COMMIT, self.key.address, now_ns, self.key.sign(vote))
            ledger.append(block, Commit(tip.next_height, 0, block.block_id(), (signed,)))
            if number == blocks - SINCE:
                Snapshots(database).write(ledger.tip.height, ledger.tip.app_version, ledger.records())
        self.records = len(ledger.records())
        ledger.close()


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> LongChain:
    return LongChain(tmp_path_factory.mktemp("long"))


@pytest.fixture
def running(chain: LongChain) -> Iterator[Processes]:
    made = Processes(chain.folder)
    yield made
    made.close()


async def test_by_snapshot_in_seconds_and_by_executing_all_of_it_to_the_same_app_hash(
    chain: LongChain, running: Processes
) -> None:
    validator, second = running.start("validator"), running.start("second")
    nodes = (validator.rpc, second.rpc)
    async with await RpcClient.connect(validator.url) as client:
        top = await client.report()
        began = time.perf_counter()
        home = chain.peer_home("quick", *nodes)
        joined = await asyncio.to_thread(_joined, home)
        verified_s = time.perf_counter() - began
        quick = running.start("quick")
        async with await RpcClient.connect(quick.url) as ours:
            await _reach(ours, top.height)
            quick_s = time.perf_counter() - began
            quick_hash = (await ours.report()).app_hash
        chain.peer_home("slow", *nodes)
        began = time.perf_counter()
        slow = running.start("slow")
        async with await RpcClient.connect(slow.url) as ours:
            shown = await _reach(ours, top.height)
            slow_s = time.perf_counter() - began
            slow_hash = (await ours.report()).app_hash
        assert quick_hash == slow_hash == (await client.report()).app_hash
        # Progress is told all the way.
        assert len(shown) > 5
        assert joined["height"] == PAYMENTS // IN_A_BLOCK - SINCE + 1
    print(f"{PAYMENTS:,} payments, {chain.records:,} records, {top.height:,} blocks")
    print(f"by snapshot: {verified_s:.1f} s until taken over, {quick_s:.1f} s until it follows")
    print(f"by executing all: {slow_s:.1f} s, {slow_s / quick_s:.0f} times as long")
    target(quick_s, 10, "seconds to join by snapshot")


def _joined(home: Path) -> dict[str, object]:
    ran = subprocess.run(
        [sys.executable, "-m", "chainpos", "node", "join", "--home", str(home), "--json"],
        capture_output=True, text=True, check=False, timeout=PATIENCE_S,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    found: dict[str, object] = json.loads(ran.stdout)
    return found


async def _reach(client: RpcClient, height: int) -> set[int]:
    """Wait until a node has a height; which heights below it, it said it had, of how many."""
    shown: set[int] = set()

    async def is_there() -> bool:
        report = await client.report()
        assert not report.halted_reason, report
        if report.height < report.target_height:
            shown.add(report.height)
        await asyncio.sleep(0.02)
        return report.height >= height

    await until(is_there, timeout_s=PATIENCE_S)
    return shown
