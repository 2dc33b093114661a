"""The table of methods: names and parameters as CometBFT's, and our own beside them, each answered from a Backend.

It does no I/O of its own. Source: CometBFT rpc/core/routes.go, status.go, abci.go, events.go.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from chainpos.rpc import chain_methods, transaction_methods
from chainpos.rpc.backend import NodeReport
from chainpos.rpc.calls import CallContext, Method, refused
from chainpos.rpc.parameters import Parameter
from chainpos.rpc.shapes import nodes
from chainpos.rpc.waiting import MempoolReport


class Empty(msgspec.Struct):
    """ResultHealth, ResultSubscribe and the like: {}."""


async def health(_: CallContext) -> object:
    """Nothing, which says that the node answers."""
    return Empty()


async def status(context: CallContext) -> object:
    """Who the node is and how far."""
    return nodes.status_json(await context.backend.status())


async def net_info(context: CallContext) -> object:
    """Whom it is connected to."""
    return nodes.network_json(await context.backend.network())


async def abci_query(context: CallContext, path: str, key: bytes, height: int, prove: bool) -> object:  # noqa: FBT001 - bound by position
    """A record of the state."""
    return nodes.query_json(await context.backend.query(path, key, height, prove=prove))


async def abci_info(context: CallContext) -> object:
    """The application's name and version."""
    return nodes.application_json(await context.backend.application())


async def subscribe(context: CallContext, query: str) -> object:
    """Events from now on."""
    if context.subscriber is None:
        raise refused("events need a WebSocket")
    context.hub.subscribe(context.subscriber, context.request_id, query)
    return Empty()


async def unsubscribe(context: CallContext, query: str) -> object:
    """No more events of a query."""
    if context.subscriber is None:
        raise refused("events need a WebSocket")
    context.hub.unsubscribe(context.subscriber, query)
    return Empty()


async def unsubscribe_all(context: CallContext) -> object:
    """No more events."""
    if context.subscriber is None:
        raise refused("events need a WebSocket")
    context.hub.unsubscribe_all(context.subscriber)
    return Empty()


async def chainpos_node(context: CallContext) -> NodeReport:
    """The node in its own words."""
    return await context.backend.report()


async def chainpos_mempool(context: CallContext) -> MempoolReport:
    """What waits, by signer and by age."""
    return await context.backend.waiting()


_HEIGHT: Final = Parameter("height", "optional_integer")
_PAGE: Final = (Parameter("page", "optional_integer"), Parameter("per_page", "optional_integer"))
_ORDER: Final = Parameter("order_by", "text")
_TX: Final = (Parameter("tx", "base64"),)
_QUERY: Final = (Parameter("query", "text"),)

METHODS: Final[dict[str, Method]] = {
    "health": Method(health),
    "status": Method(status),
    "net_info": Method(net_info),
    "genesis": Method(chain_methods.genesis),
    "block": Method(chain_methods.block, (_HEIGHT,)),
    "block_by_hash": Method(chain_methods.block_by_hash, (Parameter("hash", "base64"),)),
    "block_search": Method(chain_methods.block_search, (*_QUERY, *_PAGE, _ORDER), pool="searches"),
    "header": Method(chain_methods.header, (_HEIGHT,)),
    "header_by_hash": Method(chain_methods.header_by_hash, (Parameter("hash", "hex"),)),
    "blockchain": Method(
        chain_methods.blockchain, (Parameter("minHeight", "integer"), Parameter("maxHeight", "integer"))
    ),
    "block_results": Method(chain_methods.block_results, (_HEIGHT,)),
    "commit": Method(chain_methods.commit, (_HEIGHT,)),
    "validators": Method(chain_methods.validators, (_HEIGHT, *_PAGE)),
    "consensus_params": Method(chain_methods.consensus_params, (_HEIGHT,)),
    "broadcast_tx_sync": Method(transaction_methods.broadcast_tx_sync, _TX, pool="broadcasts"),
    "broadcast_tx_async": Method(transaction_methods.broadcast_tx_async, _TX, pool="broadcasts"),
    "broadcast_tx_commit": Method(transaction_methods.broadcast_tx_commit, _TX, pool="watches"),
    "abci_query": Method(
        abci_query,
        (
            Parameter("path", "text"),
            Parameter("data", "hex"),
            Parameter("height", "integer"),
            Parameter("prove", "boolean"),
        ),
    ),
    "abci_info": Method(abci_info),
    "tx": Method(transaction_methods.tx, (Parameter("hash", "base64"), Parameter("prove", "boolean"))),
    "tx_search": Method(
        transaction_methods.tx_search,
        (*_QUERY, Parameter("prove", "boolean"), *_PAGE, _ORDER),
        pool="searches",
    ),
    "unconfirmed_txs": Method(transaction_methods.unconfirmed_txs, (Parameter("limit", "optional_integer"),)),
    "num_unconfirmed_txs": Method(transaction_methods.num_unconfirmed_txs),
    "subscribe": Method(subscribe, _QUERY, only_websocket=True),
    "unsubscribe": Method(unsubscribe, _QUERY, only_websocket=True),
    "unsubscribe_all": Method(unsubscribe_all, only_websocket=True),
    "publish_request": Method(
        transaction_methods.publish_request,
        (Parameter("request", "base64"), Parameter("signature", "base64")),
        pool="broadcasts",
    ),
    "chainpos_requests": Method(transaction_methods.chainpos_requests),
    "chainpos_node": Method(chainpos_node),
    "chainpos_mempool": Method(chainpos_mempool),
}


async def answer(context: CallContext, method: Method, values: list[Any]) -> object:
    """A method's result, for msgspec to encode. Raises RpcError."""
    return await method.answer(context, *values)
