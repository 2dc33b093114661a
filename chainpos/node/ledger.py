"""The ledger of one node, and the one `append`: whoever brings a block, it is judged, executed and stored here.

It refuses blocks that the validators did not sign (`BlockRefused`: whoever served it lied) and halts on those that they
did sign and that do not fit its own state (`Diverged`). It belongs to the executor's thread.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, TypeVar

import msgspec

from chainpos.core.chain.block import Block
from chainpos.core.chain.commit import Commit, median_time
from chainpos.core.chain.evidence import misdeeds_of
from chainpos.core.chain.genesis import load_genesis
from chainpos.core.chain.results import TxResult
from chainpos.core.chain.signatures import VerifyBatch, verify_batch
from chainpos.core.chain.tip import ChainTip, make_genesis_tip, next_tip
from chainpos.core.chain.validation import BlockRefused
from chainpos.core.contracts.context import BlockFacts, Violation
from chainpos.core.contracts.registry import TABLES, check_invariants
from chainpos.core.execution import BlockInput, BlockOutcome, check_transaction, execute_block, genesis_state
from chainpos.core.state.commitment import bucket_name, bucket_of
from chainpos.core.state.state import State
from chainpos.core.state.tables import Table
from chainpos.errors import EXIT_CORRUPT, EXIT_USAGE, StateMismatch, StoreError, UserFacingError
from chainpos.rpc.backend import BlockResults, ProofOperation, QueryAnswer, StoredBlock
from chainpos.store.chain import ChainStore
from chainpos.store.chain_packing import StoredResults, pack_block
from chainpos.sync.verdicts import judge

__all__ = ["Appended", "BlockRefused", "Diverged", "Ledger", "create_ledger", "next_time_ns"]

R = TypeVar("R", bound=msgspec.Struct)
# Codes of `abci_query`, which has a codespace of its own.
QUERY_CODESPACE: Final = "chainpos/query"
UNKNOWN_PATH: Final = 1
UNKNOWN_HEIGHT: Final = 2
NO_PROOF_AT_HEIGHT: Final = 3


class Diverged(StateMismatch):
    """The validators signed a block that does not fit our state. `code` says what differs; the rest is the evidence."""

    def __init__(self, code: str, tip: ChainTip, block: Block, commit: Commit) -> None:
        super().__init__(f"{code} at height {block.header.height}")
        self.code = code
        self.tip = tip
        self.block = block
        self.commit = commit


class Appended(msgspec.Struct, frozen=True):
    """A block that is on the disk now, with what executing it gave; `tip` is the chain after it."""

    stored: StoredBlock
    commit: Commit
    results: BlockResults
    tip: ChainTip
    size_bytes: int

    @property
    def next_time_ns(self) -> int:
        """The time of the block after this one, as far as the commit settles it."""
        return next_time_ns(self.tip)


def create_ledger(database: Path, genesis_json: bytes) -> None:
    """Begin a chain: its genesis records and the tip before its first block. Raises UserFacingError, StoreError."""
    state, tip = _genesis(genesis_json)
    ChainStore.create(database, genesis_json, tip, state.values()).close()


class Ledger:
    """The state after the last block, and what keeps blocks: a store, or for a replay nothing."""

    def __init__(self, state: State, tip: ChainTip, verify: VerifyBatch, store: ChainStore | None) -> None:
        self._store = store
        self._state = state
        self._verify = verify
        self._halted: StateMismatch | StoreError | None = None
        self.tip = tip
        self._base = tip.next_height if store is None else store.base_height()
        self.state_committed = store is not None and _state_is_committed(store, tip)

    @classmethod
    def open(cls, database: Path, *, verify: VerifyBatch = verify_batch) -> Ledger:
        """The chain as it was left. The commitment is computed anew from the records and compared with the tip's.

        Raises UserFacingError where they differ, StoreError where the store cannot be used.
        """
        store = ChainStore.open(database)
        try:
            tip = store.tip()
            state = State(TABLES, store.load_records())
            _require_same(database, state, tip)
            return cls(state, tip, verify, store)
        except BaseException:
            store.close()
            raise

    @classmethod
    def in_memory(cls, genesis_json: bytes, *, verify: VerifyBatch = verify_batch) -> Ledger:
        """A chain before its first block, kept nowhere: to replay. Raises MalformedBytes, UserFacingError."""
        state, tip = _genesis(genesis_json)
        return cls(state, tip, verify, None)

    @classmethod
    def begun(cls, tip: ChainTip, records: dict[bytes, bytes]) -> Ledger:
        """A chain after `tip`, which has these records, kept nowhere. Raises StateMismatch where it has others."""
        state = State(TABLES, records)
        if state.app_hash != tip.app_hash:
            raise StateMismatch(f"the records are not those of height {tip.height}")
        return cls(state, tip, verify_batch, None)

    def close(self) -> None:
        """Let go of the store."""
        if self._store is not None:
            self._store.close()

    def append(self, block: Block, commit: Commit) -> Appended:
        """Judge, execute and store one block; it is durable when this returns.

        Raises BlockRefused where it is not what the validators signed, and nothing has changed. Raises Diverged where
        it is, StateMismatch where our own rules failed, StoreError where it could not be written: then the ledger
        takes no more blocks until it is opened again.
        """
        if self._halted is not None:
            raise self._halted
        fault = judge(self.tip, block, commit, verify=self._verify)
        if fault is not None and not fault.ours:
            raise BlockRefused(fault.code)
        try:
            if fault is not None:
                raise Diverged(fault.code, self.tip, block, commit)
            return self._execute(block, commit)
        except (StateMismatch, StoreError) as error:
            self._halted = error
            raise

    def _execute(self, block: Block, commit: Commit) -> Appended:
        header = block.header
        outcome = self._outcome(block)
        tip = next_tip(
            self.tip,
            block,
            commit.block_id,
            outcome.app_hash,
            outcome.results,
            outcome.validator_updates,
            outcome.param_updates,
            commit=commit,
        )
        encoded = block.encode()
        if self._store is not None:
            stored = _stored_results(outcome)
            self._store.append(pack_block(self.tip, tip, block, commit, stored, outcome.changes, encoded=encoded))
        # Memory moves only after the disk: a reader never sees what a power cut could take back.
        self._state.commit(outcome.staged)
        self.tip = tip
        self.state_committed = header.app_hash == tip.app_hash
        return Appended(
            StoredBlock(block, commit.block_id), commit, _block_results(header.height, outcome), tip, len(encoded)
        )

    def _outcome(self, block: Block) -> BlockOutcome:
        header = block.header
        try:
            misdeeds = misdeeds_of(block.evidence)
            facts = BlockInput(
                header.chain_id,
                header.height,
                header.time_ns,
                block.txs,
                header.proposer_address,
                self.tip.params,
                misdeeds,
            )
            return execute_block(self._state, facts, verify=self._verify)
        except StateMismatch:
            raise
        except Exception as error:
            # A rule may refuse; whatever else it raises is a bug of ours, the same on every node.
            raise StateMismatch(f"block {header.height} cannot be executed: {error!r}") from error

    def check(self, wire: bytes, now_ns: int, *, or_earlier: bool = False) -> TxResult:
        """What a block made now would say to this transaction, as far as can be told; nothing is changed.

        It is judged by the present or by the next block's time, whichever is later, so that a late payment is refused
        at the door. `or_earlier` is for who does not make blocks: what the next block's time alone would let pass,
        passes too, as the clock that counts is the validators' and not ours.
        """
        next_ns = next_time_ns(self.tip)
        result = self._check_at(wire, max(now_ns, next_ns))
        return self._check_at(wire, next_ns) if result.code and or_earlier and now_ns > next_ns else result

    def _check_at(self, wire: bytes, time_ns: int) -> TxResult:
        tip = self.tip
        facts = BlockFacts(tip.chain_id, tip.next_height, time_ns, tip.validators.proposer().address)
        return check_transaction(self._state, wire, facts, verify=self._verify)

    def record(self, table: Table[R], key: bytes) -> R | None:
        """One committed record."""
        return self._state.get(table, key)

    def records(self) -> dict[bytes, bytes]:
        """All committed records by full key: a copy."""
        return self._state.values()

    def violations(self) -> list[Violation]:
        """The invariants of money that do not hold; looks at every record."""
        return check_invariants(self._state)

    @property
    def provable_height(self) -> int:
        """The latest height whose state a proof can be given for, and whose next header there is already, if any.

        A block that changed nothing leaves the state of the height before it, to which its own header commits.
        """
        tip = self.tip
        return tip.height - 1 if self.state_committed and tip.height > tip.initial_height else tip.height

    def query(self, path: str, key: bytes, height: int, *, prove: bool) -> QueryAnswer:
        """The record at `/store/BUCKET/key`, where BUCKET is the one that the key belongs to. Refuses by code."""
        tip = self.tip
        if path != f"/store/{bucket_name(bucket_of(key)).decode()}/key" or not key:
            return _query_refused(UNKNOWN_PATH, tip.height, "there is no such path for this key")
        if height == 0:
            height = self.provable_height
        if not self._base - 1 <= height <= tip.height:
            return _query_refused(UNKNOWN_HEIGHT, tip.height, "there is no state of this height")
        if height not in (tip.height, self.provable_height):
            if prove:
                return _query_refused(NO_PROOF_AT_HEIGHT, tip.height, "proofs are given of the latest state only")
            past = None if self._store is None else self._store.record_at(key, height)
            return QueryAnswer(height, key, past or b"")
        proof = None
        if prove:
            proof = tuple(ProofOperation(op.type, op.key, op.data) for op in self._state.prove(key).ops())
        return QueryAnswer(height, key, self._state.value(key) or b"", proof)


def _genesis(genesis_json: bytes) -> tuple[State, ChainTip]:
    doc = load_genesis(genesis_json)
    try:
        state = genesis_state(doc)
    except ValueError as error:
        raise UserFacingError(
            f"The genesis file's app_state is not right: {error}.",
            next_step="Correct it and begin again.",
            exit_code=EXIT_USAGE,
        ) from error
    return state, make_genesis_tip(doc, state.app_hash)


def next_time_ns(tip: ChainTip) -> int:
    """The next block's time (ns), as far as the tip's commit settles it."""
    return tip.time_ns if tip.commit is None else median_time(tip.commit, tip.last_validators)


def _require_same(database: Path, state: State, tip: ChainTip) -> None:
    if state.app_hash != tip.app_hash:
        raise UserFacingError(
            f"The records in {database} are not those of height {tip.height}: the file is damaged.",
            next_step="Keep it as evidence, and let this node follow the network anew from genesis.",
            exit_code=EXIT_CORRUPT,
        )


def _state_is_committed(store: ChainStore, tip: ChainTip) -> bool:
    heads = store.heads(tip.height, tip.height)
    return bool(heads) and heads[0].header.app_hash == tip.app_hash


def _stored_results(outcome: BlockOutcome) -> StoredResults:
    return StoredResults(
        tuple(outcome.results),
        tuple(outcome.events),
        tuple(outcome.validator_updates),
        b"" if outcome.param_updates is None else outcome.param_updates.encode(),
        outcome.app_hash,
    )


def _block_results(height: int, outcome: BlockOutcome) -> BlockResults:
    return BlockResults(
        height,
        tuple(outcome.results),
        tuple(outcome.events),
        tuple(outcome.validator_updates),
        outcome.param_updates,
        outcome.app_hash,
    )


def _query_refused(code: int, height: int, log: str) -> QueryAnswer:
    return QueryAnswer(height, code=code, log=log, codespace=QUERY_CODESPACE)
