"""`RpcClient`: a node's methods by name, with core's types on both sides. `http_get` fetches what a link points to.

Every answer is decoded strictly and raises MalformedBytes where it is not what it claims to be; that it is true is not
checked here, but by whoever holds the light verifier.
"""

from __future__ import annotations

import base64
from typing import Final

from chainpos.core.chain.genesis import GenesisDoc, load_genesis
from chainpos.core.chain.params import ConsensusParams
from chainpos.core.chain.validators import Validator, ValidatorSet
from chainpos.errors import MalformedBytes
from chainpos.rpc.backend import (
    MAX_BLOCK_METAS,
    Application,
    BlockMeta,
    BlockResults,
    BroadcastAnswer,
    IncludedTransaction,
    Network,
    NodeReport,
    NodeStatus,
    PendingTransactions,
    PublishedRequest,
    QueryAnswer,
    SignedHeader,
    StoredBlock,
    TransactionPage,
)
from chainpos.rpc.connection import TLS, Connection, Disconnected, Dropped, Subscription, TimedOut, websocket_url
from chainpos.rpc.http_get import HttpAnswer, http_get
from chainpos.rpc.protocol import RpcError
from chainpos.rpc.shapes import blocks, nodes, results
from chainpos.rpc.shapes.events import ReceivedEvent
from chainpos.rpc.shapes.evidence import read_stored_block
from chainpos.rpc.shapes.requests import PublishedIdJson, RequestsJson, read_link_answer
from chainpos.rpc.shapes.scalars import decode, read_count, read_int64
from chainpos.rpc.waiting import MempoolReport

MAX_VALIDATOR_PAGES: Final = 100
_PER_PAGE: Final = 100

__all__ = [
    "TLS", "Disconnected", "Dropped", "HttpAnswer", "ReceivedEvent", "RpcClient", "RpcError", "Subscription",
    "TimedOut", "http_get", "read_link_answer", "websocket_url",
]  # fmt: skip


class RpcClient(Connection):
    """A node, over one WebSocket. Each method raises RpcError, TimedOut, Disconnected, MalformedBytes.

    A height of None is the node's latest. Close it, or use it in `async with`.
    """

    async def status(self) -> NodeStatus:
        """Who the node is and how far."""
        return nodes.read_status(decode(await self.call("status"), nodes.StatusJson))

    async def genesis_document(self) -> bytes:
        """The genesis document as the node serves it."""
        return bytes(decode(await self.call("genesis"), nodes.GenesisJson).genesis)

    async def genesis(self) -> GenesisDoc:
        """The genesis document, read."""
        return load_genesis(await self.genesis_document())

    async def block(self, height: int | None = None) -> StoredBlock | None:
        """A block; None where the node answers with an empty one."""
        return read_stored_block(decode(await self.call("block", **_height(height)), blocks.StoredBlockJson))

    async def block_metas(self, low: int, high: int) -> list[BlockMeta]:
        """Blocks without their bodies, at most 20, highest first."""
        document = await self.call("blockchain", minHeight=str(low), maxHeight=str(high))
        found = decode(document, blocks.BlockchainJson).block_metas
        if len(found) > MAX_BLOCK_METAS:
            raise MalformedBytes("more blocks than can be asked for")
        return [blocks.read_block_meta(shape) for shape in found]

    async def block_search(
        self, query: str, *, per_page: int = _PER_PAGE, descending: bool = False
    ) -> list[StoredBlock]:
        """The first page of the blocks that match; ours take one condition."""
        document = await self.call(
            "block_search", query=query, page="1", per_page=str(per_page), order_by="desc" if descending else "asc"
        )
        found = [read_stored_block(shape) for shape in decode(document, blocks.BlockSearchJson).blocks]
        return [stored for stored in found if stored is not None]

    async def commit(self, height: int | None = None) -> SignedHeader:
        """A header with its commit."""
        return blocks.read_commit_answer(decode(await self.call("commit", **_height(height)), blocks.CommitAnswerJson))

    async def validators(self, height: int | None = None) -> ValidatorSet:
        """The whole set of a height, page by page."""
        members: list[Validator] = []
        for page in range(1, MAX_VALIDATOR_PAGES + 1):
            document = await self.call("validators", **_height(height), page=str(page), per_page=str(_PER_PAGE))
            shape = decode(document, blocks.ValidatorsJson)
            # The later pages are of the same height, also when the first was asked for the latest.
            height = read_int64(shape.block_height)
            found = shape.validators or ()
            members += (blocks.read_validator(one) for one in found)
            total = read_count(shape.total)
            if len(members) == total:
                return blocks.validator_set(members)
            if not found or len(members) > total:
                break
        raise MalformedBytes("pages of validators that do not add up")

    async def block_results(self, height: int | None = None) -> BlockResults:
        """What executing a block gave, as the node says."""
        return results.read_block_results(
            decode(await self.call("block_results", **_height(height)), results.BlockResultsJson)
        )

    async def consensus_params(self, height: int | None = None) -> ConsensusParams:
        """The parameters in force at a height."""
        document = await self.call("consensus_params", **_height(height))
        return nodes.read_consensus_params(decode(document, nodes.ConsensusParamsAnswerJson).consensus_params)

    async def abci_info(self) -> Application:
        """The application's name and version."""
        return nodes.read_application(decode(await self.call("abci_info"), nodes.ApplicationAnswerJson))

    async def abci_query(self, path: str, key: bytes, height: int = 0, *, prove: bool = False) -> QueryAnswer:
        """A record of the state at a height, 0 being the latest; its proof is not verified here."""
        document = await self.call("abci_query", path=path, data=key.hex(), height=str(height), prove=prove)
        return nodes.read_query(decode(document, nodes.QueryAnswerJson))

    async def broadcast_tx_sync(self, transaction: bytes) -> BroadcastAnswer:
        """What the node's mempool says of a transaction."""
        document = await self.call("broadcast_tx_sync", tx=_base64(transaction))
        return results.read_broadcast(decode(document, results.BroadcastJson))

    async def tx(self, tx_hash: bytes, *, prove: bool = False) -> IncludedTransaction:
        """A transaction in a block. RpcError where the node knows none; its proof is not verified here."""
        return results.read_tx(decode(await self.call("tx", hash=_base64(tx_hash), prove=prove), results.TxJson))

    async def tx_search(
        self, query: str, *, page: int = 1, per_page: int = _PER_PAGE, descending: bool = False, prove: bool = False
    ) -> TransactionPage:
        """One page of the transactions that match."""
        document = await self.call(
            "tx_search",
            query=query,
            prove=prove,
            page=str(page),
            per_page=str(per_page),
            order_by="desc" if descending else "asc",
        )
        return results.read_tx_search(decode(document, results.TxSearchJson))

    async def unconfirmed_txs(self, limit: int = 30) -> PendingTransactions:
        """The mempool and its first transactions."""
        return results.read_pending(decode(await self.call("unconfirmed_txs", limit=str(limit)), results.PendingJson))

    async def publish_request(self, request: bytes, signature: bytes) -> str:
        """The ID under which the node now serves a till's signed request."""
        document = await self.call("publish_request", request=_base64(request), signature=_base64(signature))
        return decode(document, PublishedIdJson).id

    async def requests(self) -> list[PublishedRequest]:
        """The requests that the node serves."""
        return list(decode(await self.call("chainpos_requests"), RequestsJson).requests)

    async def report(self) -> NodeReport:
        """The node in its own words."""
        return decode(await self.call("chainpos_node"), NodeReport)

    async def mempool(self) -> MempoolReport:
        """What waits at the node, by signer and by age."""
        return decode(await self.call("chainpos_mempool"), MempoolReport)

    async def net_info(self) -> Network:
        """Whom the node is connected to."""
        return nodes.read_network(decode(await self.call("net_info"), nodes.NetworkJson))


def _height(height: int | None) -> dict[str, str]:
    return {} if height is None else {"height": str(height)}


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")
