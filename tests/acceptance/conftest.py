"""The pilot as it is delivered: its own processes on loopback, real folders, and a till that the test drives."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from chainpos.core.chain.block import Block
from chainpos.core.chain.envelope import decode_envelope
from chainpos.core.chain.genesis import GenesisDoc, load_genesis
from chainpos.core.checkout.matching import SaleState
from chainpos.core.contracts.balances.records import ACCOUNTS
from chainpos.core.contracts.payments.messages import Pay, request_id
from chainpos.core.values.amount import Amount
from chainpos.errors import MalformedBytes
from chainpos.node.clock import SystemClock
from chainpos.node.replay import replay
from chainpos.node.verify import verify_home
from chainpos.pilot.acts import Hands
from chainpos.pilot.city import City, load_city
from chainpos.pilot.genesis import CURRENCY, customer_key
from chainpos.pilot.network import PilotFolder, PilotNetwork
from chainpos.pilot.resources import sample_data
from chainpos.store.chain_packing import StoredResults
from chainpos.store.chain_reading import ChainReader
from chainpos.till.counter import Till
from chainpos.till.identity import Noticed
from chainpos.till.views import CounterView
from chainpos.wallet.client import Wallet
from chainpos.wallet.network import Network

# Nothing is held to it: a machine busy with other things takes its time.
TIMEOUT_S = 90.0
MERCHANT = "HF01"
SHORT_CYCLE_S = 10


def yuan(minor: int) -> Amount:
    return Amount(minor, CURRENCY)


class Told(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it said, if that is one JSON object and nothing else."""
        assert self.out.count("\n") == 1, self.out
        return msgspec.json.decode(self.out)


class Shell:
    """Somebody's terminal: a home of its own, so that no other demo or wallet of the machine is found."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("home", "tmp", "config"):
            (folder / name).mkdir(parents=True)
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("CHAINPOS_", "TMUX"))},
            "HOME": str(folder / "home"),
            "TMPDIR": str(folder / "tmp"),
            "CHAINPOS_CONFIG": str(folder / "config"),
            "LANG": "C.UTF-8",
        }
        self._started: list[subprocess.Popen[str]] = []
        # Where these tests run in the background of a shell, SIGINT is ignored, and would be by what they start.
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    @property
    def temporary(self) -> Path:
        return self.folder / "tmp"

    def start(self, *arguments: str | Path, **more: Any) -> subprocess.Popen[str]:
        """`chainpos ARGUMENTS…`, running."""
        # Where these tests run in the background of a shell, SIGINT is ignored, and would be by what they start.
        process = subprocess.Popen(
            [sys.executable, "-m", "chainpos", *map(str, arguments)],
            env=self.environment | more.pop("environment", {}),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more,
        )  # fmt: skip
        self._started.append(process)
        return process

    def close(self) -> None:
        """End what a failed test left running."""
        for process in self._started:
            if process.poll() is None:
                process.terminate()
            process.communicate(timeout=90)

    def run(self, *arguments: str | Path, timeout_s: float = 300, **more: Any) -> Told:
        """`chainpos ARGUMENTS…` to its end."""
        process = self.start(*arguments, **more)
        out, err = process.communicate(timeout=timeout_s)
        return Told(process.returncode, out, err)


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    made = Shell(tmp_path / "somebody")
    yield made
    made.close()


class Pilot:
    """The network's processes, a till in the test's own process, and customers with their own wallets."""

    def __init__(self, folder: Path, merchant: str = MERCHANT) -> None:
        self.paths = PilotFolder(folder)
        self.paths.prepare(merchant, cycle_s=SHORT_CYCLE_S)
        self.network = PilotNetwork(self.paths, merchant)
        self.city: City = load_city(sample_data())
        self.genesis: GenesisDoc = load_genesis(self.paths.validator.genesis.read_bytes())
        self.hands = Hands(self.genesis.chain_id, lambda: secrets.token_bytes(16))
        self.noticed: list[Noticed] = []
        self._tills: list[Till] = []
        self._wallets: list[Wallet] = []
        place = self.city.merchant(merchant).city
        self.merchant = self.city.merchant(merchant)
        self.customers = [row for row in self.city.customers if row.city == place]

    async def open_till(self) -> Till:
        till = Till.open(self.paths.till, SystemClock(), observer=self.noticed.append)
        self._tills.append(till)
        await till.start()
        return till

    async def close_till(self, till: Till) -> None:
        self._tills.remove(till)
        await till.stop()

    def wallet(self, customer: str, *addresses: str) -> Wallet:
        """Somebody's wallet; it asks the validator unless told otherwise."""
        network = Network(self.genesis, addresses or (self.network.validator_address,), SystemClock())
        key = customer_key(customer)
        wallet = Wallet(network, key.public_key, key=key)
        self._wallets.append(wallet)
        return wallet

    def states(self, reference: str) -> list[SaleState]:
        return [each.state for each in self.noticed if each.reference == reference]

    async def close(self) -> None:
        for wallet in self._wallets:
            await wallet.close()
        for till in self._tills:
            await till.stop()
        await self.network.stop()
        await asyncio.sleep(0.05)  # until the pipes of what was stopped are let go


@pytest.fixture
async def pilot(tmp_path: Path) -> AsyncIterator[Pilot]:
    """A pilot whose nodes run and whose customers only come when the test sends them."""
    made = Pilot(tmp_path / "pilot")
    try:
        await made.network.start_validator()
        await made.network.start_peer()
        made.paths.till.save_settings(
            msgspec.structs.replace(made.paths.till.settings(), node=made.network.peer_address)
        )
        yield made
    finally:
        await made.close()


async def until(holds: Callable[[], Coroutine[Any, Any, bool]], *, timeout_s: float = TIMEOUT_S) -> None:
    """Wait until something holds in another process."""
    async with asyncio.timeout(timeout_s):
        while not await holds():  # noqa: ASYNC110 - it happens elsewhere
            await asyncio.sleep(0.03)


async def view_where(till: Till, holds: Callable[[CounterView], bool], *, timeout_s: float = TIMEOUT_S) -> CounterView:
    """The first view of which something holds."""
    async with asyncio.timeout(timeout_s):
        async for view in till.changes():
            if holds(view):
                return view
    raise AssertionError("the till stopped")


def accounts(database: Path) -> dict[bytes, int]:
    """What every account holds, in minor units, after the last block of a store."""
    with ChainReader.open(database) as reader:
        records = reader.load_records()
    prefix = ACCOUNTS.full_key(b"")
    return {
        key[len(prefix) :]: ACCOUNTS.decode(value).balance_minor
        for key, value in records.items()
        if key.startswith(prefix)
    }


class OnLedger(NamedTuple):
    """What a store's blocks say: accepted payments by request, and code by transaction hash."""

    height: int
    payments: Counter[bytes]
    codes: dict[bytes, list[int]]


def read_ledger(database: Path, chain_id: str) -> OnLedger:
    """Every block of a store, read as a stranger would."""
    payments: Counter[bytes] = Counter()
    codes: dict[bytes, list[int]] = {}
    with ChainReader.open(database) as reader:
        tip = reader.tip()
        for stored in reader.blocks(tip.initial_height, tip.height):
            txs, results = Block.decode(stored.block).txs, StoredResults.decode(stored.results).results
            assert len(txs) == len(results), f"one result a transaction at height {stored.height}"
            for wire, result in zip(txs, results, strict=True):
                try:
                    envelope = decode_envelope(wire)
                except MalformedBytes:
                    codes.setdefault(wire, []).append(result.code)
                    continue
                codes.setdefault(envelope.hash, []).append(result.code)
                if envelope.body.kind == "payments.pay" and result.code == 0:
                    pay = msgspec.msgpack.decode(envelope.body.message, type=Pay)
                    payments[request_id(chain_id, pay.request)] += 1
    return OnLedger(tip.height, payments, codes)


LATE_BLOCKS = 6


def require_whole_and_alike(paths: PilotFolder) -> OnLedger:
    """Stopped nodes: each recomputes to what it stores, both agree, and nothing is paid twice.

    The peer is stopped first, so the validator may have made a block that the peer will only see next time.
    """
    found = [verify_home(home.folder) for home in (paths.validator, paths.peer)]
    assert [each.findings for each in found] == [(), ()]
    assert 0 <= found[0].height - found[1].height <= LATE_BLOCKS
    assert replay(paths.validator.folder, to_height=found[1].height).app_hash == found[1].app_hash
    ledger = read_ledger(paths.validator.database, found[0].chain_id)
    assert set(ledger.payments.values()) <= {1}
    assert sum(accounts(paths.validator.database).values()) == 0  # every posting has its counterpart
    return ledger


def wait_until(holds: Callable[[], bool], *, timeout_s: float = TIMEOUT_S) -> None:
    """Wait until something holds, outside an event loop."""
    until_s = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < until_s, "it did not come about in time"
        time.sleep(0.05)
