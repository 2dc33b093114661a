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

from chainpos.wallet.home import WalletHome

# Play money behind a passphrase that everybody may know.
DEMO_PASSPHRASE: Final = "demo demo demo"  # noqa: S105


class RunningDemo(NamedTuple):
    """The folder of a demo that runs now."""

    folder: Path

    @property
    def wallet(self) -> Path:
        """The wallet that the demo made for the person at the keyboard."""
        return self.folder / "wallet"

    def serves(self, address: str) -> bool:
        """Whether a node of this demo answers at HOST:PORT."""
        return address in WalletHome(self.wallet).settings().nodes


def announce(folder: Path) -> None:
    """Leave this process's note; those of demos that are gone without taking theirs away are cleared."""
    for path in _notes():
        if (noted := _read(path)) is not None and not _alive(noted[0]):
            path.unlink(missing_ok=True)
    path = _note_path(os.getpid())
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump({"pid": os.getpid(), "folder": str(folder)}, file)


def withdraw() -> None:
    """Take this process's note away."""
    path = _note_path(os.getpid())
    if _read(path) is not None:
        path.unlink(missing_ok=True)


def running_demos() -> tuple[RunningDemo, ...]:
    """The demos of this user that run now, the one that was started last first."""
    found = [(path.lstat().st_mtime_ns, noted) for path in _notes() if (noted := _read(path)) is not None]
    living = sorted((at_ns, folder) for at_ns, (pid, folder) in found if _alive(pid) and (folder / "wallet").is_dir())
    return tuple(RunningDemo(folder) for _, folder in reversed(living))


def _notes() -> list[Path]:
    return list(Path(tempfile.gettempdir()).glob(f"chainpos-demo-{_owner()}-*.json"))


def _note_path(pid: int) -> Path:
    return Path(tempfile.gettempdir()) / f"chainpos-demo-{_owner()}-{pid}.json"


def _owner() -> str:
    return str(os.getuid()) if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")


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
