"""The way of a transaction into the node: checked, queued, told to subscribers, and sent on.

It refuses by code what no block would accept and what there is no room for. A peer keeps what it sent on until it is in
a block or expires: if everything upstream is lost, it is sent again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from chainpos.core.chain.envelope import MAX_TX_BYTES, Envelope, decode_envelope
from chainpos.core.chain.results import TxResult
from chainpos.core.contracts.codes import BLOCK_FULL, CODESPACE, FOR_NOW, MALFORMED, OVERSIZED
from chainpos.core.contracts.registry import CODES_BY_NUMBER, CODESPACES
from chainpos.core.values.hashes import sha256
from chainpos.errors import Code, MalformedBytes
from chainpos.node.clock import Clock
from chainpos.node.executor import Executor, ExecutorBusy, Urgency
from chainpos.node.ledger import Ledger
from chainpos.node.mempool import Mempool, Waiting
from chainpos.rpc.backend import BroadcastAnswer, PendingTransaction
from chainpos.rpc.subscriptions import EventHub
from chainpos.sync.loop import NoUpstream

Forward = Callable[[bytes], Awaitable[BroadcastAnswer]]
# Hints from upstreams that may be under way at once; more are passed over, as nothing depends on them.
MAX_HINTS: Final = 64
# Waiting transactions that are checked again after a block, and how many in one go, so that a block can come between.
MAX_RECHECKED: Final = 1_000
RECHECK_BATCH: Final = 50
RESEND_EVERY_S: Final = 2.0
RESEND_BATCH: Final = 16
# In the answer's log: accepted and kept here, as no upstream can be reached.
HELD: Final = "held"
_log = logging.getLogger(__name__)


class Intake:
    """Belongs to the event loop's thread. `forward` sends a transaction upstream; a validator has none."""

    def __init__(
        self,
        ledger: Ledger,
        executor: Executor,
        mempool: Mempool,
        hub: EventHub,
        clock: Clock,
        *,
        forward: Forward | None,
        added: Callable[[], None],
        recheck_above: int = 0,
    ) -> None:
        """`added` is called when a transaction begins to wait. What waits is checked again where it is more than
        `recheck_above`: a validator leaves what fits in a block to be judged there, where everybody sees why.
        """
        self._ledger = ledger
        self._executor = executor
        self._mempool = mempool
        self._hub = hub
        self._clock = clock
        self._forward = forward
        self._added = added
        self._recheck_above = recheck_above
        self._hints: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue(MAX_HINTS)
        self._arrivals = 0
        self._block_came = asyncio.Event()
        self._resend = asyncio.Event()

    async def broadcast(self, wire: bytes) -> BroadcastAnswer:
        """Check a transaction, let it wait, and send it on; then what was said of it. Code 0 is accepted."""
        tx_hash = sha256(wire)
        if tx_hash in self._mempool:
            return BroadcastAnswer(tx_hash)
        refused = await self._take(wire, tx_hash, forwarded=False)
        if refused is not None:
            return refused
        if self._forward is None:
            self._tell(wire, tx_hash)
            return BroadcastAnswer(tx_hash)
        answer = await self._send_on(wire, tx_hash)
        if answer is None:
            self._resend_later()
            answer = BroadcastAnswer(tx_hash, log=HELD)
        if answer.code:
            # Whoever sent it is told so, and decides: what was refused must not be paid later after all.
            self._mempool.remove([tx_hash])
        else:
            self._tell(wire, tx_hash)
        return answer

    def overheard(self, wire: bytes) -> None:
        """An upstream says that this waits in its mempool. Worth a look, and nothing more."""
        if not self._hints.full() and len(wire) <= MAX_TX_BYTES and sha256(wire) not in self._mempool:
            self._hints.put_nowait((self._arrivals, wire))

    def block_came(self) -> None:
        """What waits may be out of date."""
        self._block_came.set()

    def upstream_came(self) -> None:
        """What was sent on or heard of before may be lost: send it again, whoever it came from.

        A payment that a customer gave to a validator alone would otherwise die with that validator's mempool.
        """
        self._arrivals += 1
        self._mempool.forget_forwarding()
        self._resend.set()

    async def follow_hints(self) -> None:
        """Take in what upstreams are heard to hold, until cancelled."""
        while True:
            heard_at, wire = await self._hints.get()
            tx_hash = sha256(wire)
            if tx_hash in self._mempool or await self._take(wire, tx_hash, forwarded=True) is not None:
                continue
            self._tell(wire, tx_hash)
            if heard_at != self._arrivals:
                # Whoever held it went and came again while we looked: it may be lost there.
                self._mempool.forget_forwarding()
                self._resend.set()

    async def recheck(self) -> None:
        """After each block, forget what can no longer pass, until cancelled."""
        while True:
            await self._block_came.wait()
            self._block_came.clear()
            waiting = self._mempool.first(MAX_RECHECKED) if len(self._mempool) > self._recheck_above else []
            for start in range(0, len(waiting), RECHECK_BATCH):
                if self._block_came.is_set():
                    break
                await self._recheck(waiting[start : start + RECHECK_BATCH])

    async def resend(self) -> None:
        """Send on what no upstream is known to hold, until cancelled."""
        while True:
            await self._resend.wait()
            self._resend.clear()
            waiting = self._mempool.unforwarded()
            for start in range(0, len(waiting), RESEND_BATCH):
                batch = waiting[start : start + RESEND_BATCH]
                if not all(await asyncio.gather(*(self._send_again(each) for each in batch))):
                    # Nobody takes them now: the rest would fare no better.
                    self._resend_later()
                    break

    async def _send_again(self, waiting: Waiting) -> bool:
        """Whether that was settled: taken upstream, or refused for good."""
        if waiting.hash not in self._mempool:
            return True
        answer = await self._send_on(waiting.wire, waiting.hash)
        if answer is None or answer.code in FOR_NOW:
            return False
        if answer.code:
            self._mempool.remove([waiting.hash])
        return True

    async def _take(self, wire: bytes, tx_hash: bytes, *, forwarded: bool) -> BroadcastAnswer | None:
        """Check a transaction and let it wait; the refusal where it may not."""
        if len(wire) > MAX_TX_BYTES:
            return _refusal(tx_hash, OVERSIZED)
        try:
            envelope = decode_envelope(wire)
        except MalformedBytes:
            return _refusal(tx_hash, MALFORMED)
        # Before the check, which costs signatures: whoever floods us pays for none of it.
        no_room = self._mempool.refusal(envelope.body.signer, len(wire))
        if no_room is not None:
            return _refusal(tx_hash, no_room)
        try:
            result = await self._executor.run(Urgency.CHECK, lambda: self._check(wire))
        except ExecutorBusy:
            return _refusal(tx_hash, BLOCK_FULL)
        if result.code:
            return BroadcastAnswer(tx_hash, result.code, log=result.log, codespace=result.codespace)
        if tx_hash in self._mempool:
            return None
        waiting = _waiting(envelope, wire, result, forwarded=forwarded, since_ns=self._clock.now_ns())
        no_room = self._mempool.add(waiting)
        if no_room is not None:
            return _refusal(tx_hash, no_room)
        self._added()
        return None

    def _tell(self, wire: bytes, tx_hash: bytes) -> None:
        # Its block may have come meanwhile: then it is more than seen.
        if tx_hash in self._mempool:
            self._hub.publish_pending(PendingTransaction(tx_hash, wire))

    def _check(self, wire: bytes) -> TxResult:
        return self._ledger.check(wire, self._clock.now_ns(), or_earlier=self._forward is not None)

    async def _send_on(self, wire: bytes, tx_hash: bytes) -> BroadcastAnswer | None:
        """What an upstream said; None where none could be asked."""
        if self._forward is None:
            return None
        try:
            answer = await self._forward(wire)
        except NoUpstream:
            return None
        if answer.code == 0:
            self._mempool.mark_forwarded(tx_hash)
            return BroadcastAnswer(tx_hash)
        # Its words stay out: they come from another machine.
        known = CODES_BY_NUMBER.get(answer.code)
        return _refusal(tx_hash, known) if known is not None else BroadcastAnswer(tx_hash, answer.code)

    def _resend_later(self) -> None:
        asyncio.get_running_loop().call_later(RESEND_EVERY_S, self._resend.set)

    async def _recheck(self, batch: list[Waiting]) -> None:
        present = [waiting for waiting in batch if waiting.hash in self._mempool]

        def work() -> list[bytes]:
            return [waiting.hash for waiting in present if self._check(waiting.wire).code]

        try:
            self._mempool.remove(await self._executor.run(Urgency.CHECK, work))
        except ExecutorBusy:
            _log.info("too busy to check what waits")


def _waiting(envelope: Envelope, wire: bytes, result: TxResult, *, forwarded: bool, since_ns: int) -> Waiting:
    body, gas = envelope.body, result.gas_wanted
    return Waiting(wire, envelope.hash, body.signer, body.expires_s, gas, forwarded=forwarded, since_ns=since_ns)


def _refusal(tx_hash: bytes, code: Code) -> BroadcastAnswer:
    return BroadcastAnswer(tx_hash, code.number, log=code.name, codespace=CODESPACES.get(code.number, CODESPACE))
