"""A till that was long away learns of the refunds made meanwhile, however much its node finds too much at once."""

from __future__ import annotations

import re
from typing import Any

from chainpos.core.chain.results import TxResult
from chainpos.core.contracts.refunds.events import REFUNDED
from chainpos.rpc.backend import IncludedTransaction, TransactionPage
from chainpos.rpc.client import RpcError
from chainpos.till.missed import MAX_SEARCHES, told_since


class Index:
    """A node with a refund at each height up to `tip`, that answers for `most` matches at a time."""

    def __init__(self, tip: int, most: int) -> None:
        self.tip = tip
        self.most = most
        self.asked = 0

    async def tx_search(self, query: str, *, page: int, per_page: int) -> TransactionPage:
        self.asked += 1
        found = re.search(r"merchant='SHOP' AND tx.height>(\d+) AND tx.height<=(\d+)", query)
        assert found is not None
        heights = range(int(found[1]) + 1, min(int(found[2]), self.tip) + 1)
        if len(heights) > self.most:
            raise RpcError(-32603, "Internal error", "the search is too wide")
        shown = heights[(page - 1) * per_page : page * per_page]
        rows = tuple(IncludedTransaction(b"", height, 0, b"", TxResult()) for height in shown)
        return TransactionPage(rows, len(heights))


async def told(index: Any, seen: int, tip: int) -> tuple[int, list[int]]:
    heights: list[int] = []

    async def take(included: IncludedTransaction) -> None:
        heights.append(included.height)

    return await told_since(index, f"{REFUNDED}.merchant='SHOP'", seen, tip, take), heights


async def test_what_is_too_much_at_once_is_asked_in_pieces() -> None:
    for most in (10_000, 900, 300):
        reached, heights = await told(Index(1_000, most), 10, 1_000)
        assert reached == 1_000
        assert sorted(set(heights)) == list(range(11, 1_001))


async def test_what_is_left_over_is_asked_the_next_time() -> None:
    index, reached, rounds = Index(60, 1), 0, 0
    while reached < 60:
        before = index.asked
        reached, heights = await told(index, reached, 60)
        assert heights == list(range(heights[0], reached + 1))
        assert index.asked - before <= MAX_SEARCHES
        rounds += 1
    assert rounds > 5


async def test_a_node_that_finds_everything_too_much_stops_nothing() -> None:
    assert await told(Index(100, 0), 7, 100) == (7, [])
    assert await told(Index(100, 0), 100, 100) == (100, [])
