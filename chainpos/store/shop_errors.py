"""What may go wrong with the shop's book, told apart: what passes by itself from what does not.

It refuses to call damage a passing trouble: a book with pages that rot may take one write and lose the next.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from chainpos.errors import ChainposError, StoreError

_PASSING: Final = frozenset({
    sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_NOMEM,
})  # fmt: skip


class Unwritable(StoreError):
    """The book cannot be written now, and is sound; `why` says in words what is in the way."""

    def __init__(self, path: Path, error: sqlite3.Error) -> None:
        super().__init__(f"the shop's book {path} cannot be used: {in_words(error)}")
        known = {sqlite3.SQLITE_BUSY: "another program holds it", sqlite3.SQLITE_FULL: "the disk is full"}
        self.why = known.get(_kind(error), str(error))


class GaveWay(ChainposError):
    """A look into the book was left off, because somebody else wanted it."""


@contextmanager
def sqlite_errors(path: Path) -> Iterator[None]:
    """Within it what SQLite raises is raised as Unwritable, GaveWay or another StoreError."""
    try:
        yield
    except sqlite3.Error as error:
        if _kind(error) == sqlite3.SQLITE_INTERRUPT:
            raise GaveWay from error
        if _kind(error) in _PASSING:
            raise Unwritable(path, error) from error
        raise StoreError(f"the shop's book {path} cannot be used: {in_words(error)}") from error


def is_busy(error: sqlite3.Error) -> bool:
    """Whether another program has the file in its hands."""
    return _kind(error) == sqlite3.SQLITE_BUSY


def in_words(error: sqlite3.Error) -> str:
    """What SQLite says, and of a file in another program's hands what that means."""
    return "another program holds it; close that program" if is_busy(error) else str(error)


def _kind(error: sqlite3.Error) -> int:
    # The low byte is the kind; what is above it says more. Some errors are the library's own and have none.
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
