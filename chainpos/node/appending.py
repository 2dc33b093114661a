"""The way of a block through the node: into the ledger in its thread, then out to readers, mempool and subscribers.

It refuses nothing itself. Whatever stops the ledger stops the node visibly: it keeps the evidence and says why.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from chainpos.core.chain.block import Block
from chainpos.core.chain.commit import Commit
from chainpos.core.values.hashes import sha256
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.engine.embedded import BlockMaker
from chainpos.engine.sign_state import SigningRefused
from chainpos.errors import ChainposError, StateMismatch, StoreError, UserFacingError
from chainpos.node.chain_view import ChainView
from chainpos.node.clock import Clock
from chainpos.node.condition import Condition
from chainpos.node.evidence import keep_evidence
from chainpos.node.executor import Executor, Urgency
from chainpos.node.ledger import Appended, Diverged, Ledger
from chainpos.node.mempool import Mempool
from chainpos.rpc.subscriptions import EventHub
from chainpos.sync.loop import Halt

_log = logging.getLogger(__name__)


class Appender:
    """Appends blocks, whoever brings them. `after` is called when a block is there for everybody to read."""

    def __init__(
        self,
        ledger: Ledger,
        executor: Executor,
        view: ChainView,
        mempool: Mempool,
        hub: EventHub,
        condition: Condition,
        clock: Clock,
        evidence: Path,
    ) -> None:
        self._ledger = ledger
        self._executor = executor
        self._view = view
        self._mempool = mempool
        self._hub = hub
        self._condition = condition
        self._clock = clock
        self._evidence = evidence
        self.after: list[Callable[[Appended], None]] = []

    async def bring(self, block: Block, commit: Commit) -> None:
        """Append a block that another node served. Raises BlockRefused where that node lied, Halt where we stop."""
        await self._append(lambda: self._ledger.append(block, commit))

    async def make(self, maker: BlockMaker[Appended], txs: Sequence[bytes]) -> None:
        """Make the next block of these transactions. Raises Halt."""
        await self._append(lambda: maker.make(txs))

    async def _append(self, work: Callable[[], Appended]) -> None:
        try:
            appended = await self._executor.run(Urgency.BLOCK, work)
        except Diverged as error:
            place = await asyncio.to_thread(keep_evidence, self._evidence, error)
            _log.critical("our state is not the network's: %s; the evidence is in %s", error, place)
            self._halt(error.code, error)
        except StateMismatch as error:
            self._halt("state_mismatch", error)
        except StoreError as error:
            self._halt("store_failed", error)
        except SigningRefused as error:
            self._halt("signing_refused", error)
        except UserFacingError as error:
            self._halt("not_the_only_validator", error)
        except OSError as error:
            self._halt("disk_failed", error)
        self._show(appended)

    def _halt(self, code: str, error: ChainposError | OSError) -> NoReturn:
        _log.critical("halted: %s: %s", code, error)
        self._condition.halt(code, self._view.tip.next_height, self._clock.now_ns())
        raise Halt(code) from error

    def _show(self, appended: Appended) -> None:
        block = appended.stored.block
        now_ns, hashes = self._clock.now_ns(), [sha256(tx) for tx in block.txs]
        waited = [each for each in map(self._mempool.get, hashes) if each is not None and each.since_ns]
        self._view.appended(appended)
        self._mempool.remove(hashes)
        self._mempool.remove_expired(appended.next_time_ns // SECOND_NS)
        self._condition.appended(appended, now_ns, [max(now_ns - each.since_ns, 0) // 1_000_000 for each in waited])
        self._hub.publish_block(appended.stored, appended.results)
        for call in self.after:
            call(appended)
        _log.debug("height %d, %d transactions", block.header.height, len(block.txs))
