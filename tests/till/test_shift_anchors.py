"""When the anchor of a report is signed: in time for a block, and with a pause after a try that failed."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest

from chainpos.core.contracts.anchors.codes import ANCHOR_NOT_AFTER
from chainpos.node.clock import Clock
from chainpos.rpc.client import RpcClient
from chainpos.store.shop import OutboxRow
from chainpos.store.shop_shifts import ShopShifts
from chainpos.till.outbox import EXPIRED, REFUSED, Outbox
from chainpos.till.shifts import ANCHOR, ANCHOR_LIFE_S, ANCHOR_PAUSE_NS

from .shift_shop import ShiftShop, closed, shift_shop
from .test_outbox import FakeNode

S = 10**9
REFUSAL = ANCHOR_NOT_AFTER.number + 1


class _Clock:
    """The shop's own clock, and one that nobody sets: each look is a second later."""

    def __init__(self, shop: ShiftShop) -> None:
        self._shop = shop
        self._monotonic_ns = 0

    def now_ns(self) -> int:
        return self._shop.time_ns

    def monotonic_ns(self) -> int:
        self._monotonic_ns += S
        return self._monotonic_ns


class Anchors:
    """A shop with a closed shift, whose anchor has to pass a node's door."""

    def __init__(self, shop: ShiftShop) -> None:
        self.shop = shop
        self.node: Any = FakeNode()
        shop.run.outbox = Outbox(shop.book, cast(Clock, _Clock(shop)), shop.run.key, "c", os.urandom)

    async def errand(self) -> None:
        """As the till's: the outbox, then the anchor."""
        await self.shop.run.outbox.push(self.node, self.shop.run.desk.tip_time_s, _taken)
        await self.shop.shifts.anchor(cast(RpcClient, None))

    def signed(self) -> list[OutboxRow]:
        return ShopShifts(self.shop.book.book).sent_of(ANCHOR)


async def _taken(_: OutboxRow) -> None:
    pass


@pytest.fixture
async def anchors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Anchors]:
    async with shift_shop(tmp_path, monkeypatch) as shop:
        await closed(shop)
        yield Anchors(shop)


async def test_no_anchor_is_signed_that_no_block_would_take_and_it_is_once_the_clock_is_right(anchors: Anchors) -> None:
    shop = anchors.shop
    shop.run.desk.tip_time_s = shop.time_ns // S + 2 * 86_400
    for _ in range(5):
        await anchors.errand()
    assert anchors.signed() == []
    shop.time_ns += 2 * 86_400 * S
    await anchors.errand()
    assert len(anchors.signed()) == 1


async def test_an_anchor_that_expired_at_once_is_not_signed_again_at_every_errand(anchors: Anchors) -> None:
    shop = anchors.shop
    shop.run.desk.tip_time_s = shop.time_ns // S + ANCHOR_LIFE_S - 1
    await anchors.errand()
    for _ in range(5):
        shop.run.desk.tip_time_s += 1
        shop.time_ns += S
        await anchors.errand()
    assert [row.state for row in anchors.signed()] == [EXPIRED]
    shop.time_ns += ANCHOR_PAUSE_NS
    await anchors.errand()
    assert len(anchors.signed()) == 2


async def test_a_clock_that_was_set_back_after_a_refusal_keeps_no_report_from_its_anchor(anchors: Anchors) -> None:
    shop = anchors.shop
    anchors.node.door = REFUSAL
    await anchors.errand()
    await anchors.errand()
    assert [row.state for row in anchors.signed()] == [REFUSED]
    shop.time_ns -= 365 * 86_400 * S
    await anchors.errand()
    assert len(anchors.signed()) == 2
    # And this one's refusal counts, although by the clock the other is the newer.
    for _ in range(5):
        shop.time_ns += S
        await anchors.errand()
    assert [row.state for row in anchors.signed()] == [REFUSED, REFUSED]
