"""What was paid and refunded elsewhere while the till did not listen, by the index of its own node.

It refuses to ask without end: what a node finds too much is asked in smaller ranges of heights, and what is left when
the questions run out is asked the next time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from chainpos.core.contracts.refunds.events import REFUNDED
from chainpos.rpc.backend import IncludedTransaction
from chainpos.rpc.client import RpcClient, RpcError, TimedOut

PAGE: Final = 100
MAX_PAGES: Final = 50
# The till is not online before they are answered.
MAX_SEARCHES: Final = 16
Take = Callable[[IncludedTransaction], Awaitable[None]]


async def refunds_since(client: RpcClient, merchant: str, seen: int, tip: int, take: Take) -> int:
    """Give `take` every transaction in (seen, tip] that returned money of the merchant, as `told_since` does."""
    return await told_since(client, f"{REFUNDED}.merchant='{merchant}'", seen, tip, take)


async def told_since(client: RpcClient, condition: str, seen: int, tip: int, take: Take) -> int:
    """Give `take` every transaction in (seen, tip] that meets a condition; up to which height it did.

    Taking one again changes nothing: what a range too wide has told already is told again. Raises Disconnected,
    MalformedBytes.
    """
    reached, step = seen, tip - seen
    for _ in range(MAX_SEARCHES):
        if reached >= tip:
            break
        upper = min(tip, reached + step)
        query = f"{condition} AND tx.height>{reached} AND tx.height<={upper}"
        try:
            whole = await _told(client, query, take)
        except (RpcError, TimedOut):
            whole = False
        if whole:
            reached, step = upper, 2 * step
        elif step == 1:
            break
        else:
            step = max(1, step // 4)
    return reached


async def _told(client: RpcClient, query: str, take: Take) -> bool:
    """Whether all that matches was taken."""
    for number in range(1, MAX_PAGES + 1):
        page = await client.tx_search(query, page=number, per_page=PAGE)
        for included in page.transactions:
            await take(included)
        if number * PAGE >= page.total:
            return True
    return False
