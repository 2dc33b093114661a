"""Networks of real nodes on loopback, with real databases, for the tests of following, crashing and lying."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chainpos.core.chain.block import Block
from chainpos.core.chain.commit import COMMIT, EMPTY_COMMIT, Commit, CommitSig, vote_sign_bytes
from chainpos.core.chain.genesis import GenesisDoc, GenesisValidator, dump_genesis
from chainpos.core.chain.params import DEFAULT
from chainpos.core.chain.tip import build_block
from chainpos.core.contracts.balances.messages import Issue
from chainpos.core.contracts.payments.messages import Pay, Request, encode_request, request_signed_bytes
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.engine.keys import SigningKey
from chainpos.node.clock import Clock
from chainpos.node.config import NodeSettings, load_settings
from chainpos.node.home import Home, init_peer, init_validator
from chainpos.node.ledger import Appended, Ledger, create_ledger
from chainpos.node.run import run_node
from chainpos.rpc.client import RpcClient
from tests.core.blocks import transaction
from tests.core.contracts.conftest import BANK, CHAIN_ID, CNY, GENESIS_S, key_of, make_app_state

TIMEOUT_S = 90.0


def free_port() -> int:
    """A loopback port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def validator_home(folder: Path, *, genesis_time_ns: int | None = None, port: int = 0) -> bytes:
    """Make a validator's home; its genesis document."""
    settings = NodeSettings(mode="validator", moniker="validator", listen=f"127.0.0.1:{port}")
    return init_validator(
        folder,
        settings,
        chain_id=CHAIN_ID,
        app_state=json.dumps(make_app_state()).encode(),
        genesis_time_ns=time.time_ns() if genesis_time_ns is None else genesis_time_ns,
    )


def peer_home(folder: Path, genesis: bytes, *upstreams: str) -> None:
    """Make a peer's home."""
    settings = NodeSettings(mode="peer", moniker="peer", listen="127.0.0.1:0", upstreams=upstreams)
    init_peer(folder, settings, genesis=genesis)


def issue_tx(number: int, *, amount_minor: int = 1, now_s: int | None = None) -> bytes:
    """One cent for Alice, signed by her bank; each number is another transaction."""
    expires_s = (int(time.time()) if now_s is None else now_s) + 600
    message = Issue(BANK, key_of("alice").address, CNY, amount_minor, "cash", f"ref {number}")
    return transaction(message, BANK, nonce=number, expires_s=expires_s)


def pay_tx(reference: str, payer: str = "erin", amount_minor: int = 100, *, lives_s: int = 300) -> bytes:
    """A payment of a request that the tea house's till signs just now."""
    encoded, signature = signed_request(reference, amount_minor, lives_s=lives_s)
    message = Pay(encoded, signature, "TEAHOUSE", amount_minor, 0, CNY)
    return transaction(message, payer, nonce=hash(reference) & 0xFFFF, expires_s=int(time.time()) + 600)


def signed_request(
    reference: str, amount_minor: int = 100, *, lives_s: int = 300, ago_s: int = 0, till_name: str = "TEAHOUSE.till"
) -> tuple[bytes, bytes]:
    """A request of the tea house and its till's signature."""
    till, made_s = key_of(till_name), int(time.time()) - ago_s
    request = Request(1, "TEAHOUSE", till.public, reference, amount_minor, CNY, made_s, made_s + lives_s, "dynamic_qr")
    encoded = encode_request(request)
    return encoded, till.sign(request_signed_bytes(CHAIN_ID, encoded))


class Clerk:
    """A ledger and the one validator's key: makes blocks as the embedded engine would, at times that are told to it."""

    def __init__(self, folder: Path) -> None:
        self.key = SigningKey(bytes(range(32)))
        validators = (GenesisValidator(self.key.public_key, 10),)
        app_state = json.dumps(make_app_state()).encode()
        doc = GenesisDoc(CHAIN_ID, GENESIS_S * SECOND_NS, 1, DEFAULT, validators, app_state=app_state)
        self.genesis = dump_genesis(doc)
        self.database = folder / "chain.db"
        self.now_s = GENESIS_S
        self.serial = 0
        create_ledger(self.database, self.genesis)
        self.ledger = Ledger.open(self.database)

    def propose(self, *txs: bytes) -> Block:
        """The next block."""
        tip = self.ledger.tip
        return build_block(tip, txs, tip.commit or EMPTY_COMMIT, self.key.address)

    def sign(self, block: Block) -> Commit:
        """The validator's commit for any block."""
        header, block_id = block.header, block.block_id()
        time_ns = max(self.now_s * SECOND_NS, header.time_ns + 1)
        message = vote_sign_bytes(header.chain_id, header.height, 0, block_id, time_ns)
        return Commit(
            header.height, 0, block_id, (CommitSig(COMMIT, self.key.address, time_ns, self.key.sign(message)),)
        )

    def make(self, *txs: bytes) -> Appended:
        """The next block, appended."""
        block = self.propose(*txs)
        return self.ledger.append(block, self.sign(block))

    def issue(self, amount_minor: int = 1) -> bytes:
        """A new transaction that changes the state."""
        self.serial += 1
        return issue_tx(self.serial, amount_minor=amount_minor, now_s=self.now_s)

    def reopen(self) -> None:
        """Close the ledger and open it again."""
        self.ledger.close()
        self.ledger = Ledger.open(self.database)


@pytest.fixture
def clerk(tmp_path: Path) -> Iterator[Clerk]:
    made = Clerk(tmp_path)
    yield made
    made.ledger.close()


async def until(holds: Callable[[], Coroutine[Any, Any, bool]], *, timeout_s: float = TIMEOUT_S) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(timeout_s):
        while not await holds():  # noqa: ASYNC110 - what is waited for happens in another process, or over the network
            await asyncio.sleep(0.01)


class RunningNode:
    """A node in this process's own event loop."""

    def __init__(self, folder: Path, rpc: str, stop: asyncio.Event, task: asyncio.Task[None]) -> None:
        self.folder = folder
        self.rpc = rpc
        self._stop = stop
        self._task = task

    @property
    def url(self) -> str:
        return f"ws://{self.rpc}/websocket"

    async def stop(self) -> None:
        self._stop.set()
        async with asyncio.timeout(TIMEOUT_S):
            await self._task


class Nodes:
    """Starts nodes in this process and stops what is still running."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._running: list[RunningNode] = []
        self._clients: list[RpcClient] = []

    async def start(self, folder: Path, clock: Clock | None = None, **changes: Any) -> RunningNode:
        settings = msgspec.structs.replace(load_settings(Home(folder).settings), **changes)
        stop, said = asyncio.Event(), asyncio.get_running_loop().create_future()
        task = asyncio.create_task(run_node(folder, settings, clock, ready=said.set_result, stop=stop))
        async with asyncio.timeout(TIMEOUT_S):
            await asyncio.wait([task, said], return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task
        node = RunningNode(folder, said.result()["rpc"], stop, task)
        self._running.append(node)
        return node

    async def client(self, node: RunningNode) -> RpcClient:
        client = await RpcClient.connect(node.url)
        self._clients.append(client)
        return client

    async def validator(self, name: str = "validator", clock: Clock | None = None) -> RunningNode:
        folder = self.folder / name
        if not folder.exists():
            self.genesis = validator_home(folder)
        return await self.start(folder, clock)

    async def peer(self, *upstreams: str, name: str = "peer", clock: Clock | None = None) -> RunningNode:
        folder = self.folder / name
        if not folder.exists():
            peer_home(folder, self.genesis, *upstreams)
        return await self.start(folder, clock, upstreams=upstreams)

    async def close(self) -> None:
        for client in self._clients:
            await client.close()
        for node in reversed(self._running):
            with contextlib.suppress(asyncio.CancelledError):
                await node.stop()


@pytest.fixture
async def nodes(tmp_path: Path) -> AsyncIterator[Nodes]:
    made = Nodes(tmp_path)
    yield made
    await made.close()


class NodeProcess:
    """A node as a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder.with_suffix(".log")
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "chainpos.node.run", str(folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.end()
            raise AssertionError(self.log.read_text()[-2000:])
        self.ready = json.loads(line)

    @property
    def url(self) -> str:
        return f"ws://{self.ready['rpc']}/websocket"

    def kill(self) -> None:
        self.process.kill()
        self.end()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        self.end()
        return self.process.returncode

    @property
    def rpc(self) -> str:
        return str(self.ready["rpc"])

    def end(self) -> None:
        self.process.wait(TIMEOUT_S)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


class Processes:
    """Starts nodes as processes and kills what is still running."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._started: list[NodeProcess] = []

    def start(self, name: str) -> NodeProcess:
        node = NodeProcess(self.folder / name)
        self._started.append(node)
        return node

    def close(self) -> None:
        for node in self._started:
            if node.process.returncode is None:
                node.process.kill()
            node.end()


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    made = Processes(tmp_path)
    yield made
    made.close()


async def height_of(client: RpcClient) -> int:
    return (await client.report()).height
