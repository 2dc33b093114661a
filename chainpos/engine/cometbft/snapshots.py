"""Snapshots of the records by CometBFT's own protocol: offered, served, and taken over.

It refuses a chunk that is not the one that was offered, and records whose commitment is not the app hash that
CometBFT's light client verified. What a snapshot says beside its records is believed in nothing.
"""

from __future__ import annotations

import logging
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

from chainpos.core.chain.genesis import GenesisDoc
from chainpos.core.chain.protobuf import varint
from chainpos.core.contracts.registry import TABLES
from chainpos.core.state.snapshots import MAX_CHUNK_BYTES, MAX_TAKEN_CHUNKS, Manifest, joined
from chainpos.core.state.state import State
from chainpos.core.values.hashes import HASH_BYTES, sha256
from chainpos.engine.cometbft import messages as abci
from chainpos.errors import MalformedBytes, StateMismatch, StoreError
from chainpos.store.application import ApplicationReader, ApplicationStore, Point
from chainpos.store.snapshots import Snapshots

FORMAT: Final = 1
_log = logging.getLogger(__name__)


class _Accepted(NamedTuple):
    height: int
    app_hash: bytes
    manifest: Manifest


class SnapshotTaker:
    """Takes a snapshot `every` so many heights, 0 being never, in a thread of its own: no block waits for it.

    All nodes take them at the same heights and of the same bytes, as CometBFT fetches one from several of them.
    """

    def __init__(self, database: Path, every: int) -> None:
        self.kept = Snapshots(database)
        self._database = database
        self._every = every
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="snapshots")
        self._taking: Future[None] | None = None

    def committed(self, point: Point) -> None:
        """A block was committed. Only where the last snapshot is not written yet is it waited for.

        Raises what our own bug raised there; a disk that refuses a snapshot stops nothing.
        """
        if not self._every or point.height % self._every:
            return
        self.settle()
        try:
            reader = ApplicationReader.held(self._database)
        except StoreError as error:
            _log.error("no snapshot of height %d: %s", point.height, error)
            return
        self._taking = self._thread.submit(self._take, reader)

    def settle(self) -> None:
        """Wait until nothing is being written. Raises what our own bug raised."""
        taking, self._taking = self._taking, None
        if taking is not None:
            taking.result()

    def close(self) -> None:
        """As `settle`, for the last time."""
        try:
            self.settle()
        finally:
            self._thread.shutdown()

    def _take(self, reader: ApplicationReader) -> None:
        try:
            with reader:
                point, records = reader.point(), reader.load_records()
        except StoreError as error:
            _log.error("no snapshot: %s", error)
            return
        self.kept.write(point.height, point.app_version, records)


class StateSync:
    """The snapshots beside an application's database, and the one that is being taken over."""

    def __init__(self, store: ApplicationStore, doc: GenesisDoc, snapshots: Snapshots) -> None:
        self._store = store
        self._doc = doc
        self._snapshots = snapshots
        self._accepted: _Accepted | None = None
        self._chunks: list[bytes] = []

    def listed(self) -> abci.ListSnapshotsResponse:
        """What can be had here, newest first."""
        return abci.ListSnapshotsResponse(tuple(_offer(*found) for found in self._snapshots.listed()))

    def chunk(self, request: abci.LoadChunkRequest) -> abci.LoadChunkResponse:
        """One chunk; empty where it is not here any more."""
        if request.format != FORMAT:
            return abci.LoadChunkResponse()
        return abci.LoadChunkResponse(self._snapshots.chunk(request.height, request.chunk))

    def offered(self, request: abci.OfferSnapshotRequest, point: Point) -> abci.OfferSnapshotResponse:
        """Whether we begin to take it over: only before the first block, and only what adds up.

        Also straight after another one: CometBFT may have died before it had noted that one as its own beginning, and
        would be stuck for good.
        """
        snapshot = request.snapshot
        if point.height >= self._doc.initial_height and not point.restored:
            return abci.OfferSnapshotResponse(abci.Offer.ABORT)
        if snapshot.format != FORMAT:
            return abci.OfferSnapshotResponse(abci.Offer.REJECT_FORMAT)
        try:
            manifest = Manifest.decode(snapshot.metadata)
        except MalformedBytes:
            return abci.OfferSnapshotResponse(abci.Offer.REJECT)
        if (
            len(manifest.chunks) != snapshot.chunks
            or len(manifest.chunks) > MAX_TAKEN_CHUNKS
            or sha256(snapshot.metadata) != snapshot.hash
            or len(request.app_hash) != HASH_BYTES
        ):
            return abci.OfferSnapshotResponse(abci.Offer.REJECT)
        self._accepted, self._chunks = _Accepted(snapshot.height, request.app_hash, manifest), []
        return abci.OfferSnapshotResponse(abci.Offer.ACCEPT)

    def apply(self, request: abci.ApplyChunkRequest) -> tuple[abci.ApplyChunkResponse, tuple[Point, State] | None]:
        """What is said of a chunk, and with the last one where the application stands now. Raises StoreError."""
        accepted = self._accepted
        if accepted is None or request.index != len(self._chunks):
            return abci.ApplyChunkResponse(abci.Applied.ABORT), None
        if sha256(request.chunk) != accepted.manifest.chunks[request.index]:
            again = abci.ApplyChunkResponse(abci.Applied.RETRY, varint(request.index), (request.sender,))
            return again, None
        if len(request.chunk) > MAX_CHUNK_BYTES:
            # It is what was offered, and so the offer is none of ours: nobody shall fill our memory with it.
            self._accepted, self._chunks = None, []
            return abci.ApplyChunkResponse(abci.Applied.REJECT_SNAPSHOT), None
        self._chunks.append(request.chunk)
        if len(self._chunks) < len(accepted.manifest.chunks):
            return abci.ApplyChunkResponse(abci.Applied.ACCEPT), None
        chunks, self._accepted, self._chunks = self._chunks, None, []
        try:
            records = joined(chunks)
            state = State(TABLES, records)
        except (MalformedBytes, StateMismatch, ValueError):
            return abci.ApplyChunkResponse(abci.Applied.REJECT_SNAPSHOT), None
        if state.app_hash != accepted.app_hash:
            return abci.ApplyChunkResponse(abci.Applied.REJECT_SNAPSHOT), None
        # The header after this height carries the app hash, as after any block that changed something.
        # CometBFT compares the version with that header's.
        point = Point(
            accepted.height,
            self._doc.genesis_time_ns,
            accepted.app_hash,
            accepted.manifest.app_version,
            changed=True,
            restored=True,
        )
        self._store.restore(point, records)
        _log.info("took over the records of height %d", point.height)
        return abci.ApplyChunkResponse(abci.Applied.ACCEPT), (point, state)


def _offer(height: int, manifest: Manifest) -> abci.Snapshot:
    metadata = manifest.encode()
    return abci.Snapshot(height, FORMAT, len(manifest.chunks), sha256(metadata), metadata)
