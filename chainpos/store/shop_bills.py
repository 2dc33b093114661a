"""Bills in the shop's book: what was rung up, its lines as they were priced, and the tenders that pay for it.

A bill is complete when its received tenders come to what it charges. It refuses to rewrite the lines of a bill that
money came in for: they are written when its payment begins, and stand.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from chainpos.core.checkout.cart import Cart, CartTotals
from chainpos.store.shop import AgainstTheBook, ShopBook

# A bill's states.
RINGING: Final = "ringing"  # in hand: lines come and go
HELD: Final = "held"  # parked, to be taken back
PAYING: Final = "paying"  # its lines stand; tenders are awaited
COMPLETE: Final = "complete"  # all of it was received
VOID: Final = "void"  # given up; nothing of it is kept

# A tender's kinds. Only the first is money on the ledger.
LEDGER: Final = "ledger"
CASH: Final = "cash"
CARD: Final = "card"
VOUCHER: Final = "voucher"
BESIDE_LEDGER: Final = (CASH, CARD, VOUCHER)

# A tender's states.
WAITING: Final = "waiting"
RECEIVED: Final = "received"
RETURNED: Final = "returned"
LAPSED: Final = "lapsed"

MAX_ROWS: Final = 10_000


class BillRow(msgspec.Struct, frozen=True, kw_only=True):
    """One bill. `cart` is the cart as JSON; the amounts are its totals, `charged_minor` being `due_minor` and the tip.

    `tax_minor` is contained in `due_minor`; `discount_minor` is all discounts of lines and of the whole; `ledger_minor`
    is how much of a complete bill was paid on the ledger.
    """

    number: int
    reference: str
    state: str
    cart: bytes
    currency: str
    items: int = 0
    gross_minor: int = 0
    discount_minor: int = 0
    tax_minor: int = 0
    due_minor: int = 0
    tip_minor: int = 0
    charged_minor: int = 0
    created_ns: int
    changed_ns: int
    closed_ns: int = 0
    ledger_minor: int = 0


class BillLineRow(msgspec.Struct, frozen=True, kw_only=True):
    """A line as it was priced: `quantity` in thousandths, `due_minor` what it costs in all, tax and discounts done."""

    bill: int
    position: int
    sku: str
    name_en: str
    name_zh: str
    unit_minor: int
    quantity: int
    weighed: bool
    open_price: bool
    tax_rate_ppm: int
    tax_included: bool
    gross_minor: int
    discount_minor: int
    share_minor: int
    tax_minor: int
    due_minor: int


class TenderRow(msgspec.Struct, frozen=True, kw_only=True):
    """One part that pays for a bill. `amount_minor` is what counts towards it.

    Cash: `given_minor` was handed over and `change_minor` handed back. Ledger: `sale` is the number of its sale.
    `staff` is who took it.
    """

    id: int = 0
    bill: int
    kind: str
    amount_minor: int
    currency: str
    state: str
    given_minor: int = 0
    change_minor: int = 0
    sale: int = 0
    note: str = ""
    created_ns: int
    received_ns: int = 0
    returned_ns: int = 0
    staff: str = ""


_BILL_COLUMNS: Final = BillRow.__struct_fields__
_LINE_COLUMNS: Final = BillLineRow.__struct_fields__
_PUT_BILL: Final = (
    f"INSERT INTO bills ({', '.join(_BILL_COLUMNS)}) VALUES ({', '.join('?' * len(_BILL_COLUMNS))}) "  # noqa: S608
    f"ON CONFLICT (number) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _BILL_COLUMNS[1:])}"
)
_PUT_LINE: Final = f"INSERT INTO bill_lines ({', '.join(_LINE_COLUMNS)}) VALUES ({', '.join('?' * len(_LINE_COLUMNS))})"  # noqa: S608


class ShopBills:
    """The bills of one open book. Each call is one transaction, durable when it returns."""

    def __init__(self, book: ShopBook) -> None:
        self.book = book

    def next_number(self) -> int:
        """The number for the next bill."""
        return self._count("SELECT max(number) AS n FROM bills", []) + 1

    def put(self, bill: BillRow) -> None:
        """Write a bill as it now is. Raises AgainstTheBook for one that is closed already."""
        with self.book.writing() as db:
            if self._count("SELECT count(*) AS n FROM bills WHERE number = ? AND closed_ns > 0", [bill.number]):
                raise AgainstTheBook("a closed bill is not rewritten")
            db.execute(_PUT_BILL, list(msgspec.structs.astuple(bill)))

    def put_lines(self, bill: BillRow, cart: Cart, totals: CartTotals) -> None:
        """Write a bill and its lines as they are charged.

        Raises AgainstTheBook where money came in for them already.
        """
        with self.book.writing() as db:
            if any(tender.state == RECEIVED for tender in self.tenders(bill.number)):
                raise AgainstTheBook("lines that were paid for are not rewritten")
            self.put(bill)
            db.execute("DELETE FROM bill_lines WHERE bill = ?", [bill.number])
            db.conn.executemany(_PUT_LINE, [msgspec.structs.astuple(row) for row in _lines(bill, cart, totals)])

    def add_tender(self, tender: TenderRow) -> int:
        """Write a new tender; its ID."""
        values = msgspec.structs.asdict(tender)
        del values["id"]
        with self.book.writing() as db:
            db["tenders"].insert(values)
            return self._count("SELECT last_insert_rowid() AS n", [])

    def end_tender(self, tender: int, state: str, at_ns: int) -> None:
        """Note that a tender was received, returned or lapsed."""
        column = {RECEIVED: "received_ns", RETURNED: "returned_ns"}.get(state)
        also = f", {column} = ?" if column else ""
        with self.book.writing() as db:
            db.execute(
                f"UPDATE tenders SET state = ?{also} WHERE id = ?",  # noqa: S608 - no outside text
                [state, *([at_ns] if column else []), tender],
            )

    def bill(self, number: int) -> BillRow | None:
        """The bill with this number."""
        found = self.book.rows("SELECT * FROM bills WHERE number = ?", [number], BillRow)
        return found[0] if found else None

    def bill_named(self, reference: str) -> BillRow | None:
        """The bill with this reference."""
        sql = "SELECT * FROM bills WHERE reference = ?"
        found = self.book.rows(sql, [reference], BillRow) if reference.isascii() else []
        return found[0] if found else None

    def bill_of_sale(self, sale: int) -> BillRow | None:
        """The bill that a sale on the ledger, by its number, pays for; None for one of the keypad."""
        sql = "SELECT * FROM bills WHERE number = (SELECT bill FROM tenders WHERE sale = ? AND sale > 0)"
        found = self.book.rows(sql, [sale], BillRow)
        return found[0] if found else None

    def open_bills(self) -> list[BillRow]:
        """Those in hand, held or being paid, and closed ones with a part still awaited; oldest first."""
        sql = (
            "SELECT * FROM bills WHERE number IN (SELECT number FROM bills WHERE closed_ns = 0 "
            "UNION SELECT bill FROM tenders WHERE state = 'waiting') ORDER BY number LIMIT ?"
        )
        return self.book.rows(sql, [MAX_ROWS], BillRow)

    def beside_ledger(self, *, limit: int = 500) -> list[BillRow]:
        """Complete bills of which nothing was paid on the ledger, newest first."""
        sql = "SELECT * FROM bills WHERE state = 'complete' AND ledger_minor = 0 ORDER BY closed_ns DESC LIMIT ?"
        return self.book.rows(sql, [min(limit, MAX_ROWS)], BillRow)

    def lines(self, bill: int) -> list[BillLineRow]:
        """A bill's lines as they were charged."""
        return self.book.rows("SELECT * FROM bill_lines WHERE bill = ? ORDER BY position", [bill], BillLineRow)

    def tenders(self, bill: int) -> list[TenderRow]:
        """A bill's tenders, in the order in which they were begun."""
        return self.book.rows("SELECT * FROM tenders WHERE bill = ? ORDER BY id", [bill], TenderRow)

    def received_minor(self, bill: int) -> int:
        """What ever came in for a bill but for what was given back, beside the ledger, before it was complete."""
        sql = (
            "SELECT coalesce(sum(amount_minor), 0) AS n FROM tenders "
            "WHERE bill = ? AND (state = 'received' OR (state = 'returned' AND kind = 'ledger'))"
        )
        return self._count(sql, [bill])

    def _count(self, sql: str, values: Sequence[object]) -> int:
        return self.book.rows(sql, values, _Count)[0].n or 0


class _Count(msgspec.Struct, frozen=True):
    n: int | None


def _lines(bill: BillRow, cart: Cart, totals: CartTotals) -> list[BillLineRow]:
    return [
        BillLineRow(
            bill=bill.number,
            position=position,
            sku=line.sku,
            name_en=line.name_en,
            name_zh=line.name_zh,
            unit_minor=line.unit_minor,
            quantity=line.quantity,
            weighed=line.weighed,
            open_price=line.open_price,
            tax_rate_ppm=line.tax.rate_ppm,
            tax_included=line.tax.included,
            gross_minor=priced.gross_minor,
            discount_minor=priced.discount_minor,
            share_minor=priced.share_minor,
            tax_minor=priced.tax_minor,
            due_minor=priced.due_minor,
        )
        for position, (line, priced) in enumerate(zip(cart.lines, totals.lines, strict=True))
    ]
