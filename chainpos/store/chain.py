"""The chain database: everything that a block leads to, in one durable transaction.

It refuses a second writing process, a block that does not follow the tip, and to go on after a failed write: what is
on the disk is then known only to whoever opens it again.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import apsw

from chainpos.core.chain.tip import ChainTip, encode_tip
from chainpos.errors import StoreError
from chainpos.store.chain_connection import open_reader, open_writer, storage_faults
from chainpos.store.chain_migrations import migrate, schema_version
from chainpos.store.chain_packing import (
    HASH_PREFIX_BYTES,
    INDEX_BITS,
    PackedBlock,
    change_row,
    changes_digest,
)
from chainpos.store.chain_reading import ChainReader, StoredBlock, StoredHead
from chainpos.store.chain_sealing import BEGAN, GENESIS, GENESIS_CHANGES, TIP, sealed
from chainpos.store.locking import FileLock

__all__ = ["ChainReader", "ChainStore", "PackedBlock", "StoredBlock", "StoredHead"]

# One statement takes all rows of a kind from one array. Row by row, a thread beside busy Python would hand over the
# interpreter at each step and wait milliseconds to get it back.
_PARSED_CHANGES: Final = """
    (SELECT substr(value, 5, size) AS key, substr(value, 4, 1) = x'2b' AS is_put, substr(value, 5 + size) AS rest
     FROM (SELECT value, CAST(substr(value, 1, 3) AS INTEGER) AS size FROM carray(?1)))
"""
_PUT_HISTORY: Final = f"INSERT INTO history SELECT key, ?2, CASE WHEN is_put THEN rest END FROM {_PARSED_CHANGES}"  # noqa: S608
_PUT_RECORDS: Final = f"""
    INSERT INTO records SELECT key, rest FROM {_PARSED_CHANGES} WHERE is_put
    ON CONFLICT (key) DO UPDATE SET value = excluded.value
"""  # noqa: S608
_DELETE_RECORDS: Final = f"DELETE FROM records WHERE key IN (SELECT key FROM {_PARSED_CHANGES} WHERE NOT is_put)"  # noqa: S608
_PUT_TRANSACTIONS: Final = "INSERT INTO transactions SELECT value, ?2 + rowid - 1 FROM carray(?1)"
_PUT_ATTRIBUTES: Final = """
    INSERT INTO attributes
    SELECT name, CAST(substr(value, 8, size) AS TEXT), ?2, substr(value, 8 + size)
    FROM (SELECT value, CAST(substr(value, 1, 4) AS INTEGER) AS name, CAST(substr(value, 5, 3) AS INTEGER) AS size
          FROM carray(?1))
"""
_MAX_NAMES: Final = 9_999


class ChainStore(ChainReader):
    """The one writer of a chain database; it reads what is committed, through a connection of its own."""

    def __init__(self, path: Path, lock: FileLock, writing: apsw.Connection, reading: apsw.Connection) -> None:
        super().__init__(path, reading)
        self._lock = lock
        self._writing = writing
        self._failed = ""
        self._names = self.attribute_names()
        self._next_height = self.tip_height() + 1

    @classmethod
    def create(
        cls,
        path: Path,
        genesis_json: bytes,
        tip: ChainTip,
        records: Mapping[bytes, bytes],
        *,
        vfs: str | None = None,
    ) -> ChainStore:
        """A new chain at `path`: `tip` before its first block, and the records that genesis names. Raises StoreError.

        A file that an interrupted `create` left behind is finished; any other is refused.
        """
        lock = acquire_writer(path)
        try:
            writing = open_writer(path, create=True, vfs=vfs)
            try:
                with storage_faults(f"creating {path}"):
                    _create(path, writing, genesis_json, tip, records)
                sync_directory(path.parent)
                return cls(path, lock, writing, open_reader(path, vfs=vfs))
            except BaseException:
                writing.close()
                raise
        except BaseException:
            lock.release()
            raise

    @classmethod
    def open(cls, path: Path, *, vfs: str | None = None) -> ChainStore:
        """The chain at `path`, brought up to this version's schema. Raises StoreError."""
        if not path.is_file():
            raise StoreError(f"there is no chain database at {path}")
        lock = acquire_writer(path)
        try:
            writing = open_writer(path, create=False, vfs=vfs)
            try:
                with storage_faults(f"opening {path}"):
                    _upgrade(writing)
                return cls(path, lock, writing, open_reader(path, vfs=vfs))
            except BaseException:
                writing.close()
                raise
        except BaseException:
            lock.release()
            raise

    def close(self) -> None:
        """Let go of the file and the lock. Closing twice is closing once."""
        try:
            super().close()
            self._writing.close()
        finally:
            self._lock.release()

    def append(self, packed: PackedBlock) -> None:
        """Write one block; it is durable when this returns.

        Raises StoreError where it cannot be written. Then nothing of it is visible here, the store takes no more
        blocks, and only opening it again tells whether the block reached the disk whole.
        """
        if self._failed:
            raise StoreError(f"the chain database takes no more blocks since a write failed: {self._failed}")
        if packed.height != self._next_height:
            raise StoreError(f"block {packed.height} does not follow the stored block {self._next_height - 1}")
        try:
            with storage_faults(f"writing block {packed.height}"):
                self._write(packed)
        except StoreError as error:
            self._failed = str(error)
            raise
        self._next_height += 1

    def restore(self, tip: ChainTip, records: Mapping[bytes, bytes]) -> None:
        """Begin at `tip`, which has these records, in place of genesis; durable when this returns.

        Raises StoreError where there are blocks already, and where it cannot be written: then nothing has changed.
        """
        if not self.tip().is_genesis:
            raise StoreError("only a chain without blocks can begin from a snapshot")
        with storage_faults(f"restoring height {tip.height}"), transaction(self._writing):
            for table in ("records", "history", "validator_sets", "params"):
                self._writing.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
            self._writing.execute("DELETE FROM sealed WHERE name IN (?, ?)", (TIP, GENESIS_CHANGES))
            self._writing.execute("INSERT INTO sealed VALUES (?, ?)", (BEGAN, sealed(encode_tip(tip))))
            _write_beginning(self._writing, tip, records)
        self._next_height = tip.next_height

    def _write(self, packed: PackedBlock) -> None:
        with transaction(self._writing):
            names = self._write_names(packed)
            self._write_rows(packed, names)
        self._names = names

    def _write_names(self, packed: PackedBlock) -> dict[str, int]:
        unknown = [name for name, _ in packed.attributes if name not in self._names]
        if not unknown:
            return self._names
        names = dict(self._names)
        for name in unknown:
            names[name] = len(names) + 1
            self._writing.execute("INSERT INTO attribute_names (id, name) VALUES (?, ?)", (names[name], name))
        if len(names) > _MAX_NAMES:
            raise StoreError(f"over {_MAX_NAMES} kinds of attributes")
        return names

    def _write_rows(self, packed: PackedBlock, names: Mapping[str, int]) -> None:
        execute, height = self._writing.execute, packed.height
        execute(
            "INSERT INTO blocks (height, block_hash, transactions, digest, changes_digest, block_id, seen_commit,"
            " results, block) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                height, packed.block_hash, len(packed.tx_hashes), packed.digest(), packed.changes_digest(),
                packed.block_id, packed.commit, packed.results, packed.block,
            ),
        )  # fmt: skip
        execute("UPDATE sealed SET value = ? WHERE name = ?", (sealed(packed.tip), TIP))
        if packed.validators:
            execute("INSERT INTO validator_sets VALUES (?, ?)", (height + 1, sealed(packed.validators)))
        if packed.params:
            execute("INSERT INTO params VALUES (?, ?)", (height + 1, sealed(packed.params)))
        if packed.tx_hashes:
            prefixes = apsw.carray(tuple([tx_hash[:HASH_PREFIX_BYTES] for tx_hash in packed.tx_hashes]))
            execute(_PUT_TRANSACTIONS, (prefixes, height << INDEX_BITS))
        write_changes(self._writing, packed.changes, height)
        attributes = tuple([b"%04d%b" % (names[name], row) for name, rows in packed.attributes for row in rows])
        if attributes:
            execute(_PUT_ATTRIBUTES, (apsw.carray(attributes), height))


@contextmanager
def transaction(writing: apsw.Connection) -> Iterator[None]:
    """One durable transaction, or nothing at all."""
    writing.execute("BEGIN IMMEDIATE")
    try:
        yield
        writing.execute("COMMIT")
    except BaseException:
        # After some failures SQLite has rolled back by itself.
        if writing.in_transaction:
            writing.execute("ROLLBACK")
        raise


def write_changes(writing: apsw.Connection, changes: tuple[bytes, ...], height: int) -> None:
    """Write one block's packed changes to records and history, within the caller's transaction."""
    if changes:
        rows = apsw.carray(changes)
        writing.execute(_PUT_HISTORY, (rows, height))
        writing.execute(_PUT_RECORDS, (rows,))
        writing.execute(_DELETE_RECORDS, (rows,))


def acquire_writer(path: Path) -> FileLock:
    """The lock of the one process that writes the database at `path`. Raises StoreError where another has it."""
    lock = FileLock(path.with_name(path.name + ".lock"))
    try:
        lock.acquire(f"another process is writing the chain database {path}")
    except OSError as error:
        raise StoreError(f"{path.parent} cannot be written: {error.strerror}") from error
    return lock


def _create(
    path: Path, writing: apsw.Connection, genesis_json: bytes, tip: ChainTip, records: Mapping[bytes, bytes]
) -> None:
    if not tip.is_genesis:
        raise StoreError("a new chain begins before its first block")
    with writing:
        if schema_version(writing):
            raise StoreError(f"there is a chain database at {path} already")
        migrate(writing)
        writing.execute("INSERT INTO sealed VALUES (?, ?)", (GENESIS, sealed(genesis_json)))
        _write_beginning(writing, tip, records)


def _write_beginning(writing: apsw.Connection, tip: ChainTip, records: Mapping[bytes, bytes]) -> None:
    writing.execute("INSERT INTO validator_sets VALUES (?, ?)", (tip.next_height, sealed(tip.validators.encode())))
    writing.execute("INSERT INTO params VALUES (?, ?)", (tip.next_height, sealed(tip.params.encode())))
    changes = tuple([change_row(key, records[key]) for key in sorted(records)])
    write_changes(writing, changes, tip.height)
    rows = [(TIP, sealed(encode_tip(tip))), (GENESIS_CHANGES, sealed(changes_digest(changes)))]
    writing.executemany("INSERT INTO sealed (name, value) VALUES (?, ?)", rows)


def _upgrade(writing: apsw.Connection) -> None:
    if schema_version(writing) == 0:
        raise StoreError("the chain database was never finished: remove it and begin again")
    with writing:
        migrate(writing)


def sync_directory(folder: Path) -> None:
    """Make a folder's entries durable."""
    # The new file's name must survive a power cut too. Windows has no such call.
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
