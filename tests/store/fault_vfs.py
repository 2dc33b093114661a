"""A file system for SQLite that writes down what is done to the files, and can fail where a test says so.

From the record, `Disk` tells what a power cut at any moment may leave: whatever was synced, and of the rest any part.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

import apsw

SECTOR_BYTES = 512
Kind = Literal["write", "truncate", "sync", "delete"]


class Operation(NamedTuple):
    """Something done to a file; `offset` is also the size that a file is cut to."""

    kind: Kind
    name: str
    offset: int = 0
    content: bytes = b""


class FaultVfs(apsw.VFS):
    """Passes everything on to the real files. `before` sees each operation first, and may raise apsw's errors."""

    def __init__(self, name: str, before: Callable[[Operation], None] = lambda _: None) -> None:
        self.name = name
        self.log: list[Operation] = []
        self.before = before
        super().__init__(name, "")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 - SQLite's
        return FaultFile(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802 - SQLite's
        self.note(Operation("delete", Path(filename).name))
        super().xDelete(filename, syncdir)

    def note(self, operation: Operation) -> None:
        self.before(operation)
        self.log.append(operation)


class FaultFile(apsw.VFSFile):
    def __init__(self, vfs: FaultVfs, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        self._vfs = vfs
        given = name.filename() if isinstance(name, apsw.URIFilename) else name
        self._name = Path(given or "temporary").name
        super().__init__("", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - SQLite's
        self._vfs.note(Operation("write", self._name, offset, bytes(data)))
        super().xWrite(data, offset)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802 - SQLite's
        self._vfs.note(Operation("truncate", self._name, newsize))
        super().xTruncate(newsize)

    def xSync(self, flags: int) -> None:  # noqa: N802 - SQLite's
        self._vfs.note(Operation("sync", self._name))
        super().xSync(flags)


class Disk:
    """What is surely on the disk after the first operations of a log, and what may be."""

    def __init__(self, log: list[Operation]) -> None:
        self.durable: dict[str, bytearray] = {}
        self.pending: dict[str, list[Operation]] = {}
        for operation in log:
            if operation.kind == "sync":
                for each in self.pending.pop(operation.name, []):
                    _apply(self.durable, each)
                self.durable.setdefault(operation.name, bytearray())
            elif operation.kind == "delete":
                self.durable.pop(operation.name, None)
                self.pending.pop(operation.name, None)
            else:
                self.pending.setdefault(operation.name, []).append(operation)

    def after_power_cut(self, folder: Path, rng: random.Random, kept: float) -> None:
        """Writes the files as a power cut may leave them: each unsynced operation survives with chance `kept`."""
        files = {name: bytearray(content) for name, content in self.durable.items()}
        for operations in self.pending.values():
            for operation in operations:
                if rng.random() < kept:
                    _apply(files, _torn(operation, rng) if rng.random() < 0.2 else operation)
        for name, content in files.items():
            if not name.endswith("-shm"):
                (folder / name).write_bytes(content)


def _torn(operation: Operation, rng: random.Random) -> Operation:
    sectors = len(operation.content) // SECTOR_BYTES
    return operation._replace(content=operation.content[: rng.randrange(sectors + 1) * SECTOR_BYTES])


def _apply(files: dict[str, bytearray], operation: Operation) -> None:
    content = files.setdefault(operation.name, bytearray())
    if operation.kind == "truncate":
        del content[operation.offset :]
        return
    end = operation.offset + len(operation.content)
    if len(content) < end:
        content.extend(bytes(end - len(content)))
    content[operation.offset : end] = operation.content
