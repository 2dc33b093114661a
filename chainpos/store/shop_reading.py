"""Reading a shop's book beside the till that writes it: for support, on the shop's own machine.

It refuses to write, and a book of another version. SQLite's read-only mode sees to the first.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from chainpos.errors import StoreError, StoreInUse
from chainpos.store.locking import FileLock
from chainpos.store.shop import Fact, OutboxRow, SaleRow
from chainpos.store.shop_bills import BillRow, TenderRow
from chainpos.store.shop_errors import in_words, is_busy
from chainpos.store.shop_schema import MIGRATIONS

Row = TypeVar("Row", bound=msgspec.Struct)
_BUSY_S: Final = 5.0
BESIDE_TILL_S: Final = 2.0
_AGAIN_S: Final = 0.01


class BookReader:
    """One shop's book, read only; each call opens the file, so that the till never waits for a reader."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise StoreError(f"there is no shop's book at {path}")
        self.path = path

    def sale(self, reference: str) -> SaleRow | None:
        """The sale with this reference."""
        return self._one("SELECT * FROM sales WHERE reference = ?", (reference,))

    def sale_by_number(self, number: int) -> SaleRow | None:
        """The sale with this number."""
        return self._one("SELECT * FROM sales WHERE number = ?", (number,))

    def sale_of_request(self, request_id: bytes) -> SaleRow | None:
        """The sale of a request's 32-byte ID."""
        return self._one("SELECT * FROM sales WHERE request_id = ?", (request_id,))

    def sale_of_link(self, beginning: bytes) -> SaleRow | None:
        """The sale whose request's ID begins so: a link names 16 bytes of it."""
        return self._one("SELECT * FROM sales WHERE substr(request_id, 1, ?) = ?", (len(beginning), beginning))

    def facts(self, number: int) -> list[Fact]:
        """What was learned of a sale, in that order."""
        rows = self._rows("SELECT kind, at_ns, height, detail FROM facts WHERE number = ? ORDER BY id", (number,))
        return [msgspec.convert(row, Fact) for row in rows]

    def outbox_of(self, number: int) -> list[OutboxRow]:
        """All that was ever sent for a sale, oldest first."""
        rows = self._rows("SELECT * FROM outbox WHERE number = ? ORDER BY created_ns", (number,))
        return [msgspec.convert(row, OutboxRow, strict=False) for row in rows]

    def sent(self, tx_hash: bytes) -> OutboxRow | None:
        """What the till sent under this hash."""
        rows = self._rows("SELECT * FROM outbox WHERE tx_hash = ?", (tx_hash,))
        return msgspec.convert(rows[0], OutboxRow, strict=False) if rows else None

    def bill_of_sale(self, number: int) -> BillRow | None:
        """The bill that this sale pays for; None for one of the keypad."""
        rows = self._rows("SELECT * FROM bills WHERE number = (SELECT bill FROM tenders WHERE sale = ?)", (number,))
        return msgspec.convert(rows[0], BillRow, strict=False) if rows else None

    def tenders(self, bill: int) -> list[TenderRow]:
        """A bill's tenders, in the order in which they were begun."""
        rows = self._rows("SELECT * FROM tenders WHERE bill = ? ORDER BY id", (bill,))
        return [msgspec.convert(row, TenderRow, strict=False) for row in rows]

    def returned(self, bill: int) -> int:
        """What was given back of a bill's money beside the ledger, in minor units."""
        sql = "SELECT coalesce(sum(amount_minor), 0) AS n FROM returns WHERE bill = ?"
        return int(self._rows(sql, (bill,))[0]["n"])

    def copies(self, kind: str, reference: str) -> int:
        """How many jobs for the printer there were of this."""
        sql = "SELECT count(*) AS n FROM prints WHERE kind = ? AND reference = ?"
        return int(self._rows(sql, (kind, reference))[0]["n"])

    def setting(self, name: str, shape: type[Row]) -> Row | None:
        """A setting in its shape. Raises StoreError where it has another."""
        rows = self._rows("SELECT value FROM settings WHERE name = ?", (name,))
        try:
            return msgspec.json.decode(rows[0]["value"], type=shape) if rows else None
        except msgspec.DecodeError as error:
            raise StoreError(f"the setting {name!r} in the shop's book is damaged") from error

    def look_over(self, beside_s: float = BESIDE_TILL_S) -> tuple[str, bool]:
        """The first damage that SQLite finds, "" for none, and whether all of the book was read.

        Where a till has the book open it is read for `beside_s` seconds at most, because no sale can be written
        meanwhile, and where this user may not lock it; else to its end, and no till can open it until then.
        Raises StoreInUse where another program holds it.
        """
        lock = FileLock(self.path.with_name(self.path.name + ".lock"))
        try:
            lock.acquire("the shop's book is open in a till")
        except (StoreInUse, OSError):
            return self._look_over(beside_s)
        try:
            return self._look_over(None)
        finally:
            lock.release()

    def _look_over(self, within_s: float | None) -> tuple[str, bool]:
        ended = threading.Event()

        def interrupt(connection: sqlite3.Connection) -> None:
            ended.wait(within_s)
            # Again and again: it means nothing before the statement has begun.
            while not ended.is_set():
                connection.interrupt()
                ended.wait(_AGAIN_S)

        with closing(self._open()) as connection:
            ending = threading.Thread(target=interrupt, args=(connection,), daemon=True)
            ending.start()
            try:
                (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            except sqlite3.Error as error:
                if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
                    return "", False
                if is_busy(error):
                    raise StoreInUse(f"the shop's book {self.path}: {in_words(error)}") from error
                verdict = str(error)
            finally:
                ended.set()
                ending.join()
        return ("", True) if verdict == "ok" else (str(verdict), True)

    def _one(self, sql: str, values: tuple[object, ...]) -> SaleRow | None:
        rows = self._rows(sql, values)
        return msgspec.convert(rows[0], SaleRow, strict=False) if rows else None

    def _rows(self, sql: str, values: tuple[object, ...]) -> list[dict[str, Any]]:
        with self._connected() as connection:
            cursor = connection.execute(sql, values)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(self._open()) as opened:
                (version,) = opened.execute("PRAGMA user_version").fetchone()
                if version != len(MIGRATIONS):
                    raise StoreError(f"the shop's book is of version {version}; this reads {len(MIGRATIONS)}")
                yield opened
        except sqlite3.Error as error:
            raise StoreError(f"the shop's book {self.path} cannot be read: {error}") from error

    def _open(self) -> sqlite3.Connection:
        uri = f"{self.path.resolve().as_uri()}?mode=ro"
        return sqlite3.connect(uri, uri=True, timeout=_BUSY_S, check_same_thread=False)
