"""A till that says what a test prepared: the one thing that these tests fake, in the place of the wire."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import cache

import msgspec

from chainpos.core.checkout.keyed import keyed_amount
from chainpos.core.checkout.qr import qr_modules
from chainpos.core.values.amount import Amount, AmountError
from chainpos.errors import UserFacingError
from chainpos.till.bills import Bills
from chainpos.till.views import (
    Alarm,
    BlockRow,
    CounterView,
    LegView,
    Link,
    NetworkView,
    NodeView,
    PayoutParts,
    Qr,
    SaleState,
    SaleView,
    Sentence,
    SettlementView,
    ShopView,
    TransactionRow,
    UpstreamRow,
    ValidatorRow,
    WatchRow,
)
from tests.console.prepared_figures import NOON_NS, PARTS, SECOND, SETTLEMENT, cny
from tests.console.prepared_paper import PreparedItems, PreparedPaper, PreparedProofs
from tests.console.prepared_shift import PreparedShifts, PreparedStaff
from tests.console.prepared_shop import PreparedShop

LIFE_NS = 300 * SECOND
LINK = "HTTP://127.0.0.1:54321/P/"
PIN = "4711"
SHORT = Sentence(
    503, "wrong_amount",
    "The customer sent another amount than was asked for.", "顾客支付的金额与应收金额不符。",
    "Ask the customer to scan the code again.", "请顾客重新扫码。",
)  # fmt: skip


@cache
def qr_of(reference: str) -> Qr:
    text = LINK + (reference * 26)[:26].upper()
    return Qr(text, qr_modules(text))


def sale_of(
    reference: str, minor: int, state: SaleState = SaleState.WAITING, *, now_ns: int = NOON_NS, **more: object
) -> SaleView:
    """A sale as the till would show it; PAID ones have their block."""
    waiting = state in {SaleState.WAITING, SaleState.SEEN, SaleState.REFUSED}
    paid = state in {SaleState.PAID, SaleState.CONFIRMED, SaleState.PART_REFUNDED, SaleState.REFUNDED}
    view = SaleView(
        reference=reference,
        amount=cny(minor),
        state=state,
        created_ns=now_ns,
        expires_ns=now_ns + LIFE_NS,
        link=qr_of(reference).text,
        qr=qr_of(reference) if waiting else None,
        payer="3F2A 91C7" if paid else "",
        paid_ns=now_ns + 4 * SECOND if paid else 0,
        height=1_234 if paid else 0,
        tx_hash="5E1F" * 16 if paid else "",
        fee=cny(minor * 38 // 10_000) if paid else None,
        problem=SHORT if state is SaleState.REFUSED else None,
        money_state="pending" if paid else "",
    )
    return msgspec.structs.replace(view, **more)


def network_of(link: Link = Link.ONLINE, height: int = 1_234, **more: object) -> NetworkView:
    view = NetworkView(link=link, chain_id="pilot-1", known_height=height, target_height=height, tip_time_ns=NOON_NS)
    return msgspec.structs.replace(view, **more)


SHOP = ShopView(
    merchant="M0007", name_en="Old Wang Noodles", name_zh="老王面馆", till="till 1", currency="CNY", demo=True
)
NODE = NodeView(
    network=network_of(),
    moniker="wang-counter",
    mode="peer",
    version="0.1.0",
    app_hash="9B1D" * 16,
    verified_blocks=1_234,
    verified_signatures=4_936,
    mempool_transactions=3,
    mempool_bytes=1_420,
    store_bytes=18_400_000,
    blocks_per_minute=(3, 5, 8, 12, 9, 4, 2, 0, 1, 6, 11, 14, 18, 16, 12, 8, 9, 13, 17, 21, 15, 10, 7, 12),
    upstreams=(
        UpstreamRow("ws://127.0.0.1:26657", True, 1_234, "", NOON_NS, 2),
        UpstreamRow("ws://127.0.0.1:26667", False, 1_180, ""),
        UpstreamRow("ws://127.0.0.1:26677", True, 1_301, "wrong_app_hash", NOON_NS),
    ),
    validators=(
        ValidatorRow("A9F1 03C2 77", 10, True),
        ValidatorRow("03BE 5512 90", 10, True),
        ValidatorRow("7C40 EE81 1A", 10, False),
    ),
    alarms=(Alarm("upstream_dropped", "127.0.0.1:26677 wrong_app_hash", NOON_NS - 95 * SECOND),),
    watched=(
        WatchRow("alert", "9f31c07a2be46d10c88a5514", "four_in_ten_minutes", 1_230),
        WatchRow("frozen", "3f2a91c75d10aa42be9c0017", "Order 2026-17", 1_201),
        WatchRow("released", "0b77e1d2c3f4a5b6978812ab", "Order 2026-12", 1_102),
    ),
)
DAY = (
    sale_of("K7Q2", 1_250, SaleState.CONFIRMED, now_ns=NOON_NS - 60 * SECOND),
    sale_of("H3ZD", 128_800, SaleState.PART_REFUNDED, now_ns=NOON_NS - 420 * SECOND, refunded=cny(8_800)),
    sale_of("B9XM", 4_600, SaleState.EXPIRED, now_ns=NOON_NS - 900 * SECOND),
    sale_of("T5RW", 3_300, SaleState.REFUSED, now_ns=NOON_NS - 1_300 * SECOND),
    sale_of("C2LP", 99, SaleState.PAID, now_ns=NOON_NS - 1_900 * SECOND),
)


def block_of(height: int) -> BlockRow:
    time_ns = NOON_NS - (1_234 - height) * 3 * SECOND
    return BlockRow(height, f"{height:08X}" * 8, time_ns, height % 3, "A9F10", "9B1D" * 16)


def transactions_of(height: int) -> tuple[TransactionRow, ...]:
    legs = (
        LegView("customer 3F2A 91C7 @ Harbour Bank", -1_250, "CNY"),
        LegView("merchant M0007 pending", 1_245, "CNY"),
        LegView("fees of Harbour Bank", 5, "CNY"),
    )
    paid = TransactionRow(
        hash=f"{height:06X}01" * 8, height=height, index=0, kind="payments.pay", code=0, amount=cny(1_250),
        summary="K7Q2 → 老王面馆", legs=legs,
        events=(("paid", (("reference", "K7Q2"), ("merchant", "M0007"), ("amount", "1250"))),),
    )  # fmt: skip
    refused = TransactionRow(
        hash=f"{height:06X}02" * 8, height=height, index=1, kind="payments.pay", code=503, problem=SHORT
    )
    return (paid, refused)[: height % 3]


class PreparedTill:
    """Answers at once. `push` is what the ledger would do; `asked` is what the screens asked for."""

    def __init__(self, *, now_ns: int = NOON_NS, recent: tuple[SaleView, ...] = DAY[:4]) -> None:
        self.time_ns = now_ns
        self.view = CounterView(shop=SHOP, network=network_of(), recent=recent)
        self.book: tuple[SaleView, ...] = DAY
        self.asked: list[tuple[object, ...]] = []
        # What a sale that somebody cancels becomes.
        self.cancel_ends_as = SaleState.CANCELLED
        self.paper = PreparedPaper(self.asked)
        self.proofs = PreparedProofs(self)
        self.items = PreparedItems()
        self.node_view, self.settlement_view = NODE, SETTLEMENT
        self.transactions_at: dict[int, tuple[TransactionRow, ...]] = {}
        self.height = 1_234
        self.refuse_next: UserFacingError | None = None
        self.refuse_code: UserFacingError | None = None
        self._changed = asyncio.Event()
        self._stopped = False
        self.staff = PreparedStaff(lambda view: self.push(staff=view))
        self.shifts = PreparedShifts(lambda number: self.push(shift=number))
        self._made = 0
        self._shop: PreparedShop | None = None

    @property
    def shop(self) -> PreparedShop:
        """The book behind the bills, from the moment it is asked for."""
        if self._shop is None:
            self._shop = PreparedShop(self.time_ns, self._in_hand, self._bill_changed)
        return self._shop

    @property
    def bills(self) -> Bills:
        return self.shop.bills

    def _in_hand(self, sale: SaleView | None) -> None:
        shown = sale and sale_of(sale.reference, sale.amount.minor, now_ns=self.time_ns)
        self.push(sale=shown, recent=(*([shown] if shown else []), *self.view.recent)[:8])

    def _bill_changed(self) -> None:
        self.push(bill=self.bills.view(), held=self.bills.held(), taken=self.bills.taken)

    def now_ns(self) -> int:
        return self.time_ns

    # -- what the ledger does

    def push(self, **changes: object) -> None:
        self.view = msgspec.structs.replace(self.view, **changes)
        self._changed.set()

    def move_sale(self, state: SaleState, **more: object) -> None:
        """The sale in hand goes on to a state, as the ledger would make it."""
        sale = self.view.sale
        if sale is None:
            raise RuntimeError("no sale in hand")
        moved = sale_of(sale.reference, sale.amount.minor, state, now_ns=sale.created_ns, **more)
        recent = (moved, *(each for each in self.view.recent if each.reference != sale.reference))
        self.push(sale=moved, recent=recent[:8])
        if self._shop is not None:
            self._shop.moved(sale.reference, state, moved.paid_ns)

    # -- TillUseCases

    async def start(self) -> None:
        self.asked.append(("start",))

    async def stop(self) -> None:
        self._stopped = True
        self._changed.set()
        if self._shop is not None:
            await self._shop.close()

    def counter(self) -> CounterView:
        return self.view

    async def changes(self) -> AsyncIterator[CounterView]:
        while not self._stopped:
            await self._changed.wait()
            self._changed.clear()
            yield self.view

    def _refuse(self) -> None:
        error, self.refuse_next = self.refuse_next, None
        if error is not None:
            raise error

    async def request(self, amount: Amount, memo: str = "") -> SaleView:  # noqa: ARG002 (the protocol's signature)
        self.asked.append(("request", amount))
        self._refuse()
        self._made += 1
        sale = sale_of(f"N{self._made:03d}", amount.minor, now_ns=self.time_ns)
        self.push(sale=sale, recent=(sale, *self.view.recent)[:8])
        return sale

    async def cancel(self, reference: str) -> SaleView:
        self.asked.append(("cancel", reference))
        self._refuse()
        self.move_sale(self.cancel_ends_as)
        if self.view.sale is None:
            raise RuntimeError("no sale in hand")
        return self.view.sale

    def check_code(self, code_text: str, amount: Amount) -> None:
        self.asked.append(("check", code_text, amount))
        error, self.refuse_code = self.refuse_code, None
        if error is not None:
            raise error

    async def charge(self, code_text: str, amount: Amount) -> SaleView:
        self.asked.append(("charge", code_text, amount))
        self._refuse()
        sale = sale_of("S001", amount.minor, SaleState.SEEN, now_ns=self.time_ns)
        self.push(sale=sale)
        return sale

    async def dismiss(self) -> None:
        self.asked.append(("dismiss",))
        self.push(sale=None)
        if self._shop is not None:
            self._shop.hand = None
            await self.bills.leave()

    def parse_keyed(self, digits: str) -> Amount:
        try:
            return keyed_amount(digits, "CNY")
        except AmountError as error:
            raise UserFacingError(f"{error}.", next_step="Key it again.") from error

    async def sales(self, search: str = "", *, limit: int = 500) -> tuple[SaleView, ...]:
        found = [
            each
            for each in self.book
            if search.lower() in each.reference.lower() or search in str(each.amount.minor) or not search
        ]
        return tuple(found[:limit])

    async def refund(
        self, reference: str, amount: Amount, *, pin: str, typed_amount: str, reason: str = ""
    ) -> SaleView:
        self.asked.append(("refund", reference, amount, pin, typed_amount, *([reason] if reason else [])))
        self._refuse()
        if pin != PIN:
            raise UserFacingError("The PIN is wrong.", next_step="Try again.")
        sale = next(each for each in self.book if each.reference == reference)
        done = msgspec.structs.replace(sale, state=SaleState.PART_REFUNDED, refunded=amount)
        self.book = tuple(done if each.reference == reference else each for each in self.book)
        return done

    async def settlement(self) -> SettlementView:
        self._refuse()
        return self.settlement_view

    async def payout_parts(self, number: int) -> PayoutParts:
        self.asked.append(("payout_parts", number))
        self._refuse()
        return msgspec.structs.replace(PARTS, number=number)

    async def request_payout(self, amount: Amount) -> SettlementView:
        self.asked.append(("payout", amount))
        self._refuse()
        return self.settlement_view

    async def node(self) -> NodeView:
        return self.node_view

    async def blocks(self, *, before: int = 0, limit: int = 100) -> tuple[BlockRow, ...]:
        top = before - 1 if before else self.height
        return tuple(block_of(height) for height in range(top, max(top - limit, 0), -1))

    async def transactions(self, height: int) -> tuple[TransactionRow, ...]:
        return self.transactions_at.get(height) or transactions_of(height)

    def sentence(self, code: int) -> Sentence:  # noqa: ARG002 (the protocol's signature)
        return SHORT
