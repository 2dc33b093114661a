"""The shell around the follower: connections, calls and clocks. It decides nothing that `follower.py` can decide.

It refuses to wait for ever on anything, and to let one upstream's failure reach another. What it is served goes to the
sink unjudged; nobody else sees it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from chainpos.core.chain.block import Block
from chainpos.core.chain.commit import Commit
from chainpos.core.chain.header import Header
from chainpos.core.chain.validation import BlockRefused
from chainpos.core.contracts.codes import FOR_NOW
from chainpos.core.values.hashes import sha256
from chainpos.errors import ChainposError, MalformedBytes
from chainpos.rpc.backend import BroadcastAnswer, PendingTransaction, UpstreamReport
from chainpos.rpc.client import Disconnected, Dropped, RpcClient, TimedOut, websocket_url
from chainpos.rpc.protocol import RpcError
from chainpos.sync.follower import (
    MISSING_BLOCK,
    TIMED_OUT,
    Action,
    Append,
    Ask,
    Connect,
    Disconnect,
    Fetch,
    Follower,
    FollowerLimits,
    Phase,
)
from chainpos.sync.verdicts import MALFORMED_BLOCK, OTHER_CHAIN

CONNECT_TIMEOUT_S: Final = 3.0
FORWARD_TIMEOUT_S: Final = 3.0
MAX_SENDING: Final = 1_000
OVERHEAR_EVERY_S: Final = 0.25
MAX_OVERHEARD: Final = 50
MAX_VERSION: Final = 40
_NEW_HEADERS: Final = "tm.event='NewBlockHeader'"
_PENDING: Final = "chainpos.event='PendingTx'"
# What CometBFT says, for want of a code, of a transaction that waits in its mempool or is in a block already.
_HELD_ALREADY: Final = "tx already exists in cache"
_NANOSECONDS: Final = 1_000_000_000
_log = logging.getLogger(__name__)


class Halt(ChainposError):
    """We cannot go on by ourselves: our state disagrees with the network's, or cannot be written."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class NoUpstream(ChainposError):
    """Nobody is connected to whom a transaction could be sent on."""


class Fetched:
    """A block and the commit for it, as an upstream served them: not judged yet."""

    __slots__ = ("block", "commit")

    def __init__(self, block: Block, commit: Commit) -> None:
        self.block = block
        self.commit = commit


class Sink(Protocol):
    """The node, as far as following needs it. All in the event loop's thread."""

    async def append(self, block: Block, commit: Commit) -> None:
        """Judge, execute and store. Raises BlockRefused where whoever served it lied, Halt where we cannot go on."""

    def connected(self, upstream: str) -> None:
        """An upstream is there: what waits for one can be sent."""

    def pending(self, transaction: bytes) -> None:
        """An upstream says that a transaction entered its mempool. A hint: it may be anything."""

    def changed(self) -> None:
        """Something that a report shows is different now."""


class FollowLoop:
    """Follows the upstreams for as long as `run` runs."""

    def __init__(
        self,
        upstreams: Sequence[str],
        chain_id: str,
        height: int,
        sink: Sink,
        monotonic_ns: Callable[[], int],
        *,
        limits: FollowerLimits | None = None,
    ) -> None:
        """`upstreams` are HOST:PORT; `height` is that of our own tip."""
        self.follower: Follower[Fetched] = Follower(upstreams, height, limits)
        self._chain_id = chain_id
        self._sink = sink
        self._now_ns = monotonic_ns
        self._woken = asyncio.Event()
        self._sessions: dict[str, asyncio.Task[None]] = {}
        self._clients: dict[str, RpcClient] = {}
        self._versions: dict[str, str] = {}
        self._sending: set[asyncio.Task[BroadcastAnswer | None]] = set()
        self._answer_s = self.follower.limits.answer_ns / _NANOSECONDS

    async def run(self) -> None:
        """Follow until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    self._woken.clear()
                    for action in self.follower.plan(self._now_ns()):
                        self._begin(action, group)
                    await self._wait()
        finally:
            for sending in self._sending:
                sending.cancel()

    async def forward(self, transaction: bytes) -> BroadcastAnswer:
        """That an upstream took the transaction; what one says against it where none does. Raises NoUpstream.

        All of them are told, so that one that drops it, or lies of it, changes nothing. A yes waits for nobody. Where
        one is silent, it may have taken it: then another's want of room decides nothing.
        """
        waiting = {self._send(name, transaction) for name in self._told()}
        refusal: BroadcastAnswer | None = None
        is_silent = False
        while waiting:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for answer in [task.result() for task in done]:
                if answer is not None and answer.code == 0:
                    return answer
                is_silent = is_silent or answer is None
                if answer is not None and (refusal is None or refusal.code in FOR_NOW):
                    refusal = answer
        if refusal is None or (is_silent and refusal.code in FOR_NOW):
            raise NoUpstream("no upstream took the transaction")
        return refusal

    def _told(self) -> list[str]:
        upstreams = self.follower.upstreams
        names = sorted(self._clients, key=lambda name: (upstreams[name].latency_ns, name))
        # Where answers are long in coming, the quickest alone is told, so that what waits for one stays bounded.
        return names if len(self._sending) < MAX_SENDING else names[:1]

    def _send(self, name: str, transaction: bytes) -> asyncio.Task[BroadcastAnswer | None]:
        sending = asyncio.create_task(self._sent(name, transaction), name=f"transaction to {name}")
        self._sending.add(sending)
        sending.add_done_callback(self._sending.discard)
        return sending

    async def _sent(self, name: str, transaction: bytes) -> BroadcastAnswer | None:
        client = self._clients.get(name)
        if client is None:
            return None
        try:
            async with asyncio.timeout(FORWARD_TIMEOUT_S):
                return await client.broadcast_tx_sync(transaction)
        except (RpcError, Disconnected, MalformedBytes, TimeoutError) as error:
            if isinstance(error, RpcError) and error.data == _HELD_ALREADY:
                return BroadcastAnswer(sha256(transaction))
            _log.info("%s did not take a transaction: %s", name, type(error).__name__)
            return None

    def reports(self, now_ns: int) -> tuple[UpstreamReport, ...]:
        """The upstreams as the node's own report shows them; `now_ns` is Unix time."""
        steady_ns = self._now_ns()
        return tuple(
            UpstreamReport(
                each.name,
                each.phase is Phase.CONNECTED,
                each.height,
                each.verdict,
                now_ns - (steady_ns - each.since_ns) if each.since_ns else 0,
                each.latency_ns // 1_000_000,
                self._versions.get(each.name, ""),
            )
            for each in self.follower.upstreams.values()
        )

    async def _wait(self) -> None:
        wake_ns = self.follower.wake_ns()
        delay_s = None if wake_ns is None else max(0, wake_ns - self._now_ns()) / _NANOSECONDS
        try:
            async with asyncio.timeout(delay_s):
                await self._woken.wait()
        except TimeoutError:
            pass

    def _begin(self, action: Action[Fetched], group: asyncio.TaskGroup) -> None:
        name = action.upstream
        if isinstance(action, Connect):
            self._sessions[name] = group.create_task(self._session(name), name=f"upstream {name}")
        elif isinstance(action, Disconnect):
            _log.warning("left upstream %s: %s", name, action.code)
            session = self._sessions.get(name)
            if session is not None:
                session.cancel()
            self._sink.changed()
        elif isinstance(action, Ask):
            group.create_task(self._ask(name), name=f"ask {name}")
        elif isinstance(action, Fetch):
            group.create_task(self._fetch(name, action.height), name=f"fetch {action.height} of {name}")
        else:
            group.create_task(self._append(action), name=f"append {action.height}")

    async def _session(self, name: str) -> None:
        """One connection's life. A session that was left is cancelled; a new one has a name of its own to clean up."""
        me = asyncio.current_task()
        try:
            client = await RpcClient.connect(websocket_url(name), CONNECT_TIMEOUT_S)
            try:
                await self._introduce(name, client)
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._listen(name, client), name=f"headers of {name}")
                    group.create_task(self._overhear(name, client), name=f"mempool of {name}")
            finally:
                if self._clients.get(name) is client:
                    del self._clients[name]
                await client.close()
        except* MalformedBytes:
            self._refuse(name, me, MALFORMED_BLOCK)
        except* _OtherChain:
            self._refuse(name, me, OTHER_CHAIN)
        except* (RpcError, Disconnected) as errors:
            _log.info("upstream %s is gone: %s", name, errors.exceptions[0])
        finally:
            if self._sessions.get(name) is me:
                del self._sessions[name]
                self.follower.lost(name, self._now_ns())
                self._woken.set()
                self._sink.changed()

    async def _introduce(self, name: str, client: RpcClient) -> None:
        status = await client.status()
        if status.network != self._chain_id:
            raise _OtherChain
        self._clients[name] = client
        self._versions[name] = f"CometBFT {status.version[:MAX_VERSION]}"
        self.follower.connected(name, status.latest.height, self._now_ns())
        self._woken.set()
        self._sink.connected(name)
        self._sink.changed()

    async def _listen(self, name: str, client: RpcClient) -> None:
        """Hear of new heights. What is missed here is found by asking."""
        async for event in await client.subscribe(_NEW_HEADERS):
            if isinstance(event, Dropped):
                continue
            if isinstance(event.value, Header):
                self.follower.announced(name, event.value.height, self._now_ns())
                self._woken.set()

    async def _overhear(self, name: str, client: RpcClient) -> None:
        """Hear of transactions that wait. CometBFT has no event for that, and is asked again and again."""
        try:
            self._versions[name] = f"chainpos {(await client.report()).version[:MAX_VERSION]}"
        except RpcError:
            await self._ask_what_waits(client)
        async for event in await client.subscribe(_PENDING, limit=200):
            if not isinstance(event, Dropped) and isinstance(event.value, PendingTransaction):
                self._sink.pending(event.value.transaction)

    async def _ask_what_waits(self, client: RpcClient) -> None:
        while True:
            for transaction in (await client.unconfirmed_txs(MAX_OVERHEARD)).transactions:
                self._sink.pending(transaction)
            await asyncio.sleep(OVERHEAR_EVERY_S)

    async def _ask(self, name: str) -> None:
        client = self._clients.get(name)
        if client is None:
            return
        try:
            status = await client.status()
        except MalformedBytes:
            self._refuse(name, self._sessions.get(name), MALFORMED_BLOCK)
        except (RpcError, Disconnected) as error:
            # The session ends by itself, or the follower's own time-out comes.
            _log.debug("%s does not say how high it is: %s", name, error)
        else:
            self.follower.announced(name, status.latest.height, self._now_ns())
            self._woken.set()

    async def _fetch(self, name: str, height: int) -> None:
        client = self._clients.get(name)
        if client is None:
            return
        try:
            async with asyncio.timeout(self._answer_s):
                stored, signed = await asyncio.gather(client.block(height), client.commit(height))
        except MalformedBytes:
            self._refuse(name, self._sessions.get(name), MALFORMED_BLOCK)
        except (TimedOut, TimeoutError):
            self.follower.fetch_failed(name, height, self._now_ns(), TIMED_OUT)
        except Disconnected:
            pass
        except RpcError:
            self.follower.fetch_failed(name, height, self._now_ns(), MISSING_BLOCK)
        else:
            if stored is None:
                self.follower.fetch_failed(name, height, self._now_ns(), MISSING_BLOCK)
            else:
                size_bytes = sum(len(tx) for tx in stored.block.txs) + 1024
                self.follower.fetched(name, height, Fetched(stored.block, signed.commit), size_bytes)
        self._woken.set()

    async def _append(self, action: Append[Fetched]) -> None:
        try:
            await self._sink.append(action.item.block, action.item.commit)
        except BlockRefused as refused:
            _log.error("upstream %s lied about height %d: %s", action.upstream, action.height, refused.code)
            self.follower.append_refused(action.upstream, refused.code, self._now_ns())
            self._sink.changed()
        except Halt as halt:
            self.follower.halt(halt.code)
            self._sink.changed()
        else:
            self.follower.appended(action.height)
        self._woken.set()

    def _refuse(self, name: str, session: asyncio.Task[None] | None, code: str) -> None:
        # What a connection that was left already still says is nobody's fault any more.
        if session is not None and self._sessions.get(name) is session:
            self.follower.refused(name, code, self._now_ns())
            self._woken.set()
            self._sink.changed()


class _OtherChain(ChainposError):
    """The upstream belongs to another network."""
