"""Committed blocks for whoever asks: the newest from memory, older ones from the store through a thread of their own.

It refuses nothing and sees whole committed blocks only. What it keeps in memory is bounded in blocks and in bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from chainpos.core.chain.block import Block
from chainpos.core.chain.commit import Commit
from chainpos.core.chain.params import ConsensusParams
from chainpos.core.chain.tip import ChainTip
from chainpos.core.chain.validators import ValidatorSet
from chainpos.core.values.hashes import sha256
from chainpos.errors import MalformedBytes, StoreError
from chainpos.node.executor import Executor, Urgency
from chainpos.node.ledger import Appended
from chainpos.rpc.backend import BlockMeta, BlockResults, IncludedTransaction, SignedHeader, Span, StoredBlock
from chainpos.rpc.query import Query
from chainpos.store.chain import ChainReader
from chainpos.store.chain_packing import StoredResults
from chainpos.store.chain_ranges import heights_telling

MAX_RECENT_BLOCKS: Final = 64
MAX_RECENT_BYTES: Final = 4_000_000
R = TypeVar("R")


class _Kept:
    """A block in memory, decoded."""

    __slots__ = ("commit", "results", "size_bytes", "stored")

    def __init__(self, stored: StoredBlock, commit: Commit, results: BlockResults, size_bytes: int) -> None:
        self.stored = stored
        self.commit = commit
        self.results = results
        self.size_bytes = size_bytes


class ChainView:
    """Belongs to the event loop's thread; each reader is used by its executor's thread alone.

    Searches have a pair of their own: one that reads for seconds must not hold up who follows this node.
    """

    def __init__(
        self, reader: ChainReader, executor: Executor, searched: ChainReader, searching: Executor, tip: ChainTip
    ) -> None:
        self.tip = tip
        self._base = reader.base_height()
        self._reader = reader
        self._executor = executor
        self._searched = searched
        self._searching = searching
        self._kept: dict[int, _Kept] = {}
        self._kept_bytes = 0

    def appended(self, appended: Appended) -> None:
        """A block is on the disk: the tip is now there."""
        self.tip = appended.tip
        self._keep(_Kept(appended.stored, appended.commit, appended.results, appended.size_bytes))

    def span(self) -> Span:
        """The heights that are there."""
        height = self.tip.height
        return Span(0, 0) if height < self._base else Span(self._base, height)

    async def block(self, height: int) -> StoredBlock | None:
        """The block at a height."""
        kept = await self._get(height)
        return None if kept is None else kept.stored

    async def results(self, height: int) -> BlockResults | None:
        """What executing the block at a height gave."""
        kept = await self._get(height)
        return None if kept is None else kept.results

    async def commit(self, height: int) -> SignedHeader | None:
        """The header at a height and its commit: the one that the next block carries, or at the tip the one seen."""
        kept = await self._get(height)
        if kept is None:
            return None
        following = await self._get(height + 1) if height < self.tip.height else None
        if following is None:
            return SignedHeader(kept.stored.block.header, kept.commit, canonical=False)
        return SignedHeader(kept.stored.block.header, following.stored.block.last_commit, canonical=True)

    async def metas(self, low: int, high: int) -> list[BlockMeta]:
        """Blocks without their bodies, ascending."""
        heads = await self._read(lambda reader: reader.heads(low, high))
        return [BlockMeta(head.block_id, head.size_bytes, head.header, head.transactions) for head in heads]

    async def height_of_hash(self, block_hash: bytes) -> int | None:
        """The height of the block with this hash."""
        return await self._read(lambda reader: reader.height_of_block_hash(block_hash))

    async def validators(self, height: int) -> ValidatorSet | None:
        """The validators that sign the block at a height, up to one above the tip."""
        tip = self.tip
        if height == tip.next_height:
            return tip.validators
        if height == tip.height and not tip.is_genesis:
            return tip.last_validators
        return await self._read(lambda reader: reader.validators(height))

    async def params(self, height: int) -> ConsensusParams | None:
        """The consensus parameters in force at a height, up to one above the tip."""
        if height == self.tip.next_height:
            return self.tip.params
        return await self._read(lambda reader: reader.params(height))

    async def transaction(self, tx_hash: bytes) -> IncludedTransaction | None:
        """The transaction with this hash, if it is in a block."""
        position = await self._read(lambda reader: reader.transaction(tx_hash))
        return None if position is None else await self.transaction_at(*position)

    async def transaction_at(self, height: int, index: int) -> IncludedTransaction | None:
        """The transaction at a place in a block."""
        kept = await self._get(height)
        if kept is None or not 0 <= index < len(kept.stored.block.txs):
            return None
        wire = kept.stored.block.txs[index]
        return IncludedTransaction(sha256(wire), height, index, wire, kept.results.results[index])

    async def find(self, query: Query, limit: int) -> list[tuple[int, int]]:
        """(height, index) of the transactions that satisfy `query`, ascending. Raises SearchTooWide."""
        return await self._searching.run(Urgency.READ, lambda: self._searched.search(query, limit, newest_first=False))

    async def blocks_telling(self, attribute: str, value: str, limit: int) -> list[int]:
        """Heights of the latest blocks that told an attribute ("type.attribute") with this value, descending."""
        return await self._searching.run(Urgency.READ, lambda: heights_telling(self._searched, attribute, limit, value))

    async def _read(self, read: Callable[[ChainReader], R]) -> R:
        return await self._executor.run(Urgency.READ, lambda: read(self._reader))

    async def _get(self, height: int) -> _Kept | None:
        kept = self._kept.get(height)
        if kept is not None:
            return kept
        found = await self._read(lambda reader: _load(reader, height))
        if found is not None and found.size_bytes < MAX_RECENT_BYTES // MAX_RECENT_BLOCKS:
            self._keep(found)
        return found

    def _keep(self, kept: _Kept) -> None:
        height = kept.stored.block.header.height
        previous = self._kept.pop(height, None)
        if previous is not None:
            self._kept_bytes -= previous.size_bytes
        self._kept[height] = kept
        self._kept_bytes += kept.size_bytes
        while len(self._kept) > 1 and (len(self._kept) > MAX_RECENT_BLOCKS or self._kept_bytes > MAX_RECENT_BYTES):
            dropped = self._kept.pop(next(iter(self._kept)))
            self._kept_bytes -= dropped.size_bytes


def _load(reader: ChainReader, height: int) -> _Kept | None:
    found = reader.block(height)
    if found is None:
        return None
    try:
        stored = StoredBlock(Block.decode(found.block), found.block_id)
        commit, results = Commit.decode(found.commit), StoredResults.decode(found.results)
        params = results.param_updates()
    except MalformedBytes as error:
        raise StoreError(f"block {height} in the chain database is damaged") from error
    answer = BlockResults(height, results.results, results.events, results.validator_updates, params, results.app_hash)
    return _Kept(stored, commit, answer, len(found.block))
