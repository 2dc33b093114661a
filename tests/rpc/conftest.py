"""A small node in memory, which is all that these tests fake: a signed chain behind the Backend protocol."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chainpos.core.chain.block import data_hash
from chainpos.core.chain.commit import COMMIT, EMPTY_COMMIT, Commit, CommitSig, vote_sign_bytes
from chainpos.core.chain.genesis import GenesisDoc, GenesisValidator, dump_genesis
from chainpos.core.chain.header import BlockId
from chainpos.core.chain.params import DEFAULT, ConsensusParams
from chainpos.core.chain.results import Event, EventAttribute, TxResult
from chainpos.core.chain.tip import build_block, make_genesis_tip, next_tip
from chainpos.core.chain.validators import ValidatorSet
from chainpos.core.values.hashes import address_of, sha256
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.rpc.backend import (
    Application,
    BlockMeta,
    BlockResults,
    BroadcastAnswer,
    ChainPoint,
    IncludedTransaction,
    Network,
    NodeReport,
    NodeStatus,
    PeerStatus,
    PendingTransaction,
    PendingTransactions,
    ProofOperation,
    PublishedRequest,
    QueryAnswer,
    SignedHeader,
    Span,
    StoredBlock,
)
from chainpos.rpc.client import RpcClient
from chainpos.rpc.limits import Limits
from chainpos.rpc.protocol import INTERNAL_ERROR, RpcError
from chainpos.rpc.query import Query, attributes_of
from chainpos.rpc.server import RpcServer
from chainpos.rpc.subscriptions import EventHub, SubscriptionLimits
from chainpos.rpc.waiting import MempoolReport

Json = Any
CHAIN_ID = "rpc-test"
GENESIS_NS = 1_760_000_000 * SECOND_NS
LINK_ID = "ABCDEFGHIJKLMNOPQRSTUVWX23"
REFUSED_TX = b"refuse me"


class FakeNode:
    """Blocks are made when a test says so; `slow_s` and `broken` make it answer late or fail."""

    def __init__(self, blocks: int = 3) -> None:
        self._secret = Ed25519PrivateKey.from_private_bytes(bytes(32))
        self.public_key = self._secret.public_key().public_bytes_raw()
        self.doc = GenesisDoc(CHAIN_ID, GENESIS_NS, 1, DEFAULT, (GenesisValidator(self.public_key, 10),))
        self._tip = make_genesis_tip(self.doc, sha256(b"genesis"))
        self.stored: list[StoredBlock] = []
        self.commits: list[Commit] = []
        self.outcomes: list[BlockResults] = []
        self.mempool: list[bytes] = []
        self.published: dict[str, PublishedRequest] = {}
        self.hub = EventHub()
        self.slow_s = 0.0
        self.broken = False
        self.calls = 0
        self.base = 1
        for number in range(blocks):
            self.add_block([b"tx %d of block %d" % (index, number + 1) for index in range(number % 3)])

    def add_block(self, txs: Sequence[bytes] = (), *, publish: bool = False) -> StoredBlock:
        last_commit = self.commits[-1] if self.commits else EMPTY_COMMIT
        before = self._tip
        block = build_block(before, txs, last_commit, address_of(self.public_key), ())
        block_id = block.block_id()
        outcomes = [self._result(tx) for tx in txs]
        after = sha256(before.app_hash + data_hash(txs))
        self.stored.append(StoredBlock(block, block_id))
        self.commits.append(self._commit(block.header.height, block_id, block.header.time_ns + SECOND_NS))
        self.outcomes.append(
            BlockResults(
                height=block.header.height,
                results=tuple(outcomes),
                events=(Event("cycle", (EventAttribute("closed", "yes"),)),) if txs else (),
                app_hash=after,
            )
        )
        self._tip = next_tip(before, block, block_id, after, outcomes, ())
        if publish:
            self.hub.publish_block(self.stored[-1], self.outcomes[-1])
        return self.stored[-1]

    def _result(self, tx: bytes) -> TxResult:
        pairs = (EventAttribute("reference", f"r{len(tx)}"), EventAttribute("minor", str(len(tx)), index=False))
        return TxResult(data=b"ok", gas_wanted=5, gas_used=len(tx), events=(Event("paid", pairs),))

    def _commit(self, height: int, block_id: BlockId, time_ns: int) -> Commit:
        signed = self._secret.sign(vote_sign_bytes(CHAIN_ID, height, 0, block_id, time_ns))
        return Commit(height, 0, block_id, (CommitSig(COMMIT, address_of(self.public_key), time_ns, signed),))

    async def _work(self) -> None:
        self.calls += 1
        if self.broken:
            raise ZeroDivisionError("a secret detail of our own bug")
        if self.slow_s:
            await asyncio.sleep(self.slow_s)

    def span(self) -> Span:
        return Span(self.base, len(self.stored))

    def _point(self, height: int) -> ChainPoint:
        stored = self.stored[height - 1]
        header = stored.block.header
        return ChainPoint(height, stored.block_id.hash, header.app_hash, header.time_ns)

    async def status(self) -> NodeStatus:
        await self._work()
        return NodeStatus(
            node_id="ab" * 20,
            network=CHAIN_ID,
            moniker="fake",
            public_key=self.public_key,
            voting_power=10,
            app_version=1,
            latest=self._point(len(self.stored)),
            earliest=self._point(1),
        )

    async def network(self) -> Network:
        return Network(True, ("Listener(@)",), (PeerStatus(await self.status(), "127.0.0.1"),))

    async def genesis(self) -> bytes:
        return dump_genesis(self.doc)

    async def block(self, height: int) -> StoredBlock | None:
        await self._work()
        return self.stored[height - 1]

    async def height_of_hash(self, block_hash: bytes) -> int | None:
        found = [stored.block.header.height for stored in self.stored if stored.block_id.hash == block_hash]
        return found[0] if found else None

    async def block_metas(self, low: int, high: int) -> list[BlockMeta]:
        return [
            BlockMeta(stored.block_id, len(stored.block.encode()), stored.block.header, len(stored.block.txs))
            for stored in self.stored[low - 1 : high]
        ]

    async def commit(self, height: int) -> SignedHeader | None:
        header = self.stored[height - 1].block.header
        return SignedHeader(header, self.commits[height - 1], height < len(self.stored))

    async def validators(self, height: int) -> ValidatorSet | None:
        return self._tip.validators if height else None

    async def block_results(self, height: int) -> BlockResults | None:
        return self.outcomes[height - 1]

    async def consensus_params(self, height: int) -> ConsensusParams | None:
        return DEFAULT if height else None

    async def transaction(self, tx_hash: bytes) -> IncludedTransaction | None:
        for stored in self.stored:
            for index, tx in enumerate(stored.block.txs):
                if sha256(tx) == tx_hash:
                    return await self.transaction_at(stored.block.header.height, index)
        return None

    async def transaction_at(self, height: int, index: int) -> IncludedTransaction | None:
        tx = self.stored[height - 1].block.txs[index]
        return IncludedTransaction(sha256(tx), height, index, tx, self.outcomes[height - 1].results[index])

    async def blocks_telling(self, attribute: str, value: str, limit: int) -> list[int]:
        found = [
            outcome.height for outcome in self.outcomes
            for event in (*outcome.events, *(event for result in outcome.results for event in result.events))
            for one in event.attributes if f"{event.type}.{one.key}" == attribute and value in ("", one.value)
        ]  # fmt: skip
        return sorted({*found}, reverse=True)[:limit]

    async def find_transactions(self, query: Query, limit: int) -> list[tuple[int, int]]:
        found = []
        for stored, outcome in zip(self.stored, self.outcomes, strict=True):
            for index, result in enumerate(outcome.results):
                attributes = attributes_of(
                    (event.type, ((one.key, one.value) for one in event.attributes)) for event in result.events
                )
                attributes["tx.height"] = [str(stored.block.header.height)]
                if query.matches(attributes):
                    found.append((stored.block.header.height, index))
        return found[:limit]

    async def broadcast(self, transaction: bytes) -> BroadcastAnswer:
        await self._work()
        if transaction == REFUSED_TX:
            return BroadcastAnswer(sha256(transaction), 503, log="no", codespace="payments")
        self.mempool.append(transaction)
        self.hub.publish_pending(PendingTransaction(sha256(transaction), transaction))
        return BroadcastAnswer(sha256(transaction))

    async def pending(self, limit: int) -> PendingTransactions:
        size = sum(len(tx) for tx in self.mempool)
        return PendingTransactions(len(self.mempool), size, tuple(self.mempool[:limit]))

    async def query(self, path: str, key: bytes, height: int, *, prove: bool) -> QueryAnswer:
        if path != "/store/ab12/key":
            return QueryAnswer(height, code=2, log="no such path", codespace="query")
        proof = (ProofOperation("simple:v", key, b"\x0a\x00"),) if prove else None
        return QueryAnswer(height or len(self.stored), key, b"record of " + key, proof)

    async def application(self) -> Application:
        return Application("chainpos", "0.1.0", 1, len(self.stored), self._tip.app_hash)

    async def publish_request(self, request: bytes, signature: bytes) -> str:
        if not signature:
            raise RpcError(INTERNAL_ERROR, "Internal error", "the request is not signed")
        self.published[LINK_ID] = PublishedRequest(LINK_ID, request, signature)
        return LINK_ID

    async def requests(self) -> list[PublishedRequest]:
        return list(self.published.values())

    async def request(self, link_id: str) -> PublishedRequest | None:
        return self.published.get(link_id)

    async def waiting(self) -> MempoolReport:
        return MempoolReport(len(self.mempool), sum(map(len, self.mempool)), 5_000)

    async def report(self) -> NodeReport:
        return NodeReport(
            mode="peer", state="online", chain_id=CHAIN_ID, moniker="fake", version="0.1.0", height=len(self.stored)
        )


@pytest.fixture
def node() -> FakeNode:
    return FakeNode()


@asynccontextmanager
async def serving(
    node: FakeNode, *, limits: Limits | None = None, subscriptions: SubscriptionLimits | None = None
) -> AsyncIterator[RpcServer]:
    """A server on a free loopback port."""
    node.hub = EventHub(subscriptions)
    async with RpcServer(node, node.hub, port=0, limits=limits) as server:
        yield server


def url_of(server: RpcServer) -> str:
    host, port = server.address
    return f"ws://{host}:{port}/websocket"


@asynccontextmanager
async def connected(server: RpcServer, timeout_s: float = 60.0) -> AsyncIterator[RpcClient]:
    async with await RpcClient.connect(url_of(server), timeout_s) as client:
        yield client


@pytest.fixture
async def server(node: FakeNode) -> AsyncIterator[RpcServer]:
    async with serving(node) as server:
        yield server


@pytest.fixture
async def client(server: RpcServer) -> AsyncIterator[RpcClient]:
    async with connected(server) as client:
        yield client


async def until(condition: Callable[[], object], within_s: float = 8.0) -> None:
    """Wait for what the other side of a socket does. Fails when it does not come."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - what is waited for is in no event's gift
            await asyncio.sleep(0.001)


async def exchange(server: RpcServer, request: bytes, *, read_s: float = 60.0) -> bytes:
    """All that the server sends back to raw bytes until it closes, or until the whole body is there."""
    reader, writer = await asyncio.open_connection(*server.address)
    try:
        writer.write(request)
        await writer.drain()
        async with asyncio.timeout(read_s):
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or b"0")
            return head + await reader.readexactly(length)
    finally:
        writer.close()
        await writer.wait_closed()


def http_request(method: str, target: str, body: bytes = b"", **headers: str) -> bytes:
    lines = {"Host": "127.0.0.1:26657", "Connection": "close", "Content-Length": str(len(body))} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode() + body


def parsed(answer: bytes) -> tuple[int, Json]:
    """Status and JSON body of an HTTP answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(b" ")[1]), json.loads(body) if body else None


@pytest.fixture(scope="session")
def answers(vectors: Path) -> dict[str, Json]:
    """Real CometBFT answers by file name."""
    folder = vectors / "rpc_v0_38" / "incoming"
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}
