"""Snapshots in a folder beside a database: written whole or not at all, the newest kept, served by name.

It refuses nothing that is asked: what is not there any more is answered as empty. Nothing here is made durable; a
snapshot that a power cut damages is refused by whoever fetches it.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from chainpos.core.state.snapshots import Manifest, cut, manifest_of
from chainpos.errors import MalformedBytes

KEPT: Final = 2
# Paths of `abci_query`: the snapshots that there are, and below it /HEIGHT/CHUNK.
QUERY_PATH: Final = "/snapshots"
_MANIFEST: Final = "metadata"
_log = logging.getLogger(__name__)


class Snapshots:
    """The snapshots of the database at `database`. Its methods may be called from any thread; one of them writes."""

    def __init__(self, database: Path) -> None:
        self._folder = database.parent / "snapshots"

    def write(self, height: int, app_version: int, records: Mapping[bytes, bytes]) -> None:
        """Take one, and let the oldest go. A disk that refuses it stops nothing."""
        try:
            self._write(height, app_version, cut(records))
            for left in self._folder.glob(".*"):
                # Whoever wrote it died over it.
                shutil.rmtree(left, ignore_errors=True)
            for old in self.heights()[KEPT:]:
                shutil.rmtree(self._folder / str(old), ignore_errors=True)
        except OSError as error:
            _log.error("no snapshot of height %d: %s", height, error.strerror)

    def heights(self) -> list[int]:
        """What there is, newest first."""
        if not self._folder.is_dir():
            return []
        return sorted((int(each.name) for each in self._folder.iterdir() if each.name.isdigit()), reverse=True)

    def listed(self) -> list[tuple[int, Manifest]]:
        """(height, what it consists of), newest first."""
        found = []
        for height in self.heights():
            with contextlib.suppress(OSError, MalformedBytes):
                found.append((height, Manifest.decode((self._folder / str(height) / _MANIFEST).read_bytes())))
        return found

    def chunk(self, height: int, index: int) -> bytes:
        """One chunk; empty where it is not here any more."""
        with contextlib.suppress(OSError):
            return (self._folder / str(height) / f"{index}.chunk").read_bytes()
        return b""

    def answer(self, path: str) -> bytes:
        """What is told of a path of `abci_query` that begins with QUERY_PATH; empty where there is no such thing."""
        if path == QUERY_PATH:
            return encode_offers([(height, manifest) for height, manifest in self.listed()])
        height, _, index = path.removeprefix(f"{QUERY_PATH}/").partition("/")
        if not (height.isdecimal() and index.isdecimal() and len(height) + len(index) < 30):
            return b""
        return self.chunk(int(height), int(index))

    def _write(self, height: int, app_version: int, chunks: list[bytes]) -> None:
        place, making = self._folder / str(height), self._folder / f".{height}"
        if place.exists():
            return
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(parents=True)
        for index, chunk in enumerate(chunks):
            (making / f"{index}.chunk").write_bytes(chunk)
        (making / _MANIFEST).write_bytes(manifest_of(chunks, app_version).encode())
        making.rename(place)


def encode_offers(offers: list[tuple[int, Manifest]]) -> bytes:
    """Heights and manifests, as `abci_query` carries them."""
    return msgspec.msgpack.encode([(height, manifest.encode()) for height, manifest in offers])


def decode_offers(data: bytes) -> list[tuple[int, Manifest]]:
    """The inverse of `encode_offers`. Raises MalformedBytes."""
    try:
        rows = msgspec.msgpack.decode(data, type=list[tuple[int, bytes]])
    except msgspec.DecodeError as error:
        raise MalformedBytes("not a list of snapshots") from error
    return [(height, Manifest.decode(manifest)) for height, manifest in rows[:KEPT]]
