"""The outbox before a node that answers as it likes: nothing is lost, nothing is sent for nothing, ends are true."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chainpos.core.chain.envelope import LONGEST_LIFE_S, MAX_LIFETIME_S, decode_envelope
from chainpos.core.chain.results import TxResult
from chainpos.core.contracts import codes
from chainpos.core.contracts.payments.messages import Cancel
from chainpos.errors import StoreError
from chainpos.rpc.backend import BroadcastAnswer, IncludedTransaction
from chainpos.rpc.client import Disconnected, RpcError
from chainpos.store.shop import OutboxRow, ShopBook
from chainpos.till.book_thread import BookThread
from chainpos.till.outbox import DONE, EXPIRED, REFUSED, Outbox
from chainpos.wallet.keys import demo_key

CHAIN = "test-chain"


class FakeClock:
    """A clock that stands still."""

    def __init__(self) -> None:
        self.ns = 1_000_000_000_000

    def now_ns(self) -> int:
        return self.ns

    def monotonic_ns(self) -> int:
        return self.ns

    def advance_s(self, seconds: float) -> None:
        self.ns += int(seconds * 1e9)


class FakeNode:
    """The wire: `blocks` are the transactions it shows, `door` what its mempool says, `busy` when it says nothing.

    The line drops when it is asked for the transaction `unplugged_at`.
    """

    def __init__(self) -> None:
        self.blocks: dict[bytes, TxResult] = {}
        self.door = 0
        self.busy = False
        self.unplugged_at: bytes = b""
        self.sent: list[bytes] = []

    async def tx(self, tx_hash: bytes) -> IncludedTransaction:
        if self.busy:
            raise RpcError(-32603, "Internal error", "the node is busy")
        if tx_hash == self.unplugged_at:
            raise Disconnected("the line dropped")
        if tx_hash not in self.blocks:
            raise RpcError(-32603, "Internal error", f"tx ({tx_hash.hex()}) not found")
        return IncludedTransaction(tx_hash, 9, 0, b"", self.blocks[tx_hash])

    async def broadcast_tx_sync(self, wire: bytes) -> BroadcastAnswer:
        if self.busy:
            raise RpcError(-32603, "Internal error", "the node is busy")
        self.sent.append(wire)
        return BroadcastAnswer(hashlib.sha256(wire).digest(), self.door)


class Desk:
    """An outbox on a real book, and its fake surroundings."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "shop.db"
        self.clock = FakeClock()
        self.node: Any = FakeNode()
        # What keeps the desk from taking an end in.
        self.untakeable: Exception | None = None
        self.nonces = itertools.count(1)
        self.open()

    def open(self) -> None:
        self.book = ShopBook(self.path)
        self.box = Outbox(BookThread(self.book), self.clock, demo_key("till"), CHAIN, self.nonce)

    def nonce(self, length: int) -> bytes:
        return next(self.nonces).to_bytes(length, "big")

    def reopen(self) -> None:
        self.book.close()
        self.open()

    async def sign(self, *, expires_s: int = 2_000) -> OutboxRow:
        await self.box.sign("payments.cancel", Cancel(b"request"), expires_s=expires_s, number=3)
        return self.book.waiting()[-1]

    async def push(self, time_s: int = 1_000) -> list[OutboxRow]:
        taken: list[OutboxRow] = []

        async def take(ended: OutboxRow) -> None:
            if self.untakeable is not None:
                raise self.untakeable
            taken.append(ended)

        await self.box.push(self.node, time_s, take)
        return taken


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.book.close()


async def test_a_transaction_is_in_the_book_before_it_is_sent_and_ends_when_a_block_has_it(desk: Desk) -> None:
    ended = await desk.box.sign("payments.cancel", Cancel(b"request"), expires_s=2_000, number=3)
    (row,) = desk.book.waiting()
    body = decode_envelope(row.wire).body
    assert (body.kind, body.chain_id, body.expires_s) == ("payments.cancel", CHAIN, 2_000)
    assert desk.node.sent == []
    assert desk.box.wake.is_set()
    assert desk.box.waits_for("payments.cancel", 3)
    assert await desk.push() == []
    assert desk.node.sent == [row.wire]
    desk.node.blocks[row.tx_hash] = TxResult()
    (end,) = await desk.push()
    assert (end.state, end.height, end.code) == (DONE, 9, 0)
    assert ended.result() == end
    assert desk.book.waiting() == []
    assert len(desk.box) == 0


async def test_no_transaction_is_signed_for_longer_than_a_block_takes_it(desk: Desk) -> None:
    """A request may live longer than a transaction, and what cancels it would live as long."""
    row = await desk.sign(expires_s=10**9)
    assert row.expires_s == decode_envelope(row.wire).body.expires_s == 1_000 + LONGEST_LIFE_S < 1_000 + MAX_LIFETIME_S


async def test_what_the_contract_refused_in_a_block_ends_with_its_code(desk: Desk) -> None:
    row = await desk.sign()
    await desk.push()
    desk.node.blocks[row.tx_hash] = TxResult(code=504)
    (end,) = await desk.push()
    assert (end.state, end.code) == (REFUSED, 504)
    assert [(kept.state, kept.code) for kept in desk.book.outbox_of(3)] == [("refused", 504)]


async def test_a_refusal_at_the_door_is_an_end_and_no_room_is_none(desk: Desk) -> None:
    row = await desk.sign()
    for code in (codes.BLOCK_FULL, codes.TOO_MANY_WAITING, codes.REPLAYED):
        desk.node.door = code.number
        desk.clock.advance_s(3)
        assert await desk.push() == []
    assert desk.node.sent == [row.wire] * 3
    desk.node.door = codes.OTHER_CHAIN.number
    desk.clock.advance_s(3)
    (end,) = await desk.push()
    assert (end.state, end.code, end.height) == (REFUSED, codes.OTHER_CHAIN.number, 0)


async def test_it_is_sent_again_but_not_at_every_push(desk: Desk) -> None:
    row = await desk.sign()
    for _ in range(5):
        await desk.push()
    assert len(desk.node.sent) == 1
    desk.clock.advance_s(2)
    await desk.push()
    assert desk.node.sent == [row.wire] * 2


async def test_only_the_ledgers_time_makes_it_expire_and_only_where_the_node_could_look(desk: Desk) -> None:
    row = await desk.sign(expires_s=1_500)
    desk.clock.advance_s(10**6)
    await desk.push(time_s=1_499)
    assert desk.book.waiting() == [row]
    desk.node.busy = True
    assert await desk.push(time_s=1_500) == []
    desk.node.busy = False
    (end,) = await desk.push(time_s=1_500)
    assert end.state == EXPIRED


async def test_one_that_was_included_just_before_it_expired_is_done(desk: Desk) -> None:
    row = await desk.sign(expires_s=1_500)
    await desk.push()
    desk.node.blocks[row.tx_hash] = TxResult()
    (end,) = await desk.push(time_s=9_999)
    assert end.state == DONE


async def test_a_till_that_died_before_or_after_sending_finds_out_when_it_is_back(desk: Desk) -> None:
    first = await desk.sign()
    desk.reopen()
    assert await desk.push() == []
    assert desk.node.sent == [first.wire]
    desk.reopen()
    desk.clock.advance_s(3)
    desk.node.blocks[first.tx_hash] = TxResult()
    (end,) = await desk.push()
    assert end.state == DONE
    # It was not sent again once a block had it.
    assert desk.node.sent == [first.wire]
    desk.reopen()
    assert len(desk.box) == 0


async def test_an_end_is_handed_on_although_the_line_drops_at_the_next_transaction(desk: Desk) -> None:
    first = await desk.box.sign("refunds.refund", Cancel(b"one"), expires_s=2_000, number=3)
    row = desk.book.waiting()[-1]
    desk.clock.advance_s(1)
    await desk.sign()
    second = desk.book.waiting()[-1]
    await desk.push()
    desk.node.blocks[row.tx_hash] = TxResult()
    desk.node.unplugged_at = second.tx_hash
    with pytest.raises(Disconnected):
        await desk.push()
    assert first.result().state == DONE
    assert desk.book.waiting() == [second]


@pytest.mark.parametrize(
    "why", [Disconnected("gone"), RpcError(-32603, "Internal error", "busy"), StoreError("the disk is full")]
)
async def test_an_end_that_could_not_be_taken_in_is_handed_on_again_and_told_after_that(
    desk: Desk, why: Exception
) -> None:
    ended = await desk.box.sign("payments.charge", Cancel(b"request"), expires_s=2_000, number=3)
    desk.node.door = codes.OTHER_CHAIN.number
    desk.untakeable = why
    with contextlib.suppress(Disconnected, StoreError):
        await desk.push()
    assert [kept.state for kept in desk.book.outbox_of(3)] == ["refused"]
    assert (len(desk.box), ended.done()) == (1, False)
    desk.untakeable = None
    # What ended is neither sent nor judged again.
    desk.clock.advance_s(3)
    desk.node.door = 0
    (end,) = await desk.push()
    assert (end.state, end.code) == (REFUSED, codes.OTHER_CHAIN.number)
    assert (ended.result(), len(desk.node.sent), len(desk.box)) == (end, 1, 0)


async def test_after_a_restart_nothing_expires_without_a_look_at_the_chain_whatever_the_clock_says(desk: Desk) -> None:
    """Sent, in a block, killed; the clock comes back behind, and the chain is past the expiry."""
    row = await desk.sign(expires_s=2_000)
    await desk.push()
    desk.node.blocks[row.tx_hash] = TxResult()
    desk.clock.advance_s(-500)
    desk.reopen()
    (end,) = await desk.push(time_s=2_100)
    assert (end.state, end.height) == (DONE, 9)


async def test_one_that_was_never_sent_is_looked_for_too_before_it_expires(desk: Desk) -> None:
    await desk.sign(expires_s=1_500)
    desk.node.busy = True
    assert await desk.push(time_s=1_500) == []
    desk.node.busy = False
    (end,) = await desk.push(time_s=1_500)
    assert (end.state, desk.node.sent) == (EXPIRED, [])
