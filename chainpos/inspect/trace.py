"""Any transaction again, at its height, on the state that it ran on, by the same execution; observed this time.

It refuses to answer about a transaction that is in no block. It never writes: the state is read from history, and what
the run changes stays in a journal that is thrown away.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from chainpos.core.chain.results import TxResult
from chainpos.core.chain.signatures import Signature, VerifyBatch, verify_batch
from chainpos.core.contracts import codes
from chainpos.core.contracts.context import BlockFacts
from chainpos.core.execution import Rules, run_transactions
from chainpos.core.state.crowding import Growth
from chainpos.core.state.journal import Change, Journal
from chainpos.core.values.hashes import sha256
from chainpos.core.values.text import clean
from chainpos.errors import EXIT_USAGE, UserFacingError
from chainpos.inspect.fields import Fields, key_text, record_fields
from chainpos.inspect.foreseen import foreseen_keys
from chainpos.inspect.observing import Notes, ObservingContext, ObservingJournal, lines_observed
from chainpos.inspect.past import PastState, past_state
from chainpos.inspect.source import ChainSource, Found
from chainpos.inspect.steps import RESULT, RecordWrite, Step, Trace
from chainpos.inspect.transactions import opened_message


def trace_transaction(source: ChainSource, height: int, index: int) -> Trace:
    """The transaction at a place in a block, run again. Raises UserFacingError, StoreError."""
    found = require_block(source, height)
    if not 0 <= index < len(found.block.txs):
        raise UserFacingError(
            f"Block {height} has {len(found.block.txs)} transactions.",
            next_step="Count from 0.",
            money_moved="",
            exit_code=EXIT_USAGE,
        )
    run = Run(past_state(source, found), found)
    run.before(index)
    return run.observed(found.block.txs[index], index)


def block_changes(source: ChainSource, height: int) -> tuple[list[TxResult], list[Change]]:
    """A recorded block's transactions run again: their results, and what they changed of the records together.

    What the block forgot before its first transaction is no change here.
    """
    found = require_block(source, height)
    run = Run(past_state(source, found), found)
    results = run.before(len(found.block.txs))
    return results, run.journal.changes()


def require_block(source: ChainSource, height: int) -> Found:
    """The block at a height. Raises UserFacingError where there is none."""
    found = source.found(height)
    if found is None:
        base, tip = source.span()
        raise UserFacingError(
            f"There is no block {height} here: the blocks are {base} to {tip}.",
            next_step="Choose one of these, or look at a node that has more.",
            money_moved="",
            exit_code=EXIT_USAGE,
        )
    return found


class Run:
    """One block's transactions on the state that the block ran on; `facts` may differ from the block's, for what-if."""

    def __init__(self, state: PastState, found: Found, facts: BlockFacts | None = None) -> None:
        header = found.block.header
        self.found = found
        self.facts = facts or BlockFacts(header.chain_id, header.height, header.time_ns, header.proposer_address)
        self.notes = Notes()
        self.journal = Journal(state)
        self._observing = ObservingJournal(state, self.notes, self.journal)
        self._state = state
        self._growth = Growth(state)
        self._done = 0

    def before(self, count: int) -> list[TxResult]:
        """Run the block's transactions before the one at `count`, unobserved.

        Whether their signatures held is taken from the recorded results, to which the next header commits.
        """
        if self._done < count:
            # With what the next one looks at, which is observed.
            self._state.foresee(foreseen_keys(self.found, count + 1))
        results: list[TxResult] = []
        while self._done < count:
            results += self._unobserved(count)
        return results

    def next(self) -> TxResult:
        """Run the block's next transaction, unobserved."""
        if not self._done:
            self._state.foresee(foreseen_keys(self.found, len(self.found.block.txs)))
        return self._unobserved(self._done + 1)[0]

    def looked_at(self) -> tuple[bytes, ...]:
        """The full keys of all records that the observed transaction read or wrote."""
        return tuple(self._observing.looked_at)

    def observed(
        self,
        wire: bytes,
        index: int,
        *,
        verify: VerifyBatch = verify_batch,
        hypothetical: bool = False,
        changed: tuple[str, ...] = (),
    ) -> Trace:
        """Run one transaction under observation."""
        rules = Rules(context=partial(ObservingContext, notes=self.notes))
        with lines_observed(self.notes):
            (result,) = run_transactions([wire], self.facts, self._observing, self._growth, verify, rules)
        writes = tuple(
            RecordWrite(key_text(key), key, before, after, record_fields(key, before), record_fields(key, after))
            for key, before, after in self._observing.net()
        )
        kind, signer, message = opened_message(wire)
        self._end(result)
        recorded = None if hypothetical else self.found.results[index]
        return Trace(
            chain_id=clean(self.facts.chain_id),
            height=self.facts.height,
            index=index,
            hash=sha256(wire).hex(),
            time_ns=self.facts.time_ns,
            kind=kind,
            signer=signer,
            message=message,
            code=result.code,
            name=result.log,
            detail=clean(result.info),
            data=result.data,
            gas=result.gas_used,
            steps=tuple(self.notes.steps),
            writes=writes,
            refused_at=self.notes.refused_at if result.code else -1,
            hypothetical=hypothetical,
            changed=changed,
            reproduces=recorded is None or recorded == result,
        )

    def _unobserved(self, end: int) -> list[TxResult]:
        """The next transactions up to `end` whose signatures all held, or all did not."""
        begin = self._done
        held = self._held(begin)
        self._done += 1
        while self._done < end and self._held(self._done) == held:
            self._done += 1
        wires = self.found.block.txs[begin : self._done]
        return run_transactions(wires, self.facts, self.journal, self._growth, partial(_answer, held=held))

    def _held(self, at: int) -> bool:
        return self.found.results[at].code != codes.BAD_SIGNATURE.number

    def _end(self, result: TxResult) -> None:
        fields: Fields = (("code", str(result.code)), ("name", result.log or "accepted"), ("gas", str(result.gas_used)))
        steps = self.notes.steps
        steps.append(
            Step(index=len(steps), depth=0, kind=RESULT, what=result.log or "accepted", code=result.code, fields=fields)
        )


def _answer(claims: Sequence[Signature], *, held: bool) -> list[bool]:
    return [held] * len(claims)
