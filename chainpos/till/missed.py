"""What was paid and refunded elsewhere while the till did not listen, by the index of its own node.

It refuses to ask without end: what a node finds too much is asked in smaller ranges of heights, and what is left when
the questions run out is asked the next time. What the book could not take is asked again too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import msgspec

from chainpos.core.contracts.payments.events import PAID
from chainpos.rpc.backend import IncludedTransaction
from chainpos.rpc.client import RpcClient, RpcError, TimedOut
from chainpos.till.book_thread import BookThread

PAGE: Final = 100
MAX_PAGES: Final = 50
# The till is not online before they are answered.
MAX_SEARCHES: Final = 16
Take = Callable[[IncludedTransaction], Awaitable[None]]


class Height(msgspec.Struct, frozen=True):
    """Up to where something was read."""

    height: int


async def catch_up(book: BookThread, name: str, client: RpcClient, condition: str, tip: int, take: Take) -> None:
    """Give `take` what `told_since` finds from where the setting `name` stands, and put that on to where it came.

    It stays where it is once a write has failed: what was lost with that is found again. Raises as `told_since`, and
    what `take` raises.
    """
    seen = await book.call(partial(book.book.setting, name, Height)) or Height(0)
    reached = Height(await told_since(client, condition, seen.height, tip, take))

    def note() -> None:
        # In the book's thread: what `take` has written without waiting is written by now, or has failed.
        if book.failure is None:
            book.book.save_setting(name, reached)

    book.post(note)


async def hash_of_payment(client: RpcClient, request_id: bytes) -> bytes:
    """By which transaction a request was paid, where the node's index knows; for the receipt."""
    try:
        page = await client.tx_search(f"{PAID}.request='{request_id.hex()}'", per_page=1)
    except RpcError:
        return b""
    return page.transactions[0].hash if page.transactions else b""


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
