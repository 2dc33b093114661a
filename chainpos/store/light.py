"""What a light node keeps: headers, and one merchant's payments with their proofs. Kilobytes a day.

It refuses another network's or another merchant's node, and a stretch of the chain that does not follow the last.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import apsw
import msgspec

from chainpos.errors import StoreError
from chainpos.store.chain import acquire_writer, sync_directory, transaction
from chainpos.store.chain_connection import storage_faults

# "cpLT" in SQLite's header.
_APPLICATION_ID: Final = 0x63704C54
_BUSY_TIMEOUT_MS: Final = 5_000
_SCHEMA: Final = """
CREATE TABLE about(name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
CREATE TABLE headers(height INTEGER PRIMARY KEY, header BLOB NOT NULL) STRICT;
CREATE TABLE payments(
    height INTEGER NOT NULL, position INTEGER NOT NULL, reference TEXT NOT NULL, paid_minor INTEGER NOT NULL,
    currency TEXT NOT NULL, time_ns INTEGER NOT NULL, payer BLOB NOT NULL, receipt BLOB NOT NULL,
    PRIMARY KEY (height, position)
) STRICT;
CREATE INDEX payments_by_reference ON payments(reference);
"""


class LightPayment(msgspec.Struct, frozen=True):
    """A payment to the merchant; `receipt` is the file that proves it. Times in ns, amounts in minor units."""

    height: int
    position: int
    reference: str
    paid_minor: int
    currency: str
    time_ns: int
    payer: bytes
    receipt: bytes


class LightAbout(NamedTuple):
    """Whose payments these are, of which network, from which height on, and all up to which height."""

    chain_id: str
    merchant: str
    began: int
    done: int


class LightStore:
    """One light node's database. Opening it to write takes its lock; reading does not."""

    def __init__(self, path: Path, connection: apsw.Connection) -> None:
        self.path = path
        self._connection = connection

    @classmethod
    def create(cls, path: Path, chain_id: str, merchant: str, began: int, trusted: bytes) -> None:
        """Begin one: headers and payments from height `began` on, `trusted` as `keep` has it. Raises StoreError.

        It gets its name when it is whole: one that is there can be gone on from.
        """
        building = path.with_name(f".{path.name}.new")
        building.unlink(missing_ok=True)
        with storage_faults(f"creating {path}"):
            connection = apsw.Connection(str(building))
            try:
                connection.execute("PRAGMA synchronous = FULL")
                with transaction(connection):
                    connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
                    connection.execute(_SCHEMA)
                    about = {"chain_id": chain_id, "merchant": merchant, "began": began}
                    rows = [("about", msgspec.json.encode(about)), ("trusted", trusted)]
                    connection.executemany("INSERT INTO about VALUES (?, ?)", rows)
                connection.execute("PRAGMA journal_mode = WAL")
            finally:
                connection.close()
        building.replace(path)
        sync_directory(path.parent)

    @classmethod
    def open(cls, path: Path) -> LightStore:
        """Raises StoreError where there is none."""
        if not path.is_file():
            raise StoreError(f"there is no light node's database at {path}")
        with storage_faults(f"opening {path}"):
            connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
            try:
                connection.set_busy_timeout(_BUSY_TIMEOUT_MS)
                _require_light(path, connection)
                # What is told as received stays received, whatever happens to the power.
                connection.execute("PRAGMA synchronous = FULL")
            except BaseException:
                connection.close()
                raise
        return cls(path, connection)

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def about(self) -> LightAbout:
        """What this is."""
        told = msgspec.json.decode(self._value("about") or b"{}")
        rows = self._rows("SELECT max(height) FROM headers")
        began = int(told["began"])
        return LightAbout(told["chain_id"], told["merchant"], began, began - 1 if rows[0][0] is None else rows[0][0])

    def trusted(self) -> bytes | None:
        """What was kept of the newest verified block, as it was given to `keep`."""
        return self._value("trusted")

    def keep(self, headers: Iterable[tuple[int, bytes]], payments: Iterable[LightPayment], trusted: bytes) -> None:
        """Write a stretch of the chain; durable when this returns. Raises StoreError where it does not follow."""
        rows = list(headers)
        done = self.about().done
        if [height for height, _ in rows] != list(range(done + 1, done + 1 + len(rows))):
            raise StoreError(f"what is to be kept does not follow height {done}")
        with storage_faults("writing a light node's database"), transaction(self._connection):
            self._connection.executemany("INSERT INTO headers VALUES (?, ?)", rows)
            self._connection.executemany(
                "INSERT INTO payments VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [msgspec.structs.astuple(payment) for payment in payments],
            )
            self._connection.execute("INSERT OR REPLACE INTO about VALUES ('trusted', ?)", (trusted,))

    def payments(self, reference: str = "") -> Iterator[LightPayment]:
        """All payments, or those with this reference, oldest first."""
        rows = self._rows(
            "SELECT * FROM payments WHERE ?1 = '' OR reference = ?1 ORDER BY height, position", (reference,)
        )
        return (LightPayment(*row) for row in rows)

    def _value(self, name: str) -> bytes | None:
        rows = self._rows("SELECT value FROM about WHERE name = ?", (name,))
        return rows[0][0] if rows else None

    def _rows(self, statement: str, bindings: tuple[Any, ...] = ()) -> list[Any]:
        with storage_faults("reading a light node's database"):
            return self._connection.execute(statement, bindings).fetchall()


def _require_light(path: Path, connection: apsw.Connection) -> None:
    if connection.execute("PRAGMA application_id").get != _APPLICATION_ID:
        raise StoreError(f"{path} is not a light node's database")


def lock_light(path: Path) -> Any:
    """The lock of the one process that writes the database at `path`. Raises StoreError where another has it."""
    return acquire_writer(path)
