"""Small files that must survive a power cut whole: either the old content or the new, never half of one.

It refuses nothing, and knows nothing of what the files mean.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Final

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
