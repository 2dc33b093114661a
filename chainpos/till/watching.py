"""What the till hears from its own node: subscriptions, turned into calls of the desk; a look round first, and often.

Events are hints: each makes the desk look at the node's state, and nothing is believed of an event itself. It refuses
to stay with a connection that lost events: it begins again, with a look round.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Final

from chainpos.core.chain.header import Header
from chainpos.core.contracts.payments.events import PAID
from chainpos.core.contracts.refunds.events import REFUNDED
from chainpos.core.execution import REJECTED
from chainpos.errors import MalformedBytes, StoreError
from chainpos.rpc.backend import IncludedTransaction, NodeReport, PendingTransaction
from chainpos.rpc.client import Disconnected, Dropped, ReceivedEvent, RpcClient, RpcError, Subscription
from chainpos.till.desk import Desk

HEARTBEAT_S: Final = 2.0
MAX_EVENTS: Final = 5_000
ERRANDS_S: Final = 1.0
Errands = Callable[[RpcClient], Awaitable[None]]


def queries(merchant: str, till_key: bytes) -> tuple[str, ...]:
    """What the till subscribes to on its connection for events; a node gives each connection five."""
    till = till_key.hex()
    return (
        f"tm.event='Tx' AND {PAID}.till='{till}'",
        f"tm.event='Tx' AND {REJECTED}.till='{till}'",
        f"tm.event='Tx' AND {REFUNDED}.merchant='{merchant}'",
        "tm.event='NewBlockHeader'",
        "chainpos.event='PendingTx'",
    )


async def watch(desk: Desk, calls: RpcClient, events: RpcClient, wanted: tuple[str, ...], errands: Errands) -> None:
    """Tell the desk everything until the connection breaks; `errands` is called first after the look round, then often.

    Raises Disconnected, and StateMismatch as the desk does.
    """
    subscriptions = [await events.subscribe(query, limit=MAX_EVENTS) for query in wanted]
    subscriptions.append(await calls.subscribe("chainpos.event='Status'"))
    broke = False
    try:
        # Only now: what happens from here on is either seen by this look or told by an event.
        await desk.look_round(calls)
        async with asyncio.TaskGroup() as group:
            for subscription in subscriptions:
                group.create_task(_listen(desk, calls, subscription), name=f"till hears {subscription.query}")
            group.create_task(_heartbeat(desk, calls), name="till's heartbeat")
            group.create_task(_run_errands(desk, calls, errands), name="till's errands")
    except* (Disconnected, RpcError, MalformedBytes, StoreError):
        broke = True
    if broke:
        raise Disconnected("the connection to the till's own node broke")


async def _listen(desk: Desk, calls: RpcClient, subscription: Subscription) -> None:
    async with asyncio.TaskGroup() as group:
        async for event in subscription:
            if isinstance(event, Dropped):
                raise Disconnected("events were dropped")
            match event.value:
                case IncludedTransaction():
                    # Beside each other: a block may hold hundreds, and each asks the node something.
                    group.create_task(_look_at(desk, calls, event, event.value), name="till looks at a payment")
                case Header():
                    await desk.take_header(calls, event.value)
                case PendingTransaction():
                    desk.take_pending(event.value)
                case NodeReport():
                    await desk.take_report(event.value)


async def _look_at(desk: Desk, calls: RpcClient, event: ReceivedEvent, included: IncludedTransaction) -> None:
    try:
        await desk.take_transaction(calls, event, included)
    except StoreError:
        # The book says itself that it failed, and what was shown is watched all the same.
        desk.behind = True


async def _heartbeat(desk: Desk, calls: RpcClient) -> None:
    # A node that hangs keeps its connections: only an answer shows that it lives.
    while True:
        await asyncio.sleep(HEARTBEAT_S)
        await desk.take_report(await calls.report())


async def _run_errands(desk: Desk, calls: RpcClient, errands: Errands) -> None:
    while True:
        desk.outbox.wake.clear()
        await errands(calls)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ERRANDS_S):
                await desk.outbox.wake.wait()
