"""Where a chain is read from: a node's own database, a recorded chain's scratch database, or a node over RPC.

It refuses to write: a database is opened for reading alone, and a recorded chain is verified into a folder of its own.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import msgspec

from chainpos.core.chain.block import Block
from chainpos.core.chain.commit import Commit
from chainpos.core.chain.header import BlockId, Header
from chainpos.core.chain.results import TxResult
from chainpos.core.chain.validators import ValidatorSet
from chainpos.core.contracts.registry import TABLES
from chainpos.core.state.proofs import encode_proof
from chainpos.core.state.state import State
from chainpos.errors import EXIT_USAGE, MalformedBytes, StoreError, UserFacingError
from chainpos.node.home import Home, require_full
from chainpos.node.ledger import Ledger, create_ledger
from chainpos.node.replay import append_recorded
from chainpos.rpc.query import parse_query
from chainpos.store.chain import ChainReader
from chainpos.store.chain_packing import StoredResults
from chainpos.store.chain_ranges import heights_telling, records_at, records_of, records_under, values_under
from chainpos.store.chainfile import open_chain_file

MAX_STATES: Final = 2
# Called with the height that was reached, and the last one.
Progress = Callable[[int, int], None]


class Span(NamedTuple):
    """The heights whose blocks there are; `base` above the chain's first one is what was pruned."""

    base: int
    tip: int


class Found(msgspec.Struct, frozen=True):
    """One block with what executing it gave. `commit` was seen for it; the next block carries another, maybe."""

    height: int
    block_id: BlockId
    block: Block
    commit: Commit
    results: tuple[TxResult, ...]
    app_hash: bytes


class Proofs(msgspec.Struct, frozen=True):
    """Records after the block at `height`, each as (value or None, its proof encoded), in the order asked for."""

    height: int
    records: tuple[tuple[bytes | None, bytes], ...]


class Unanswerable(UserFacingError):
    """This way of reading a chain cannot answer that; another can."""

    def __init__(self, what: str) -> None:
        super().__init__(
            what, next_step="Name a node's folder with --home instead.", money_moved="", exit_code=EXIT_USAGE
        )


class ChainSource(Protocol):
    """A chain to look into. Every method may raise StoreError or UserFacingError."""

    name: str

    def genesis_json(self) -> bytes:
        """The genesis document."""

    def span(self) -> Span:
        """The heights that are there."""

    def found(self, height: int) -> Found | None:
        """The block at a height."""

    def header(self, height: int) -> Header | None:
        """The header at a height."""

    def height_of_block(self, block_hash: bytes) -> int | None:
        """The height of the block with this hash."""

    def transaction(self, tx_hash: bytes) -> tuple[int, int] | None:
        """(height, index) of a transaction."""

    def search(self, query: str, limit: int) -> list[tuple[int, int]]:
        """(height, index) of transactions, newest first, by CometBFT's query language."""

    def values(self, attribute: str, beginning: str, limit: int) -> list[str]:
        """The values of an event's attribute that begin so."""

    def blocks_telling(self, attribute: str, value: str, limit: int) -> list[int]:
        """The heights of blocks that told this value of an event's attribute, newest first."""

    def record_at(self, key: bytes, height: int) -> bytes | None:
        """A record's bytes after a block."""

    def records_of(self, keys: Sequence[bytes], height: int) -> dict[bytes, bytes | None]:
        """Many records' bytes after a block, in one go."""

    def record_history(self, key: bytes, limit: int) -> list[tuple[int, bytes | None]]:
        """(height, value) of a record's changes, newest first."""

    def records_under(self, prefix: bytes, limit: int) -> list[tuple[bytes, bytes]]:
        """The latest records whose full key begins with `prefix`."""

    def records_at(self, height: int) -> dict[bytes, bytes]:
        """All records after a block."""

    def proofs(self, keys: Sequence[bytes], height: int) -> Proofs | None:
        """Records with their proofs; height 0 is the newest provable one. None for a height that it cannot prove."""

    def validators(self, height: int) -> ValidatorSet | None:
        """The validators of a height."""


class StoreSource:
    """A chain in a database of this machine; the node may be running."""

    def __init__(self, reader: ChainReader, name: str) -> None:
        self.name = name
        self.reader = reader
        self._latest: Found | None = None
        self._states: dict[int, State] = {}

    def genesis_json(self) -> bytes:
        """The genesis document."""
        return self.reader.genesis_json()

    def span(self) -> Span:
        """The heights that are there."""
        return Span(self.reader.base_height(), self.reader.tip().height)

    def found(self, height: int) -> Found | None:
        """The block at a height. The last one is kept: a trace asks for it again and again."""
        if self._latest is not None and self._latest.height == height:
            return self._latest
        stored = self.reader.block(height)
        if stored is None:
            return None
        try:
            results = StoredResults.decode(stored.results)
            block, commit = Block.decode(stored.block), Commit.decode(stored.commit)
        except MalformedBytes as error:
            raise StoreError(f"block {height} in the chain database is damaged") from error
        self._latest = Found(height, stored.block_id, block, commit, results.results, results.app_hash)
        return self._latest

    def header(self, height: int) -> Header | None:
        """The header at a height."""
        heads = self.reader.heads(height, height)
        return heads[0].header if heads else None

    def height_of_block(self, block_hash: bytes) -> int | None:
        """The height of the block with this hash."""
        return self.reader.height_of_block_hash(block_hash)

    def transaction(self, tx_hash: bytes) -> tuple[int, int] | None:
        """(height, index) of a transaction."""
        return self.reader.transaction(tx_hash)

    def search(self, query: str, limit: int) -> list[tuple[int, int]]:
        """(height, index) of transactions, newest first."""
        return self.reader.search(parse_query(query), limit)

    def values(self, attribute: str, beginning: str, limit: int) -> list[str]:
        """The values of an event's attribute that begin so."""
        return values_under(self.reader, attribute, beginning, limit)

    def blocks_telling(self, attribute: str, value: str, limit: int) -> list[int]:
        """The heights of blocks that told this value of an event's attribute, newest first."""
        return heights_telling(self.reader, attribute, limit, value)

    def record_at(self, key: bytes, height: int) -> bytes | None:
        """A record's bytes after a block."""
        return self.reader.record_at(key, height)

    def records_of(self, keys: Sequence[bytes], height: int) -> dict[bytes, bytes | None]:
        """Many records' bytes after a block, in one go."""
        return records_of(self.reader, keys, height)

    def record_history(self, key: bytes, limit: int) -> list[tuple[int, bytes | None]]:
        """(height, value) of a record's changes, newest first."""
        return self.reader.record_history(key, limit)

    def records_under(self, prefix: bytes, limit: int) -> list[tuple[bytes, bytes]]:
        """The latest records whose full key begins with `prefix`."""
        return list(records_under(self.reader, prefix, limit))

    def records_at(self, height: int) -> dict[bytes, bytes]:
        """All records after a block."""
        return records_at(self.reader, height)

    def proofs(self, keys: Sequence[bytes], height: int) -> Proofs | None:
        """Records with their proofs, of any height: the state of that height is made again, and the last two kept."""
        height = height or self.span().tip - 1
        if height not in self._states:
            if len(self._states) >= MAX_STATES:
                del self._states[min(self._states)]
            self._states[height] = State(TABLES, self.records_at(height))
        state = self._states[height]
        return Proofs(height, tuple((state.value(key), encode_proof(state.prove(key))) for key in keys))

    def validators(self, height: int) -> ValidatorSet | None:
        """The validators of a height."""
        return self.reader.validators(height)


@contextmanager
def open_home(folder: Path) -> Iterator[StoreSource]:
    """The chain of the node at `folder`. Raises UserFacingError, StoreError."""
    require_full(folder)
    database = Home(folder).database
    if not database.is_file():
        raise UserFacingError(
            f"There is no node's chain in {folder}.",
            next_step="Name one that `chainpos node init` made.",
            money_moved="",
            exit_code=EXIT_USAGE,
        )
    with ChainReader.open(database) as reader:
        yield StoreSource(reader, str(folder))


@contextmanager
def open_recorded(file: Path, *, progress: Progress | None = None) -> Iterator[StoreSource]:
    """A recorded chain, verified block by block into a scratch folder that is gone afterwards.

    Raises UserFacingError where it does not verify, StoreError where it cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="chainpos-inspect-", dir=_scratch_place()) as scratch:
        database = Path(scratch) / "chain.db"
        load_recorded(file, database, progress=progress)
        with ChainReader.open(database) as reader:
            yield StoreSource(reader, str(file))


def _scratch_place() -> Path | None:
    """Memory where the system offers it as a folder: a store makes every block durable, which a scratch need not be."""
    memory = Path("/dev/shm")  # noqa: S108 - TemporaryDirectory makes a private folder in it
    return memory if memory.is_dir() and os.access(memory, os.W_OK) else None


def load_recorded(file: Path, database: Path, *, progress: Progress | None = None) -> None:
    """Append every block of a recorded chain to a new database. Raises as `open_recorded`."""
    with open_chain_file(file) as recorded:
        create_ledger(database, recorded.genesis_json)
        last = recorded.announced_height()
        ledger = Ledger.open(database)
        try:
            for block in recorded.blocks():
                append_recorded(ledger, block)
                if progress is not None:
                    progress(block.height, last)
        finally:
            ledger.close()


@contextmanager
def open_source(place: Path, *, progress: Progress | None = None) -> Iterator[StoreSource]:
    """A node's folder or a recorded chain's file. Raises UserFacingError, StoreError."""
    if not place.exists():
        raise UserFacingError(
            f"There is nothing at {place}.", next_step="Check the path.", money_moved="", exit_code=EXIT_USAGE
        )
    opened = open_home(place) if place.is_dir() else open_recorded(place, progress=progress)
    with opened as source:
        yield source
