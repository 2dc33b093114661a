"""The application's own database where CometBFT keeps the blocks: the records after the last block, and their history.

It has the chain database's schema, with no blocks in it. It refuses a second writing process, a block that does not
follow the last, and to go on after a failed write.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import apsw
import msgspec

from chainpos.core.state.journal import Change
from chainpos.errors import StoreError
from chainpos.store.chain import acquire_writer, sync_directory, transaction, write_changes
from chainpos.store.chain_connection import open_reader, open_writer, storage_faults
from chainpos.store.chain_migrations import migrate, schema_version
from chainpos.store.chain_packing import change_row
from chainpos.store.chain_reading import ChainReader
from chainpos.store.chain_sealing import GENESIS, sealed
from chainpos.store.locking import FileLock

# Its name in the table `sealed`.
POINT: Final = "application"


class Point(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Where the application stands: after block `height`, or before the first, one below the initial height.

    `time_ns` is that block's time, or genesis time. `app_version` is that of the next block's header. `changed` says
    whether that block led to another app hash, `restored` that its records came with a snapshot.
    """

    height: int
    time_ns: int
    app_hash: bytes
    app_version: int
    changed: bool = False
    restored: bool = False


class ApplicationReader(ChainReader):
    """A read-only view of it, also while the application writes; of the chain's questions, only those of records."""

    @classmethod
    def open(cls, path: Path, *, vfs: str | None = None) -> ApplicationReader:
        """Raises StoreError where there is no finished database of this version."""
        with ChainReader.open(path, vfs=vfs):
            return cls(path, open_reader(path, vfs=vfs))

    @classmethod
    def held(cls, path: Path) -> ApplicationReader:
        """What is committed now, and nothing later, until it is closed. Raises StoreError."""
        reader = cls.open(path)
        try:
            with storage_faults(f"opening {path}"):
                reader.connection.execute("BEGIN")
            # SQLite begins to hold with the first row that is read.
            reader.point()
        except BaseException:
            reader.close()
            raise
        return reader

    def point(self) -> Point:
        """Where the application stands. Raises StoreError where that is damaged."""
        try:
            return msgspec.msgpack.decode(self._sealed(POINT), type=Point)
        except msgspec.DecodeError as error:
            raise StoreError("where the application stands cannot be read: its database is damaged") from error


class ApplicationStore(ApplicationReader):
    """The one writer of an application's database. One thread at a time."""

    def __init__(self, path: Path, lock: FileLock, writing: apsw.Connection, reading: apsw.Connection) -> None:
        super().__init__(path, reading)
        self._lock = lock
        self._writing = writing
        self._failed = ""

    @classmethod
    def create(cls, path: Path, genesis_json: bytes, point: Point, records: Mapping[bytes, bytes]) -> ApplicationStore:
        """A new database, before its first block, with the records that genesis names. Raises StoreError."""
        lock = acquire_writer(path)
        try:
            writing = open_writer(path, create=True)
            try:
                with storage_faults(f"creating {path}"):
                    _create(path, writing, genesis_json, point, records)
                sync_directory(path.parent)
                return cls(path, lock, writing, open_reader(path))
            except BaseException:
                writing.close()
                raise
        except BaseException:
            lock.release()
            raise

    @classmethod
    def open(cls, path: Path, *, vfs: str | None = None) -> ApplicationStore:
        """The database as it was left, brought up to this version's schema. Raises StoreError."""
        if not path.is_file():
            raise StoreError(f"there is no application database at {path}")
        lock = acquire_writer(path)
        try:
            writing = open_writer(path, create=False, vfs=vfs)
            try:
                with storage_faults(f"opening {path}"):
                    _upgrade(writing)
                return cls(path, lock, writing, open_reader(path))
            except BaseException:
                writing.close()
                raise
        except BaseException:
            lock.release()
            raise

    def close(self) -> None:
        """Let go of the file and the lock."""
        try:
            super().close()
            self._writing.close()
        finally:
            self._lock.release()

    def append(self, point: Point, changes: Sequence[Change]) -> None:
        """Write what one block changed, and where that leads, in one transaction; durable when this returns.

        Raises StoreError where it cannot be written; then only opening it again tells whether it was.
        """
        rows = tuple([change_row(key, after) for key, _, after in changes])
        self._write(f"writing block {point.height}", point, rows, from_scratch=False)

    def restore(self, point: Point, records: Mapping[bytes, bytes]) -> None:
        """Take the records of a snapshot in place of all that is here. Raises StoreError."""
        self._write(f"restoring height {point.height}", point, _rows(records), from_scratch=True)

    def _write(self, action: str, point: Point, rows: tuple[bytes, ...], *, from_scratch: bool) -> None:
        if self._failed:
            raise StoreError(f"the application database takes no more blocks since a write failed: {self._failed}")
        try:
            with storage_faults(action):
                self._in_one_transaction(point, rows, from_scratch=from_scratch)
        except StoreError as error:
            self._failed = str(error)
            raise

    def _in_one_transaction(self, point: Point, rows: tuple[bytes, ...], *, from_scratch: bool) -> None:
        writing = self._writing
        with transaction(writing):
            if from_scratch:
                writing.execute("DELETE FROM records")
                writing.execute("DELETE FROM history")
            write_changes(writing, rows, point.height)
            writing.execute("UPDATE sealed SET value = ? WHERE name = ?", (_sealed_point(point), POINT))


def _create(
    path: Path, writing: apsw.Connection, genesis_json: bytes, point: Point, records: Mapping[bytes, bytes]
) -> None:
    with writing:
        if schema_version(writing):
            raise StoreError(f"there is a database at {path} already")
        migrate(writing)
        rows = [(GENESIS, sealed(genesis_json)), (POINT, _sealed_point(point))]
        writing.executemany("INSERT INTO sealed (name, value) VALUES (?, ?)", rows)
        write_changes(writing, _rows(records), point.height)


def _upgrade(writing: apsw.Connection) -> None:
    if schema_version(writing) == 0:
        raise StoreError("the application database was never finished: remove it and begin again")
    with writing:
        migrate(writing)


def _sealed_point(point: Point) -> bytes:
    return sealed(msgspec.msgpack.encode(point))


def _rows(records: Mapping[bytes, bytes]) -> tuple[bytes, ...]:
    return tuple([change_row(key, records[key]) for key in sorted(records)])
