"""Where a running demo says where it is, so that a wallet in another terminal finds it without being told.

It refuses a note that another user of the machine could have left.
"""

from __future__ import annotations

import json
import os
import stat
import tempfile
from pathlib import Path
from typing import Final, NamedTuple

# Play money behind a passphrase that everybody may know.
DEMO_PASSPHRASE: Final = "demo demo demo"  # noqa: S105


class RunningDemo(NamedTuple):
    """The folder of a demo that runs now."""

    folder: Path

    @property
    def wallet(self) -> Path:
        """The wallet that the demo made for the person at the keyboard."""
        return self.folder / "wallet"


def _note_path() -> Path:
    owner = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    return Path(tempfile.gettempdir()) / f"chainpos-demo-{owner}.json"


def announce(folder: Path) -> None:
    """Leave the note; a newer demo's replaces an older one's."""
    path = _note_path()
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump({"pid": os.getpid(), "folder": str(folder)}, file)


def withdraw() -> None:
    """Take the note away, if it is this process's."""
    path = _note_path()
    if (noted := _read(path)) is not None and noted[0] == os.getpid():
        path.unlink(missing_ok=True)


def running_demo() -> RunningDemo | None:
    """The demo that runs now, if any."""
    noted = _read(_note_path())
    if noted is None or not _alive(noted[0]) or not (noted[1] / "wallet").is_dir():
        return None
    return RunningDemo(noted[1])


def _read(path: Path) -> tuple[int, Path] | None:
    try:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode) or (hasattr(os, "getuid") and found.st_uid != os.getuid()):
            return None
        noted = json.loads(path.read_text(encoding="utf-8"))
        return int(noted["pid"]), Path(noted["folder"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
