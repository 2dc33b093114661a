"""A recorded chain in one file: its genesis, then every block with its commit; made for replay on another machine.

It refuses files that are cut short, altered, from a newer version, or that would unpack to more than they may.
Nothing that it reads is trusted: whoever replays it verifies every block.

Layout, numbers big-endian: "chainpos chain\\n", version (1), first height (8). Then frames: kind (1), packed length
(4), length (4), zlib data. "G" is the genesis JSON, once and first; "B" holds entries: block length (4), block, commit
length (4), commit; "E" ends it with the number of blocks (8) and the SHA-256 over all of it before, unpacked.
"""

from __future__ import annotations

import os
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import msgspec

from chainpos.core.chain.genesis import MAX_GENESIS_BYTES
from chainpos.core.chain.params import MAX_BLOCK_BYTES
from chainpos.errors import StoreError

if TYPE_CHECKING:
    from hashlib import _Hash

MAGIC: Final = b"chainpos chain\n"
VERSION: Final = 1
# A commit of 10,000 validators is about 1.2 MB.
MAX_COMMIT_BYTES: Final = 4 * 1024 * 1024
# Blocks are packed together until a frame has this much, so that small ones compress well and memory stays small.
FRAME_BYTES: Final = 256 * 1024
MAX_FRAME_BYTES: Final = FRAME_BYTES + MAX_BLOCK_BYTES + MAX_COMMIT_BYTES + 8
_COMPRESSION_LEVEL: Final = 9
_GENESIS: Final = b"G"
_BLOCKS: Final = b"B"
_END: Final = b"E"
_END_BYTES: Final = 8 + 32
# The kind, and the lengths of what is packed and of what it unpacks to.
_HEAD_BYTES: Final = 9


class ChainFileDamaged(StoreError):
    """The file cannot be read to its end. `height` is the first block that was not read, 0 before any."""

    def __init__(self, height: int, what: str) -> None:
        super().__init__(f"the chain file is damaged before block {height}: {what}" if height else what)
        self.height = height


class RecordedBlock(msgspec.Struct, frozen=True):
    """One block and the commit that made it final, as encoded by core.chain."""

    height: int
    block: bytes
    commit: bytes


class ChainFileWriter:
    """Writes one recorded chain to an open file; the same input gives the same bytes. Finish with `finish`."""

    def __init__(self, file: BinaryIO, genesis_json: bytes, first_height: int) -> None:
        if not 0 < len(genesis_json) <= MAX_GENESIS_BYTES:
            raise ValueError(f"a genesis document of {len(genesis_json)} bytes")
        self._file = file
        self._digest = sha256()
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._count = 0
        beginning = MAGIC + bytes((VERSION,)) + first_height.to_bytes(8, "big")
        file.write(beginning)
        self._digest.update(beginning)
        self._frame(_GENESIS, genesis_json)

    def add(self, block: bytes, commit: bytes) -> None:
        """The next block. Raises ValueError where one is larger than it may be."""
        if not 0 < len(block) <= MAX_BLOCK_BYTES or len(commit) > MAX_COMMIT_BYTES:
            raise ValueError(f"a block of {len(block)} bytes with a commit of {len(commit)}")
        self._pending += [len(block).to_bytes(4, "big"), block, len(commit).to_bytes(4, "big"), commit]
        self._pending_bytes += len(block) + len(commit) + 8
        self._count += 1
        if self._pending_bytes >= FRAME_BYTES:
            self._flush()

    def finish(self) -> None:
        """Write what is left and the end. The file stays open and is the caller's to close."""
        self._flush()
        count = self._count.to_bytes(8, "big")
        self._digest.update(_END + count)
        self._frame(_END, count + self._digest.digest())
        self._file.flush()

    def _flush(self) -> None:
        if self._pending:
            self._frame(_BLOCKS, b"".join(self._pending))
            self._pending, self._pending_bytes = [], 0

    def _frame(self, kind: bytes, content: bytes) -> None:
        if kind != _END:
            self._digest.update(_digested(kind, content))
        packed = zlib.compress(content, _COMPRESSION_LEVEL)
        self._file.write(kind + len(packed).to_bytes(4, "big") + len(content).to_bytes(4, "big") + packed)


class ChainFileReader:
    """Reads one recorded chain from an open file, one frame in memory at a time."""

    def __init__(self, file: BinaryIO) -> None:
        """Reads the beginning. Raises ChainFileDamaged."""
        self._file = file
        self._digest: _Hash = sha256()
        self._next = 0
        beginning = self._exactly(len(MAGIC) + 9, "the file is not a recorded chain")
        if not beginning.startswith(MAGIC):
            raise ChainFileDamaged(0, "the file is not a recorded chain")
        if beginning[len(MAGIC)] != VERSION:
            raise ChainFileDamaged(
                0, f"the recorded chain has format {beginning[len(MAGIC)]}; this one reads {VERSION}"
            )
        self.first_height: int = int.from_bytes(beginning[len(MAGIC) + 1 :], "big")
        self._digest.update(beginning)
        kind, self.genesis_json = self._frame(MAX_GENESIS_BYTES)
        if kind != _GENESIS:
            raise ChainFileDamaged(0, "the recorded chain has no genesis document")
        self._digest.update(_digested(kind, self.genesis_json))
        self._next = self.first_height

    def announced_height(self) -> int:
        """The last height as the end of the file has it; 0 where it has none that can be read.

        For showing how far a reading is, and for nothing else: only `blocks` finds out whether it is true.
        """
        here = self._file.tell()
        try:
            while len(head := self._file.read(_HEAD_BYTES)) == _HEAD_BYTES:
                packed_bytes = int.from_bytes(head[1:5], "big")
                if head[:1] == _END:
                    packed = self._file.read(min(packed_bytes, 2 * _END_BYTES))
                    count = zlib.decompressobj().decompress(packed, _END_BYTES)[:8]
                    return self.first_height - 1 + int.from_bytes(count, "big")
                self._file.seek(packed_bytes, os.SEEK_CUR)
        except zlib.error:
            return 0
        finally:
            self._file.seek(here)
        return 0

    def blocks(self) -> Iterator[RecordedBlock]:
        """Every block in order. Raises ChainFileDamaged; only where it ends without is the file whole."""
        while True:
            kind, content = self._frame(MAX_FRAME_BYTES)
            if kind == _END:
                self._check_end(content)
                return
            if kind != _BLOCKS:
                raise ChainFileDamaged(self._next, "a frame of unknown kind")
            self._digest.update(_digested(kind, content))
            yield from self._entries(content)

    def _entries(self, content: bytes) -> Iterator[RecordedBlock]:
        at = 0
        while at < len(content):
            block, at = self._part(content, at, MAX_BLOCK_BYTES)
            commit, at = self._part(content, at, MAX_COMMIT_BYTES)
            self._next += 1
            yield RecordedBlock(self._next - 1, block, commit)

    def _part(self, content: bytes, at: int, max_bytes: int) -> tuple[bytes, int]:
        begin = at + 4
        end = begin + int.from_bytes(content[at:begin], "big")
        if begin > len(content) or end > len(content) or end - begin > max_bytes:
            raise ChainFileDamaged(self._next, "an entry does not fit its frame")
        return content[begin:end], end

    def _frame(self, max_bytes: int) -> tuple[bytes, bytes]:
        head = self._exactly(_HEAD_BYTES, "it is cut short")
        packed_bytes, content_bytes = int.from_bytes(head[1:5], "big"), int.from_bytes(head[5:9], "big")
        # zlib adds at most this much to what it cannot compress.
        if content_bytes > max_bytes or packed_bytes > content_bytes + content_bytes // 1000 + 64:
            raise ChainFileDamaged(self._next, f"a frame of {content_bytes} bytes")
        packed = self._exactly(packed_bytes, "it is cut short")
        unpacking = zlib.decompressobj()
        try:
            # One byte more than announced is asked for, and no more: what unpacks to gigabytes never does so here.
            content = unpacking.decompress(packed, content_bytes + 1)
        except zlib.error as error:
            raise ChainFileDamaged(self._next, "a frame cannot be unpacked") from error
        if len(content) != content_bytes or not unpacking.eof or unpacking.unused_data:
            raise ChainFileDamaged(self._next, "a frame is not as long as it says")
        return head[:1], content

    def _check_end(self, content: bytes) -> None:
        count = self._next - self.first_height
        if len(content) != _END_BYTES or int.from_bytes(content[:8], "big") != count:
            raise ChainFileDamaged(self._next, "the number of blocks is not the one at its end")
        self._digest.update(_END + content[:8])
        if content[8:] != self._digest.digest():
            raise ChainFileDamaged(self._next, "its checksum does not fit")
        if self._file.read(1):
            raise ChainFileDamaged(self._next, "something follows its end")

    def _exactly(self, count: int, otherwise: str) -> bytes:
        try:
            found = self._file.read(count)
        except OSError as error:
            raise StoreError(f"the chain file cannot be read: {error.strerror}") from error
        if len(found) != count:
            raise ChainFileDamaged(self._next, otherwise)
        return found


def write_chain_file(path: Path, genesis_json: bytes, first_height: int, blocks: Iterable[RecordedBlock]) -> None:
    """Write a recorded chain to `path`, whole or not at all. Raises StoreError, as for blocks out of order."""
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}") from error
    try:
        with os.fdopen(handle, "wb") as file:
            writer = ChainFileWriter(file, genesis_json, first_height)
            for height, recorded in enumerate(blocks, first_height):
                if recorded.height != height:
                    raise StoreError(f"block {recorded.height} was given where block {height} belongs")
                writer.add(recorded.block, recorded.commit)
            writer.finish()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}") from error
    finally:
        Path(temporary).unlink(missing_ok=True)


@contextmanager
def open_chain_file(path: Path) -> Iterator[ChainFileReader]:
    """The recorded chain at `path`. Raises StoreError, here and while its blocks are read."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}") from error
    with file:
        yield ChainFileReader(file)


def _digested(kind: bytes, content: bytes) -> bytes:
    return kind + len(content).to_bytes(8, "big") + content
