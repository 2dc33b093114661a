"""Connections to the chain database: one that writes, any number that only read; and what its failures are called.

It refuses files that are not chain databases, and turns every failure of the disk or the file into a StoreError.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import apsw

from chainpos.errors import StoreError
from chainpos.store.chain_migrations import schema_version

BUSY_TIMEOUT_MS: Final = 5_000
WRITER_CACHE_KIB: Final = 16_384
READER_CACHE_KIB: Final = 4_096
# Pages of 4 KiB that may gather before they are moved into the main file, and what is kept of the emptied log.
CHECKPOINT_PAGES: Final = 2_000
LOG_KEPT_BYTES: Final = 64 * 1024 * 1024

_SENTENCES: Final[tuple[tuple[type[apsw.Error], str], ...]] = (
    (apsw.FullError, "the disk is full"),
    (apsw.NotADBError, "the file is not a database, or it is damaged"),
    (apsw.CorruptError, "the chain database is damaged"),
    (apsw.IOError, "the disk failed"),
    (apsw.ReadOnlyError, "the chain database cannot be written"),
    (apsw.PermissionsError, "the chain database cannot be written"),
    (apsw.CantOpenError, "the chain database cannot be opened"),
    (apsw.BusyError, "another program is using the chain database"),
    (apsw.LockedError, "another program is using the chain database"),
    (apsw.NoMemError, "there is no memory left"),
)


@contextmanager
def storage_faults(action: str) -> Iterator[None]:
    """Turns SQLite's failures into StoreError("`action`: what happened"). A mistake of ours in SQL stays as it is."""
    try:
        yield
    except (apsw.SQLError, apsw.MisuseError, apsw.ThreadingViolationError, apsw.BindingsError):
        raise
    except apsw.Error as error:
        for kind, sentence in _SENTENCES:
            if isinstance(error, kind):
                raise StoreError(f"{action}: {sentence} ({error})") from error
        raise StoreError(f"{action}: {error}") from error


def open_writer(path: Path, *, create: bool, vfs: str | None = None) -> apsw.Connection:
    """The connection that writes, durable at every commit. Raises StoreError. `vfs` is for tests that inject faults."""
    flags = apsw.SQLITE_OPEN_READWRITE | (apsw.SQLITE_OPEN_CREATE if create else 0)
    with storage_faults(f"opening {path}"):
        connection = apsw.Connection(str(path), flags=flags, vfs=vfs)
        try:
            _harden(connection)
            schema_version(connection)  # first of all: another program's database is left as it is
            connection.execute("PRAGMA journal_mode = WAL")
            # FULL, always: at NORMAL, a power cut takes back blocks that were acknowledged.
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA fullfsync = ON")  # macOS has a plain fsync that does not reach the disk
            connection.execute(f"PRAGMA cache_size = -{WRITER_CACHE_KIB}")
            connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
            connection.execute(f"PRAGMA journal_size_limit = {LOG_KEPT_BYTES}")
        except BaseException:
            connection.close()
            raise
    return connection


def open_reader(path: Path, *, vfs: str | None = None, still: bool = False) -> apsw.Connection:
    """A connection that sees whole committed blocks and can change nothing. Raises StoreError.

    `still` says that nobody writes to the file, as to a backup: then no log is made beside it, and its folder may be
    one that cannot be written. A log with something in it belongs to the file, and is read with it as ever.
    """
    if not path.is_file():
        raise StoreError(f"there is no chain database at {path}")
    with storage_faults(f"opening {path}"):
        name, flags = str(path), apsw.SQLITE_OPEN_READONLY
        if still and not _has_log(path):
            name, flags = f"{path.absolute().as_uri()}?immutable=1", flags | apsw.SQLITE_OPEN_URI
        connection = apsw.Connection(name, flags=flags, vfs=vfs)
        try:
            _harden(connection)
            connection.execute("PRAGMA query_only = ON")
            connection.execute(f"PRAGMA cache_size = -{READER_CACHE_KIB}")
            connection.execute("SELECT count(*) FROM sqlite_schema")
        except BaseException:
            connection.close()
            raise
    return connection


def _has_log(path: Path) -> bool:
    log = path.with_name(f"{path.name}-wal")
    return log.is_file() and log.stat().st_size > 0


def _harden(connection: apsw.Connection) -> None:
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
