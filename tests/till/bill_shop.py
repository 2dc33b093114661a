"""Bills on a real book without a network: `BillShop` is what they need of a till, and the customer who pays or not."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec

from chainpos.core.checkout.matching import SaleState
from chainpos.core.values.amount import Amount
from chainpos.errors import UserFacingError
from chainpos.store.shop import Fact, SaleRow, ShopBook
from chainpos.store.shop_catalogue import ArticleRow
from chainpos.till.bill_desk import Also
from chainpos.till.bills import Bills
from chainpos.till.book_thread import BookThread
from chainpos.till.catalogue_file import with_pinyin
from chainpos.till.running import RunningTill
from chainpos.till.sale_views import row_view
from chainpos.till.settlement import NOTHING_KNOWN
from chainpos.till.staff import StaffDesk
from chainpos.till.views import SaleView

PIN = "4711"
NOON_NS = 1_772_431_407 * 10**9
LIFE_NS = 300 * 10**9


def article(sku: str, price: int, **more: object) -> ArticleRow:
    row = ArticleRow(
        sku=sku, name_en=sku.title(), name_zh="货", price_minor=price, currency="CNY", tax_rate_ppm=130_000
    )
    return msgspec.structs.replace(row, **more)


ARTICLES = tuple(
    with_pinyin(each)
    for each in (
        article("tea", 1_200, barcode="6901234567892", name_en="Jasmine tea", name_zh="茉莉花茶", favourite=True),
        article(
            "soup", 2_550, barcode="6909876543210", name_en="Beef noodle soup", name_zh="牛肉面", tax_rate_ppm=60_000
        ),
        article("rice", 600, barcode="96385074", name_en="Bowl of rice", name_zh="米饭", tax_included=False),
        article("bun", 300, barcode="6900000000007", name_en="Steamed bun", name_zh="包子", favourite=True),
        article("egg", 250, barcode="6900000000014", name_en="Tea egg", name_zh="茶叶蛋"),
        article("prawn", 8_800, name_en="Fresh prawns", name_zh="鲜虾", unit="kg"),
        article("gift", 0, name_en="Gift wrap", name_zh="礼品包装", open_price=True),
    )
)


async def _approved(_: object, pin: str) -> str:
    if pin != PIN:
        raise UserFacingError("The PIN is wrong.", next_step="Type the PIN again.")
    return "Wang"


class BillShop:
    """One shop's book with `Bills` on it. `pay`, `cancel` and `expire` are what the ledger says of a sale."""

    def __init__(self, folder: Path, *, now_ns: int = NOON_NS) -> None:
        self.book = BookThread(ShopBook.open(folder / "shop.db"))
        self.time_ns = now_ns
        self.hand: SaleRow | None = None
        self.changes = 0
        self.rows: dict[int, SaleRow] = {}
        self.run = SimpleNamespace(
            book=self.book,
            settings=SimpleNamespace(currency="CNY"),
            clock=SimpleNamespace(now_ns=self.now_ns),
            key=SimpleNamespace(address=bytes(20)),
            utc_offset_s=8 * 3600,
            desk=SimpleNamespace(current=lambda row: self.rows.get(row.number, row)),
            changed=self.changed,
        )
        self.staff = cast(StaffDesk, SimpleNamespace(require=lambda _: "Mei", name="Mei", approved=_approved))
        self.bills = Bills(cast(RunningTill, self.run), self)
        if not self.bills.catalogue.stored.articles():
            self.bills.catalogue.stored.put(ARTICLES)
        self.bills.start()

    def now_ns(self) -> int:
        return self.time_ns

    def changed(self) -> None:
        self.changes += 1

    async def close(self) -> None:
        await self.book.close()
        self.book.book.close()

    # -- Selling

    async def authorise(self) -> str:
        return "Mei"

    async def sell(self, amount: Amount, memo: str, also: Also) -> SaleView:
        return await self._new(amount, memo, "link", also)

    async def charge_for(self, code_text: str, amount: Amount, memo: str, also: Also) -> SaleView:
        del code_text
        return await self._new(amount, memo, "code", also)

    async def _new(self, amount: Amount, memo: str, presented: str, also: Also) -> SaleView:
        number = self.book.book.next_number()
        row = SaleRow(
            number=number, reference=f"260302-AA-{number:04d}", request_id=hashlib.sha256(b"%d" % number).digest(),
            request=b"request", signature=bytes(64), presented=presented, amount_minor=amount.minor,
            currency=amount.currency, memo=memo, created_ns=self.time_ns, expires_ns=self.time_ns + LIFE_NS,
            state=SaleState.WAITING.value,
        )  # fmt: skip

        def write() -> None:
            with self.book.book.writing():
                self.book.book.add_sale(row, Fact("requested", self.time_ns))
                also(row)

        await self.book.call(write)
        self.hand = self.rows[number] = row
        return row_view(row, NOTHING_KNOWN)

    async def put_sale_away(self) -> None:
        self.hand = None

    def resume_sale(self, number: int) -> None:
        self.hand = self.rows.get(number)

    # -- the ledger

    async def becomes(self, number: int, state: SaleState, *, final: bool = True, **more: Any) -> None:
        row = msgspec.structs.replace(self.rows[number], state=state.value, watched=not final, **more)
        self.rows[number] = row
        if self.hand is not None and self.hand.number == number:
            self.hand = row
        self.bills.follow(row)
        await self.book.call(lambda: self.book.book.update_sale(row, Fact(state.value, self.time_ns)))

    async def pay(self, number: int) -> None:
        await self.becomes(number, SaleState.CONFIRMED, height=7, paid_ns=self.time_ns)
