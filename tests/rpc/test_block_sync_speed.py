"""How fast a peer can fetch blocks over one WebSocket. Measured, with server and client sharing one core."""

from __future__ import annotations

import asyncio
import os

import pytest

from chainpos.core.chain.block import Block
from chainpos.rpc.backend import StoredBlock
from tests.measured import target
from tests.rpc.conftest import FakeNode, connected, serving

TRANSACTIONS = 10_000
REQUIRED_BYTES_PER_SECOND = 20_000_000


class StoringNode(FakeNode):
    """Keeps blocks encoded, as a store does."""

    def __init__(self, per_block: int) -> None:
        super().__init__(0)
        for _ in range(TRANSACTIONS // per_block):
            self.add_block([os.urandom(320) for _ in range(per_block)])
        self.encoded = [stored.block.encode() for stored in self.stored]

    async def block(self, height: int) -> StoredBlock | None:
        return StoredBlock(Block.decode(self.encoded[height - 1]), self.stored[height - 1].block_id)


@pytest.mark.bench
@pytest.mark.parametrize("per_block", [100, 1000])
async def test_ten_thousand_transactions_go_over_one_websocket_fast(per_block: int) -> None:
    node = StoringNode(per_block)
    received = 0
    async with serving(node) as server, connected(server) as client:
        heights = iter(range(1, len(node.stored) + 1))

        async def fetch() -> None:
            nonlocal received
            for height in heights:
                document = await client.call("block", height=str(height))
                received += len(document)

        began = asyncio.get_running_loop().time()
        await asyncio.gather(*(fetch() for _ in range(8)))
        took_s = asyncio.get_running_loop().time() - began
    print(f"\n{per_block} a block: {received / took_s / 1e6:.0f} MB/s, {TRANSACTIONS / took_s:.0f} transactions/s")
    target(REQUIRED_BYTES_PER_SECOND / (received / took_s), 1, "of the required rate's time")
