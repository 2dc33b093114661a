"""The methods about transactions and merchants' requests: broadcast, look up, search, the mempool, links.

It refuses searches that match more than can be sorted, and link IDs that are none. Source: CometBFT rpc/core/tx.go,
mempool.go.
"""

from __future__ import annotations

import asyncio
import re
from typing import Final

import msgspec

from chainpos.core.chain.block import tx_proof
from chainpos.rpc.backend import Backend, IncludedTransaction, TransactionPage, TransactionProof
from chainpos.rpc.calls import CallContext, page_in_order, page_size, refused
from chainpos.rpc.query import MalformedQuery, parse_query
from chainpos.rpc.shapes import results
from chainpos.rpc.shapes.requests import PublishedIdJson, RequestJson, RequestsJson
from chainpos.rpc.shapes.scalars import hex_text

MAX_MATCHES: Final = 10_000
BROADCAST_COMMIT_TIMEOUT_S: Final = 10.0
_LINK_ID = re.compile(r"[A-Z2-7]{26}")


async def broadcast_tx_sync(context: CallContext, transaction: bytes) -> object:
    """What the mempool says of a transaction."""
    return results.broadcast_json(await context.backend.broadcast(transaction))


async def broadcast_tx_async(context: CallContext, transaction: bytes) -> object:
    """The transaction's hash, whatever the mempool says."""
    checked = await context.backend.broadcast(transaction)
    return results.BroadcastJson(0, "", "", "", hex_text(checked.hash))


async def broadcast_tx_commit(context: CallContext, transaction: bytes) -> object:
    """What the mempool and then the block did with a transaction. Raises RpcError after 10 s."""
    checked = await context.backend.broadcast(transaction)
    if checked.code:
        return results.broadcast_commit_json(checked, None)
    # It may be in a block before we begin to watch.
    future = context.hub.watch_transaction(checked.hash)
    try:
        included = await context.backend.transaction(checked.hash)
        if included is None:
            async with asyncio.timeout(BROADCAST_COMMIT_TIMEOUT_S):
                included = await future
    except TimeoutError as error:
        raise refused("timed out waiting for tx to be included in a block") from error
    finally:
        context.hub.unwatch(checked.hash, future)
    return results.broadcast_commit_json(checked, included)


async def tx(context: CallContext, tx_hash: bytes, prove: bool) -> object:  # noqa: FBT001 - as in tx_search
    """A transaction in a block."""
    found = await context.backend.transaction(tx_hash)
    if found is None:
        raise refused(f"tx ({hex_text(tx_hash[:32])}) not found")
    return results.tx_json(await _proven(context, found) if prove else found)


async def tx_search(
    context: CallContext,
    query: str,
    prove: bool,  # noqa: FBT001 - bound by position, in the order of the parameter list
    page: int | None,
    per_page: int | None,
    order_by: str,
) -> object:
    """One page of the transactions that match."""
    try:
        wanted = parse_query(query)
    except MalformedQuery as error:
        raise refused(str(error)) from error
    places = await context.backend.find_transactions(wanted, MAX_MATCHES + 1)
    if len(places) > MAX_MATCHES:
        raise refused(f"the query matches more than {MAX_MATCHES} transactions; narrow it by tx.height")
    found = []
    for height, index in page_in_order(places, page, per_page, order_by):
        included = await context.backend.transaction_at(height, index)
        if included is not None:
            found.append(await _proven(context, included) if prove else included)
    return results.tx_search_json(TransactionPage(tuple(found), len(places)))


async def _proven(context: CallContext, found: IncludedTransaction) -> IncludedTransaction:
    stored = await context.backend.block(found.height)
    if stored is None:
        raise refused(f"the block of tx ({hex_text(found.hash)}) is not available")
    # Beside the loop: a page of a hundred may be of blocks with thousands of transactions each.
    steps = await asyncio.to_thread(tx_proof, stored.block.txs, found.index)
    proof = TransactionProof(stored.block.header.data_hash, found.transaction, steps)
    return msgspec.structs.replace(found, proof=proof)


async def unconfirmed_txs(context: CallContext, limit: int | None) -> object:
    """The mempool and its first transactions."""
    return results.pending_json(await context.backend.pending(page_size(limit)))


async def num_unconfirmed_txs(context: CallContext) -> object:
    """How much the mempool holds."""
    return results.pending_json(await context.backend.pending(0), only_counts=True)


async def publish_request(context: CallContext, request: bytes, signature: bytes) -> object:
    """Serve a till's signed request."""
    return PublishedIdJson(await context.backend.publish_request(request, signature))


async def chainpos_requests(context: CallContext) -> object:
    """The requests being served."""
    return RequestsJson(tuple(await context.backend.requests()))


async def published_request(backend: Backend, link_id: str) -> RequestJson | None:
    """The request behind a link, whose ID may be in any case; None where there is none."""
    wanted = link_id.upper()
    if _LINK_ID.fullmatch(wanted) is None:
        return None
    found = await backend.request(wanted)
    return None if found is None else RequestJson(found.request, found.signature)
