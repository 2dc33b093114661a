"""A node that does not know our methods, such as CometBFT's: the same report out of what every such node answers.

It says nothing that the node did not: how much was verified there, upstreams, sizes and waits stay empty. Headers are
read once each; only one that names evidence has its block fetched.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

from chainpos.core.chain.block import evidence_hash
from chainpos.core.chain.commit import ABSENT
from chainpos.core.values.hashes import sha256
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.engine.cometbft.queries import ALARMS_PATH, decode_alarms
from chainpos.errors import MalformedBytes
from chainpos.inspect.operating_views import MempoolView, SignerRow, WaitingRow
from chainpos.inspect.transactions import opened_message
from chainpos.node.watching import DOUBLE_SIGN, double_signs
from chainpos.rpc.backend import MAX_BLOCK_METAS, AlarmReport, BlockMeta, NodeReport, NodeStatus, ValidatorReport
from chainpos.rpc.client import RpcClient, RpcError

MINUTES: Final = 30
# Pages of headers read at first, and each time after that: a node far ahead must not be asked for all of them.
FIRST_PAGES: Final = 10
MAX_ALARMS: Final = 20
STALE_NS: Final = 60 * SECOND_NS
SHOWN_WAITING: Final = 100
_MINUTE_NS: Final = 60 * SECOND_NS
_NO_EVIDENCE: Final = evidence_hash(())


class GenericNode:
    """One such node, over time."""

    def __init__(self) -> None:
        # (height, minute, transactions) of the headers seen.
        self._seen: deque[tuple[int, int, int]] = deque(maxlen=FIRST_PAGES * MAX_BLOCK_METAS)
        self._double: dict[str, AlarmReport] = {}

    async def report(self, client: RpcClient, now_ns: int) -> NodeReport:
        """What it says. Raises RpcError, Disconnected, MalformedBytes."""
        status, pending = await client.status(), await client.unconfirmed_txs(1)
        height = status.latest.height
        validators = await self._validators(client, height) if height else ()
        await self._headers(client, height, now_ns)
        blocks, transactions = self._by_minute(now_ns)
        return NodeReport(
            mode="validator" if status.voting_power else "peer",
            state="syncing" if status.catching_up else "online",
            chain_id=status.network,
            moniker=status.moniker,
            version=await _version(client, status),
            height=height,
            tip_time_ns=status.latest.time_ns,
            app_hash=status.latest.app_hash.hex().upper(),
            mempool_transactions=pending.total,
            mempool_bytes=pending.total_bytes,
            blocks_per_minute=blocks,
            transactions_per_minute=transactions,
            validators=validators,
            alarms=(
                *await told_by_application(client),
                *self._stale(status, pending.total, now_ns),
                *self._double.values(),
            ),
        )

    async def waiting(self, client: RpcClient) -> MempoolView:
        """Its first waiting transactions; ages it does not tell. Raises as `report`."""
        pending = await client.unconfirmed_txs(SHOWN_WAITING)
        return mempool_of(pending.transactions, pending.total, pending.total_bytes)

    async def _validators(self, client: RpcClient, height: int) -> tuple[ValidatorReport, ...]:
        try:
            signed, members = await asyncio.gather(client.commit(height), client.validators(height))
        except MalformedBytes:
            # Another network's validators may have keys of another kind.
            return ()
        voted = {vote.address for vote in signed.commit.signatures if vote.flag != ABSENT}
        return tuple(
            ValidatorReport(each.address.hex().upper(), each.power, each.address in voted)
            for each in members.validators
        )

    async def _headers(self, client: RpcClient, tip: int, now_ns: int) -> None:
        known = self._seen[-1][0] if self._seen else 0
        found: list[BlockMeta] = []
        high = tip
        for _ in range(FIRST_PAGES):
            if high <= known:
                break
            page = await client.block_metas(max(known + 1, high - MAX_BLOCK_METAS + 1), high)
            found += page
            if not page or page[-1].header.time_ns < now_ns - MINUTES * _MINUTE_NS:
                break
            high = page[-1].header.height - 1
        for meta in reversed(found):
            header = meta.header
            self._seen.append((header.height, header.time_ns // _MINUTE_NS, meta.transactions))
            if header.evidence_hash != _NO_EVIDENCE:
                await self._look_at_evidence(client, header.height, header.time_ns)

    async def _look_at_evidence(self, client: RpcClient, height: int, time_ns: int) -> None:
        stored = await client.block(height)
        for detail in () if stored is None else double_signs(stored.block):
            self._double.setdefault(detail, AlarmReport(DOUBLE_SIGN, detail, time_ns))
        while len(self._double) > MAX_ALARMS:
            del self._double[next(iter(self._double))]

    def _by_minute(self, now_ns: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Blocks and transactions, for as many whole minutes as the headers cover, the oldest first."""
        if not self._seen:
            return (), ()
        last = max(now_ns // _MINUTE_NS, self._seen[-1][1])
        first = max(self._seen[0][1], last - MINUTES + 1)
        blocks, transactions = dict.fromkeys(range(first, last + 1), 0), dict.fromkeys(range(first, last + 1), 0)
        for _, minute, count in self._seen:
            if minute in blocks:
                blocks[minute] += 1
                transactions[minute] += count
        return tuple(blocks.values()), tuple(transactions.values())

    def _stale(self, status: NodeStatus, waiting: int, now_ns: int) -> tuple[AlarmReport, ...]:
        quiet = waiting and status.latest.height and now_ns - status.latest.time_ns > STALE_NS
        return (AlarmReport("stale_tip", f"height {status.latest.height}", status.latest.time_ns),) if quiet else ()


def mempool_of(transactions: tuple[bytes, ...], total: int, total_bytes: int) -> MempoolView:
    """The first waiting transactions by account; what does not decode counts for nobody."""
    rows = []
    for wire in transactions:
        opened = opened_message(wire)
        rows.append(WaitingRow(sha256(wire).hex(), opened.signer, opened.kind, len(wire)))
    counted: dict[str, tuple[int, int]] = {}
    for row in rows:
        count, size = counted.get(row.address, (0, 0))
        counted[row.address] = count + 1, size + row.size_bytes
    ranked = sorted(counted.items(), key=lambda item: -item[1][0])
    signers = tuple(SignerRow(address, count, size) for address, (count, size) in ranked)
    return MempoolView(total=total, total_bytes=total_bytes, told=len(rows), signers=signers, oldest=tuple(rows))


async def told_by_application(client: RpcClient) -> tuple[AlarmReport, ...]:
    """What our application tells; another network's has no such path."""
    try:
        answer = await client.abci_query(ALARMS_PATH, b"")
        return () if answer.code else decode_alarms(answer.value)
    except (RpcError, MalformedBytes):
        return ()


async def _version(client: RpcClient, status: NodeStatus) -> str:
    try:
        application = await client.abci_info()
    except (RpcError, MalformedBytes):
        return f"CometBFT {status.version}"
    return f"CometBFT {status.version}, {application.name} {application.version}"
