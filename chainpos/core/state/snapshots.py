"""All records of one height cut into chunks, so that a new node need not execute the whole chain; and put together.

It refuses nothing itself: that chunks are those that were offered, and that their records lead to a verified app hash,
is for whoever takes them over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from chainpos.core.state.commitment import MAX_KEY_BYTES
from chainpos.core.values.hashes import HASH_BYTES, sha256
from chainpos.errors import MalformedBytes

# CometBFT passes on chunks of up to 16 MB; smaller ones show progress, and travel as JSON too.
CHUNK_BYTES: Final = 1_000_000
# One record more than fits may be in it.
MAX_CHUNK_BYTES: Final = 2 * CHUNK_BYTES
MAX_CHUNKS: Final = 10_000
# What whoever takes one over may be made to hold before its records are looked at: a city of millions fits.
MAX_TAKEN_CHUNKS: Final = 2_000
_VERSION_BYTES: Final = 8
_Records = list[tuple[bytes, bytes]]
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(_Records).decode


class Manifest(msgspec.Struct, frozen=True):
    """What a snapshot consists of: the chunks' hashes in order, and the application's version of the next header."""

    chunks: tuple[bytes, ...]
    app_version: int

    def encode(self) -> bytes:
        """The hashes in a row, then the version in eight bytes."""
        return b"".join(self.chunks) + self.app_version.to_bytes(_VERSION_BYTES, "big")

    @classmethod
    def decode(cls, data: bytes) -> Manifest:
        """The inverse of `encode`. Raises MalformedBytes, also for none or too many chunks."""
        count, rest = divmod(len(data) - _VERSION_BYTES, HASH_BYTES)
        if rest or not 0 < count <= MAX_CHUNKS:
            raise MalformedBytes("not what a snapshot consists of")
        hashes = tuple(data[at : at + HASH_BYTES] for at in range(0, count * HASH_BYTES, HASH_BYTES))
        return cls(hashes, int.from_bytes(data[-_VERSION_BYTES:], "big"))


def manifest_of(chunks: Iterable[bytes], app_version: int) -> Manifest:
    """What the snapshot of these chunks consists of."""
    return Manifest(tuple(sha256(chunk) for chunk in chunks), app_version)


def cut(records: Mapping[bytes, bytes]) -> list[bytes]:
    """The records, in the order in which they come, as chunks; one at least."""
    chunks: list[bytes] = []
    rows: _Records = []
    size = 0
    for key, value in records.items():
        rows.append((key, value))
        size += len(key) + len(value) + 10
        if size >= CHUNK_BYTES:
            chunks.append(_encode(rows))
            rows, size = [], 0
    if rows or not chunks:
        chunks.append(_encode(rows))
    return chunks


def joined(chunks: Iterable[bytes]) -> dict[bytes, bytes]:
    """The records of all chunks. Raises MalformedBytes."""
    records: dict[bytes, bytes] = {}
    try:
        for chunk in chunks:
            for key, value in _decode(chunk):
                if not 0 < len(key) <= MAX_KEY_BYTES or not value or key in records:
                    raise MalformedBytes("not the records of a state")
                records[key] = value
    except msgspec.DecodeError as error:
        raise MalformedBytes("not a chunk of records") from error
    return records
