"""Ringing up: articles found and scanned, lines, quantities, discounts and tips, and taking the last change back.

It refuses to change a bill whose payment has begun.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

from chainpos.core.checkout.cart import THOUSANDTHS, Cart, CartError, Line
from chainpos.core.values.amount import Amount
from chainpos.core.values.text import clean
from chainpos.errors import StoreError, UserFacingError
from chainpos.till.bill_desk import BillDesk
from chainpos.till.bill_input import discount_of, quantity_of, refused, tip_of
from chainpos.till.bill_views import ArticleView, article_view
from chainpos.till.catalogue import line_of
from chainpos.till.open_bill import OpenBill, begun
from chainpos.till.sales import reference_for
from chainpos.till.whole import whole

KEYED_EN: Final = "Keyed amount"
KEYED_ZH: Final = "自定金额"


class Ringing(BillDesk):
    """What goes on a bill."""

    # -- articles

    async def make_ready(self) -> None:
        """Build the catalogue's index before anybody types: later it would hold up keys for a second."""
        with contextlib.suppress(StoreError):
            await asyncio.to_thread(self.catalogue.stored.index)

    async def find(self, text: str, limit: int = 50) -> tuple[ArticleView, ...]:
        """Articles by name, pinyin initials, sku or bar code, the best first; nothing asked: the favourites."""
        found = await asyncio.to_thread(self.catalogue.find, text, limit)
        return tuple(article_view(row) for row in found)

    async def scanned(self, code: str) -> ArticleView | None:
        """The article with this bar code or sku."""
        row = await self._run.book.call(lambda: self.catalogue.scanned(code))
        return article_view(row) if row is not None else None

    # -- ringing up

    async def add(self, sku: str, quantity: str = "1", price: str = "") -> None:
        """So much of an article on the bill in hand, which begins if there is none."""
        row = await self._run.book.call(lambda: self.catalogue.stored.by_sku(sku))
        if row is None:
            raise UserFacingError(f"There is no article {clean(sku)!r}.", next_step="Look for it by name with /.")
        amount = self._keyed(price) if price else None
        thousandths = quantity_of(quantity)

        def line(cart: Cart) -> Cart:
            return cart.with_line(line_of(row, thousandths, amount.minor if amount is not None else None))

        await self._change(line)

    async def add_amount(self, amount: Amount) -> None:
        """A line for an amount without an article."""
        line = Line(sku="", name_en=KEYED_EN, name_zh=KEYED_ZH, unit_minor=amount.minor, open_price=True)
        await self._change(lambda cart: cart.with_line(line))

    async def set_quantity(self, at: int, quantity: str) -> None:
        """Another quantity in a line, as typed."""
        thousandths = quantity_of(quantity)

        def counted(cart: Cart) -> Cart:
            if 0 <= at < len(cart.lines) and not cart.lines[at].weighed and thousandths % THOUSANDTHS:
                raise CartError("quantity", "this article is sold by the piece")
            return cart.with_quantity(at, thousandths)

        await self._change(counted)

    async def step_quantity(self, at: int, by: int) -> None:
        """So many pieces more or less in a line; never under one."""

        def stepped(cart: Cart) -> Cart:
            if not 0 <= at < len(cart.lines):
                raise CartError("line", "the cart has no such line")
            return cart.with_quantity(at, max(cart.lines[at].quantity + by * THOUSANDTHS, THOUSANDTHS))

        await self._change(stepped)

    async def remove(self, at: int) -> None:
        """A line less."""
        await self._change(lambda cart: cart.without_line(at))

    async def discount(self, text: str, at: int | None = None) -> None:
        """A discount as typed on a line, or on the whole."""
        less = discount_of(text, self._run.settings.currency)
        await self._change(lambda cart: cart.with_discount(less) if at is None else cart.with_line_discount(at, less))

    async def tip(self, text: str) -> None:
        """A tip as typed."""

        def tipped(cart: Cart) -> Cart:
            return cart.with_tip(tip_of(text, cart.currency, cart.totals().due.minor))

        await self._change(tipped)

    @whole
    async def undo(self) -> None:
        """As before the last change."""
        self._require_seller()
        async with self._alone():
            bill = self._require_changeable(self._hand)
            if not bill.undone:
                raise UserFacingError("There is nothing to take back.", next_step="Go on with the bill.")
            cart = bill.undone[-1]
            row = bill.with_cart(cart, self._run.clock.now_ns())
            await self._write(bill, row)
            # Only now: what could not be written can be taken back once more.
            del bill.undone[-1]
            bill.take_cart(row, cart, undo=True)
            self._run.changed()

    # -- the rest

    @whole
    async def _change(self, change: Callable[[Cart], Cart]) -> None:
        self._require_seller()
        async with self._alone():
            self._run.book.require_sound()
            bill = self._hand
            if bill is None or bill.closed:
                bill = await self._begun()
            self._require_changeable(bill)
            try:
                cart = change(bill.cart)
                row = bill.with_cart(cart, self._run.clock.now_ns())
            except CartError as error:
                raise refused(error) from error
            await self._write(bill, row, hand=bill.number)
            bill.take_cart(row, cart)
            self._hand = self._open[bill.number] = bill
        # A code that ended without money gives way to the lines.
        await self._selling.put_sale_away()
        self._run.changed()

    async def _begun(self) -> OpenBill:
        run = self._run
        number, now_ns = await run.book.call(self.stored.next_number), run.clock.now_ns()
        day, _, tail = reference_for(number, run.key.address, now_ns, run.utc_offset_s).rpartition("-")
        return begun(number, f"{day}-B{tail}", self.catalogue.empty_cart(), now_ns)

    def _keyed(self, text: str) -> Amount:
        return Amount(discount_of(text, self._run.settings.currency).minor, self._run.settings.currency)
