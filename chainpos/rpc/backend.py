"""What the RPC room needs of a node: one Protocol, in the types of core.chain, and the values that go through it.

It holds no code. A node implements `Backend` (node/backend.py); the same values come back from `RpcClient`, so that
what a peer reads of another node has the types that the other node answered with.

How the server calls a Backend:
- From the event loop's thread, many calls at a time, between any two blocks. A method returns committed data only,
  nothing of a block being executed. It must not keep the loop busy for over a few milliseconds: what takes longer goes
  to a thread or process of the implementer's. The server waits `Limits.answer_timeout_s`, then answers with an error.
- Heights that reach `block`, `commit`, `block_results` and `block_metas` are within `span()`; heights that reach
  `validators` and `consensus_params` may be one above the tip, whose validators are known already.
- None means "not there", and the server says so in CometBFT's words. A refusal that the caller should read is raised as
  `protocol.RpcError(INTERNAL_ERROR, "Internal error", sentence)`; any other exception is our own bug: it is logged, and
  the caller learns nothing of it.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, Protocol

import msgspec

from chainpos.core.chain.block import Block
from chainpos.core.chain.commit import Commit
from chainpos.core.chain.header import BlockId, Header
from chainpos.core.chain.merkle import MerkleProof
from chainpos.core.chain.params import ConsensusParams
from chainpos.core.chain.results import Event, TxResult
from chainpos.core.chain.validators import ValidatorSet
from chainpos.rpc.query import Query
from chainpos.rpc.waiting import MempoolReport

# CometBFT rpc/core/blocks.go: what `blockchain` answers at most.
MAX_BLOCK_METAS: Final = 20


class Span(NamedTuple):
    """The heights whose blocks are stored, both included; `tip` 0 when there is none yet."""

    base: int
    tip: int


class ChainPoint(msgspec.Struct, frozen=True):
    """One block as `status` names it: its hash (32 bytes), the app hash in its header, its time (ns)."""

    height: int = 0
    hash: bytes = b""
    app_hash: bytes = b""
    time_ns: int = 0


class NodeStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What `status` says of a node.

    `node_id` is 40 lower-case hex digits, the address of its node key. `version` begins with "0.38.": clients choose
    their dialect by it. `public_key` (32 bytes) is the validator's, or a peer's own key with `voting_power` 0, as a
    CometBFT full node has it; clients require one.
    """

    node_id: str
    network: str
    moniker: str
    public_key: bytes
    version: str = "0.38.25"
    listen_address: str = "tcp://127.0.0.1:0"
    rpc_address: str = "tcp://127.0.0.1:26657"
    app_version: int = 0
    latest: ChainPoint = ChainPoint()
    earliest: ChainPoint = ChainPoint()
    catching_up: bool = False
    voting_power: int = 0


class PeerStatus(msgspec.Struct, frozen=True):
    """One node that this one is connected to; `node` as far as it is known."""

    node: NodeStatus
    remote_ip: str
    is_outbound: bool = True


class Network(msgspec.Struct, frozen=True):
    """What `net_info` says: whether and where the node listens, and whom it is connected to."""

    listening: bool = True
    listeners: tuple[str, ...] = ()
    peers: tuple[PeerStatus, ...] = ()


class StoredBlock(msgspec.Struct, frozen=True):
    """A block and the ID under which it was committed."""

    block: Block
    block_id: BlockId


class BlockMeta(msgspec.Struct, frozen=True):
    """A block without its body. `size_bytes` is the length of its encoding."""

    block_id: BlockId
    size_bytes: int
    header: Header
    transactions: int


class SignedHeader(msgspec.Struct, frozen=True):
    """A header and the commit that made it final.

    `canonical` says that the next block carries this commit; at the tip it is the one the node has seen itself.
    """

    header: Header
    commit: Commit
    canonical: bool


class BlockResults(msgspec.Struct, frozen=True):
    """What executing a block gave: one result for each transaction, the block's own events, and `app_hash` after it.

    `validator_updates` are (Ed25519 public key of 32 bytes, power); they act two blocks later.
    """

    height: int
    results: tuple[TxResult, ...] = ()
    events: tuple[Event, ...] = ()
    validator_updates: tuple[tuple[bytes, int], ...] = ()
    param_updates: ConsensusParams | None = None
    app_hash: bytes = b""


class TransactionProof(msgspec.Struct, frozen=True):
    """That a transaction is in the block whose data_hash is `root_hash`; the leaf is sha256 of `transaction`."""

    root_hash: bytes
    transaction: bytes
    proof: MerkleProof


class IncludedTransaction(msgspec.Struct, frozen=True):
    """A transaction in a block: where it is, its bytes and what executing it gave. `hash` is sha256 of the bytes."""

    hash: bytes
    height: int
    index: int
    transaction: bytes
    result: TxResult
    proof: TransactionProof | None = None


class TransactionPage(msgspec.Struct, frozen=True):
    """One page of a search, and how many transactions match in all."""

    transactions: tuple[IncludedTransaction, ...]
    total: int


class BroadcastAnswer(msgspec.Struct, frozen=True):
    """What the mempool said of a transaction: `code` 0 is accepted, any other is a code of the contracts."""

    hash: bytes
    code: int = 0
    data: bytes = b""
    log: str = ""
    codespace: str = ""


class PendingTransactions(msgspec.Struct, frozen=True):
    """The mempool: how many transactions and bytes it holds, and the first of them."""

    total: int
    total_bytes: int
    transactions: tuple[bytes, ...] = ()


class ProofOperation(msgspec.Struct, frozen=True):
    """One step of a proof, record first: "simple:v", its key, and the ValueOp message."""

    type: str
    key: bytes
    data: bytes


class QueryAnswer(msgspec.Struct, frozen=True):
    """An answer of `abci_query`. `value` is empty where there is no such record; `proof` is None unless asked for.

    `height` is the height whose state was asked; a proof leads to the app hash in the header at `height` + 1.
    """

    height: int
    key: bytes = b""
    value: bytes = b""
    proof: tuple[ProofOperation, ...] | None = None
    code: int = 0
    log: str = ""
    info: str = ""
    index: int = 0
    codespace: str = ""


class Application(msgspec.Struct, frozen=True):
    """What `abci_info` says: the application's name and version, and the last height it has committed."""

    name: str
    version: str
    app_version: int
    height: int
    app_hash: bytes


class PublishedRequest(msgspec.Struct, frozen=True):
    """A merchant's request as a till published it. `id` is the 26 characters of its link, upper case."""

    id: str
    request: bytes
    signature: bytes


class UpstreamReport(msgspec.Struct, frozen=True):
    """One node that this one follows. `verdict` is "" or why it was dropped: "forged_header", "wrong_app_hash", ...

    `version` is what it says of itself.
    """

    address: str
    connected: bool
    height: int
    verdict: str = ""
    since_ns: int = 0
    latency_ms: int = 0
    version: str = ""


class ValidatorReport(msgspec.Struct, frozen=True):
    """One validator: its address (40 upper-case hex digits), its power, and whether it signed the tip."""

    address: str
    power: int
    signed: bool


class AlarmReport(msgspec.Struct, frozen=True):
    """Something that an operator should know: a code, what it is about, and since when (ns)."""

    code: str
    detail: str = ""
    since_ns: int = 0


NodeState = Literal["online", "syncing", "offline", "halted"]


class WatchReport(msgspec.Struct, frozen=True):
    """An "alert", or who was "frozen" or "released": whose, by which rule or order, at which height (0 unknown)."""

    kind: str
    subject: str
    name: str
    height: int = 0


class NodeReport(msgspec.Struct, frozen=True, kw_only=True):
    """What `chainpos_node` and the `Status` event say: this node in its own words, for the Node screen.

    `height` is what it verified and executed itself, `target_height` the highest that an upstream still trusted claims.
    `halted_reason` is a code and its height. Hashes and addresses are upper-case hex; times are ns since 1970.
    `finality_ms` is by minute, as the counts are: how long a transaction typically waited here before its block was
    committed here, 0 where none did.
    """

    mode: Literal["validator", "peer"]
    state: NodeState
    chain_id: str
    moniker: str
    version: str
    height: int
    target_height: int = 0
    tip_time_ns: int = 0
    app_hash: str = ""
    halted_reason: str = ""
    started_ns: int = 0
    verified_blocks: int = 0
    verified_signatures: int = 0
    executed_transactions: int = 0
    mempool_transactions: int = 0
    mempool_bytes: int = 0
    store_bytes: int = 0
    blocks_per_minute: tuple[int, ...] = ()
    transactions_per_minute: tuple[int, ...] = ()
    finality_ms: tuple[int, ...] = ()
    upstreams: tuple[UpstreamReport, ...] = ()
    validators: tuple[ValidatorReport, ...] = ()
    alarms: tuple[AlarmReport, ...] = ()
    watched: tuple[WatchReport, ...] = ()


class NewBlock(msgspec.Struct, frozen=True):
    """A block that was just committed, and what executing it gave."""

    stored: StoredBlock
    results: BlockResults


class PendingTransaction(msgspec.Struct, frozen=True):
    """A transaction that just entered this node's mempool: seen, not paid. `hash` is sha256 of the bytes."""

    hash: bytes
    transaction: bytes


class Backend(Protocol):
    """A node, as its RPC server sees it. How it is called is said at the top of this module."""

    def span(self) -> Span:
        """The heights that can be asked for; called often, so it must not wait."""

    async def status(self) -> NodeStatus:
        """Who this node is and how far it is."""

    async def network(self) -> Network:
        """Whom it is connected to."""

    async def genesis(self) -> bytes:
        """The genesis document: CometBFT's genesis.json, UTF-8."""

    async def block(self, height: int) -> StoredBlock | None:
        """The block at a height."""

    async def height_of_hash(self, block_hash: bytes) -> int | None:
        """The height of the block with this hash (32 bytes; any other length is found nowhere)."""

    async def block_metas(self, low: int, high: int) -> list[BlockMeta]:
        """The blocks from `low` to `high`, both included, ascending; at most MAX_BLOCK_METAS are asked for."""

    async def commit(self, height: int) -> SignedHeader | None:
        """The header at a height with the commit for it."""

    async def validators(self, height: int) -> ValidatorSet | None:
        """The validators whose signatures count at a height, with their priorities there."""

    async def block_results(self, height: int) -> BlockResults | None:
        """What executing the block at a height gave."""

    async def consensus_params(self, height: int) -> ConsensusParams | None:
        """The consensus parameters in force at a height."""

    async def transaction(self, tx_hash: bytes) -> IncludedTransaction | None:
        """The transaction with this hash, if it is in a block; without `proof`, which the server adds."""

    async def transaction_at(self, height: int, index: int) -> IncludedTransaction | None:
        """The transaction at a place in a block; without `proof`."""

    async def blocks_telling(self, attribute: str, value: str, limit: int) -> list[int]:
        """The latest blocks with an event that has this attribute ("type.attribute") with this value, any for "".

        Heights, descending, at most `limit`; the events are the blocks' own and their transactions'.
        """

    async def find_transactions(self, query: Query, limit: int) -> list[tuple[int, int]]:
        """(height, index) of the transactions that satisfy `query`, ascending, at most `limit`.

        The keys are "tx.height", "tx.hash" (upper-case hex) and "type.attribute" of the transactions' events. Raises
        RpcError for a condition that the index cannot serve.
        """

    async def broadcast(self, transaction: bytes) -> BroadcastAnswer:
        """Check a transaction and, if it may pass, put it in the mempool and send it on; then what the check said.

        The bytes are as received: of any content, and of any length that a request may have. A transaction that is in
        the mempool already is accepted again; one that was executed already is refused by its code.
        """

    async def pending(self, limit: int) -> PendingTransactions:
        """The mempool and its first `limit` transactions, in the order in which they would enter a block."""

    async def query(self, path: str, key: bytes, height: int, *, prove: bool) -> QueryAnswer:
        """A record at `/store/BUCKET/key` of the state at `height` (0: the latest). Refuses by `code`, not by raising.

        At the latest state a proof leads to an app hash that no header carries until the next block.
        """

    async def application(self) -> Application:
        """The application's name, version and last height."""

    async def publish_request(self, request: bytes, signature: bytes) -> str:
        """Keep a till's signed request and serve it under the ID that comes back. Raises RpcError if it is refused."""

    async def requests(self) -> list[PublishedRequest]:
        """The requests being served, newest first: bounded, and none that has expired."""

    async def request(self, link_id: str) -> PublishedRequest | None:
        """The request with this ID, which is given in upper case."""

    async def report(self) -> NodeReport:
        """The node in its own words."""

    async def waiting(self) -> MempoolReport:
        """What waits, by signer and by age."""
