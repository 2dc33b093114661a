"""Snapshots of a running node's records, for new peers to begin from: taken beside the work, never in its way.

It refuses to take two at once: while one is written, those that fall due are left out.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from chainpos.node.executor import Executor, Urgency
from chainpos.node.ledger import Appended, Ledger
from chainpos.store.snapshots import Snapshots


class SnapshotTaker:
    """Takes one `every` so many heights; 0 is never."""

    def __init__(self, database: Path, ledger: Ledger, executor: Executor, every: int) -> None:
        self.kept = Snapshots(database)
        self._ledger = ledger
        self._executor = executor
        self._every = every
        self._due = asyncio.Event()

    def after_block(self, appended: Appended) -> None:
        """A block was appended."""
        if self._every and appended.tip.height % self._every == 0:
            self._due.set()

    async def run(self) -> None:
        """Take what falls due, until cancelled."""
        while True:
            await self._due.wait()
            # Of whatever height the ledger is at by then: any will do.
            tip, records = await self._executor.run(Urgency.BLOCK, lambda: (self._ledger.tip, self._ledger.records()))
            await asyncio.to_thread(self.kept.write, tip.height, tip.app_version, records)
            self._due.clear()
