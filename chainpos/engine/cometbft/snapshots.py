"""Snapshots of the records, so that a new node need not execute the whole chain: taken, served, and taken over.

It refuses a chunk that is not the one that was offered, and records whose commitment is not the app hash that
CometBFT's light client verified. What a snapshot says beside its records is believed in nothing.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
from typing import Final

import msgspec

from chainpos.core.chain.genesis import GenesisDoc
from chainpos.core.chain.protobuf import varint
from chainpos.core.contracts.registry import TABLES
from chainpos.core.state.commitment import Commitment
from chainpos.core.state.state import State
from chainpos.core.values.hashes import HASH_BYTES, sha256
from chainpos.engine.cometbft import messages as abci
from chainpos.errors import StateMismatch
from chainpos.store.application import ApplicationStore, Point

FORMAT: Final = 1
# CometBFT passes on chunks of up to 16 MB.
CHUNK_BYTES: Final = 4_000_000
MAX_CHUNKS: Final = 10_000
KEPT: Final = 2
# Each chunk's hash, then the application's version.
METADATA: Final = "metadata"
_VERSION_BYTES: Final = 8
_Records = list[tuple[bytes, bytes]]
_log = logging.getLogger(__name__)


class Snapshots:
    """The snapshots beside an application's database, and the one that is being taken over."""

    def __init__(self, store: ApplicationStore, doc: GenesisDoc, *, every: int) -> None:
        """`every` so many heights one is taken; 0 is never."""
        self._store = store
        self._doc = doc
        self._every = every
        self._folder = store.path.parent / "snapshots"
        self._offer: abci.OfferSnapshotRequest | None = None
        self._chunks: list[bytes] = []

    def committed(self, point: Point, state: State) -> None:
        """A block was committed: take a snapshot where one is due. A disk that refuses it stops nothing."""
        if not self._every or point.height % self._every:
            return
        try:
            self._write(point, _cut(state.values()))
            for old in self._heights()[KEPT:]:
                shutil.rmtree(self._folder / str(old), ignore_errors=True)
        except OSError as error:
            _log.error("no snapshot of height %d: %s", point.height, error.strerror)

    def listed(self) -> abci.ListSnapshotsResponse:
        """What can be had here, newest first."""
        found = []
        for height in self._heights():
            with contextlib.suppress(OSError):
                metadata = (self._folder / str(height) / METADATA).read_bytes()
                found.append(_snapshot(height, metadata))
        return abci.ListSnapshotsResponse(tuple(found))

    def chunk(self, request: abci.LoadChunkRequest) -> abci.LoadChunkResponse:
        """One chunk; empty where it is not here any more."""
        if request.format == FORMAT:
            with contextlib.suppress(OSError):
                return abci.LoadChunkResponse(
                    (self._folder / str(request.height) / f"{request.chunk}.chunk").read_bytes()
                )
        return abci.LoadChunkResponse()

    def offered(self, request: abci.OfferSnapshotRequest, point: Point) -> abci.OfferSnapshotResponse:
        """Whether we begin to take it over: only before the first block, and only what adds up."""
        snapshot = request.snapshot
        if point.height >= self._doc.initial_height:
            return abci.OfferSnapshotResponse(abci.Offer.ABORT)
        if snapshot.format != FORMAT:
            return abci.OfferSnapshotResponse(abci.Offer.REJECT_FORMAT)
        if (
            not 0 < snapshot.chunks <= MAX_CHUNKS
            or len(snapshot.metadata) != snapshot.chunks * HASH_BYTES + _VERSION_BYTES
            or sha256(snapshot.metadata) != snapshot.hash
            or len(request.app_hash) != HASH_BYTES
        ):
            return abci.OfferSnapshotResponse(abci.Offer.REJECT)
        self._offer, self._chunks = request, []
        return abci.OfferSnapshotResponse(abci.Offer.ACCEPT)

    def apply(self, request: abci.ApplyChunkRequest) -> tuple[abci.ApplyChunkResponse, tuple[Point, State] | None]:
        """What is said of a chunk, and with the last one where the application stands now. Raises StoreError."""
        offer = self._offer
        if offer is None or request.index != len(self._chunks):
            return abci.ApplyChunkResponse(abci.Applied.ABORT), None
        expected = offer.snapshot.metadata[request.index * HASH_BYTES :][:HASH_BYTES]
        if sha256(request.chunk) != expected:
            again = abci.ApplyChunkResponse(abci.Applied.RETRY, varint(request.index), (request.sender,))
            return again, None
        self._chunks.append(request.chunk)
        if len(self._chunks) < offer.snapshot.chunks:
            return abci.ApplyChunkResponse(abci.Applied.ACCEPT), None
        chunks, self._offer, self._chunks = self._chunks, None, []
        records = _joined(chunks)
        if records is None or Commitment(records).root != offer.app_hash:
            return abci.ApplyChunkResponse(abci.Applied.REJECT_SNAPSHOT), None
        # The header after this height carries the app hash, as after any block that changed something.
        # CometBFT compares the version with that header's.
        version = int.from_bytes(offer.snapshot.metadata[-_VERSION_BYTES:], "big")
        point = Point(offer.snapshot.height, self._doc.genesis_time_ns, offer.app_hash, version, changed=True)
        state = State(TABLES, records)
        self._store.restore(point, records)
        _log.info("took over the records of height %d", point.height)
        return abci.ApplyChunkResponse(abci.Applied.ACCEPT), (point, state)

    def _heights(self) -> list[int]:
        if not self._folder.is_dir():
            return []
        return sorted((int(each.name) for each in self._folder.iterdir() if each.name.isdigit()), reverse=True)

    def _write(self, point: Point, chunks: list[bytes]) -> None:
        place, making = self._folder / str(point.height), self._folder / f".{point.height}"
        if place.exists():
            return
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(parents=True)
        for index, chunk in enumerate(chunks):
            (making / f"{index}.chunk").write_bytes(chunk)
        version = point.app_version.to_bytes(_VERSION_BYTES, "big")
        (making / METADATA).write_bytes(b"".join(sha256(chunk) for chunk in chunks) + version)
        # Not made durable: a snapshot that a power cut damages is refused by whoever fetches it.
        making.rename(place)


def _snapshot(height: int, metadata: bytes) -> abci.Snapshot:
    return abci.Snapshot(height, FORMAT, len(metadata) // HASH_BYTES, sha256(metadata), metadata)


def _cut(records: dict[bytes, bytes]) -> list[bytes]:
    chunks: list[bytes] = []
    rows: _Records = []
    size = 0
    for row in records.items():
        rows.append(row)
        size += len(row[0]) + len(row[1]) + 10
        if size >= CHUNK_BYTES:
            chunks.append(msgspec.msgpack.encode(rows))
            rows, size = [], 0
    if rows or not chunks:
        chunks.append(msgspec.msgpack.encode(rows))
    return chunks


def _joined(chunks: list[bytes]) -> dict[bytes, bytes] | None:
    records: dict[bytes, bytes] = {}
    try:
        for chunk in chunks:
            records.update(msgspec.msgpack.decode(chunk, type=_Records))
        Commitment(records)
    except (msgspec.DecodeError, ValueError, StateMismatch):
        return None
    return records
