"""Small files that must survive a power cut, and locks that no two processes hold at once.

It refuses a lock that another process holds. It knows nothing of what the files mean.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from chainpos.errors import StoreError

_PRIVATE: Final = 0o600


def replace_file(path: Path, content: bytes, *, mode: int = _PRIVATE) -> None:
    """Put `content` at `path`, wholly or not at all; once this returns it survives a power cut.

    The order matters: the bytes reach the disk before the name points at them, and the name before we return.
    Raises OSError, with the old file untouched.
    """
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            if sys.platform != "win32":
                os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Make a directory's entries durable. Windows has no such call; there a rename is journaled by the file system."""
    if sys.platform == "win32":
        return
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Lock:
    """An exclusive lock on one file, held until `release` or until the process dies, however it dies."""

    def __init__(self, path: Path, what: str) -> None:
        """Take the lock. Raises StoreError when another process (or another Lock in this one) holds it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT, _PRIVATE)
        try:
            _lock_now(self._handle)
        except OSError as error:
            os.close(self._handle)
            self._handle = -1
            raise StoreError(f"{what} is in use by another process") from error

    def release(self) -> None:
        """Give the lock back. The file stays: removing it would let two processes lock two files of one name."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()


if sys.platform == "win32":
    import msvcrt

    def _lock_now(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock_now(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
