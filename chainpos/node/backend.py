"""What this node answers over RPC. It holds no rules: each question goes to the part that knows.

It refuses, with a sentence for the caller, searches that would read too much and requests that may not be served.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import msgspec

from chainpos import __version__
from chainpos.core.chain.envelope import decode_envelope
from chainpos.core.chain.params import ConsensusParams
from chainpos.core.chain.validators import ValidatorSet
from chainpos.core.checkout.request import SignedRequest
from chainpos.core.contracts.merchants.records import OPEN, TILLS
from chainpos.core.values.hashes import address_of
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.node.chain_view import ChainView
from chainpos.node.clock import Clock
from chainpos.node.executor import Executor, ExecutorBusy, Urgency
from chainpos.node.intake import Intake
from chainpos.node.ledger import Ledger
from chainpos.node.mempool import Mempool, Waiting
from chainpos.node.requests import OpenRequests, RequestRefused
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
    PendingTransactions,
    PublishedRequest,
    QueryAnswer,
    SignedHeader,
    Span,
    StoredBlock,
)
from chainpos.rpc.protocol import INTERNAL_ERROR, MESSAGES, RpcError
from chainpos.rpc.query import Query
from chainpos.rpc.waiting import MempoolReport, SignerReport, WaitingReport
from chainpos.store.chain_search import SearchTooWide
from chainpos.store.snapshots import QUERY_PATH, Snapshots

APPLICATION: Final = "chainpos"
MAX_SIGNERS_TOLD: Final = 200
MAX_WAITING_TOLD: Final = 500


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Who the node is: its node key's ID, the key it is known by, and where it listens."""

    node_id: str
    public_key: bytes
    moniker: str
    rpc_address: str


class NodeBackend:
    """Implements `rpc.backend.Backend`, in the event loop's thread."""

    def __init__(
        self,
        identity: Identity,
        genesis: bytes,
        ledger: Ledger,
        executor: Executor,
        view: ChainView,
        mempool: Mempool,
        intake: Intake,
        requests: OpenRequests,
        clock: Clock,
        snapshots: Snapshots,
        *,
        report: Callable[[], NodeReport],
        peers: Callable[[], tuple[PeerStatus, ...]],
    ) -> None:
        self.identity = identity
        self._genesis = genesis
        self._ledger = ledger
        self._executor = executor
        self._view = view
        self._mempool = mempool
        self._intake = intake
        self._requests = requests
        self._clock = clock
        self._snapshots = snapshots
        self._report = report
        self._peers = peers

    def span(self) -> Span:
        """The heights that can be asked for."""
        return self._view.span()

    async def status(self) -> NodeStatus:
        """Who this node is and how far it is."""
        tip, report = self._view.tip, self._report()
        validator = tip.validators.by_address(address_of(self.identity.public_key))
        base, top = self._view.span()
        return NodeStatus(
            node_id=self.identity.node_id,
            network=tip.chain_id,
            moniker=self.identity.moniker,
            public_key=self.identity.public_key,
            rpc_address=self.identity.rpc_address,
            app_version=tip.app_version,
            latest=await self._point(top),
            earliest=await self._point(base),
            catching_up=report.state != "online",
            voting_power=0 if validator is None else validator[1].power,
        )

    async def network(self) -> Network:
        """Whom it is connected to."""
        return Network(listeners=(self.identity.rpc_address,), peers=self._peers())

    async def genesis(self) -> bytes:
        """The genesis document."""
        return self._genesis

    async def block(self, height: int) -> StoredBlock | None:
        """The block at a height."""
        return await self._view.block(height)

    async def height_of_hash(self, block_hash: bytes) -> int | None:
        """The height of the block with this hash."""
        return await self._view.height_of_hash(block_hash)

    async def block_metas(self, low: int, high: int) -> list[BlockMeta]:
        """Blocks without their bodies, ascending."""
        return await self._view.metas(low, high)

    async def commit(self, height: int) -> SignedHeader | None:
        """The header at a height with the commit for it."""
        return await self._view.commit(height)

    async def validators(self, height: int) -> ValidatorSet | None:
        """The validators whose signatures count at a height."""
        return await self._view.validators(height)

    async def block_results(self, height: int) -> BlockResults | None:
        """What executing the block at a height gave."""
        return await self._view.results(height)

    async def consensus_params(self, height: int) -> ConsensusParams | None:
        """The consensus parameters in force at a height."""
        return await self._view.params(height)

    async def transaction(self, tx_hash: bytes) -> IncludedTransaction | None:
        """The transaction with this hash, if it is in a block."""
        return await self._view.transaction(tx_hash)

    async def transaction_at(self, height: int, index: int) -> IncludedTransaction | None:
        """The transaction at a place in a block."""
        return await self._view.transaction_at(height, index)

    async def blocks_telling(self, attribute: str, value: str, limit: int) -> list[int]:
        """The latest blocks that told this."""
        return await self._view.blocks_telling(attribute, value, limit)

    async def find_transactions(self, query: Query, limit: int) -> list[tuple[int, int]]:
        """The places of the transactions that satisfy `query`."""
        try:
            return await self._view.find(query, limit)
        except SearchTooWide as error:
            raise _refused(str(error)) from error

    async def broadcast(self, transaction: bytes) -> BroadcastAnswer:
        """What the node said of a transaction that wants to enter a block."""
        halted = self._report().halted_reason
        if halted:
            raise _refused(f"this node has halted: {halted}")
        return await self._intake.broadcast(transaction)

    async def pending(self, limit: int) -> PendingTransactions:
        """The mempool and its first transactions."""
        first = tuple(waiting.wire for waiting in self._mempool.first(limit))
        return PendingTransactions(len(self._mempool), self._mempool.total_bytes, first)

    async def query(self, path: str, key: bytes, height: int, *, prove: bool) -> QueryAnswer:
        """A record of the state, with its proof; or a snapshot's chunk."""
        if path.startswith(QUERY_PATH):
            value = await asyncio.to_thread(self._snapshots.answer, path)
            return QueryAnswer(self._view.tip.height, key, value)
        try:
            return await self._executor.run(Urgency.READ, lambda: self._ledger.query(path, key, height, prove=prove))
        except ExecutorBusy as error:
            raise _refused("the node is busy") from error

    async def application(self) -> Application:
        """The application's name, version and last height."""
        tip = self._view.tip
        height = self._view.span().tip
        return Application(APPLICATION, __version__, tip.app_version, height, tip.app_hash)

    async def publish_request(self, request: bytes, signature: bytes) -> str:
        """Serve a till's signed request; the ID of its link."""
        now_s = self._clock.now_ns() // SECOND_NS
        try:
            signed = self._requests.read(request, signature, now_s)
            await self._executor.run(Urgency.READ, lambda: self._require_till(signed))
            return self._requests.add(signed, now_s)
        except RequestRefused as refused:
            raise _refused(refused.code) from refused
        except ExecutorBusy as error:
            raise _refused("the node is busy") from error

    async def requests(self) -> list[PublishedRequest]:
        """The requests being served, newest first."""
        return [_published(signed) for signed in self._requests.newest_first(self._clock.now_ns() // SECOND_NS)]

    async def request(self, link_id: str) -> PublishedRequest | None:
        """The request with this ID."""
        signed = self._requests.get(link_id, self._clock.now_ns() // SECOND_NS)
        return None if signed is None else _published(signed)

    async def report(self) -> NodeReport:
        """The node in its own words."""
        return self._report()

    async def waiting(self) -> MempoolReport:
        """What waits, by signer and by age."""
        return MempoolReport(
            len(self._mempool),
            self._mempool.total_bytes,
            self._mempool.limits.max_transactions,
            tuple(
                SignerReport(address_of(signer).hex(), count, size, since_ns)
                for signer, count, size, since_ns in self._mempool.per_signer()[:MAX_SIGNERS_TOLD]
            ),
            tuple(_told(each) for each in self._mempool.first(MAX_WAITING_TOLD)),
        )

    async def _point(self, height: int) -> ChainPoint:
        stored = await self._view.block(height) if height else None
        if stored is None:
            return ChainPoint()
        header = stored.block.header
        return ChainPoint(height, stored.block_id.hash, header.app_hash, header.time_ns)

    def _require_till(self, signed: SignedRequest) -> None:
        # Keys cost nothing: without this, anybody could fill the room that tills need.
        till = self._ledger.record(TILLS, signed.request.till_key)
        if till is None or till.status != OPEN or till.merchant != signed.request.merchant:
            raise RequestRefused("till_not_authorised")


def _published(signed: SignedRequest) -> PublishedRequest:
    return PublishedRequest(signed.link_id, signed.encoded, signed.signature)


def _told(each: Waiting) -> WaitingReport:
    return WaitingReport(
        hash=each.hash.hex(),
        address=address_of(each.signer).hex(),
        kind=decode_envelope(each.wire).body.kind,
        size_bytes=len(each.wire),
        since_ns=each.since_ns,
        forwarded=each.forwarded,
    )


def _refused(sentence: str) -> RpcError:
    return RpcError(INTERNAL_ERROR, MESSAGES[INTERNAL_ERROR], sentence)
