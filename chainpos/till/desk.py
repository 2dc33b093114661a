"""The desk: the watched sales, what our own node's chain says of them, and who is told when that changes.

Nothing makes a sale PAID but its payment's record in our own node's state. It refuses to go on where that record is not
of the request (StateMismatch): then the till halts.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec

from chainpos.core.chain.header import Header
from chainpos.core.checkout.matching import MONEY_RECEIVED, LedgerFacts, SaleState
from chainpos.core.checkout.request import SignedRequest, format_link, link_id
from chainpos.core.contracts.merchants.records import MERCHANTS, TILLS, merchant_key
from chainpos.core.contracts.payments.events import PAID
from chainpos.core.contracts.payments.records import CANCELLED, PAYMENTS
from chainpos.core.contracts.refunds.events import REFUNDED
from chainpos.core.execution import REJECTED
from chainpos.core.values.hashes import sha256
from chainpos.core.values.text import clean
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.errors import StoreError
from chainpos.inspect.inspector import network_view
from chainpos.inspect.records import record_at
from chainpos.inspect.views import Link, NetworkView
from chainpos.node.clock import Clock
from chainpos.rpc.backend import IncludedTransaction, NodeReport, PendingTransaction
from chainpos.rpc.client import ReceivedEvent, RpcClient, RpcError
from chainpos.store.shop import Fact, OutboxRow, SaleRow
from chainpos.till.book_thread import BookThread
from chainpos.till.identity import Certified, Identity, Noticed, stranger_as
from chainpos.till.missed import Height, catch_up, hash_of_payment
from chainpos.till.naming import attribute_bytes, payments_refunded
from chainpos.till.outbox import DONE, Outbox
from chainpos.till.sales import LINK, Sale, new_row, presented_in, restored
from chainpos.till.whole import whole

if TYPE_CHECKING:
    from chainpos.till.wall import Wall

CHARGE: Final = "payments.charge"
RECENT: Final = 12
PENDING_LOOK: Final = 500
# By then a block has it, or there is a crowd and the look tells.
DROPPED_NS: Final = 1_000_000_000
CERTIFIED: Final = "certified"
REFUNDS_SEEN: Final = "refunds_seen"


class Desk:
    """`changed` is called whenever a view would differ; `observer` for each state that a sale reaches."""

    def __init__(
        self,
        identity: Identity,
        book: BookThread,
        outbox: Outbox,
        clock: Clock,
        *,
        changed: Callable[[], None],
        observer: Callable[[Noticed], None] | None = None,
    ) -> None:
        self.identity = identity
        known = book.book.setting(REFUNDS_SEEN, Height) or Height(0)
        self.network = NetworkView(link=Link.OFFLINE, chain_id=identity.chain_id, known_height=known.height)
        self.outbox = outbox
        # As the network certified it when it was last heard of: the counter knows its name offline too.
        self.certified = book.book.setting(CERTIFIED, Certified) or Certified()
        # Why the ledger, as read last, takes nothing that this till signs; "" where it does, and before it was read.
        self.stranger_as = ""
        self.tip_height = 0
        self.tip_time_s = 0
        self.recent: list[SaleRow] = book.book.sales(limit=RECENT)
        self._book = book
        self._clock = clock
        self._changed = changed
        self._observer = observer
        # Whom it concerns that a sale stands otherwise than before: the bill that it pays for.
        self.followed: Callable[[SaleRow], None] = lambda _: None
        # The number of a new sale is taken and used by one at a time.
        self.numbering = asyncio.Lock()
        self.wall: Wall | None = None
        # Whether something may be in the chain that the book could not take: `catch_up` finds it.
        self.behind = False
        # Who wants to know of each header that our node verified.
        self.headers: list[Callable[[Header], None]] = []
        self._sales: dict[bytes, Sale] = {}
        for row in book.book.watched_sales():
            sale = self._sales[row.request_id] = restored(row, self._link(row))
            for sent in book.book.outbox_of(row.number):
                # The last till may have ended after it booked this, and before it took it in.
                sale.take_refusal(sent)

    # -- what the till does

    @whole
    async def add(self, sale: Sale, also: Callable[[SaleRow], None] | None = None) -> None:
        """Take a new sale, durable when this returns, together with what `also` writes."""
        fact = Fact("requested", sale.row.created_ns)

        def write() -> None:
            with self._book.book.writing():
                self._book.book.add_sale(sale.row, fact)
                if also is not None:
                    also(sale.row)

        # Its code is drawn up while the disk is at work.
        await asyncio.gather(self._book.call(write), sale.drawn_up())
        self._sales[sale.signed.id] = sale
        self._show_recent(sale.row)
        self._changed()

    @whole
    async def receive(self, payment_id: bytes, make: Callable[[int], SaleRow]) -> None:
        """A payment that no sale asked for is in our node's chain: it stands in the book as a sale of its own, once."""
        async with self.numbering:
            book = self._book.book
            if await self._book.call(partial(book.sale_of_request, payment_id)) is not None:
                return
            row = make(book.next_number())
            await self._book.call(partial(book.add_sale, row, Fact("received", row.paid_ns, row.height)))
        self._show_recent(row)
        if self._observer is not None:
            now_ns = self._clock.monotonic_ns()
            self._observer(Noticed(row.reference, payment_id, SaleState.PAID, now_ns, row.height, 0))
        self._changed()

    @whole
    async def prove(self, sale: Sale, proof: bytes, height: int, fact: Fact) -> None:
        """A verified proof says that it was paid in the block at `height`; durable when this returns."""
        row = msgspec.structs.replace(sale.row, proof=proof, proof_height=height)
        await self._book.call(partial(self._book.book.update_sale, row, fact))
        sale.row = msgspec.structs.replace(sale.row, proof=proof, proof_height=height)
        self._judge(sale)

    def new_sale(self, number: int, signed: SignedRequest, presented: str, staff: str = "") -> Sale:
        """A sale that is not in the book yet."""
        row = msgspec.structs.replace(new_row(number, signed, presented, self._clock.now_ns()), staff=staff)
        return Sale(row, signed, self._link(row))

    def find(self, reference: str) -> Sale | None:
        """A sale that is still watched, by its reference."""
        return next((sale for sale in self._sales.values() if sale.row.reference == reference), None)

    def find_number(self, number: int) -> Sale | None:
        """A sale that is still watched, by its number."""
        return next((sale for sale in self._sales.values() if sale.row.number == number), None)

    def current(self, row: SaleRow) -> SaleRow:
        """A row from the book, as it is known by now."""
        sale = self._sales.get(row.request_id)
        # One that is final is no longer watched, and its last change may still be on its way into the book.
        return sale.row if sale is not None else next((each for each in self.recent if each.number == row.number), row)

    def __len__(self) -> int:
        return len(self._sales)

    async def push(self, client: RpcClient) -> None:
        """Send what waits in the outbox, and take in what ended."""
        await self.outbox.push(client, self.tip_time_s, partial(self._take_ended, client))

    def tick(self) -> None:
        """The time went on: what only a clock changes."""
        for sale in list(self._sales.values()):
            self._judge(sale)

    def lost(self) -> None:
        """Our own node does not answer."""
        if self.network.link is not Link.OFFLINE:
            self.network = msgspec.structs.replace(self.network, link=Link.OFFLINE)
            self._changed()

    # -- what the node tells

    async def look_round(self, client: RpcClient) -> None:
        """Learn all that was missed: how the node is, every watched sale, what is in the mempool, what was sent."""
        report = await client.report()
        latest = (await client.status()).latest
        self._raise_tip(latest.height, latest.time_ns // SECOND_NS)
        if latest.height:
            await self.read_names(client, latest.height)
        async with asyncio.TaskGroup() as group:
            for sale in list(self._sales.values()):
                group.create_task(self._resume(client, sale), name=f"till resumes {sale.row.reference}")
        for wire in (await client.unconfirmed_txs(PENDING_LOOK)).transactions:
            self._take_wire(wire)
        self.tick()
        self.behind = True
        if self._book.failure is None:
            await self.catch_up(client)
        # Last: online means that everything on the counter is as the network has it.
        await self.take_report(report)
        self.outbox.wake.set()

    async def catch_up(self, client: RpcClient) -> None:
        """Learn of refunds made elsewhere and payments by the wall while we did not listen, or could not book them."""
        self.behind = False
        for look in (self._missed_refunds, *([self.wall.look_round] if self.wall is not None else [])):
            # The book says itself that it failed. What it could not take is in the chain, to be found again.
            try:
                await look(client)
            except StoreError:
                self.behind = True

    async def forget_dropped(self, client: RpcClient) -> None:
        """A payment that was seen, and left the mempool without a block, was dropped: its sale waits again."""
        now_ns = self._clock.monotonic_ns()
        seen = [sale for sale in self._sales.values() if sale.pending and now_ns - sale.pending_ns > DROPPED_NS]
        if not seen:
            return
        mempool = await client.unconfirmed_txs(PENDING_LOOK)
        if mempool.total > len(mempool.transactions):
            return
        still = {sha256(wire) for wire in mempool.transactions}
        for sale in seen:
            if sale.pending not in still:
                sale.pending = b""
                self._judge(sale)

    async def read_names(self, client: RpcClient, height: int) -> None:
        """Learn under which names the network certified the shop and the till."""
        merchant = await record_at(client, MERCHANTS, merchant_key(self.identity.merchant), height)
        till = await record_at(client, TILLS, self.identity.till_key, height)
        self.stranger_as = stranger_as(self.identity, merchant, till)
        if merchant is None or till is None:
            return
        merchant = merchant.as_of(self.tip_time_s)
        certified = Certified(
            *map(clean, (merchant.name_en, merchant.name_zh, till.label, merchant.city, merchant.category))
        )
        if certified != self.certified:
            self.certified = certified
            self._book.post(lambda: self._book.book.save_setting(CERTIFIED, certified))
            self._changed()

    async def _resume(self, client: RpcClient, sale: Sale) -> None:
        sale.pending, sale.published = b"", False
        await self.publish(client, sale)
        if self.tip_height:
            await self._look(client, sale, self.tip_height, self.tip_time_s)
        tx_hash = await hash_of_payment(client, sale.signed.id) if sale.is_paid and not sale.row.tx_hash else b""
        self._judge(sale, tx_hash)

    async def _missed_refunds(self, client: RpcClient) -> None:
        async def take(included: IncludedTransaction) -> None:
            for payment in payments_refunded(included):
                await self._look_at(client, payment, included)

        condition = f"{REFUNDED}.merchant='{self.identity.merchant}'"
        await catch_up(self._book, REFUNDS_SEEN, client, condition, self.tip_height, take)

    async def take_report(self, report: NodeReport) -> None:
        """How our node stands to the network."""
        network = network_view(report)
        if network != self.network:
            self.network = network
            self._changed()

    async def take_header(self, client: RpcClient, header: Header) -> None:
        """One more verified block: it confirms what was paid before, and its time may end requests."""
        height, time_s = header.height, header.time_ns // SECOND_NS
        for told in self.headers:
            told(header)
        self._raise_tip(height, time_s)
        for sale in list(self._sales.values()):
            if not sale.is_paid and time_s >= sale.signed.request.expires_s:
                await self._look(client, sale, height, time_s)
            self._judge(sale)
        self.outbox.wake.set()
        if height > self.network.known_height:
            self.network = msgspec.structs.replace(
                self.network,
                known_height=height,
                target_height=max(height, self.network.target_height),
                tip_time_ns=header.time_ns,
            )
            self._changed()

    async def take_transaction(self, client: RpcClient, event: ReceivedEvent, included: IncludedTransaction) -> None:
        """A payment, refusal or refund is in a verified block: look at the state after it. Raises StoreError."""
        for named in attribute_bytes(event, f"{PAID}.request"):
            await self._look_at(client, named, included)
        if self.wall is not None:
            await self.wall.take(client, included)
        for named in attribute_bytes(event, f"{REFUNDED}.payment"):
            await self._look_at(client, named, included)
        if event.attributes.get(f"{REJECTED}.code"):
            presented = presented_in(included.transaction, self.identity.chain_id)
            sale = self._sales.get(presented.request_id) if presented is not None else None
            if sale is not None and not sale.is_paid:
                sale.refused(included.hash, included.result.code)
                self._judge(sale, height=included.height)

    def take_pending(self, pending: PendingTransaction) -> None:
        """A transaction entered our mempool: SEEN, which is not paid."""
        self._take_wire(pending.transaction)

    # -- the rest

    async def _take_ended(self, client: RpcClient, ended: OutboxRow) -> None:
        row = await self._book.call(partial(self._book.book.sale_by_number, ended.number))
        if row is None:
            return
        sale = self._sales.get(row.request_id) or restored(row, "")
        if ended.state == DONE:
            await self._look(client, sale, max(ended.height, self.tip_height), 0)
        else:
            sale.take_refusal(ended)
        self._judge(sale, ended.tx_hash if ended.kind == CHARGE and ended.state == DONE else b"")

    async def _look_at(self, client: RpcClient, requested: bytes, included: IncludedTransaction) -> None:
        sale = self._sales.get(requested)
        if sale is None:
            row = await self._book.call(lambda: self._book.book.sale_of_request(requested))
            if row is None:
                return
            sale = restored(row, "")
        await self._look(client, sale, included.height, 0)
        paid = sale.row.tx_hash == b"" and included.result.code == 0
        self._judge(sale, included.hash if paid else b"", included.height)

    async def _look(self, client: RpcClient, sale: Sale, height: int, time_s: int) -> None:
        """Bring the facts of our own node's state after the block at `height`, whose time is `time_s`."""
        payment = await record_at(client, PAYMENTS, sale.signed.id, height)
        cancellation = None if payment else await record_at(client, CANCELLED, sale.signed.id, height)
        if height >= sale.facts.height:
            sale.facts = LedgerFacts(height, time_s, payment, cancellation)

    def _judge(self, sale: Sale, tx_hash: bytes = b"", height: int = 0) -> None:
        before = sale.state
        if tx_hash:
            sale.row = msgspec.structs.replace(sale.row, tx_hash=tx_hash)
        changed = sale.rejudge(self.tip_height, self._clock.now_ns() // SECOND_NS) or bool(tx_hash)
        if not changed:
            return
        if sale.state is not before:
            self._tell(sale, before, height)
        row = sale.row
        if sale.final:
            self._sales.pop(sale.signed.id, None)
        self._show_recent(row)
        self.followed(row)
        self._changed()
        # After it was shown: what makes it money is in the node's chain, durable already.
        fact = Fact(row.state, self._clock.now_ns(), row.height, row.tx_hash.hex())
        self._book.post(lambda: self._book.book.update_sale(row, fact))

    def _tell(self, sale: Sale, before: SaleState, height: int) -> None:
        if self._observer is None:
            return
        now_ns, row = self._clock.monotonic_ns(), sale.row
        reached = [sale.state]
        if sale.state is SaleState.CONFIRMED and before not in MONEY_RECEIVED:
            reached.insert(0, SaleState.PAID)
        for state in reached:
            noticed = Noticed(row.reference, row.request_id, state, now_ns, row.height or height, row.problem_code)
            self._observer(noticed)

    def _take_wire(self, wire: bytes) -> None:
        presented = presented_in(wire, self.identity.chain_id)
        sale = self._sales.get(presented.request_id) if presented is not None else None
        if presented is not None and sale is not None and not sale.is_paid:
            sale.seen(presented.tx_hash, presented.until_s, self._clock.monotonic_ns())
            self._judge(sale)

    async def publish(self, client: RpcClient, sale: Sale) -> None:
        """Have our node serve the request under its link. Raises Disconnected."""
        if sale.published or sale.row.presented != LINK or sale.is_paid or sale.row.expires_ns <= self._clock.now_ns():
            return
        # Where it fails the node is busy, or does not know this till yet: it is tried again before long.
        with contextlib.suppress(RpcError):
            await client.publish_request(sale.signed.encoded, sale.signed.signature)
            sale.published = True

    async def publish_missing(self, client: RpcClient) -> None:
        """Publish what our node would not take before."""
        for sale in [sale for sale in self._sales.values() if not sale.published]:
            await self.publish(client, sale)

    def _raise_tip(self, height: int, time_s: int) -> None:
        self.tip_height, self.tip_time_s = max(height, self.tip_height), max(time_s, self.tip_time_s)

    def _show_recent(self, row: SaleRow) -> None:
        for index, known in enumerate(self.recent):
            if known.number == row.number:
                self.recent[index] = row
                return
        if not self.recent or row.number > self.recent[0].number:
            self.recent = [row, *self.recent][:RECENT]

    def _link(self, row: SaleRow) -> str:
        where = (self.identity.link_host, self.identity.link_port)
        return format_link(*where, link_id(row.request_id)) if row.presented == LINK else ""
