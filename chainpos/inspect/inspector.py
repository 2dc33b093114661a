"""What the operator and support ask of a node: how it is, its blocks, their transactions with the money they moved.

It refuses nothing that a node can answer; what a node cannot answer becomes one sentence. It reads only, and believes
its own node: whether that node verified what it says is part of what it says.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from chainpos.core.values.text import clean
from chainpos.errors import EXIT_UNREACHABLE, MalformedBytes, UserFacingError
from chainpos.inspect.transactions import transaction_row
from chainpos.inspect.views import (
    Alarm,
    BlockRow,
    Link,
    NetworkView,
    NodeView,
    TransactionRow,
    UpstreamRow,
    ValidatorRow,
    WatchRow,
)
from chainpos.rpc.backend import MAX_BLOCK_METAS, BlockMeta, NodeReport
from chainpos.rpc.client import Disconnected, RpcClient, RpcError

MAX_BLOCKS: Final = 500


class Inspector:
    """Asks one node. `client` gives the connection for calls, or raises UserFacingError."""

    def __init__(self, client: Callable[[], RpcClient]) -> None:
        self._client = client

    async def node(self) -> NodeView:
        """The node in its own words. Raises UserFacingError."""
        async with self._asking() as client:
            return node_view(await client.report())

    async def blocks(self, *, before: int = 0, limit: int = 100) -> tuple[BlockRow, ...]:
        """Blocks below the height `before` (0: from the tip), newest first. Raises UserFacingError."""
        async with self._asking() as client:
            tip = (await client.status()).latest.height
            high = min(before - 1, tip) if before > 0 else tip
            low = max(1, high - min(limit, MAX_BLOCKS) + 1)
            rows: list[BlockRow] = []
            while high >= low:
                metas = await client.block_metas(max(low, high - MAX_BLOCK_METAS + 1), high)
                rows += [_block_row(meta) for meta in metas]
                if not metas:
                    break
                high = metas[-1].header.height - 1
            return tuple(rows)

    async def transactions(self, height: int) -> tuple[TransactionRow, ...]:
        """A block's transactions with their postings, in their order. Raises UserFacingError."""
        async with self._asking() as client:
            stored = await client.block(height)
            if stored is None:
                return ()
            results = (await client.block_results(height)).results
            return tuple(
                transaction_row(wire, result, height, index)
                for index, (wire, result) in enumerate(zip(stored.block.txs, results, strict=True))
            )

    @asynccontextmanager
    async def _asking(self) -> AsyncIterator[RpcClient]:
        try:
            yield self._client()
        except Disconnected as error:
            raise UserFacingError(
                "The node stopped answering.",
                next_step="Wait a moment, then look again.",
                exit_code=EXIT_UNREACHABLE,
            ) from error
        except (RpcError, MalformedBytes, ValueError) as error:
            raise UserFacingError(
                "The node could not answer that.", next_step="Look at its log, then ask again."
            ) from error


def network_view(report: NodeReport) -> NetworkView:
    """How a node stands to the network."""
    return NetworkView(
        link=Link(report.state),
        chain_id=clean(report.chain_id),
        known_height=report.height,
        target_height=max(report.target_height, report.height),
        tip_time_ns=report.tip_time_ns,
        halted_reason=clean(report.halted_reason),
    )


def node_view(report: NodeReport) -> NodeView:
    """A node's report, for the screens; its words are cleaned."""
    return NodeView(
        network=network_view(report),
        moniker=clean(report.moniker),
        mode=report.mode,
        version=clean(report.version),
        app_hash=clean(report.app_hash),
        verified_blocks=report.verified_blocks,
        verified_signatures=report.verified_signatures,
        mempool_transactions=report.mempool_transactions,
        mempool_bytes=report.mempool_bytes,
        store_bytes=report.store_bytes,
        blocks_per_minute=report.blocks_per_minute,
        transactions_per_minute=report.transactions_per_minute,
        finality_ms=report.finality_ms,
        started_ns=report.started_ns,
        upstreams=tuple(
            UpstreamRow(
                clean(row.address),
                row.connected,
                row.height,
                clean(row.verdict),
                row.since_ns,
                row.latency_ms,
                clean(row.version),
            )
            for row in report.upstreams
        ),
        validators=tuple(ValidatorRow(clean(row.address), row.power, row.signed) for row in report.validators),
        alarms=tuple(Alarm(clean(row.code), clean(row.detail), row.since_ns) for row in report.alarms),
        watched=tuple(
            WatchRow(clean(row.kind), clean(row.subject), clean(row.name), row.height) for row in report.watched
        ),
    )


def _block_row(meta: BlockMeta) -> BlockRow:
    header = meta.header
    return BlockRow(
        height=header.height,
        hash=meta.block_id.hash.hex().upper(),
        time_ns=header.time_ns,
        transactions=meta.transactions,
        proposer=header.proposer_address.hex().upper(),
        app_hash=header.app_hash.hex().upper(),
    )
