"""Reading a stored chain: blocks, results, records at any height, validators; always whole committed blocks.

It refuses rows whose digest does not fit: damage is an error, never an answer. One thread at a time on one reader.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar, cast

import apsw
import msgspec

from chainpos.core.chain.header import BlockId, Header
from chainpos.core.chain.params import ConsensusParams
from chainpos.core.chain.protobuf import Reader
from chainpos.core.chain.tip import ChainTip, decode_tip
from chainpos.core.chain.validators import ValidatorSet
from chainpos.core.values.hashes import sha256
from chainpos.errors import MalformedBytes, StoreError
from chainpos.store import chain_integrity, chain_search
from chainpos.store.chain_connection import open_reader, storage_faults
from chainpos.store.chain_migrations import require_current
from chainpos.store.chain_packing import HASH_PREFIX_BYTES, INDEX_BITS, Position, StoredResults, row_digest
from chainpos.store.chain_sealing import BEGAN, GENESIS, PARAMS, TIP, VALIDATOR_SETS, unsealed

D = TypeVar("D")
# A header is under 1 KiB; it stands at the beginning of its block.
_HEADER_READ_BYTES: Final = 4_096


class StoredBlock(msgspec.Struct, frozen=True):
    """A block with its ID, the commit seen for it and its results, each as encoded by core.chain or StoredResults."""

    height: int
    block_id: BlockId
    block: bytes
    commit: bytes
    results: bytes


class StoredHead(msgspec.Struct, frozen=True):
    """A block without its body. `size_bytes` is the length of its encoding."""

    height: int
    block_id: BlockId
    header: Header
    size_bytes: int
    transactions: int


def _current(path: Path, connection: apsw.Connection) -> apsw.Connection:
    """The connection, where what it reads is of this version."""
    try:
        with storage_faults(f"opening {path}"):
            require_current(connection)
    except BaseException:
        connection.close()
        raise
    return connection


class ChainReader:
    """A read-only view of a chain database, also while a node writes it. Each method sees the state of its own call."""

    def __init__(self, path: Path, connection: apsw.Connection) -> None:
        self.path = path
        self._reading = connection

    @classmethod
    def open(cls, path: Path, *, vfs: str | None = None) -> ChainReader:
        """Raises StoreError where there is no finished chain database of this version."""
        return cls(path, _current(path, open_reader(path, vfs=vfs)))

    @staticmethod
    def open_still(path: Path) -> ChainReader:
        """A chain that nobody writes to, as a backup is; nothing is made beside it. Raises StoreError, as `open`."""
        return ChainReader(path, _current(path, open_reader(path, still=True)))

    @property
    def connection(self) -> apsw.Connection:
        """The connection that only reads, for `chain_ranges.py`."""
        return self._reading

    def close(self) -> None:
        """Let go of the file. Closing twice is closing once."""
        self._reading.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def genesis_json(self) -> bytes:
        """The genesis document as it was given."""
        return self._sealed(GENESIS)

    def tip(self) -> ChainTip:
        """The chain after its last whole block."""
        return _decoded(decode_tip, self._sealed(TIP), "the tip")

    def tip_height(self) -> int:
        """The last block's height; the initial height less one while there is none."""
        rows = self._rows("reading the tip", "SELECT max(height) FROM blocks")
        return self.tip().height if rows[0][0] is None else int(rows[0][0])

    def began(self) -> ChainTip | None:
        """The tip that a snapshot began with, where this chain did not begin at genesis."""
        rows = self._rows("reading where the chain began", "SELECT 1 FROM sealed WHERE name = ?", (BEGAN,))
        return _decoded(decode_tip, self._sealed(BEGAN), "where the chain began") if rows else None

    def base_height(self) -> int:
        """The lowest height whose block is or will be here: the chain's first, or the first after a snapshot."""
        began = self.began()
        return self.tip().initial_height if began is None else began.next_height

    def load_records(self) -> dict[bytes, bytes]:
        """The records after the last block, by full key, ascending."""
        rows: Any = self._reading.cursor()
        with storage_faults("reading the records"):
            return dict(rows.execute("SELECT key, value FROM records ORDER BY key"))

    def record_at(self, key: bytes, height: int) -> bytes | None:
        """The record's bytes after block `height`, or None where there was none."""
        rows = self._rows(
            "reading a record's history",
            "SELECT value FROM history WHERE key = ? AND height <= ? ORDER BY height DESC LIMIT 1",
            (key, height),
        )
        return cast("bytes | None", rows[0][0]) if rows else None

    def record_history(
        self, key: bytes, limit: int, before_height: int | None = None
    ) -> list[tuple[int, bytes | None]]:
        """(height, value after it) of each change of a record, newest first; None for a deletion."""
        return self._rows(
            "reading a record's history",
            "SELECT height, value FROM history WHERE key = ?1 AND (?2 IS NULL OR height < ?2)"
            " ORDER BY height DESC LIMIT ?3",
            (key, before_height, limit),
        )

    def block(self, height: int) -> StoredBlock | None:
        """The block at a height, or None. Raises StoreError where it is damaged."""
        rows = self._rows(
            f"reading block {height}",
            "SELECT block_id, seen_commit, results, block, digest FROM blocks WHERE height = ?",
            (height,),
        )
        if not rows:
            return None
        block_id, commit, results, block, digest = rows[0]
        if digest != row_digest(height, block_id, commit, results, block):
            raise StoreError(f"block {height} in the chain database is damaged")
        return StoredBlock(height, _decoded(BlockId.decode, block_id, f"block {height}"), block, commit, results)

    def blocks(self, low: int, high: int) -> Iterator[StoredBlock]:
        """The blocks from `low` to `high`, both included, ascending, as far as there are any.

        Each is read by itself, so that however slow the caller is, no snapshot holds up the writer's log.
        """
        for height in range(low, high + 1):
            found = self.block(height)
            if found is None:
                return
            yield found

    def results(self, height: int) -> StoredResults | None:
        """What executing the block at a height gave, or None. Raises StoreError where it is damaged."""
        found = self.block(height)
        return None if found is None else _decoded(StoredResults.decode, found.results, f"block {height}")

    def heads(self, low: int, high: int) -> list[StoredHead]:
        """Headers and sizes of the blocks from `low` to `high`, both included, ascending; bodies are not read."""
        rows = self._rows(
            f"reading headers {low} to {high}",
            "SELECT height, block_id, octet_length(block), transactions FROM blocks WHERE height BETWEEN ? AND ?"
            " ORDER BY height",
            (low, high),
        )
        return [self._head(*row) for row in rows]

    def height_of_block_hash(self, block_hash: bytes) -> int | None:
        """The height of the block with this hash, or None."""
        rows = self._rows("finding a block", "SELECT height FROM blocks WHERE block_hash = ?", (block_hash,))
        return int(rows[0][0]) if rows else None

    def transaction(self, tx_hash: bytes) -> Position | None:
        """Where the transaction with this hash (32 bytes) is; the first place, if it was sent again after that."""
        rows = self._rows(
            "finding a transaction",
            "SELECT position FROM transactions WHERE hash_prefix = ? ORDER BY position",
            (tx_hash[:HASH_PREFIX_BYTES],),
        )
        for (position,) in rows:
            height, index = position >> INDEX_BITS, position & ((1 << INDEX_BITS) - 1)
            found = self.block(height)
            if found is not None and sha256(self.transaction_bytes(found, index)) == tx_hash:
                return height, index
        return None

    @staticmethod
    def transaction_bytes(found: StoredBlock, index: int) -> bytes:
        """One transaction of a block, the rest of which is not decoded. Raises StoreError where it has none there."""
        reader = Reader(found.block)
        try:
            reader.message(1)
            return reader.message(2).repeated_bytes(1, 1 << INDEX_BITS, len(found.block))[index]
        except (MalformedBytes, IndexError) as error:
            raise StoreError(f"block {found.height} has no transaction {index}") from error

    def search(self, query: chain_search.SearchQuery, limit: int, *, newest_first: bool = True) -> list[Position]:
        """The places of the transactions whose events satisfy `query`, at most `limit`. Raises SearchTooWide."""
        return chain_search.search(self, self._reading, query, limit, newest_first=newest_first)

    def validators(self, height: int) -> ValidatorSet | None:
        """The validators that sign the block at a height, with their priorities; up to one above the tip."""
        if height > self.tip_height() + 1:
            return None
        found = self._at(VALIDATOR_SETS, height)
        if found is None:
            return None
        validators = _decoded(ValidatorSet.decode, found[1], f"the validators of height {found[0]}")
        for _ in range(height - found[0]):
            validators = validators.advanced()
        return validators

    def params(self, height: int) -> ConsensusParams | None:
        """The consensus parameters in force at a height, up to one above the tip."""
        if height > self.tip_height() + 1:
            return None
        found = self._at(PARAMS, height)
        if found is None:
            return None
        return _decoded(ConsensusParams.decode, found[1], f"the parameters of height {found[0]}")

    def attribute_names(self) -> dict[str, int]:
        """The indexed attributes, "type.attribute", and their numbers in the index."""
        return dict(self._rows("reading the index", "SELECT name, id FROM attribute_names ORDER BY name"))

    def backup(self, to: Path) -> None:
        """Copy the chain, as it is now, to a new file; the node may go on writing. Raises StoreError."""
        if to.exists():
            raise StoreError(f"{to} exists already")
        with storage_faults(f"copying the chain to {to}"):
            target = apsw.Connection(str(to))
            try:
                with target.backup("main", self._reading, "main") as copying:
                    copying.step(-1)
            finally:
                target.close()

    def problems(self) -> list[chain_integrity.Problem]:
        """What is wrong with the database, found by reading all of it; empty where nothing is."""
        return chain_integrity.find_problems(self, self._reading)

    def _head(self, height: int, block_id: bytes, size_bytes: int, transactions: int) -> StoredHead:
        with (
            storage_faults(f"reading header {height}"),
            self._reading.blob_open("main", "blocks", "block", height, False) as blob,
        ):
            beginning = blob.read(_HEADER_READ_BYTES)
        identity = _decoded(BlockId.decode, block_id, f"block {height}")
        header = _decoded(lambda data: Header.read(Reader(data).message(1)), beginning, f"block {height}")
        if header.hash() != identity.hash:
            raise StoreError(f"block {height} in the chain database is damaged")
        return StoredHead(height, identity, header, size_bytes, transactions)

    def _at(self, table: str, height: int) -> tuple[int, bytes] | None:
        rows = self._rows(
            f"reading {table}",
            f"SELECT height, value FROM {table} WHERE height <= ? ORDER BY height DESC LIMIT 1",  # noqa: S608 - our own names
            (height,),
        )
        return (rows[0][0], unsealed(rows[0][1], f"{table} of height {rows[0][0]}")) if rows else None

    def _sealed(self, name: str) -> bytes:
        rows = self._rows(f"reading the {name}", "SELECT value FROM sealed WHERE name = ?", (name,))
        if not rows:
            raise StoreError(f"the chain database has no {name}")
        return unsealed(rows[0][0], f"the {name}")

    def _rows(self, action: str, statement: str, bindings: tuple[Any, ...] = ()) -> list[Any]:
        with storage_faults(action):
            return self._reading.execute(statement, bindings).fetchall()


def _decoded(decode: Callable[[bytes], D], data: bytes, what: str) -> D:
    try:
        return decode(data)
    except MalformedBytes as error:
        raise StoreError(f"{what} in the chain database is damaged: {error}") from error
