"""What waits for the printer, in the shop's book: each job once, with the bytes that were to be printed.

A job is named by what it prints and which copy it is, so that asking twice prints once. It refuses to begin a job that
was begun before and not ended: how far the printer came with it nobody knows.
"""

from __future__ import annotations

from typing import Final

import msgspec

from chainpos.store.shop import ShopBook

WAITING: Final = "waiting"
SENDING: Final = "sending"
PRINTED: Final = "printed"
UNSURE: Final = "unsure"  # it was begun, and its end is not known
KEPT_JOBS: Final = 500
MAX_WAITING: Final = 200


class PrintRow(msgspec.Struct, frozen=True, kw_only=True):
    """One job: `kind` is "receipt", "request", "slip" or "report"; `copy` 0 the first, then 1, 2 and so on."""

    id: int = 0
    kind: str
    reference: str
    copy: int
    job: bytes
    created_ns: int
    state: str = WAITING


class ShopPrints:
    """The print jobs of one open book. Each call is one transaction, durable when it returns."""

    def __init__(self, book: ShopBook) -> None:
        self.book = book

    def begin(self) -> int:
        """After a start: jobs that were being sent when the till died are not sure; how many."""
        with self.book.writing() as db:
            db.execute("UPDATE prints SET state = 'unsure' WHERE state = 'sending'")
            return self._count("SELECT changes() AS n")

    def copies(self, kind: str, reference: str) -> int:
        """How many jobs there were of this."""
        return self._count("SELECT count(*) AS n FROM prints WHERE kind = ? AND reference = ?", kind, reference)

    def waiting_of(self, kind: str, reference: str) -> bool:
        """Whether one of this waits already."""
        sql = "SELECT count(*) AS n FROM prints WHERE kind = ? AND reference = ? AND state IN ('waiting', 'sending')"
        return self._count(sql, kind, reference) > 0

    def add(self, row: PrintRow) -> None:
        """Put a job at the end; adding the same copy again changes nothing. Old ones that ended are forgotten."""
        values = msgspec.structs.asdict(row)
        del values["id"]
        with self.book.writing() as db:
            db["prints"].insert(values, ignore=True)
            # The count of copies must outlive the bytes.
            db.execute(
                "UPDATE prints SET job = x'' WHERE state IN ('printed', 'unsure') AND job <> x'' "
                "AND id <= (SELECT max(id) FROM prints) - ?",
                [KEPT_JOBS],
            )

    def next(self) -> PrintRow | None:
        """The oldest that waits."""
        rows = self.book.rows("SELECT * FROM prints WHERE state = 'waiting' ORDER BY id LIMIT 1", [], PrintRow)
        return rows[0] if rows else None

    def waiting(self) -> int:
        """How many wait."""
        return self._count("SELECT count(*) AS n FROM prints WHERE state = 'waiting'")

    def move(self, job: int, state: str) -> None:
        """A job goes on to a state."""
        with self.book.writing() as db:
            db.execute("UPDATE prints SET state = ? WHERE id = ?", [state, job])

    def drop_waiting(self) -> int:
        """Nobody wants them any more: those that wait are taken out; how many."""
        with self.book.writing() as db:
            db.execute("DELETE FROM prints WHERE state = 'waiting'")
            return self._count("SELECT changes() AS n")

    def _count(self, sql: str, *values: object) -> int:
        return self.book.rows(sql, values, _Count)[0].n


class _Count(msgspec.Struct, frozen=True):
    n: int
