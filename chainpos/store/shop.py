"""The shop's book: its sales with their signed requests, what the ledger said of them, and what is still to be sent.

It refuses a second process on the same book, a book from a newer version, and a damaged one. What a call has written
is durable when it returns.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import msgspec
from sqlite_utils import Database

from chainpos.errors import StoreError
from chainpos.store.locking import FileLock
from chainpos.store.shop_errors import sqlite_errors
from chainpos.store.shop_schema import migrate

# A sale waits so long for a program that reads the book; after that the till is closed for sales.
BUSY_TIMEOUT_S: Final = 20.0
MAX_ROWS: Final = 10_000
_DAY_S: Final = 86_400
_SECOND_NS: Final = 1_000_000_000
# Two questions: one for both ends at once would read all that lies between.
_ENDS: Final = "SELECT (SELECT min(created_ns) FROM sales) AS first, (SELECT max(created_ns) FROM sales) AS last"
# Among so many of the newest sales a part of a reference is looked for.
SCANNED: Final = 5_000
# So many steps of SQLite's machine lie between two looks whether somebody else wants the book: well under 1 ms.
STEPS: Final = 10_000
# A hundred sales: a disk that has just room for one would close the counter again at the next.
ROOM: Final = 256 * 1024


class SaleRow(msgspec.Struct, frozen=True, kw_only=True):
    """One sale. `request` and `signature` are exactly what was signed; `presented` is "link" or "code".

    `watched` is whether the ledger may still change what stands here. `height`, `tx_hash` and `paid_ns` are those of
    the block that paid it; `problem_code` is the last refusal. `debtor`, `batch` and `entry` say where its money went;
    `staff` is who asked for it. `proof` is a customer's proof, taken while our node could not be asked, that it was
    paid in the block at `proof_height`.
    """

    number: int
    reference: str
    request_id: bytes
    request: bytes
    signature: bytes
    presented: str
    amount_minor: int
    currency: str
    memo: str
    created_ns: int
    expires_ns: int
    state: str
    watched: bool = True
    payer: str = ""
    tx_hash: bytes = b""
    height: int = 0
    paid_ns: int = 0
    fee_minor: int = 0
    tip_minor: int = 0
    refunded_minor: int = 0
    problem_code: int = 0
    debtor: str = ""
    batch: int = 0
    entry: int = 0
    proof: bytes = b""
    proof_height: int = 0
    staff: str = ""


class Fact(msgspec.Struct, frozen=True):
    """Something learned of a sale: "requested", "seen", "paid", ..., when (ns) and at which height."""

    kind: str
    at_ns: int
    height: int = 0
    detail: str = ""


class OutboxRow(msgspec.Struct, frozen=True, kw_only=True):
    """A signed transaction that is sent until a verified block has it or its own expiry has passed.

    `number` is the sale it belongs to, 0 for none. `state` is "waiting", "done", "refused" (by `code`) or "expired".
    `staff` is who had it signed; `offline` whether it charges a code that was accepted while the network was away.
    """

    tx_hash: bytes
    wire: bytes
    kind: str
    created_ns: int
    expires_s: int
    number: int = 0
    amount_minor: int = 0
    currency: str = ""
    state: str = "waiting"
    height: int = 0
    code: int = 0
    staff: str = ""
    offline: bool = False


class AgainstTheBook(StoreError):
    """What was to be written does not follow from what stands in the book, which is sound: nothing was written."""


class Search(NamedTuple):
    """What to find: sales that match every field given. `minute` is of the day, east of UTC by `offset_s`."""

    reference: str = ""
    amount_minor: int | None = None
    minute: int | None = None
    offset_s: int = 0


class _Ends(msgspec.Struct, frozen=True):
    first: int | None
    last: int | None


T = TypeVar("T")
Row = TypeVar("Row", bound=msgspec.Struct)
# What the ledger may change of a sale; all else stands as it was signed.
_LEDGER_COLUMNS: Final = (
    "state", "watched", "payer", "tx_hash", "height", "paid_ns", "fee_minor", "tip_minor", "refunded_minor",
    "problem_code", "debtor", "batch", "entry", "proof", "proof_height",
)  # fmt: skip


class ShopBook:
    """One open book. Its calls may come from several threads; each is one transaction."""

    def __init__(self, path: Path) -> None:
        """Open or begin the book at `path`. Raises StoreError."""
        self.path = path
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file_lock = FileLock(path.with_name(path.name + ".lock"))
        self._file_lock.acquire("the shop's book is open in another till")
        self._mutex = threading.RLock()
        try:
            self._db = _connect(path)
            with sqlite_errors(path):
                migrate(self._db)
                self._last_number = int(next(iter(self._db.query("SELECT max(number) AS n FROM sales")))["n"] or 0)
        except BaseException:
            self._file_lock.release()
            raise

    @classmethod
    def open(cls, path: Path) -> ShopBook:
        """Open or begin the book at `path`. Raises StoreError."""
        return cls(path)

    def close(self) -> None:
        """Close the book and let another till have it. Closing twice is closing once."""
        with self._mutex:
            self._db.close()
            self._file_lock.release()

    def __enter__(self) -> ShopBook:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def next_number(self) -> int:
        """The number for the next sale; the same until `add_sale` has used it."""
        return self._last_number + 1

    def add_sale(self, sale: SaleRow, fact: Fact) -> None:
        """Write a new sale before anybody is shown it. Raises StoreError."""
        with self.writing() as db:
            db["sales"].insert(msgspec.structs.asdict(sale))
            self._add_fact(db, sale.number, fact)
        self._last_number = max(self._last_number, sale.number)

    def update_sale(self, sale: SaleRow, fact: Fact) -> None:
        """Write what the ledger changed of a sale, and by which fact. What was signed is never rewritten."""
        changed = {name: getattr(sale, name) for name in _LEDGER_COLUMNS}
        with self.writing() as db:
            db["sales"].update(sale.number, changed)
            self._add_fact(db, sale.number, fact)

    def sale(self, reference: str) -> SaleRow | None:
        """The sale with this reference."""
        if not reference.isascii():
            # No till makes such a one, and half a character cannot even be asked for.
            return None
        return self._one("SELECT * FROM sales WHERE reference = ?", [reference], SaleRow)

    def sale_of_request(self, request_id: bytes) -> SaleRow | None:
        """The sale of a request's 32-byte ID."""
        return self._one("SELECT * FROM sales WHERE request_id = ?", [request_id], SaleRow)

    def sale_by_number(self, number: int) -> SaleRow | None:
        """The sale with this number."""
        return self._one("SELECT * FROM sales WHERE number = ?", [number], SaleRow)

    def watched_sales(self) -> list[SaleRow]:
        """The sales that the ledger may still change, oldest first."""
        return self.rows("SELECT * FROM sales WHERE watched = 1 ORDER BY number LIMIT ?", [MAX_ROWS], SaleRow)

    def sales(self, search: Search = Search(), *, limit: int = 500) -> list[SaleRow]:  # noqa: B008 - it is immutable
        """The sales that match, newest first.

        A reference is found by its beginning or its number, and by any part of it among the newest `SCANNED` sales: so
        that a million of them hold up no key.
        """
        limit = min(limit, MAX_ROWS)
        if search.reference:
            found = self._by_reference(search.reference, limit)
        elif search.minute is not None:
            found = self._by_minute(search.minute, search.offset_s, limit)
        else:
            where = "" if search.amount_minor is None else "WHERE amount_minor = ? "
            values = [] if search.amount_minor is None else [search.amount_minor]
            sql = f"SELECT * FROM sales {where}ORDER BY created_ns DESC, number DESC LIMIT ?"  # noqa: S608 - two texts
            return self.rows(sql, [*values, limit], SaleRow)
        matching = [row for row in found if _matches(row, search)]
        return sorted(matching, key=lambda row: (row.created_ns, row.number), reverse=True)[:limit]

    def _by_reference(self, text: str, limit: int) -> list[SaleRow]:
        begun = "SELECT * FROM sales WHERE reference >= ? AND reference < ? ORDER BY reference DESC LIMIT ?"
        newest = "SELECT * FROM sales WHERE number > ? AND reference LIKE ? ESCAPE '\\' ORDER BY number DESC LIMIT ?"
        like = f"%{like_literal(text)}%"
        # References are written in capitals; the one that follows all that begin so ends the range.
        found = self.rows(begun, [text.upper(), text.upper() + chr(0x10FFFF), limit], SaleRow)
        found += self.rows(newest, [self._last_number - SCANNED, like, limit], SaleRow)
        if text.isascii() and text.isdigit() and len(text) < 10 and (row := self.sale_by_number(int(text))) is not None:
            found.append(row)
        return list({row.number: row for row in found}.values())

    def _by_minute(self, minute: int, offset_s: int, limit: int) -> list[SaleRow]:
        # One look at the index of times for each day that there is, the newest first.
        (ends,) = self.rows(_ENDS, [], _Ends)
        if ends.first is None or ends.last is None:
            return []
        day_s = (ends.last // _SECOND_NS + offset_s) // _DAY_S * _DAY_S
        start_ns = (day_s + minute * 60 - offset_s) * _SECOND_NS
        sql = (
            "WITH RECURSIVE day (start) AS (SELECT ? UNION ALL SELECT start - ? FROM day WHERE start > ?) "
            "SELECT sales.* FROM day CROSS JOIN sales ON created_ns >= start AND created_ns < start + ? LIMIT ?"
        )
        return self.rows(sql, [start_ns, _DAY_S * _SECOND_NS, ends.first, 60 * _SECOND_NS, limit], SaleRow)

    def facts(self, number: int) -> list[Fact]:
        """What was learned of a sale, in that order."""
        return self.rows("SELECT kind, at_ns, height, detail FROM facts WHERE number = ? ORDER BY id", [number], Fact)

    def queue(self, row: OutboxRow) -> None:
        """Write a signed transaction before it is sent for the first time. Queueing it again changes nothing."""
        with self.writing() as db:
            db["outbox"].insert(msgspec.structs.asdict(row), ignore=True)

    def waiting(self) -> list[OutboxRow]:
        """What is still to be sent, oldest first."""
        return self.rows(
            "SELECT * FROM outbox WHERE state = 'waiting' ORDER BY created_ns LIMIT ?", [MAX_ROWS], OutboxRow
        )

    def outbox_of(self, number: int) -> list[OutboxRow]:
        """All that was ever sent for a sale, oldest first."""
        return self.rows("SELECT * FROM outbox WHERE number = ? ORDER BY created_ns", [number], OutboxRow)

    def settle(self, tx_hash: bytes, state: str, *, height: int = 0, code: int = 0) -> None:
        """Note how a queued transaction ended; the first ending stands."""
        with self.writing() as db:
            db.execute(
                "UPDATE outbox SET state = ?, height = ?, code = ? WHERE tx_hash = ? AND state = 'waiting'",
                [state, height, code, tx_hash],
            )

    def setting(self, name: str, shape: type[Row]) -> Row | None:
        """A setting in its shape. Raises StoreError where it has another."""
        with self._mutex, sqlite_errors(self.path):
            rows = list(self._db.query("SELECT value FROM settings WHERE name = ?", [name]))
        try:
            return msgspec.json.decode(rows[0]["value"], type=shape) if rows else None
        except msgspec.DecodeError as error:
            raise StoreError(f"the setting {name!r} in the shop's book is damaged") from error

    def save_setting(self, name: str, value: msgspec.Struct) -> None:
        """Write a setting."""
        with self.writing() as db:
            db["settings"].insert({"name": name, "value": msgspec.json.encode(value).decode()}, replace=True)

    def damage(self) -> list[str]:
        """What SQLite's own full check finds wrong; empty for a sound book."""
        with self._mutex, sqlite_errors(self.path):
            found = [str(row["integrity_check"]) for row in self._db.query("PRAGMA integrity_check")]
        return [line for line in found if line != "ok"]

    def giving_way(self, read: Callable[[], T], wanted: Callable[[], bool]) -> T:
        """What `read` returned. Raises GaveWay where somebody else `wanted` the book meanwhile."""
        reader = threading.get_ident()
        # SQLite asks whoever uses the connection; only this reader gives way.
        self._db.conn.set_progress_handler(lambda: threading.get_ident() == reader and wanted(), STEPS)
        try:
            return read()
        finally:
            self._db.conn.set_progress_handler(None, STEPS)

    @contextmanager
    def looking_only(self) -> Iterator[None]:
        """Within it every write raises Unwritable; what reads goes on."""
        with self._mutex:
            self._db.execute("PRAGMA query_only = ON")
            try:
                yield
            finally:
                self._db.execute("PRAGMA query_only = OFF")

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Within it nothing waits for another program: where one holds the book, a write raises Unwritable."""
        with self._mutex:
            ((wait_ms,),) = self._db.execute("PRAGMA busy_timeout").fetchall()
            self._db.execute("PRAGMA busy_timeout = 0").fetchall()
            try:
                yield
            finally:
                self._db.execute(f"PRAGMA busy_timeout = {wait_ms:d}").fetchall()

    def make_room(self) -> None:
        """Take room for the next hundred sales, and leave it free within the file. Raises Unwritable."""
        with self.writing() as db:
            db.execute("INSERT OR REPLACE INTO settings (name, value) VALUES ('room', hex(zeroblob(?)))", [ROOM // 2])
        with self.writing() as db:
            db.execute("DELETE FROM settings WHERE name = 'room'")

    @contextmanager
    def writing(self) -> Iterator[Any]:
        """One transaction on the book, for this room's files alone: all of it is durable at the end, or none."""
        with self._mutex, sqlite_errors(self.path):
            inner = self._db.conn.in_transaction
            if not inner:
                # As a write from its first statement on: one that had read would be refused at once, and not wait,
                # where another program is just writing.
                self._db.conn.execute("BEGIN IMMEDIATE")
            try:
                with self._db.atomic():
                    yield self._db
                if not inner:
                    self._db.conn.execute("COMMIT")
            except BaseException:
                if not inner:
                    self._db.conn.rollback()
                raise

    def _add_fact(self, db: Any, number: int, fact: Fact) -> None:
        db["facts"].insert({"number": number, **msgspec.structs.asdict(fact)})

    def _one(self, sql: str, values: list[object], shape: type[Row]) -> Row | None:
        rows = self.rows(sql, values, shape)
        return rows[0] if rows else None

    def rows(self, sql: str, values: Sequence[object], shape: type[Row]) -> list[Row]:
        """What a query finds, in its shape; for this room's files alone. Raises StoreError."""
        with self._mutex, sqlite_errors(self.path):
            # SQLite has no truth values; all else comes as it was written, because the tables are STRICT.
            return [msgspec.convert(row, shape, strict=False) for row in self._db.query(sql, list(values))]


def _matches(row: SaleRow, search: Search) -> bool:
    minute = (row.created_ns // _SECOND_NS + search.offset_s) % _DAY_S // 60
    return search.amount_minor in (None, row.amount_minor) and search.minute in (None, minute)


def _connect(path: Path) -> Database:
    with sqlite_errors(path):
        connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, check_same_thread=False)
        db = Database(connection, execute_plugins=False)
        # EXTRA is FULL and one thing more: it makes the journal's removal durable, without which a sale that was
        # acknowledged just before a power cut could be rolled back by its own journal.
        for pragma in ("journal_mode = DELETE", "synchronous = EXTRA", "foreign_keys = ON", "trusted_schema = OFF"):
            db.execute(f"PRAGMA {pragma}")
        return db


def like_literal(text: str) -> str:
    """The text as LIKE finds it, by itself."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
