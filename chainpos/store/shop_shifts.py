"""Staff and shifts in the shop's book: who works here, what each shift began and ended with, cash in and out of it.

It refuses a second open shift, and to rewrite a closed one but for how its report came onto the ledger.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from chainpos.store.shop import AgainstTheBook, OutboxRow, SaleRow, ShopBook
from chainpos.store.shop_bills import TenderRow

MAX_ROWS: Final = 100_000
# By which rows a shift's number comes to what it counted, in the order of `Counted`.
_CLAIMS: Final = (
    "UPDATE tenders SET received_in = ? WHERE id = ?",
    "UPDATE tenders SET returned_in = ? WHERE id = ?",
    "UPDATE bills SET counted_in = ? WHERE number = ?",
    "UPDATE returns SET counted_in = ? WHERE id = ?",
    "UPDATE outbox SET counted_in = ? WHERE tx_hash = ?",
)
_PUT_TAX_BACK: Final = (
    "INSERT INTO tax_back (refund, bill, rate_ppm, due_minor, tax_minor, counted_in) VALUES (?, ?, ?, ?, ?, ?)"
)
OPEN_STATES: Final = ("waiting", "seen", "proved", "refused", "expired", "cancelled")


class StaffRow(msgspec.Struct, frozen=True):
    """Somebody who works at this till; `role` is "cashier", "manager", "support" or "operator"."""

    name: str
    role: str
    added_ns: int


class ShiftRow(msgspec.Struct, frozen=True, kw_only=True):
    """One shift. On the ledger it counts what came after `from_height`, of the requests those after number `from_sale`.

    Both are where the shift before ended, so that nothing falls between two shifts; beside the ledger it counts what
    none before it counted. No clock says what is in a shift. `closed_ns` is 0 while it is open; then `document` and
    `signature` are its Z report's. `anchor_tx` is the transaction that records its hash, `anchor_height` the block that
    has it, 0 while none is known.
    """

    number: int
    currency: str
    opened_ns: int
    opened_by: str
    float_minor: int
    from_sale: int
    from_height: int
    closed_ns: int = 0
    closed_by: str = ""
    to_sale: int = 0
    to_height: int = 0
    document: bytes = b""
    signature: bytes = b""
    anchor_tx: bytes = b""
    anchor_height: int = 0


class DrawerRow(msgspec.Struct, frozen=True, kw_only=True):
    """Cash put in or taken out by hand. `kind` is "in" or "out"."""

    id: int = 0
    shift: int
    at_ns: int
    kind: str
    amount_minor: int
    reason: str
    staff: str


class Counted(NamedTuple):
    """What a report counted beside the ledger: tenders that came in, those given back before their bill was complete,
    complete bills, what was given back of those, and charges that came to nothing of codes accepted offline."""

    received: tuple[int, ...] = ()
    returned: tuple[int, ...] = ()
    bills: tuple[int, ...] = ()
    returns: tuple[int, ...] = ()
    codes: tuple[bytes, ...] = ()


class LostRow(msgspec.Struct, frozen=True):
    """A code accepted offline that brought no money: the charge's hash, the sale and what it was of."""

    tx_hash: bytes
    reference: str
    amount_minor: int


class TaxRow(msgspec.Struct, frozen=True):
    """What was charged at one rate (millionths), tax included, and the tax in it."""

    rate_ppm: int
    due_minor: int
    tax_minor: int


class TaxBackRow(msgspec.Struct, frozen=True):
    """What of a bill a refund gave back at one rate (millionths; -1 without tax), tax included, and the tax in it.

    `refund` is its name: the same for as long as it is known. Below zero it takes back what a report told too much.
    """

    refund: str
    bill: int
    rate_ppm: int
    due_minor: int
    tax_minor: int


class _Number(msgspec.Struct, frozen=True):
    number: int


class _Named(msgspec.Struct, frozen=True):
    number: int
    reference: str


class ShopShifts:
    """Staff and shifts of one open book. Each call is one transaction, durable when it returns."""

    def __init__(self, book: ShopBook) -> None:
        self.book = book

    # -- staff

    def staff(self) -> list[StaffRow]:
        """Everybody, in the order in which they were added."""
        return self.book.rows("SELECT * FROM staff ORDER BY added_ns, name", [], StaffRow)

    def add_staff(self, row: StaffRow) -> None:
        """Write a new member. Raises StoreError for a name that is there already."""
        with self.book.writing() as db:
            db["staff"].insert(msgspec.structs.asdict(row))

    def change_role(self, name: str, role: str) -> None:
        """Write a member's new role."""
        with self.book.writing() as db:
            db["staff"].update(name, {"role": role})

    def remove_staff(self, name: str) -> None:
        """Take a member out; what they did keeps their name."""
        with self.book.writing() as db:
            db.execute("DELETE FROM staff WHERE name = ?", [name])

    # -- shifts

    def open_shift(self) -> ShiftRow | None:
        """The shift that is open."""
        found = self.book.rows("SELECT * FROM shifts WHERE closed_ns = 0", [], ShiftRow)
        return found[0] if found else None

    def begin(self, shift: ShiftRow) -> None:
        """Write a new shift. Raises StoreError while another is open."""
        with self.book.writing() as db:
            db["shifts"].insert(msgspec.structs.asdict(shift))

    def end(
        self,
        shift: ShiftRow,
        counted: Counted = Counted(),  # noqa: B008 - it is immutable
        tax_back: Sequence[TaxBackRow] = (),
    ) -> None:
        """Write how an open shift ended and what it counted, which no later one counts.

        Raises AgainstTheBook where it is closed already.
        """
        changed = ("closed_ns", "closed_by", "to_sale", "to_height", "document", "signature")
        with self.book.writing() as db:
            present = self.open_shift()
            if present is None or present.number != shift.number:
                raise AgainstTheBook(f"shift {shift.number} is not open")
            db["shifts"].update(shift.number, {name: getattr(shift, name) for name in changed})
            for sql, keys in zip(_CLAIMS, counted, strict=True):
                db.conn.executemany(sql, [(shift.number, key) for key in keys])
            db.conn.executemany(_PUT_TAX_BACK, [(*msgspec.structs.astuple(row), shift.number) for row in tax_back])

    def anchoring(self, number: int, tx_hash: bytes, height: int = 0) -> None:
        """Note by which transaction a closed shift's hash goes onto the ledger, and at last in which block it is."""
        with self.book.writing() as db:
            db["shifts"].update(number, {"anchor_tx": tx_hash, "anchor_height": height})

    def shift(self, number: int) -> ShiftRow | None:
        """The shift with this number."""
        found = self.book.rows("SELECT * FROM shifts WHERE number = ?", [number], ShiftRow)
        return found[0] if found else None

    def shifts(self, *, limit: int = 100) -> list[ShiftRow]:
        """Closed shifts, newest first."""
        sql = "SELECT * FROM shifts WHERE closed_ns > 0 ORDER BY number DESC LIMIT ?"
        return self.book.rows(sql, [limit], ShiftRow)

    def closed_numbers(self, *, limit: int = 1_000) -> tuple[int, ...]:
        """Of closed shifts, newest first; without their reports, which are long."""
        sql = "SELECT number FROM shifts WHERE closed_ns > 0 ORDER BY number DESC LIMIT ?"
        return tuple(row.number for row in self.book.rows(sql, [limit], _Number))

    def to_anchor(self) -> ShiftRow | None:
        """The oldest closed shift whose hash is not known to be on the ledger."""
        sql = "SELECT * FROM shifts WHERE closed_ns > 0 AND anchor_height = 0 ORDER BY number LIMIT 1"
        found = self.book.rows(sql, [], ShiftRow)
        return found[0] if found else None

    # -- what happened in one

    def draw(self, row: DrawerRow) -> None:
        """Write cash in or out."""
        values = msgspec.structs.asdict(row)
        del values["id"]
        with self.book.writing() as db:
            db["drawer"].insert(values)

    def drawn(self, shift: int) -> list[DrawerRow]:
        """Cash in and out of a shift, in that order."""
        return self.book.rows("SELECT * FROM drawer WHERE shift = ? ORDER BY id LIMIT ?", [shift, MAX_ROWS], DrawerRow)

    def paid_between(self, after_height: int, to_height: int) -> list[SaleRow]:
        """Sales that were paid after one block, up to and with another."""
        sql = "SELECT * FROM sales WHERE height > ? AND height <= ? ORDER BY height, number LIMIT ?"
        return self.book.rows(sql, [after_height, to_height, MAX_ROWS], SaleRow)

    def sent_between(self, kind: str, after_height: int, to_height: int) -> list[OutboxRow]:
        """What this till sent of a kind that was recorded after one block, up to and with another."""
        sql = "SELECT * FROM outbox WHERE kind = ? AND state = 'done' AND height > ? AND height <= ? ORDER BY height"
        return self.book.rows(sql, [kind, after_height, to_height], OutboxRow)

    def known_height(self, kind: str) -> int:
        """The highest block that the book knows a payment of, or something sent of a kind."""
        paid = "SELECT coalesce(max(height), 0) AS number FROM sales WHERE height > 0"
        sent = "SELECT coalesce(max(height), 0) AS number FROM outbox WHERE height > 0 AND kind = ?"
        return max(self.book.rows(paid, [], _Number)[0].number, self.book.rows(sent, [kind], _Number)[0].number)

    def unpaid_after(self, sale: int, to_sale: int) -> list[SaleRow]:
        """Requests after one number, up to and with another, that brought no money so far."""
        marks = ", ".join("?" for _ in OPEN_STATES)
        sql = (
            f"SELECT * FROM sales WHERE number > ? AND number <= ? AND state IN ({marks}) "  # noqa: S608 - no outside text
            "ORDER BY number LIMIT ?"
        )
        return self.book.rows(sql, [sale, to_sale, *OPEN_STATES, MAX_ROWS], SaleRow)

    def received_uncounted(self) -> list[TenderRow]:
        """Tenders beside the ledger that came in, given back since or not, and that no closed shift counted."""
        sql = "SELECT * FROM tenders WHERE received_ns > 0 AND received_in = 0 AND kind <> 'ledger' ORDER BY id"
        return self.book.rows(sql, [], TenderRow)

    def codes_refused_uncounted(self) -> list[LostRow]:
        """Codes accepted offline that brought no money in the end, and that no closed shift named."""
        sql = (
            "SELECT outbox.tx_hash, reference, sales.amount_minor "
            "FROM outbox JOIN sales ON sales.number = outbox.number "
            "WHERE offline = 1 AND counted_in = 0 AND outbox.state IN ('refused', 'expired') AND sales.height = 0 "
            "ORDER BY sales.number"
        )
        return self.book.rows(sql, [], LostRow)

    def returned_uncounted(self) -> list[TenderRow]:
        """Tenders beside the ledger that were given back, whenever they came in, which no closed shift counted."""
        sql = "SELECT * FROM tenders WHERE returned_ns > 0 AND returned_in = 0 AND kind <> 'ledger' ORDER BY id"
        return self.book.rows(sql, [], TenderRow)

    def tenders_between(self, after_height: int, to_height: int) -> list[TenderRow]:
        """The tenders of bills that sales on the ledger are, of those that `paid_between` has."""
        sql = (
            "SELECT tenders.* FROM sales CROSS JOIN tenders ON tenders.sale = sales.number AND tenders.sale > 0 "
            "WHERE sales.height > ? AND sales.height <= ? ORDER BY sales.height, sales.number LIMIT ?"
        )
        return self.book.rows(sql, [after_height, to_height, MAX_ROWS], TenderRow)

    def given_up_between(self, after_height: int, to_height: int) -> frozenset[int]:
        """Of the sales that `paid_between` has, those whose bill was given up: their money is for nothing on it."""
        sql = (
            "SELECT tenders.sale AS number FROM sales CROSS JOIN tenders ON tenders.sale = sales.number "
            "AND tenders.sale > 0 CROSS JOIN bills ON bills.number = tenders.bill "
            "WHERE sales.height > ? AND sales.height <= ? AND bills.state = 'void' LIMIT ?"
        )
        return frozenset(row.number for row in self.book.rows(sql, [after_height, to_height, MAX_ROWS], _Number))

    def taxed_uncounted(self) -> list[TaxRow]:
        """What complete bills that no closed shift counted charged at each rate."""
        sql = (
            "SELECT tax_rate_ppm AS rate_ppm, sum(bill_lines.due_minor) AS due_minor, "
            "sum(bill_lines.tax_minor) AS tax_minor FROM bill_lines JOIN bills ON bills.number = bill_lines.bill "
            "WHERE bills.state = 'complete' AND bills.counted_in = 0 GROUP BY tax_rate_ppm ORDER BY tax_rate_ppm"
        )
        return self.book.rows(sql, [], TaxRow)

    def bills_uncounted(self) -> tuple[int, ...]:
        """The numbers of those bills."""
        sql = "SELECT number FROM bills WHERE state = 'complete' AND counted_in = 0 ORDER BY number"
        return tuple(row.number for row in self.book.rows(sql, [], _Number))

    def tax_back_of(self, bill: int) -> list[TaxBackRow]:
        """What the reports of closed shifts told that refunds of a bill gave back, in that order."""
        sql = "SELECT refund, bill, rate_ppm, due_minor, tax_minor FROM tax_back WHERE bill = ? ORDER BY id"
        return self.book.rows(sql, [bill], TaxBackRow)

    def tax_back_to_tell_again(self) -> tuple[int, ...]:
        """Bills that no closed shift counted, of which one told a refund: money that went back before all was in."""
        sql = (
            "SELECT number FROM bills WHERE state = 'complete' AND counted_in = 0 "
            "AND EXISTS (SELECT 1 FROM tax_back WHERE bill = bills.number) ORDER BY number"
        )
        return tuple(row.number for row in self.book.rows(sql, [], _Number))

    def references_of_bills(self, numbers: Sequence[int]) -> dict[int, str]:
        """What bills are called."""
        marks = ", ".join("?" for _ in numbers)
        sql = f"SELECT number, reference FROM bills WHERE number IN ({marks})"  # noqa: S608 - no outside text
        return {row.number: row.reference for row in self.book.rows(sql, list(numbers), _Named)}

    def sent_of(self, kind: str, *, limit: int = 500) -> list[OutboxRow]:
        """What this till signed of a kind, newest first."""
        return self.book.rows(
            "SELECT * FROM outbox WHERE kind = ? ORDER BY created_ns DESC LIMIT ?", [kind, limit], OutboxRow
        )
