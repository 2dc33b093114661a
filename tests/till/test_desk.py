"""The desk between two looks at the chain: what the book knows stands, also over a restart, and refusals are kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from chainpos.core.checkout.matching import LedgerFacts, SaleState
from chainpos.core.checkout.request import Terms, make_request
from chainpos.core.values.amount import Amount
from chainpos.node.clock import Clock
from chainpos.rpc.client import RpcClient
from chainpos.store.shop import Fact, OutboxRow, SaleRow, ShopBook
from chainpos.till.book_thread import BookThread
from chainpos.till.desk import CHARGE, Desk
from chainpos.till.identity import Identity
from chainpos.till.outbox import EXPIRED, REFUSED, Outbox
from chainpos.till.refunds import KIND as REFUND
from chainpos.till.sales import CODE, new_row
from chainpos.wallet.keys import demo_key

from .test_outbox import CHAIN, FakeClock

LIFE_S = 300
PAID_AT = 7
NOBODY = cast(RpcClient, None)


class Counter:
    """A desk on a real book, whose node does not answer; `reopen` it as after kill -9."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "shop.db"
        self.clock = FakeClock()
        self.key = demo_key("till")
        self.open()

    def open(self) -> None:
        self.book = ShopBook(self.path)
        clock, self.thread = cast(Clock, self.clock), BookThread(self.book)
        outbox = Outbox(self.thread, clock, self.key, CHAIN, bytes)
        self.desk = Desk(
            Identity(CHAIN, "TEAHOUSE", self.key.public_key, "host", 1),
            self.thread,
            outbox,
            clock,
            changed=lambda: None,
        )

    async def close(self) -> None:
        await self.thread.close()
        self.book.close()

    async def reopen(self) -> None:
        await self.close()
        self.open()

    def sale(self, **more: Any) -> SaleRow:
        """A charged code's sale in the book, as a till left it that is gone."""
        now_s = self.clock.ns // 10**9
        terms = Terms("TEAHOUSE", "S-1", Amount(1_000, "CNY"), now_s, now_s + LIFE_S, "")
        signed = make_request(terms, CHAIN, self.key.public_key, self.key.sign)
        row = msgspec.structs.replace(new_row(1, signed, CODE, self.clock.ns), **more)
        self.book.add_sale(row, Fact("requested", self.clock.ns))
        return row

    def sent(self, kind: str, state: str, code: int = 0) -> OutboxRow:
        """Something of that sale that ended, as the book has it."""
        row = OutboxRow(tx_hash=bytes(32), wire=b"wire", kind=kind, created_ns=self.clock.ns, expires_s=1, number=1)
        self.book.queue(row)
        self.book.settle(row.tx_hash, state, code=code)
        return msgspec.structs.replace(row, state=state, code=code)

    async def booked(self) -> tuple[str, bool, int]:
        await self.thread.call(lambda: None)
        row = self.book.sale_by_number(1)
        assert row is not None
        return row.state, row.watched, row.problem_code


@pytest.fixture
async def counter(tmp_path: Path) -> AsyncIterator[Counter]:
    made = Counter(tmp_path)
    yield made
    await made.close()


async def test_a_charge_whose_refusal_was_booked_and_not_taken_in_is_refused_after_the_restart(
    counter: Counter,
) -> None:
    counter.sale()
    counter.sent(CHARGE, REFUSED, 77)
    await counter.reopen()
    counter.desk.tick()
    assert await counter.booked() == ("refused", True, 77)


@pytest.mark.parametrize("state", [SaleState.PAID, SaleState.CONFIRMED])
async def test_a_paid_sale_stays_paid_over_a_restart_although_the_node_is_away_or_behind(
    counter: Counter, state: SaleState
) -> None:
    counter.sale(state=state.value, height=PAID_AT)
    counter.sent(CHARGE, REFUSED, 77)
    await counter.reopen()
    counter.desk.tick()
    counter.clock.advance_s(2 * LIFE_S)
    counter.desk.tick()
    assert await counter.booked() == (state.value, True, 0)
    # Nor where it answers, and is still behind the payment's block.
    sale = counter.desk.find("S-1")
    assert sale is not None
    sale.facts = LedgerFacts(PAID_AT - 1, counter.clock.ns // 10**9)
    counter.desk.tick()
    assert await counter.booked() == (state.value, True, 0)


@pytest.mark.parametrize(("end", "code"), [(REFUSED, 702), (EXPIRED, 0)])
async def test_a_refund_that_was_refused_or_expired_leaves_its_sale_paid(counter: Counter, end: str, code: int) -> None:
    counter.sale(state=SaleState.CONFIRMED.value, height=PAID_AT, watched=False)
    await counter.reopen()
    await counter.desk._take_ended(NOBODY, counter.sent(REFUND, end, code))
    assert await counter.booked() == ("confirmed", False, 0)
