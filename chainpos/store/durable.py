"""Small files that must survive a power cut whole: either the old content or the new, never half of one.

It refuses to follow a symbolic link that somebody left in its way.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final

PRIVATE_MODE: Final = 0o600
PRIVATE_FOLDER_MODE: Final = 0o700


def write_durably(path: Path, data: bytes, *, mode: int = PRIVATE_MODE, replace: bool = True) -> None:
    """Write `data` under `path`, durable when this returns. Raises FileExistsError where it may not replace."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            temporary.replace(path)
        else:
            # A link, unlike a rename, fails where the name is taken: two writers cannot both believe they won.
            os.link(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


def append_durably(path: Path, line: bytes) -> None:
    """Add one line at the end of `path`, durable when this returns; the file is made private if it is new."""
    is_new = not path.exists()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0), PRIVATE_MODE)
    with os.fdopen(descriptor, "ab") as file:
        file.write(line.rstrip(b"\n") + b"\n")
        file.flush()
        os.fsync(file.fileno())
    if is_new:
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a new name in `folder` durable; where folders cannot be opened (Windows), the file system sees to it."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def private_folder(folder: Path) -> Path:
    """`folder`, made if it was not there, readable by its owner alone."""
    folder.mkdir(mode=PRIVATE_FOLDER_MODE, parents=True, exist_ok=True)
    return folder


def is_private(path: Path) -> bool:
    """Whether nobody but the owner may read or write the file. On Windows, where modes say nothing, always true."""
    return os.name == "nt" or path.stat().st_mode & 0o077 == 0
