"""The messages of ABCI 2.0 as structs; `fields.py` has the numbers of their fields.

It refuses nothing; what a message may say is the application's to judge. Results and events are core's own structs.
Source: CometBFT v0.38 proto/tendermint/abci/types.proto.
"""

from __future__ import annotations

from enum import IntEnum

import msgspec

from chainpos.core.chain.results import Event, TxResult


class Verdict(IntEnum):
    """What is said of a proposal or of a vote extension."""

    ACCEPT = 1
    REJECT = 2


class Offer(IntEnum):
    """What is said of an offered snapshot."""

    ACCEPT = 1
    ABORT = 2
    REJECT = 3
    REJECT_FORMAT = 4


class Applied(IntEnum):
    """What is said of a snapshot's chunk."""

    ACCEPT = 1
    ABORT = 2
    RETRY = 3
    RETRY_SNAPSHOT = 4
    REJECT_SNAPSHOT = 5


class Misdeed(IntEnum):
    """What a validator is accused of."""

    UNKNOWN = 0
    DUPLICATE_VOTE = 1
    LIGHT_CLIENT_ATTACK = 2


class PublicKey(msgspec.Struct, frozen=True):
    """A validator's key, 32 bytes; empty where it is of another kind than Ed25519."""

    ed25519: bytes = b""


class ValidatorUpdate(msgspec.Struct, frozen=True):
    """A validator's power; 0 removes it."""

    public_key: PublicKey = PublicKey()
    power: int = 0


class AbciValidator(msgspec.Struct, frozen=True):
    """A validator by address (20 bytes)."""

    address: bytes = b""
    power: int = 0


class Misbehavior(msgspec.Struct, frozen=True):
    """Evidence against a validator, proved before it came here."""

    kind: int = 0
    validator: AbciValidator = AbciValidator()
    height: int = 0
    time_ns: int = 0
    total_voting_power: int = 0


class ProofStep(msgspec.Struct, frozen=True):
    """One operation of a proof, as `abci_query` gives it."""

    type: str = ""
    key: bytes = b""
    data: bytes = b""


class Proof(msgspec.Struct, frozen=True):
    """A proof's operations, record first."""

    ops: tuple[ProofStep, ...] = ()


class Snapshot(msgspec.Struct, frozen=True):
    """A snapshot as it is offered; `hash` tells it from others, `metadata` is the application's."""

    height: int = 0
    format: int = 0
    chunks: int = 0
    hash: bytes = b""
    metadata: bytes = b""


class Echo(msgspec.Struct, frozen=True):
    """Asks for the same back; also the answer."""

    message: str = ""


class Flush(msgspec.Struct, frozen=True):
    """Asks for everything that is due to be sent now; also the answer."""


class InfoRequest(msgspec.Struct, frozen=True):
    """Asks where the application stands."""

    version: str = ""
    block_version: int = 0
    p2p_version: int = 0
    abci_version: str = ""


class InitChainRequest(msgspec.Struct, frozen=True):
    """The genesis document, as CometBFT read it."""

    time_ns: int = 0
    chain_id: str = ""
    consensus_params: bytes = b""
    validators: tuple[ValidatorUpdate, ...] = ()
    app_state: bytes = b""
    initial_height: int = 0


class QueryRequest(msgspec.Struct, frozen=True):
    """Asks for a record; height 0 is the latest."""

    data: bytes = b""
    path: str = ""
    height: int = 0
    prove: bool = False


class CheckTxRequest(msgspec.Struct, frozen=True):
    """Asks whether a transaction may wait, or go on waiting."""

    tx: bytes = b""
    is_recheck: bool = False


class CommitRequest(msgspec.Struct, frozen=True):
    """Asks for the finalized block to be kept."""


class ListSnapshotsRequest(msgspec.Struct, frozen=True):
    """Asks which snapshots can be had here."""


class OfferSnapshotRequest(msgspec.Struct, frozen=True):
    """Offers a snapshot; the 32-byte app hash of its height was verified by CometBFT's light client."""

    snapshot: Snapshot = Snapshot()
    app_hash: bytes = b""


class LoadChunkRequest(msgspec.Struct, frozen=True):
    """Asks for one chunk of a snapshot."""

    height: int = 0
    format: int = 0
    chunk: int = 0


class ApplyChunkRequest(msgspec.Struct, frozen=True):
    """Brings one chunk of the snapshot that was accepted."""

    index: int = 0
    chunk: bytes = b""
    sender: str = ""


class PrepareProposalRequest(msgspec.Struct, frozen=True):
    """Asks what a block proposed here shall hold."""

    max_tx_bytes: int = 0
    txs: tuple[bytes, ...] = ()
    misbehavior: tuple[Misbehavior, ...] = ()
    height: int = 0
    time_ns: int = 0
    next_validators_hash: bytes = b""
    proposer_address: bytes = b""


class ProcessProposalRequest(msgspec.Struct, frozen=True):
    """Asks whether a proposed block may be voted for."""

    txs: tuple[bytes, ...] = ()
    misbehavior: tuple[Misbehavior, ...] = ()
    hash: bytes = b""
    height: int = 0
    time_ns: int = 0
    next_validators_hash: bytes = b""
    proposer_address: bytes = b""


class ExtendVoteRequest(msgspec.Struct, frozen=True):
    """Asks what to add to a vote."""

    hash: bytes = b""
    height: int = 0


class VerifyExtensionRequest(msgspec.Struct, frozen=True):
    """Asks whether what was added to a vote is right."""

    hash: bytes = b""
    validator_address: bytes = b""
    height: int = 0
    extension: bytes = b""


class FinalizeBlockRequest(msgspec.Struct, frozen=True):
    """A block that was decided."""

    txs: tuple[bytes, ...] = ()
    misbehavior: tuple[Misbehavior, ...] = ()
    hash: bytes = b""
    height: int = 0
    time_ns: int = 0
    next_validators_hash: bytes = b""
    proposer_address: bytes = b""


class Failure(msgspec.Struct, frozen=True):
    """The application cannot go on; CometBFT halts."""

    error: str = ""


class InfoResponse(msgspec.Struct, frozen=True):
    """Where the application stands; height 0 asks for the genesis document."""

    data: str = ""
    version: str = ""
    app_version: int = 0
    height: int = 0
    app_hash: bytes = b""


class InitChainResponse(msgspec.Struct, frozen=True):
    """The genesis state's app hash."""

    app_hash: bytes = b""


class QueryResponse(msgspec.Struct, frozen=True):
    """A record, or why there is none."""

    code: int = 0
    log: str = ""
    info: str = ""
    index: int = 0
    key: bytes = b""
    value: bytes = b""
    proof: Proof | None = None
    height: int = 0
    codespace: str = ""


class CheckTxResponse(msgspec.Struct, frozen=True):
    """Whether a transaction may wait; code 0 is yes. Clients require that it carries no data."""

    code: int = 0
    log: str = ""
    info: str = ""
    gas_wanted: int = 0
    gas_used: int = 0
    codespace: str = ""


class CommitResponse(msgspec.Struct, frozen=True):
    """Blocks below `retain_height` may be forgotten; 0 keeps all."""

    retain_height: int = 0


class ListSnapshotsResponse(msgspec.Struct, frozen=True):
    """The snapshots that can be had here."""

    snapshots: tuple[Snapshot, ...] = ()


class OfferSnapshotResponse(msgspec.Struct, frozen=True):
    """Whether the snapshot is taken."""

    result: Offer = Offer.REJECT


class LoadChunkResponse(msgspec.Struct, frozen=True):
    """A chunk; empty where there is none."""

    chunk: bytes = b""


class ApplyChunkResponse(msgspec.Struct, frozen=True):
    """Whether the chunk was right; if not, which to fetch again (packed varints) and from whom no more."""

    result: Applied = Applied.ABORT
    refetch: bytes = b""
    reject_senders: tuple[str, ...] = ()


class PrepareProposalResponse(msgspec.Struct, frozen=True):
    """What the block shall hold."""

    txs: tuple[bytes, ...] = ()


class ProcessProposalResponse(msgspec.Struct, frozen=True):
    """Whether to vote for it."""

    status: Verdict = Verdict.REJECT


class ExtendVoteResponse(msgspec.Struct, frozen=True):
    """What to add: nothing."""

    extension: bytes = b""


class VerifyExtensionResponse(msgspec.Struct, frozen=True):
    """Whether what was added is right."""

    status: Verdict = Verdict.REJECT


class FinalizeBlockResponse(msgspec.Struct, frozen=True):
    """What the block did: one result a transaction, always, and the app hash that the next header carries."""

    events: tuple[Event, ...] = ()
    results: tuple[TxResult, ...] = ()
    validator_updates: tuple[ValidatorUpdate, ...] = ()
    param_updates: bytes | None = None
    app_hash: bytes = b""
