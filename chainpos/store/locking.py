"""One process at a time on one file. The system lets go of the lock when its process ends, however it ends.

It refuses to wait: who comes second is told so.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from chainpos.errors import StoreError


class FileLock:
    """An exclusive lock, held through a small file that stays where it is."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def acquire(self, otherwise: str) -> None:
        """Take the lock. Raises StoreError with the sentence `otherwise` where another process has it."""
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
        try:
            _lock(descriptor)
        except OSError as error:
            os.close(descriptor)
            raise StoreError(otherwise) from error
        self._descriptor = descriptor

    def release(self) -> None:
        """Let go. Releasing twice is releasing once."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
