"""A till at work: its parts, the connection to its node that comes back by itself, and who is told of changes.

It refuses to go on after a contradiction in its own node's state (it halts and says so), and with a demo key outside a
demo network.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from typing import Final

import msgspec

from chainpos.core.chain.genesis import GenesisDoc
from chainpos.core.checkout.request import MalformedLink, format_link, link_id
from chainpos.core.contracts.network import utc_offset_in
from chainpos.errors import EXIT_USAGE, StateMismatch, StoreError, UserFacingError
from chainpos.inspect.connection import NodeConnection
from chainpos.inspect.views import Link, NetworkView
from chainpos.node.clock import Clock
from chainpos.rpc.client import RpcClient, RpcError
from chainpos.store.shop import ShopBook
from chainpos.till.book_thread import BookThread
from chainpos.till.desk import Desk
from chainpos.till.faults import Faults
from chainpos.till.floor import Floor
from chainpos.till.home import TillSettings
from chainpos.till.identity import Identity, Noticed
from chainpos.till.outbox import Outbox
from chainpos.till.settlement import NOTHING_KNOWN, Money, read_money
from chainpos.till.views import ShopView
from chainpos.till.wall import Wall
from chainpos.till.watching import queries, watch
from chainpos.wallet.keys import Key, is_demo, require_allowed

TICK_S: Final = 0.25
# Each try writes into the book twice.
MEND_S: Final = 1.0
# A day of idle tills would otherwise ask for the shop's money at every block of everybody else.
MONEY_PAUSE_NS: Final = 1_000_000_000
# Each look asks the node for all that came since the book was last whole.
CATCH_UP_PAUSE_NS: Final = 5_000_000_000


class RunningTill:
    """The parts of one till. `start` and `stop` it; `desk` knows the sales, `money` the settlement as last read."""

    def __init__(
        self,
        settings: TillSettings,
        genesis: GenesisDoc,
        key: Key,
        book: ShopBook,
        *,
        clock: Clock,
        entropy: Callable[[int], bytes],
        observer: Callable[[Noticed], None] | None,
    ) -> None:
        """Raises UserFacingError."""
        require_allowed(key, genesis)
        self.settings = settings
        self.genesis = genesis
        self.key = key
        self.clock = clock
        self.utc_offset_s = utc_offset_in(genesis.app_state)
        self.book = BookThread(book)
        self.outbox = Outbox(self.book, clock, key, genesis.chain_id, entropy)
        self.desk = Desk(
            identity_of(settings, genesis, key), self.book, self.outbox, clock, changed=self.changed, observer=observer
        )
        self.desk.wall = Wall(self.desk, self.book, key, settings.currency, self.utc_offset_s)
        self.faults = Faults(self.desk, self.book, clock)
        self.desk.headers.append(self.faults.take_header)
        self.connection = NodeConnection(settings.node)
        self.money: Money = NOTHING_KNOWN
        self.halted_reason = ""
        self.met = asyncio.Event()
        self.stopped = False
        self.floor = Floor(self.book, self.desk, clock)
        # What else is to be done now and then while the node answers.
        self.errands: list[Callable[[RpcClient], Awaitable[None]]] = [self.floor.look]
        self._money_ns = self._catch_up_ns = 0
        self._listeners: dict[asyncio.Event, None] = {}
        self._task: asyncio.Task[None] | None = None

    @property
    def network(self) -> NetworkView:
        """How the till stands to the network; halted where it found a contradiction itself."""
        seen = self.desk.network
        if not self.halted_reason:
            return seen
        return msgspec.structs.replace(seen, link=Link.HALTED, halted_reason=self.halted_reason)

    @property
    def shop(self) -> ShopView:
        """Whose counter this is, by the names that the network certified."""
        names = self.desk.certified
        return ShopView(
            merchant=self.settings.merchant,
            name_en=names.name_en,
            name_zh=names.name_zh,
            till=names.till_label or self.key.address.hex()[:8],
            currency=self.settings.currency,
            demo=is_demo(self.genesis),
        )

    def require_well(self) -> None:
        """Raises UserFacingError where nobody could pay what would be shown."""
        if self.network.link is Link.HALTED:
            raise UserFacingError(
                "This till's node has stopped.",
                next_step="Sell nothing here; call the operator, who sees the reason on the Node screen.",
            )
        self.faults.require_known()

    def start(self, *beside: Callable[[], Coroutine[None, None, None]]) -> None:
        """Begin to keep the connection, and what is to run beside it."""
        self._task = asyncio.create_task(self._run(beside), name="till")

    async def stop(self) -> None:
        """End everything, the book last. Raises what the till died of, if it did."""
        self.stopped = True
        self.changed()
        task, self._task = self._task, None
        try:
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        finally:
            await self.book.close()
            self.book.book.close()

    def changed(self) -> None:
        """A view would differ: wake whoever listens."""
        for wake in self._listeners:
            wake.set()

    @contextlib.contextmanager
    def listening(self) -> Iterator[asyncio.Event]:
        """An event that is set whenever a view would differ."""
        wake = asyncio.Event()
        self._listeners[wake] = None
        try:
            yield wake
        finally:
            del self._listeners[wake]

    async def refresh_money(self, client: RpcClient) -> None:
        """Read the settlement's records at the desk's tip. Raises as `read_money`."""
        merchant, currency = self.settings.merchant, self.settings.currency
        before = self.money
        self.money = await read_money(client, merchant, currency, self.desk.tip_height, self.desk.tip_time_s, before)
        self._money_ns = self.clock.monotonic_ns()
        if msgspec.structs.replace(self.money, height=0) != msgspec.structs.replace(before, height=0):
            self.changed()

    async def _run(self, beside: Sequence[Callable[[], Coroutine[None, None, None]]]) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for each in beside:
                    group.create_task(each(), name="beside the till")
                group.create_task(self.connection.keep(self._serve, self.desk.lost), name="till's connection")
                group.create_task(self._tick(), name="till's clock")
                group.create_task(self._keep_book(), name="till's book")
        except* StateMismatch as errors:
            self.halted_reason = _first(errors)
            self.changed()
        except* Exception as errors:
            # A bug of ours: the counter must not look alive when nobody watches its sales any more.
            self.halted_reason = _first(errors)
            self.changed()
            raise

    async def _serve(self, calls: RpcClient, events: RpcClient) -> None:
        await watch(self.desk, calls, events, queries(self.settings.merchant, self.key.public_key), self._errands)

    async def _errands(self, client: RpcClient) -> None:
        self.met.set()
        self.connection.succeeded()
        desk = self.desk
        # First what was shown: that it is served and watched waits for no book.
        shown, booked = (desk.publish_missing, desk.forget_dropped), (self._push, self._catch_up, *self.errands)
        for errand in (*shown, *booked, self._look_at_money):
            # A node that is busy for a moment is not lost, and a book that cannot be written closes the sales by
            # itself: neither holds up the next errand, and all are run again.
            with contextlib.suppress(RpcError, StoreError):
                await errand(client)

    async def _push(self, client: RpcClient) -> None:
        if len(self.outbox):
            await self.desk.push(client)

    async def _catch_up(self, client: RpcClient) -> None:
        now_ns = self.clock.monotonic_ns()
        if self.desk.behind and not self.book.passing and now_ns - self._catch_up_ns > CATCH_UP_PAUSE_NS:
            await self.desk.catch_up(client)
            self._catch_up_ns = self.clock.monotonic_ns()

    async def _look_at_money(self, client: RpcClient) -> None:
        aged_ns = self.clock.monotonic_ns() - self._money_ns
        if self.desk.tip_height > self.money.height and aged_ns > MONEY_PAUSE_NS:
            # A peer that began anew learns of the shop only on its way.
            await self.desk.read_names(client, self.desk.tip_height)
            await self.refresh_money(client)

    async def _keep_book(self) -> None:
        while True:
            await asyncio.sleep(MEND_S)
            if self.book.passing:
                await self.book.mend()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self.desk.tick()
            if self.faults.differ():
                self.changed()


def identity_of(settings: TillSettings, genesis: GenesisDoc, key: Key) -> Identity:
    """Whose desk it is. Raises UserFacingError where no QR code can carry its address."""
    host, _, port = (settings.link_address or settings.node).rpartition(":")
    try:
        format_link(host, int(port), link_id(bytes(32)))
    except MalformedLink as error:
        raise UserFacingError(
            f"No QR code can carry the till's address: {error}.",
            next_step="Give the till a shorter name in till.json (link_address).",
            exit_code=EXIT_USAGE,
        ) from error
    return Identity(genesis.chain_id, settings.merchant, key.public_key, host, int(port))


def _first(errors: BaseExceptionGroup[BaseException]) -> str:
    found: BaseException = errors
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return f"till: {found}" if isinstance(found, StateMismatch) else f"till: {type(found).__name__}"
