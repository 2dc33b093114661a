"""One process at a time on one file. The system lets go of the lock when its process ends, however it ends.

It refuses to wait: who comes second is told so.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from chainpos.errors import StoreInUse

_MAX_PID_BYTES: Final = 20
# Windows keeps others from reading what is locked, so there the lock is on a byte far behind the process's number.
_LOCKED_BYTE: Final = 1 << 20


class FileLock:
    """An exclusive lock, held through a small file that stays where it is."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def acquire(self, otherwise: str) -> None:
        """Take the lock. Raises StoreInUse where another process has it: the sentence `otherwise`, and its number."""
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
        try:
            _lock(descriptor)
        except OSError as error:
            holder = os.read(descriptor, _MAX_PID_BYTES).decode("ascii", "replace").strip()
            os.close(descriptor)
            raise StoreInUse(f"{otherwise} (process {holder})" if holder.isdecimal() else otherwise) from error
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode("ascii"))
        self._descriptor = descriptor

    def release(self) -> None:
        """Let go. Releasing twice is releasing once."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
