"""The till: what a cashier can do, fulfilled against the shop's own node and the shop's book. It needs no screen.

It refuses to sell when it has halted or the book cannot be written. It sells offline: a request is signed and saved
before it is shown, and watched until the ledger's own time is past it.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable
from functools import partial
from typing import Final

import msgspec

from chainpos.core.chain.genesis import GenesisDoc
from chainpos.core.checkout.code import SignedCode
from chainpos.core.checkout.keyed import keyed_amount
from chainpos.core.checkout.matching import SaleState
from chainpos.core.checkout.request import SignedRequest, Terms, make_request
from chainpos.core.contracts.payments.messages import CODE_LIFE_S, Cancel
from chainpos.core.contracts.settlement.messages import RequestPayout
from chainpos.core.values.amount import Amount, AmountError
from chainpos.core.values.text import clean
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.errors import EXIT_UNREACHABLE, MalformedBytes, UserFacingError
from chainpos.inspect.inspector import Inspector
from chainpos.inspect.sentences import sentence_of
from chainpos.node.clock import Clock, SystemClock
from chainpos.rpc.client import Disconnected, RpcClient, RpcError
from chainpos.store.shop import OutboxRow, SaleRow, ShopBook
from chainpos.till.bill_desk import Also
from chainpos.till.bills import Bills
from chainpos.till.codes import read_code, require_within_floor, sign_charge
from chainpos.till.display import FILE_NAME as DISPLAY_FILE
from chainpos.till.display import DisplayFile, keep_told
from chainpos.till.home import TillHome, TillSettings
from chainpos.till.identity import Noticed
from chainpos.till.money_views import parts_view, whole_view
from chainpos.till.outbox import DONE, ended_within
from chainpos.till.paper import Paper
from chainpos.till.proofs import Proofs
from chainpos.till.refund_items import RefundItems
from chainpos.till.refunds import Asked, sign_refund, unanswered, was_refused
from chainpos.till.roles import Right
from chainpos.till.running import RunningTill
from chainpos.till.sale_views import row_view, sale_view, search_book
from chainpos.till.sales import CODE, LINK, WALL, Sale, reference_for
from chainpos.till.shifts import ShiftDesk
from chainpos.till.staff import StaffDesk
from chainpos.till.views import (
    BlockRow,
    CounterView,
    Link,
    NodeView,
    PayoutParts,
    SaleView,
    Sentence,
    SettlementView,
    TransactionRow,
)
from chainpos.till.whole import whole
from chainpos.wallet.keys import Key

START_WAIT_S: Final = 1.5
PUBLISH_WAIT_S: Final = 1.0
ANSWER_WAIT_S: Final = 8.0
CANCEL_WAIT_S: Final = 3.0
PAYOUT_LIFE_S: Final = 3600
CANCEL: Final = "payments.cancel"
PAYOUT: Final = "settlement.request_payout"
DISMISSED: Final = "dismissed"
_FINISHED: Final = (
    SaleState.PROVED, SaleState.EXPIRED, SaleState.CANCELLED, SaleState.PART_REFUNDED, SaleState.REFUNDED
)  # fmt: skip


class RefusedByLedger(UserFacingError):
    """The contract said no to what the till asked; `refusal` says why in both languages."""

    def __init__(self, sentence: Sentence) -> None:
        super().__init__(sentence.what_en, next_step=sentence.next_en)
        self.refusal = sentence


class _Number(msgspec.Struct, frozen=True):
    number: int


class Till:
    """Fulfils `TillUseCases`. `observer` is told of each state that a sale reaches, at the moment it is noticed."""

    def __init__(
        self,
        settings: TillSettings,
        genesis: GenesisDoc,
        key: Key,
        book: ShopBook,
        *,
        clock: Clock | None = None,
        entropy: Callable[[int], bytes] = secrets.token_bytes,
        observer: Callable[[Noticed], None] | None = None,
    ) -> None:
        """Raises UserFacingError. The till owns the book from here on, and closes it when it stops."""
        self._clock = clock or SystemClock()
        self._observer = observer
        self._run = RunningTill(settings, genesis, key, book, clock=self._clock, entropy=entropy, observer=self._notice)
        self.paper = Paper(self._run)
        self._inspector = Inspector(self._run.connection.require)
        self.staff = StaffDesk(self._run)
        self.proofs = Proofs(self._run, self.staff)
        self.items = RefundItems(self._run.book)
        self.shifts = ShiftDesk(self._run, self.staff)
        self._hand: Sale | None = None
        self._selling = self._run.desk.numbering
        self.bills = Bills(self._run, self)
        self._run.desk.followed = self.bills.follow

    @classmethod
    def open(
        cls, home: TillHome, clock: Clock | None = None, *, observer: Callable[[Noticed], None] | None = None
    ) -> Till:
        """The till in a folder (see `home.py`). Raises UserFacingError, StoreError where another till has the book."""
        settings, genesis, key = home.settings(), home.genesis(), home.key()
        book = home.open_book()
        try:
            return cls(settings, genesis, key, book, clock=clock, observer=observer)
        except BaseException:
            book.close()
            raise

    # -- the day's beginning and end

    async def start(self) -> None:
        """Resume the sale in hand and reach the local node; returns soon, also while the node is away."""
        self._hand = self._sale_in_hand()
        self.bills.start()
        display = DisplayFile(self._run.book.book.path.with_name(DISPLAY_FILE))
        told = partial(keep_told, display, self.changes, self.paper.emvco)
        self._run.start(self.paper.run, told, self.bills.make_ready)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(START_WAIT_S):
                await self._run.met.wait()

    async def stop(self) -> None:
        """Leave nothing half written."""
        await self._run.stop()

    def counter(self) -> CounterView:
        """The present view, at once."""
        run = self._run
        return CounterView(
            shop=run.shop,
            network=run.network,
            sale=sale_view(self._hand, run.money) if self._hand is not None else None,
            recent=tuple(row_view(row, run.money) for row in run.desk.recent),
            bill=self.bills.view(),
            held=self.bills.held(),
            taken=self.bills.taken,
            staff=self.staff.view,
            shift=self.shifts.number,
            printer=self.paper.queue.view,
            faults=run.faults.view,
        )

    async def changes(self) -> AsyncGenerator[CounterView, None]:
        """The present view, then one whenever something changed; who is slow gets the newest. Ends with the till."""
        with self._run.listening() as wake:
            while not self._run.stopped:
                wake.clear()
                yield self.counter()
                await wake.wait()

    # -- selling

    async def request(self, amount: Amount, memo: str = "") -> SaleView:
        """A new signed request, saved in the book before it is shown. Works offline."""
        sale = await self.sell(amount, memo)
        client, sold = self._run.connection.client, self._hand
        if client is not None and sold is not None:
            # It is on the counter already; whoever asked for it may rely on its being served where the node answers.
            with contextlib.suppress(Disconnected, MalformedBytes, TimeoutError):
                async with asyncio.timeout(PUBLISH_WAIT_S):
                    await self._run.desk.publish(client, sold)
        return sale

    @whole
    async def sell(self, amount: Amount, memo: str, also: Also | None = None) -> SaleView:
        """A request, booked together with what `also` writes. It waits for no network: the next errand publishes it."""
        async with self._selling:
            sale = await self._new_sale(amount, memo, LINK, self._run.settings.life_s, also)
        self._hand = sale
        self._run.outbox.wake.set()
        self._run.changed()
        return sale_view(sale, self._run.money)

    async def cancel(self, reference: str) -> SaleView:
        """Cancel an unpaid request: on the ledger where it can be reached, else as soon as it can.

        What comes back is CANCELLED only if the ledger says so; a payment may have been quicker.
        """
        staff = self.staff.require(Right.SELL)
        sale = self._run.desk.find(reference)
        if sale is None:
            return self._view_of(await self._row(reference))
        open_still = not sale.is_paid and sale.state not in _FINISHED
        if open_still and not self._run.outbox.waits_for(CANCEL, sale.row.number):
            request, number = sale.signed, sale.row.number
            ended = await self._run.outbox.sign(
                CANCEL, Cancel(request.encoded), expires_s=request.request.expires_s, number=number, staff=staff
            )
            if self._run.connection.client is not None:
                await ended_within(ended, CANCEL_WAIT_S)
        return sale_view(sale, self._run.money)

    async def charge(self, code_text: str, amount: Amount) -> SaleView:
        """Charge a customer's scanned code: PAID or REFUSED, or SEEN where the network takes longer."""
        return await self.charge_for(code_text, amount, "")

    @whole
    async def charge_for(self, code_text: str, amount: Amount, memo: str, also: Also | None = None) -> SaleView:
        """A customer's code charged, booked together with what `also` writes."""
        run = self._run
        code = self._readable(code_text, amount)
        # Where it cannot be sent now, the request says when the code was accepted, and lives as long as it is taken.
        offline = run.network.link is not Link.ONLINE
        life_s = run.floor.life_s(amount) if offline else CODE_LIFE_S
        async with self._selling:
            sale = await self._new_sale(amount, memo, CODE, life_s, also)
        self._hand = sale
        ended = await sign_charge(run, sale, code, offline=offline)
        if not offline:
            await ended_within(ended, ANSWER_WAIT_S)
        return sale_view(sale, run.money)

    def check_code(self, code_text: str, amount: Amount) -> None:
        """Raises MustConfirm or UserFacingError for a code that will not pay the amount, before anything is changed."""
        self._readable(code_text, amount)

    def _readable(self, code_text: str, amount: Amount) -> SignedCode:
        run = self._run
        code = read_code(code_text, run.genesis.chain_id, amount, self._clock.now_ns() // SECOND_NS)
        require_within_floor(run, amount)
        return code

    async def dismiss(self) -> None:
        """Clear a finished sale from the counter; a waiting one stays in the book and is still watched."""
        await self.bills.leave()
        await self.put_sale_away()

    @whole
    async def put_sale_away(self) -> None:
        """No sale in hand, once the book has it so."""
        if (hand := self._hand) is not None:
            await self._run.book.call(partial(self._run.book.book.save_setting, DISMISSED, _Number(hand.row.number)))
            if self._hand is hand:
                self._hand = None
            self._run.changed()

    def resume_sale(self, number: int) -> None:
        """A watched sale in hand again."""
        self._hand = self._run.desk.find_number(number)

    def parse_keyed(self, digits: str) -> Amount:
        """The amount that keyed text means. Raises UserFacingError."""
        try:
            return keyed_amount(digits, self._run.settings.currency)
        except AmountError as error:
            raise UserFacingError(f"This is no amount: {error}.", next_step="Key it again.") from error

    async def sales(self, search: str = "", *, limit: int = 500) -> tuple[SaleView, ...]:
        """The sales of the book, newest first; by reference, amount or time of day."""
        run, book = self._run, self._run.book
        rows = await book.read(partial(search_book, book.book, search, run.settings.currency, run.utc_offset_s, limit))
        return tuple(row_view(run.desk.current(row), run.money) for row in rows)

    # -- after the sale

    async def refund(
        self, reference: str, amount: Amount, *, pin: str, typed_amount: str, reason: str = ""
    ) -> SaleView:
        """Refund whole or part; needs the PIN and the amount typed again. Raises UserFacingError, RefusedByLedger."""
        run = self._run
        run.book.require_sound()
        row = run.desk.current(await self._row(reference))
        asked = Asked(partial(self.staff.approved, Right.REFUND, pin), typed_amount, reason)
        ended = await sign_refund(run.book, run.outbox, row, amount, asked)
        self._require_done(await ended_within(ended, ANSWER_WAIT_S), "refund")
        return self._view_of(await self._row(reference))

    async def settlement(self) -> SettlementView:
        """Where the shop's money is, of one block."""
        await self._asked(self._run.refresh_money)
        return await whole_view(self._run)

    async def payout_parts(self, number: int) -> PayoutParts:
        """What a payout is made of. Raises UserFacingError."""
        await self._asked(self._run.refresh_money)
        return await parts_view(self._run, number)

    async def request_payout(self, amount: Amount) -> SettlementView:
        """Ask for available money to be paid out. Raises UserFacingError, RefusedByLedger."""
        run, staff = self._run, self.staff.require(Right.PAYOUT)
        run.connection.require()
        message = RequestPayout(run.settings.merchant, amount.currency, amount.minor)
        expires_s = self._clock.now_ns() // SECOND_NS + PAYOUT_LIFE_S
        ended = await run.outbox.sign(PAYOUT, message, expires_s=expires_s, amount=amount, staff=staff)
        self._require_done(await ended_within(ended, ANSWER_WAIT_S), "payout")
        return await self.settlement()

    # -- the network

    async def node(self) -> NodeView:
        """The local node."""
        return await self._inspector.node()

    async def blocks(self, *, before: int = 0, limit: int = 100) -> tuple[BlockRow, ...]:
        """Verified blocks below a height (0: from the tip), newest first."""
        return await self._inspector.blocks(before=before, limit=limit)

    async def transactions(self, height: int) -> tuple[TransactionRow, ...]:
        """A block's transactions with their postings."""
        return await self._inspector.transactions(height)

    def sentence(self, code: int) -> Sentence:
        """What a rejection code means."""
        return sentence_of(code)

    # -- the rest

    def _notice(self, noticed: Noticed) -> None:
        self.paper.notice(noticed)
        if self._observer is not None:
            self._observer(noticed)

    async def authorise(self) -> str:
        """Who takes money here now, in an open shift. Raises UserFacingError."""
        name = self.staff.require(Right.SELL)
        await self.shifts.ensure_open()
        return name

    async def _new_sale(self, amount: Amount, memo: str, presented: str, life_s: int, also: Also | None = None) -> Sale:
        self._run.require_well()
        run, staff = self._run, await self.authorise()
        run.book.require_sound()
        number, now_ns = run.book.book.next_number(), self._clock.now_ns()
        reference = reference_for(number, run.key.address, now_ns, run.utc_offset_s)
        signed = self._signed(Terms(run.settings.merchant, reference, amount, 0, life_s, memo), now_ns)
        sale = run.desk.new_sale(number, signed, presented, staff)
        await run.desk.add(sale, also)
        return sale

    def _signed(self, terms: Terms, now_ns: int) -> SignedRequest:
        run, now_s = self._run, now_ns // SECOND_NS
        terms = terms._replace(created_s=now_s, expires_s=now_s + terms.expires_s)
        try:
            return make_request(terms, run.genesis.chain_id, run.key.public_key, run.key.sign)
        except MalformedBytes as error:
            raise UserFacingError(
                f"No request can say that: {error}.", next_step="Change the amount or the note."
            ) from error

    def _sale_in_hand(self) -> Sale | None:
        """The sale asked for last, if nobody put it away and the ledger may still change it."""
        book = self._run.book.book
        newest = next((row for row in book.sales() if row.presented != WALL), None)
        dismissed = book.setting(DISMISSED, _Number)
        if newest is None or (dismissed is not None and dismissed.number >= newest.number):
            return None
        return self._run.desk.find(newest.reference)

    async def _row(self, reference: str) -> SaleRow:
        book = self._run.book
        row = await book.call(lambda: book.book.sale(reference))
        if row is None:
            raise UserFacingError(
                f"There is no sale {clean(reference)!r} in this book.", next_step="Look for it by amount or time."
            )
        return row

    def _view_of(self, row: SaleRow) -> SaleView:
        return row_view(self._run.desk.current(row), self._run.money)

    def _require_done(self, ended: OutboxRow | None, what: str) -> None:
        if ended is None:
            raise unanswered(what)
        if was_refused(ended):
            raise RefusedByLedger(sentence_of(ended.code))
        if ended.state != DONE:
            raise UserFacingError(f"The {what} expired before the network took it.", next_step="Try it again.")

    async def _asked(self, question: Callable[[RpcClient], Awaitable[None]]) -> None:
        try:
            await question(self._run.connection.require())
        except (Disconnected, RpcError, MalformedBytes) as error:
            raise UserFacingError(
                "The node stopped answering.", next_step="Wait a moment, then look again.", exit_code=EXIT_UNREACHABLE
            ) from error
