"""The application behind CometBFT: the same execution, state and records as behind the embedded engine.

It refuses a network whose genesis is not its own, a block that does not follow, and a commit of what was not
finalized. Whatever it cannot foresee leaves it as an exception, and halts the node.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from chainpos import __version__
from chainpos.core.chain.envelope import decode_envelope
from chainpos.core.chain.evidence import Misdeed
from chainpos.core.chain.genesis import GenesisDoc, load_genesis
from chainpos.core.chain.params import ConsensusParams
from chainpos.core.chain.protobuf import put_message
from chainpos.core.chain.results import TxResult
from chainpos.core.chain.signatures import VerifyBatch, verify_batch
from chainpos.core.contracts.codes import CODESPACE, TOO_MANY_WAITING
from chainpos.core.contracts.context import BlockFacts
from chainpos.core.contracts.registry import CODESPACES, TABLES
from chainpos.core.execution import (
    BlockInput,
    BlockOutcome,
    check_transaction,
    execute_block,
    genesis_state,
    read_transaction,
)
from chainpos.core.state.state import State
from chainpos.engine.cometbft import messages as abci
from chainpos.engine.cometbft.proposals import admissible, brings_time, chosen
from chainpos.engine.cometbft.queries import ALARMS_PATH, answer_query, encode_alarms
from chainpos.engine.cometbft.snapshots import SnapshotTaker, StateSync
from chainpos.errors import EXIT_CORRUPT, EXIT_USAGE, MalformedBytes, Rejected, StateMismatch, UserFacingError
from chainpos.rpc.backend import AlarmReport
from chainpos.store.application import ApplicationStore, Point
from chainpos.store.snapshots import QUERY_PATH

NAME: Final = "chainpos"
MAX_PER_SIGNER: Final = 128
# CometBFT 0.40 has one more part, whom the application lets change them: nobody.
_NO_AUTHORITY: Final = put_message(6, b"")
_log = logging.getLogger(__name__)


class Now(Protocol):
    """The wall clock."""

    def now_ns(self) -> int:
        """Unix time in ns."""


class _Finalized(NamedTuple):
    point: Point
    outcome: BlockOutcome
    is_empty: bool


def create_application(database: Path, genesis_json: bytes) -> None:
    """Begin an application's database with the genesis records. Raises UserFacingError, StoreError, MalformedBytes."""
    doc = load_genesis(genesis_json)
    try:
        state = genesis_state(doc)
    except ValueError as error:
        raise UserFacingError(
            f"The genesis file's app_state is not right: {error}.",
            next_step="Correct it and begin again.",
            exit_code=EXIT_USAGE,
        ) from error
    point = Point(doc.initial_height - 1, doc.genesis_time_ns, state.app_hash, doc.params.app_version)
    ApplicationStore.create(database, genesis_json, point, state.values()).close()


class Application:
    """Answers CometBFT's requests one at a time, in one thread. It owns the store until `close`."""

    def __init__(
        self, store: ApplicationStore, clock: Now, *, verify: VerifyBatch = verify_batch, snapshot_every: int = 0
    ) -> None:
        """A snapshot is taken `snapshot_every` so many heights; 0 is never.

        Raises UserFacingError where the records are not those of the height that the store names.
        """
        self._store = store
        self._clock = clock
        self._verify = verify
        self._doc: GenesisDoc = load_genesis(store.genesis_json())
        self._point = store.point()
        self._state = State(TABLES, store.load_records())
        if self._state.app_hash != self._point.app_hash:
            raise _damaged(store.path, self._point.height)
        self._finalized: _Finalized | None = None
        # Of what waits in CometBFT's mempool: how many of each signer were let in or rechecked since the last block.
        self._waiting: Counter[bytes] = Counter()
        self._waited_before = False
        self._snapshots = SnapshotTaker(store.path, snapshot_every)
        self._state_sync = StateSync(store, self._doc, self._snapshots.kept)
        # Told at ALARMS_PATH; for whoever runs the process to set.
        self.alarms: tuple[AlarmReport, ...] = ()
        self._answers: dict[type[Any], Callable[[Any], Any]] = {
            abci.Echo: lambda request: request,
            abci.Flush: lambda request: request,
            abci.InfoRequest: self._info,
            abci.InitChainRequest: self._init_chain,
            abci.QueryRequest: self._query,
            abci.CheckTxRequest: self._check_tx,
            abci.PrepareProposalRequest: self._prepare_proposal,
            abci.ProcessProposalRequest: self._process_proposal,
            abci.ExtendVoteRequest: lambda _: abci.ExtendVoteResponse(),
            abci.VerifyExtensionRequest: _verify_extension,
            abci.FinalizeBlockRequest: self._finalize_block,
            abci.CommitRequest: self._commit,
            abci.ListSnapshotsRequest: lambda _: self._state_sync.listed(),
            abci.OfferSnapshotRequest: self._offer_snapshot,
            abci.LoadChunkRequest: self._state_sync.chunk,
            abci.ApplyChunkRequest: self._apply_chunk,
        }

    @classmethod
    def open(
        cls, database: Path, clock: Now, *, verify: VerifyBatch = verify_batch, snapshot_every: int = 0
    ) -> Application:
        """The application as it was left. Raises StoreError, UserFacingError."""
        store = ApplicationStore.open(database)
        try:
            return cls(store, clock, verify=verify, snapshot_every=snapshot_every)
        except BaseException:
            store.close()
            raise

    def close(self) -> None:
        """Let go of the store, when the snapshot in hand is written."""
        try:
            self._snapshots.close()
        finally:
            self._store.close()

    @property
    def point(self) -> Point:
        """Where it stands: the last block that was committed."""
        return self._point

    @property
    def chain_id(self) -> str:
        """The network's name."""
        return self._doc.chain_id

    def answer(self, request: Any) -> Any:
        """The answer to a request. What it raises must halt the node."""
        return self._answers[type(request)](request)

    # Where it stands.

    def _info(self, request: abci.InfoRequest) -> abci.InfoResponse:
        _log.info("CometBFT %s asks where we stand: height %d", request.version[:40], self._point.height)
        # Height 0 asks for the genesis document, also where the first block has another height than 1.
        begun = self._point.height >= self._doc.initial_height
        return abci.InfoResponse(
            data=NAME,
            version=__version__,
            app_version=self._point.app_version,
            height=self._point.height if begun else 0,
            app_hash=self._point.app_hash if begun else b"",
        )

    def _init_chain(self, request: abci.InitChainRequest) -> abci.InitChainResponse:
        doc = self._doc
        if self._point.height >= doc.initial_height:
            raise StateMismatch(f"CometBFT begins the chain, but the application is at height {self._point.height}")
        ours = {row.public_key: row.power for row in doc.validators}
        theirs = {row.public_key.ed25519: row.power for row in request.validators}
        for what, same in (
            ("chain ID", request.chain_id == doc.chain_id),
            ("genesis time", request.time_ns == doc.genesis_time_ns),
            ("initial height", (request.initial_height or 1) == doc.initial_height),
            ("validators", theirs == ours),
            ("set of consensus parameters", _params(request.consensus_params) == doc.params),
            # Compared as JSON: CometBFT may have written it anew.
            ("app_state", json.loads(request.app_state) == json.loads(doc.app_state)),
        ):
            if not same:
                raise StateMismatch(f"CometBFT's genesis has another {what} than the application's")
        return abci.InitChainResponse(self._point.app_hash)

    def _query(self, request: abci.QueryRequest) -> abci.QueryResponse:
        if request.path.startswith(QUERY_PATH):
            # For our own peers, who do not speak CometBFT's protocol for snapshots.
            return abci.QueryResponse(value=self._snapshots.kept.answer(request.path), height=self._point.height)
        if request.path == ALARMS_PATH:
            return abci.QueryResponse(value=encode_alarms(self.alarms), height=self._point.height)
        return answer_query(self._state, self._store, self._point, self._doc.initial_height, request)

    # The mempool.

    def _check_tx(self, request: abci.CheckTxRequest) -> abci.CheckTxResponse:
        facts = self._facts(self._point.height + 1, max(self._clock.now_ns(), self._point.time_ns))
        result = self._rechecked(request.tx, facts) if request.is_recheck else self._checked(request.tx, facts)
        return abci.CheckTxResponse(
            result.code, result.log, result.info, result.gas_wanted, result.gas_used, result.codespace
        )

    def _checked(self, wire: bytes, facts: BlockFacts) -> TxResult:
        result = check_transaction(self._state, wire, facts, verify=self._verify)
        if result.code:
            return result
        signer = decode_envelope(wire).body.signer
        if self._waiting[signer] >= MAX_PER_SIGNER:
            return TxResult(TOO_MANY_WAITING.number, log=TOO_MANY_WAITING.name, codespace=CODESPACE)
        self._waiting[signer] += 1
        return result

    def _rechecked(self, wire: bytes, facts: BlockFacts) -> TxResult:
        """Only what no block may hold any more leaves the mempool; all else is judged in a block, for all to see."""
        try:
            read = read_transaction(wire, facts)
        except Rejected as refusal:
            return TxResult(refusal.code.number, log=refusal.code.name, codespace=CODESPACES[refusal.code.number])
        self._waiting[read.envelope.body.signer] += 1
        return TxResult(gas_wanted=read.known.gas)

    # Consensus.

    def _prepare_proposal(self, request: abci.PrepareProposalRequest) -> abci.PrepareProposalResponse:
        if request.txs and brings_time(request.time_ns, self._clock.now_ns(), waited_before=self._waited_before):
            return abci.PrepareProposalResponse()
        facts = self._facts(request.height, request.time_ns, request.proposer_address)
        return abci.PrepareProposalResponse(
            tuple(chosen(request.txs, facts, self._verify, max_bytes=request.max_tx_bytes))
        )

    def _process_proposal(self, request: abci.ProcessProposalRequest) -> abci.ProcessProposalResponse:
        facts = self._facts(request.height, request.time_ns, request.proposer_address)
        fits = all(admissible(request.txs, facts, self._verify))
        if not fits:
            _log.warning("a proposal of height %d holds what no block may hold", request.height)
        return abci.ProcessProposalResponse(abci.Verdict.ACCEPT if fits else abci.Verdict.REJECT)

    def _finalize_block(self, request: abci.FinalizeBlockRequest) -> abci.FinalizeBlockResponse:
        if request.height != self._point.height + 1:
            raise StateMismatch(f"block {request.height} does not follow height {self._point.height}")
        misdeeds = [_misdeed(each) for each in request.misbehavior]
        for misdeed in misdeeds:
            _log.critical(
                "validator %s is proved to have misbehaved at height %d: %s",
                misdeed.address.hex().upper(), misdeed.height, misdeed.kind,
            )  # fmt: skip
        # Nothing but an upgrade changes the parameters.
        params = msgspec.structs.replace(self._doc.params, app_version=self._point.app_version)
        block = BlockInput(
            self._doc.chain_id, request.height, request.time_ns, request.txs, request.proposer_address, params, misdeeds
        )
        outcome = execute_block(self._state, block, verify=self._verify)
        updates = outcome.param_updates
        point = Point(
            request.height,
            request.time_ns,
            outcome.app_hash,
            params.app_version if updates is None else updates.app_version,
            changed=outcome.app_hash != self._point.app_hash,
        )
        # Only kept in mind: what was not committed is executed again, to the same hash.
        self._finalized = _Finalized(point, outcome, not request.txs)
        return abci.FinalizeBlockResponse(
            events=outcome.events,
            results=outcome.results,
            validator_updates=tuple(
                abci.ValidatorUpdate(abci.PublicKey(public_key), power)
                for public_key, power in outcome.validator_updates
            ),
            param_updates=None if updates is None else updates.encode(),
            app_hash=outcome.app_hash,
        )

    def _commit(self, _: abci.CommitRequest) -> abci.CommitResponse:
        finalized = self._finalized
        if finalized is None:
            raise StateMismatch("CometBFT commits a block that was not finalized")
        self._store.append(finalized.point, finalized.outcome.changes)
        # Memory moves only after the disk: a reader never sees what a power cut could take back.
        self._state.commit(finalized.outcome.staged)
        self._point, self._finalized = finalized.point, None
        self._waited_before = finalized.is_empty and bool(self._waiting)
        # CometBFT rechecks all that waits after each block, and so counts it anew.
        self._waiting.clear()
        self._snapshots.committed(self._point)
        return abci.CommitResponse()

    # Snapshots.

    def _offer_snapshot(self, request: abci.OfferSnapshotRequest) -> abci.OfferSnapshotResponse:
        return self._state_sync.offered(request, self._point)

    def _apply_chunk(self, request: abci.ApplyChunkRequest) -> abci.ApplyChunkResponse:
        answer, restored = self._state_sync.apply(request)
        if restored is not None:
            self._point, self._state = restored
            self._finalized = None
        return answer

    def _facts(self, height: int, time_ns: int, proposer_address: bytes = b"") -> BlockFacts:
        return BlockFacts(self._doc.chain_id, height, time_ns, proposer_address)


def _params(encoded: bytes) -> ConsensusParams | None:
    try:
        return ConsensusParams.decode(encoded.removesuffix(_NO_AUTHORITY))
    except MalformedBytes:
        return None


def _verify_extension(request: abci.VerifyExtensionRequest) -> abci.VerifyExtensionResponse:
    # We add nothing to votes, so anything added is not ours.
    return abci.VerifyExtensionResponse(abci.Verdict.REJECT if request.extension else abci.Verdict.ACCEPT)


def _misdeed(told: abci.Misbehavior) -> Misdeed:
    try:
        kind = abci.Misdeed(told.kind).name.lower()
    except ValueError:
        kind = f"misbehavior {told.kind}"
    return Misdeed(kind, told.validator.address, told.height, told.validator.power)


def _damaged(database: Path, height: int) -> UserFacingError:
    return UserFacingError(
        f"The records in {database} are not those of height {height}: the file is damaged.",
        next_step="Keep it as evidence; let CometBFT and the application begin anew from genesis or a snapshot.",
        exit_code=EXIT_CORRUPT,
    )
