"""Shifts on a real book without a network: `ShiftShop` is a till's bills and shifts, and the ledger as a plain list."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from chainpos.core.values.amount import Amount
from chainpos.till.bill_desk import Also
from chainpos.till.running import RunningTill
from chainpos.till.shifts import ShiftDesk
from chainpos.till.views import SaleView
from chainpos.wallet.keys import Key
from tests.core.contracts.conftest import CHAIN_ID, key_of

from .bill_shop import BillShop


class ShiftShop(BillShop):
    """As `BillShop`, with shifts. The node does not answer, unless `ledger` is told what it says."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.height = 0
        run: Any = self.run
        run.key = Key(key_of("TEAHOUSE.till").seed)
        run.settings = SimpleNamespace(currency="CNY", merchant="TEAHOUSE", node="")
        run.genesis = SimpleNamespace(chain_id=CHAIN_ID)
        run.connection = SimpleNamespace(client=None)
        run.desk.network = SimpleNamespace(known_height=0)
        run.desk.tip_height = 0
        run.errands = []
        run.listening = self._listening
        self.shifts = ShiftDesk(cast(RunningTill, run), self.staff)

    async def authorise(self) -> str:
        await self.shifts.ensure_open()
        return await super().authorise()

    async def sell(self, amount: Amount, memo: str, also: Also) -> SaleView:
        await self.authorise()
        return await super().sell(amount, memo, also)

    @contextlib.contextmanager
    def _listening(self) -> Iterator[asyncio.Event]:
        yield asyncio.Event()
