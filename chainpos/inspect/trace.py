"""Any transaction again, at its height, on the state that it ran on, by the same execution; observed this time.

It refuses to answer about a transaction that is in no block. It never writes: the state is read from history, and what
the run changes stays in a journal that is thrown away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from chainpos.core.chain.results import TxResult
from chainpos.core.chain.signatures import Signature, VerifyBatch, verify_batch
from chainpos.core.contracts import codes
from chainpos.core.contracts.context import BlockFacts
from chainpos.core.execution import Rules, run_transactions
from chainpos.core.state.crowding import Growth
from chainpos.core.state.journal import Change
from chainpos.core.values.hashes import sha256
from chainpos.core.values.text import clean
from chainpos.errors import EXIT_USAGE, UserFacingError
from chainpos.inspect.fields import Fields, key_text, record_fields
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
        self.journal = ObservingJournal(state, self.notes)
        self._growth = Growth(state)

    def before(self, count: int, only: Callable[[int], bool] | None = None) -> list[TxResult]:
        """Run the first `count` transactions of the block unobserved; of these, those that `only` says.

        Whether their signatures held is taken from the recorded results, to which the next header commits.
        """
        wanted = [at for at in range(count) if only is None or only(at)]
        results: list[TxResult] = []
        for at in wanted:
            held = self.found.results[at].code != codes.BAD_SIGNATURE.number
            results += self._run([self.found.block.txs[at]], partial(_answer, held=held), observe=False)
        return results

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
        (result,) = self._run([wire], verify, observe=True)
        writes = tuple(
            RecordWrite(key_text(key), key, before, after, record_fields(key, before), record_fields(key, after))
            for key, before, after in self.journal.net()
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

    def _run(self, wires: list[bytes], verify: VerifyBatch, *, observe: bool) -> list[TxResult]:
        if not observe:
            return run_transactions(wires, self.facts, self.journal, self._growth, verify)
        rules = Rules(context=partial(ObservingContext, notes=self.notes))
        with lines_observed(self.notes):
            return run_transactions(wires, self.facts, self.journal, self._growth, verify, rules)

    def _end(self, result: TxResult) -> None:
        fields: Fields = (("code", str(result.code)), ("name", result.log or "accepted"), ("gas", str(result.gas_used)))
        steps = self.notes.steps
        steps.append(
            Step(index=len(steps), depth=0, kind=RESULT, what=result.log or "accepted", code=result.code, fields=fields)
        )


def _answer(claims: Sequence[Signature], *, held: bool) -> list[bool]:
    return [held] * len(claims)
