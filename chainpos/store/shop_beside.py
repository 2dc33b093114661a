"""Complete bills that the ledger knows nothing of, found again; and money beside the ledger given back, of those and of
bills that were paid in part on it.

It refuses to give back of a bill that is not complete, and by a tender more than came in by it.
"""

from __future__ import annotations

from typing import Final

import msgspec

from chainpos.store.shop import MAX_ROWS, SCANNED, AgainstTheBook, Search, ShopBook, like_literal

_DAY_S: Final = 86_400
_SECOND_NS: Final = 1_000_000_000


class BesideRow(msgspec.Struct, frozen=True, kw_only=True):
    """A complete bill of which nothing was paid on the ledger; `kinds` are its tenders, with commas between."""

    number: int
    reference: str
    currency: str
    charged_minor: int
    closed_ns: int
    kinds: str = ""
    staff: str = ""
    returned_minor: int = 0


class ReturnRow(msgspec.Struct, frozen=True, kw_only=True):
    """Money of a tender's kind that was given back; `reason` names the pieces that it is for, as a refund's does."""

    id: int = 0
    bill: int
    kind: str
    amount_minor: int
    at_ns: int
    staff: str
    reason: str = ""


class KindRow(msgspec.Struct, frozen=True):
    """What came into a complete bill by one kind of tender beside the ledger, and what of it was given back since."""

    kind: str
    received_minor: int
    returned_minor: int


_BILLS: Final = (
    "SELECT bills.number, reference, bills.currency, charged_minor, closed_ns, "
    "(SELECT coalesce(group_concat(DISTINCT kind), '') FROM tenders WHERE bill = bills.number AND state = 'received') "
    "AS kinds, "
    "(SELECT coalesce(max(staff), '') FROM tenders WHERE bill = bills.number AND state = 'received') AS staff, "
    "(SELECT coalesce(sum(amount_minor), 0) FROM returns WHERE bill = bills.number) AS returned_minor "
    "FROM {} bills WHERE state = 'complete' AND ledger_minor = 0"
)
_NEWEST: Final = (
    "SELECT number, reference, charged_minor, closed_ns FROM bills WHERE state = 'complete' AND ledger_minor = 0 "
    "ORDER BY closed_ns DESC LIMIT ?"
)


class ShopBeside:
    """The bills beside the ledger of one open book. Each call is one transaction, durable when it returns."""

    def __init__(self, book: ShopBook) -> None:
        self.book = book

    def bills(self, search: Search = Search(), *, limit: int = 500) -> list[BesideRow]:  # noqa: B008 - it is immutable
        """The newest `SCANNED` of them that match, newest first."""
        where: list[str] = []
        values: list[str | int] = []
        if search.reference:
            where.append("reference LIKE ? ESCAPE '\\'")
            values.append(f"%{like_literal(search.reference)}%")
        if search.amount_minor is not None:
            where.append("charged_minor = ?")
            values.append(search.amount_minor)
        if search.minute is not None:
            where.append(f"(closed_ns / {_SECOND_NS} + ?) % {_DAY_S} / 60 = ?")
            values += [search.offset_s, search.minute]
        limit = min(limit, MAX_ROWS)
        # What is told of each is worked out for those that are shown alone.
        matching = f"SELECT number FROM ({_NEWEST}) WHERE {' AND '.join(where) or 'true'} LIMIT ?"  # noqa: S608
        found = f"({matching}) AS found CROSS JOIN"
        sql = f"{_BILLS.format(found)} AND bills.number = found.number ORDER BY closed_ns DESC, bills.number DESC"
        return self.book.rows(sql, [SCANNED if where else limit, *values, limit], BesideRow)

    def bill(self, reference: str) -> BesideRow | None:
        """The one with this reference."""
        found = (
            self.book.rows(f"{_BILLS.format('')} AND reference = ?", [reference], BesideRow)
            if reference.isascii()
            else []
        )
        return found[0] if found else None

    def kinds(self, bill: int) -> list[KindRow]:
        """What came into a complete bill beside the ledger, by kind of tender: cash first. None while it is open."""
        sql = (
            "SELECT kind, sum(amount_minor) AS received_minor, (SELECT coalesce(sum(amount_minor), 0) FROM returns "
            "WHERE returns.bill = tenders.bill AND returns.kind = tenders.kind) AS returned_minor "
            "FROM bills JOIN tenders ON tenders.bill = bills.number "
            "WHERE bills.number = ? AND bills.state = 'complete' AND tenders.state = 'received' AND kind <> 'ledger' "
            "GROUP BY kind ORDER BY kind <> 'cash', kind"
        )
        return self.book.rows(sql, [bill], KindRow)

    def left(self, bill: int, kind: str) -> int:
        """What of a bill's money of this kind could still be given back, in minor units."""
        return sum(row.received_minor - row.returned_minor for row in self.kinds(bill) if row.kind == kind)

    def give_back(self, row: ReturnRow) -> None:
        """Write that money was given back. Raises AgainstTheBook where less is left of that kind."""
        values = msgspec.structs.asdict(row)
        del values["id"]
        with self.book.writing() as db:
            if self.left(row.bill, row.kind) < row.amount_minor:
                raise AgainstTheBook("more would be given back than came in")
            db["returns"].insert(values)

    def returns(self, bill: int) -> list[ReturnRow]:
        """What was given back of a bill since it was complete, oldest first."""
        return self.book.rows("SELECT * FROM returns WHERE bill = ? ORDER BY id", [bill], ReturnRow)

    def uncounted(self) -> list[ReturnRow]:
        """What was given back and no closed shift counted."""
        return self.book.rows("SELECT * FROM returns WHERE counted_in = 0 ORDER BY id", [], ReturnRow)
