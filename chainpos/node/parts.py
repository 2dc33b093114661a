"""A node's parts and how they hang together. It holds no rules; each part refuses for itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Iterator
from typing import Any, Final, NamedTuple

import msgspec

from chainpos.core.chain.block import Block
from chainpos.core.chain.commit import Commit
from chainpos.core.chain.params import MAX_BLOCK_BYTES, ConsensusParams
from chainpos.core.contracts.context import Violation
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.engine.embedded import BlockMaker, EmbeddedEngine
from chainpos.engine.keys import SigningKey
from chainpos.engine.pace import Kind
from chainpos.engine.sign_state import Signer
from chainpos.node.appending import Appender
from chainpos.node.backend import Identity, NodeBackend
from chainpos.node.chain_view import ChainView
from chainpos.node.clock import Clock
from chainpos.node.compliance_watch import Watched
from chainpos.node.condition import MAX_ALARMS, Condition
from chainpos.node.config import NodeSettings
from chainpos.node.executor import Executor
from chainpos.node.home import Home
from chainpos.node.intake import Intake
from chainpos.node.ledger import Appended, Ledger, next_time_ns
from chainpos.node.mempool import Mempool, MempoolLimits
from chainpos.node.money_watch import MoneyWatch
from chainpos.node.requests import OpenRequests
from chainpos.node.snapshots import SnapshotTaker
from chainpos.node.verified import VerifiedSignatures
from chainpos.node.watching import (
    CLOCK_SKEW,
    DISK_LOW,
    MEMPOOL_FULL,
    MONEY_BROKEN,
    NO_UPSTREAM,
    Alone,
    clock_skew,
    disk_low,
    mempool_full,
    proved_before,
)
from chainpos.rpc.backend import NodeReport, NodeStatus, PeerStatus
from chainpos.rpc.subscriptions import EventHub
from chainpos.store.chain import ChainReader
from chainpos.sync.loop import FollowLoop, Halt

# How soon after a change subscribers are told of the node's state; what changes meanwhile goes with it.
STATUS_DELAY_S: Final = 0.05
WATCH_EVERY_S: Final = 1.0
# CometBFT types/block.go MaxOverheadForBlock, MaxHeaderBytes; types/block.go MaxCommitBytes.
_BLOCK_OVERHEAD_BYTES: Final = 11 + 626
_COMMIT_BYTES: Final = 94
_VOTE_BYTES: Final = 109
_log = logging.getLogger(__name__)


class Opened(NamedTuple):
    """What a node holds open while it runs. A peer has no `signer`."""

    home: Home
    settings: NodeSettings
    clock: Clock
    ledger: Ledger
    reader: ChainReader
    executor: Executor
    reading: Executor
    searched: ChainReader
    searching: Executor
    verified: VerifiedSignatures
    node_key: SigningKey
    signer: Signer | None


class Parts:
    """Everything that runs in one node."""

    def __init__(self, opened: Opened) -> None:
        home, settings, clock, ledger = opened.home, opened.settings, opened.clock, opened.ledger
        tip = ledger.tip
        self.settings = settings
        self.clock = clock
        self.hub = EventHub()
        self.view = ChainView(opened.reader, opened.reading, opened.searched, opened.searching, tip)
        self.mempool = Mempool(MempoolLimits(**msgspec.structs.asdict(settings.mempool)))
        self.condition = Condition(settings.mode, tip.chain_id, settings.moniker, home.database, clock.now_ns())
        self.condition.proved(proved_before(opened.reader, MAX_ALARMS), tip)
        self._watched = Watched(opened.reader)
        self._verified = opened.verified
        self._node_id = opened.node_key.address.hex()
        self._rpc = settings.listen
        self._data = home.database.parent
        self._alone = Alone()
        self._status_due = asyncio.Event()
        self.appender = Appender(
            ledger, opened.executor, self.view, self.mempool, self.hub, self.condition, clock, home.evidence
        )
        self.engine: EmbeddedEngine | None = None
        self.following: FollowLoop | None = None
        if opened.signer is not None:
            self._maker = BlockMaker(ledger, opened.signer, clock)
            self.engine = self._make_engine(ledger)
        else:
            self.following = FollowLoop(settings.upstreams, tip.chain_id, tip.height, self, clock.monotonic_ns)
        self.intake = Intake(
            ledger,
            opened.executor,
            self.mempool,
            self.hub,
            clock,
            forward=None if self.following is None else self.following.forward,
            added=self._added,
            recheck_above=0 if self.engine is None else settings.engine.max_block_transactions,
        )
        self._snapshots = SnapshotTaker(home.database, ledger, opened.executor, settings.snapshot_every)
        self._money = MoneyWatch(home.database, clock.monotonic_ns, self._money_looked_at)
        self.backend = self._make_backend(opened)
        self.appender.after += [self._after_block, self._watch_block, self._snapshots.after_block]

    def _make_engine(self, ledger: Ledger) -> EmbeddedEngine:
        return EmbeddedEngine(
            ledger,
            self.clock,
            interval_ms=self.settings.engine.block_interval_ms,
            is_waiting=lambda: len(self.mempool) > 0,
            make=self._make,
        )

    def _make_backend(self, opened: Opened) -> NodeBackend:
        key = opened.node_key if opened.signer is None else opened.signer.key
        return NodeBackend(
            Identity(
                node_id=self._node_id,
                public_key=key.public_key,
                moniker=self.settings.moniker,
                rpc_address=f"tcp://{self._rpc}",
            ),
            opened.reader.genesis_json(),
            opened.ledger,
            opened.executor,
            self.view,
            self.mempool,
            self.intake,
            OpenRequests(opened.ledger.tip.chain_id, verify=opened.verified.verify),
            self.clock,
            self._snapshots.kept,
            report=self.report,
            peers=self._peers,
        )

    def tasks(self) -> Iterator[tuple[str, Coroutine[Any, Any, None]]]:
        """(name, work) of all that runs until it is cancelled."""
        yield "status", self._tell_status()
        yield "watch", self._watch()
        yield "recheck", self.intake.recheck()
        yield "snapshots", self._snapshots.run()
        yield "money", self._money.run()
        if self.engine is not None:
            yield "engine", self._run_engine(self.engine)
        if self.following is not None:
            yield "follow", self.following.run()
            yield "hints", self.intake.follow_hints()
            yield "resend", self.intake.resend()

    def listening(self, host: str, port: int) -> None:
        """The RPC answers at this address."""
        shown = f"[{host}]" if ":" in host else host
        self._rpc = f"{shown}:{port}"
        self.backend.identity = msgspec.structs.replace(self.backend.identity, rpc_address=f"tcp://{self._rpc}")

    def ready_facts(self) -> dict[str, object]:
        """What whoever started the node is told when it is ready."""
        return {
            "ready": True,
            "rpc": self._rpc,
            "mode": self.settings.mode,
            "chain_id": self.view.tip.chain_id,
            "height": self.view.tip.height,
            "node_id": self._node_id,
        }

    def report(self) -> NodeReport:
        """The node in its own words."""
        now_ns, following = self.clock.now_ns(), self.following
        return self.condition.report(
            self.view.tip,
            now_ns,
            target_height=self.view.tip.height if following is None else following.follower.target_height,
            connected=0 if following is None else following.follower.connected_count,
            upstreams=() if following is None else following.reports(now_ns),
            verified_signatures=self._verified.verified,
            mempool=(len(self.mempool), self.mempool.total_bytes),
            watched=self._watched.rows,
        )

    # What following asks of the node: see sync.loop.Sink.

    async def append(self, block: Block, commit: Commit) -> None:
        """Judge, execute and store a block that an upstream served."""
        await self.appender.bring(block, commit)

    def connected(self, upstream: str) -> None:
        """An upstream is there."""
        del upstream
        self.intake.upstream_came()

    def pending(self, transaction: bytes) -> None:
        """An upstream holds this transaction."""
        self.intake.overheard(transaction)

    def changed(self) -> None:
        """Subscribers should hear of the node's state."""
        if self.following is not None:
            now_ns = self.clock.now_ns()
            for each in self.following.reports(now_ns):
                if each.verdict:
                    self.condition.raise_alarm("upstream_dropped", f"{each.address} {each.verdict}", now_ns)
        self._status_due.set()

    def _added(self) -> None:
        if self.engine is not None:
            self.engine.wake()

    def _after_block(self, _: Appended) -> None:
        if len(self.mempool):
            self.intake.block_came()

    def _watch_block(self, appended: Appended) -> None:
        self._watched.appended(appended.results.results, appended.tip.height)

    async def _make(self, kind: Kind) -> None:
        txs: list[bytes] = []
        if kind is Kind.TRANSACTIONS:
            params = self.view.tip.params
            self.mempool.remove_expired(next_time_ns(self.view.tip) // SECOND_NS)
            taken = self.mempool.take(
                max_bytes=_room(params, len(self.view.tip.validators.validators)),
                max_gas=params.max_gas,
                max_count=self.settings.engine.max_block_transactions,
            )
            txs = [waiting.wire for waiting in taken]
            if not txs:
                # The first is larger than any block: it would keep all others waiting for ever.
                self.mempool.remove([waiting.hash for waiting in self.mempool.first(1)])
                return
        await self.appender.make(self._maker, txs)

    async def _run_engine(self, engine: EmbeddedEngine) -> None:
        try:
            await engine.run()
        except Halt:
            # The node stays, and says why; what it has stored can be read.
            self.changed()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(WATCH_EVERY_S)
            clock = self.clock
            stale = self.condition.watch(len(self.mempool), self.view.tip.height, clock.monotonic_ns(), clock.now_ns())
            if self._look_around() or stale:
                self._status_due.set()

    def _money_looked_at(self, found: list[Violation]) -> None:
        detail = f"{found[0].invariant}: {found[0].detail}" if found else None
        if self.condition.hold(MONEY_BROKEN, detail, self.clock.now_ns()):
            if detail is not None:
                _log.critical("the money does not add up: %s", detail)
            self._status_due.set()

    def _look_around(self) -> bool:
        """Whether an alarm came or went."""
        now_ns, following = self.clock.now_ns(), self.following
        connected = 0 if following is None else following.follower.connected_count
        # Whoever halted left its upstreams by itself: that none is connected is no news then.
        followed = 0 if self.condition.halted_reason else len(self.settings.upstreams)
        told = (
            (DISK_LOW, disk_low(self._data)),
            (CLOCK_SKEW, clock_skew(self.view.tip, now_ns)),
            (MEMPOOL_FULL, mempool_full(len(self.mempool), self.mempool.limits.max_transactions)),
            (NO_UPSTREAM, self._alone.look(followed, connected, self.clock.monotonic_ns())),
        )
        return sum(self.condition.hold(code, detail, now_ns) for code, detail in told) > 0

    async def _tell_status(self) -> None:
        while True:
            await self._status_due.wait()
            await asyncio.sleep(STATUS_DELAY_S)
            self._status_due.clear()
            self.hub.publish_status(self.report())

    def _peers(self) -> tuple[PeerStatus, ...]:
        if self.following is None:
            return ()
        return tuple(
            PeerStatus(NodeStatus(node_id="", network="", moniker=each.address, public_key=b""), each.address)
            for each in self.following.reports(self.clock.now_ns())
            if each.connected
        )


def _room(params: ConsensusParams, validators: int) -> int:
    """How many bytes of transactions fit in a block. Source: CometBFT types/block.go `MaxDataBytes`."""
    limit = MAX_BLOCK_BYTES if params.max_bytes == -1 else params.max_bytes
    return limit - _BLOCK_OVERHEAD_BYTES - _COMMIT_BYTES - _VOTE_BYTES * validators
