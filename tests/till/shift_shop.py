"""Shifts on a real book without a network: `ShiftShop` is a till's bills and shifts, and the ledger as a plain list."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from chainpos.core.checkout.matching import SaleState
from chainpos.core.checkout.reconciling import PAYMENT, REFUND, Entry
from chainpos.core.checkout.z_report import ZReport, decode_report
from chainpos.core.contracts.refunds.messages import Refund
from chainpos.core.values.amount import Amount
from chainpos.store.shop import OutboxRow
from chainpos.store.shop_shifts import ShiftRow, ShopShifts
from chainpos.till import shift_reading
from chainpos.till.bill_desk import Also
from chainpos.till.ledger_lines import LedgerSide, refund_id
from chainpos.till.outbox import DONE
from chainpos.till.refunds import KIND as REFUNDS
from chainpos.till.running import RunningTill
from chainpos.till.shifts import ShiftDesk
from chainpos.till.views import SaleView
from chainpos.wallet.keys import Key
from tests.core.blocks import transaction
from tests.core.contracts.conftest import CHAIN_ID, key_of

from .bill_shop import BillShop


def cny(minor: int) -> Amount:
    return Amount(minor, "CNY")


@contextlib.asynccontextmanager
async def shift_shop(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, online: bool = False
) -> AsyncIterator[ShiftShop]:
    """A shop whose shifts read its own list as the ledger."""
    made = ShiftShop(folder)
    monkeypatch.setattr(shift_reading, "_ledger", made.read)
    await made.set_online(online=online)
    yield made
    await made.close()


async def closed(shop: ShiftShop) -> ZReport:
    """The Z report of the shift, which is opened where none is."""
    if not shop.shifts.number:
        await shop.shifts.open(cny(0))
    view = await shop.shifts.close(cny(0))
    row = ShopShifts(shop.book.book).shift(view.number)
    assert row is not None
    return decode_report(row.document)


class ShiftShop(BillShop):
    """As `BillShop`, with shifts. `ledger` is what the chain has; the till hears of it, and reads it, while `online`.

    What happens on the chain during an outage is heard afterwards: `set_online`.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.height = 0
        self.online = False
        self.ledger: list[Entry] = []
        self._unheard: list[tuple[int, SaleState, dict[str, Any]]] = []
        self._unsent: list[tuple[bytes, Entry]] = []
        run: Any = self.run
        run.key = Key(key_of("TEAHOUSE.till").seed)
        run.settings = SimpleNamespace(currency="CNY", merchant="TEAHOUSE", node="")
        run.genesis = SimpleNamespace(chain_id=CHAIN_ID)
        run.connection = SimpleNamespace(client=None)
        run.desk.network = SimpleNamespace(known_height=0)
        run.desk.tip_height = run.desk.tip_time_s = 0
        run.errands = []
        run.listening = self._listening
        self.shifts = ShiftDesk(cast(RunningTill, run), self.staff)

    async def authorise(self) -> str:
        await self.shifts.ensure_open()
        return await super().authorise()

    async def sell(self, amount: Amount, memo: str, also: Also) -> SaleView:
        await self.authorise()
        return await super().sell(amount, memo, also)

    async def charge_for(self, code_text: str, amount: Amount, memo: str, also: Also) -> SaleView:
        await self.authorise()
        return await super().charge_for(code_text, amount, memo, also)

    # -- the chain

    async def read(self, run: RunningTill, shift: ShiftRow, to_height: int) -> LedgerSide | None:
        """In the place of the node's answer."""
        del run
        if not self.online:
            return None
        return LedgerSide(tuple(each for each in self.ledger if shift.from_height < each.height <= to_height), 0, 0)

    async def set_online(self, *, online: bool) -> None:
        self.online = online
        if online:
            for number, state, more in self._unheard:
                await self.becomes(number, state, **more)
            for tx_hash, entry in self._unsent:
                await self._refunded(tx_hash, entry)
            self._unheard, self._unsent = [], []
            self.run.desk.tip_height = self.height

    async def pay_on_ledger(
        self, number: int, *, tip_minor: int = 0, fee_minor: int = 0, tip_known: bool = True
    ) -> None:
        """A customer pays; `tip_known` is whether the book notes the tip, as one of an older version does not."""
        row, self.height = self.rows[number], self.height + 1
        self.ledger.append(
            Entry(
                kind=PAYMENT, id=row.request_id.hex(), reference=row.reference, amount_minor=row.amount_minor,
                tip_minor=tip_minor, fee_minor=fee_minor, height=self.height, time_s=self.time_ns // 10**9,
                where="available",
            )
        )  # fmt: skip
        heard: dict[str, Any] = {"height": self.height, "paid_ns": self.time_ns, "fee_minor": fee_minor}
        self._unheard.append((number, SaleState.CONFIRMED, {**heard, "tip_minor": tip_minor * tip_known}))
        await self.set_online(online=self.online)

    async def refund_on_ledger(self, number: int, minor: int, *, fee_minor: int = 0, reason: str = "") -> None:
        """The till refunds a paid sale: signed at once, on the chain when the till is online."""
        row = self.rows[number]
        count = sum(each.kind == REFUND and each.id.startswith(row.request_id.hex()) for each in self.ledger)
        count += sum(entry.id.startswith(row.request_id.hex()) for _, entry in self._unsent)
        message = Refund(row.request_id, minor, f"{row.reference}/R{count + 1}", reason)
        wire = transaction(message, "TEAHOUSE.till", nonce=len(self._unsent) + len(self.ledger), expires_s=2**32)
        tx_hash = hashlib.sha256(wire).digest()
        sent = OutboxRow(
            tx_hash=tx_hash, wire=wire, kind=REFUNDS, number=number, created_ns=self.time_ns, expires_s=2**32
        )  # fmt: skip
        await self.book.call(lambda: self.book.book.queue(sent))
        entry = Entry(
            kind=REFUND, id=refund_id(row.request_id, message.reference), reference=message.reference,
            amount_minor=minor, fee_minor=fee_minor, time_s=self.time_ns // 10**9, where="available",
        )  # fmt: skip
        self._unsent.append((tx_hash, entry))
        await self.set_online(online=self.online)

    async def _refunded(self, tx_hash: bytes, entry: Entry) -> None:
        self.height += 1
        self.ledger.append(msgspec.structs.replace(entry, height=self.height))
        await self.book.call(lambda: self.book.book.settle(tx_hash, DONE, height=self.height))

    @contextlib.contextmanager
    def _listening(self) -> Iterator[asyncio.Event]:
        yield asyncio.Event()
