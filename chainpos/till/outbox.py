"""Transactions that the till signed, each kept and sent until our own node's verified chain tells how it ended.

A transaction is in the book before it is sent, and sending it again changes nothing: its hash is its name. It refuses
to call one expired before a verified block's time is past its expiry, and without a look for it at the chain.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from chainpos.core.chain.envelope import BODY_VERSION, LONGEST_LIFE_S, Body, encode_envelope, tx_hash
from chainpos.core.contracts import codes
from chainpos.core.values.amount import Amount
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.node.clock import Clock
from chainpos.rpc.client import RpcClient, RpcError
from chainpos.store.shop import OutboxRow
from chainpos.till.book_thread import BookThread
from chainpos.till.whole import whole
from chainpos.wallet.keys import Key

WAITING: Final = "waiting"
DONE: Final = "done"
REFUSED: Final = "refused"
EXPIRED: Final = "expired"
SEND_AGAIN_NS: Final = 2 * SECOND_NS
NONCE_BYTES: Final = 16
# What CometBFT says of a transaction that is in no block.
NOT_FOUND: Final = "not found"
# Reasons of a node to say no for now, which say nothing of the transaction.
_FOR_NOW: Final = codes.FOR_NOW | {codes.REPLAYED.number}


class Outbox:
    """What is still on its way, signed by `key` for `chain_id`. `wake` is set when there is something new to send."""

    def __init__(
        self, book: BookThread, clock: Clock, key: Key, chain_id: str, entropy: Callable[[int], bytes]
    ) -> None:
        self.wake = asyncio.Event()
        self._book = book
        self.clock = clock
        self._key = key
        self._chain_id = chain_id
        self._entropy = entropy
        self._waiting: dict[bytes, OutboxRow] = {row.tx_hash: row for row in book.book.waiting()}
        # When each was sent last; one from the book may have been sent, long ago for all that is known.
        self._sent_ns = dict.fromkeys(self._waiting, -SEND_AGAIN_NS)
        # Those that ended, until that is in the book and was handed on.
        self._ended: dict[bytes, OutboxRow] = {}
        self._ends: dict[bytes, asyncio.Future[OutboxRow]] = {}
        self._lock = asyncio.Lock()

    def __len__(self) -> int:
        return len(self._waiting)

    def waiting_minor(self, kind: str) -> int:
        """What all that waits of a kind would move."""
        return sum(row.amount_minor for row in self._waiting.values() if row.kind == kind)

    def waits_for(self, kind: str, number: int) -> bool:
        """Whether a transaction of this kind is on its way for a sale."""
        return any((row.kind, row.number) == (kind, number) for row in self._waiting.values())

    @whole
    async def sign(
        self,
        kind: str,
        message: msgspec.Struct,
        *,
        expires_s: int,
        number: int = 0,
        amount: Amount | None = None,
        staff: str = "",
        offline: bool = False,
    ) -> asyncio.Future[OutboxRow]:
        """Sign and keep a transaction, durable when this returns; what comes back is done when it has ended.

        `number` is the sale it belongs to, 0 for none; `amount` what it would move, `staff` who has it signed, for the
        book; `offline` whether it charges a code that was accepted while the network was away.
        """
        now_ns = self.clock.now_ns()
        expires_s = min(expires_s, now_ns // SECOND_NS + LONGEST_LIFE_S)
        encoded = msgspec.msgpack.encode(message)
        nonce = self._entropy(NONCE_BYTES)
        body = Body(BODY_VERSION, self._chain_id, self._key.public_key, expires_s, nonce, kind, encoded)
        wire = encode_envelope(body, self._key.sign)
        row = OutboxRow(
            tx_hash=tx_hash(wire),
            wire=wire,
            kind=kind,
            created_ns=now_ns,
            expires_s=expires_s,
            number=number,
            amount_minor=amount.minor if amount is not None else 0,
            currency=amount.currency if amount is not None else "",
            staff=staff,
            offline=offline,
        )
        await self._book.call(lambda: self._book.book.queue(row))
        self._waiting[row.tx_hash] = row
        future: asyncio.Future[OutboxRow] = asyncio.get_running_loop().create_future()
        self._ends[row.tx_hash] = future
        self.wake.set()
        return future

    async def push(self, client: RpcClient, time_s: int, take: Callable[[OutboxRow], Awaitable[None]]) -> None:
        """Look for all that waits in verified blocks, and send what is in none; each that ended is handed to `take`.

        It is handed on once its end is durable, and again by the next push where `take` failed; whoever signed it is
        told after that. `time_s` is the time of the node's newest verified block before this look. Raises Disconnected,
        MalformedBytes, StoreError.
        """
        async with self._lock:
            for row in list(self._waiting.values()):
                # A node that cannot say now gives no news of the transaction: the next push asks again.
                with contextlib.suppress(RpcError):
                    await self._push(client, row, time_s, take)

    async def _push(
        self, client: RpcClient, row: OutboxRow, time_s: int, take: Callable[[OutboxRow], Awaitable[None]]
    ) -> None:
        name, book = row.tx_hash, self._book.book
        end = self._ended.get(name) or await self._look(client, row, time_s) or await self._send(client, row, time_s)
        if end is None:
            return
        self._ended[name] = end
        await self._book.call(lambda: book.settle(name, end.state, height=end.height, code=end.code))
        await take(end)
        del self._waiting[name], self._ended[name]
        self._sent_ns.pop(name, None)
        future = self._ends.pop(name, None)
        if future is not None and not future.done():
            future.set_result(end)

    async def _look(self, client: RpcClient, row: OutboxRow, time_s: int) -> OutboxRow | None:
        if row.tx_hash not in self._sent_ns and time_s < row.expires_s:
            # It was signed here just now, and never sent: no block can have it.
            return None
        try:
            found = await client.tx(row.tx_hash)
        except RpcError as error:
            if NOT_FOUND not in error.data:
                raise
            return None
        state = DONE if found.result.code == 0 else REFUSED
        return msgspec.structs.replace(row, state=state, height=found.height, code=found.result.code)

    async def _send(self, client: RpcClient, row: OutboxRow, time_s: int) -> OutboxRow | None:
        if time_s >= row.expires_s:
            return msgspec.structs.replace(row, state=EXPIRED)
        now_ns = self.clock.monotonic_ns()
        if now_ns - self._sent_ns.get(row.tx_hash, -SEND_AGAIN_NS) < SEND_AGAIN_NS:
            return None
        self._sent_ns[row.tx_hash] = now_ns
        answer = await client.broadcast_tx_sync(row.wire)
        if answer.code == 0 or answer.code in _FOR_NOW:
            return None
        return msgspec.structs.replace(row, state=REFUSED, code=answer.code)


async def ended_within(ended: asyncio.Future[OutboxRow], seconds: float) -> OutboxRow | None:
    """How it ended, or None where that is not known in time; it is sent on all the same."""
    try:
        async with asyncio.timeout(seconds):
            return await asyncio.shield(ended)
    except TimeoutError:
        return None
