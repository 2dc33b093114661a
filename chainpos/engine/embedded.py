"""The embedded engine: one validator that makes blocks on demand, inside the node's own process.

It refuses to run for a network of several validators, whose agreement needs CometBFT, and for a network whose one
validator is somebody else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, Protocol, TypeVar

from chainpos.core.chain.block import Block
from chainpos.core.chain.commit import EMPTY_COMMIT, Commit
from chainpos.core.chain.results import results_hash
from chainpos.core.chain.tip import ChainTip, build_block
from chainpos.core.chain.validators import ValidatorSet
from chainpos.engine.pace import MILLISECOND_NS, Due, Kind, TipFacts, next_block
from chainpos.engine.sign_state import Signer
from chainpos.errors import EXIT_USAGE, UserFacingError

R_co = TypeVar("R_co", covariant=True)
# CometBFT consensus/state.go `voteTime`: a vote is later than its block by this at least.
VOTE_STEP_NS: Final = MILLISECOND_NS
_SECOND_NS: Final = 1_000_000_000
_NO_RESULTS: Final = results_hash(())


class Times(Protocol):
    """The clocks that the engine is handed."""

    def now_ns(self) -> int:
        """Unix time in ns."""

    def monotonic_ns(self) -> int:
        """A clock that never jumps."""


class Chain(Protocol[R_co]):
    """The ledger, as far as the engine asks of it."""

    @property
    def tip(self) -> ChainTip:
        """Where the chain stands."""

    @property
    def state_committed(self) -> bool:
        """Whether the tip's header carries the app hash that is in force now."""

    def append(self, block: Block, commit: Commit) -> R_co:
        """Judge, execute and store a block."""


def require_only_validator(validators: ValidatorSet, address: bytes) -> None:
    """Raises UserFacingError unless `address` (20 bytes) is the network's one validator."""
    members = validators.validators
    if len(members) == 1 and members[0].address == address:
        return
    what = (
        "This node's key is not the network's validator."
        if len(members) == 1
        else f"The network has {len(members)} validators; the embedded engine is for one."
    )
    raise UserFacingError(
        what, next_step="Run this node as a peer, or run the validators with CometBFT.", exit_code=EXIT_USAGE
    )


class BlockMaker(Generic[R_co]):
    """Builds, signs and appends the next block. It belongs to the executor's thread."""

    def __init__(self, chain: Chain[R_co], signer: Signer, times: Times) -> None:
        self._chain = chain
        self._signer = signer
        self._times = times

    def make(self, txs: Sequence[bytes]) -> R_co:
        """What appending gave. Nothing of the block was shown to anybody before it was durable.

        Raises what signing and appending raise; asked again, it signs in a later round.
        """
        tip = self._chain.tip
        require_only_validator(tip.validators, self._signer.key.address)
        block = build_block(tip, txs, tip.commit or EMPTY_COMMIT, self._signer.key.address)
        block_id = block.block_id()
        height = block.header.height
        round_ = self._signer.next_round(height)
        time_ns = max(self._times.now_ns(), block.header.time_ns + VOTE_STEP_NS)
        vote = self._signer.sign_precommit(tip.chain_id, height, round_, block_id, time_ns)
        return self._chain.append(block, Commit(height, round_, block_id, (vote,)))


class EmbeddedEngine:
    """The loop that makes a block whenever one is due. It belongs to the event loop's thread."""

    def __init__(
        self,
        chain: Chain[object],
        times: Times,
        *,
        interval_ms: int,
        is_waiting: Callable[[], bool],
        make: Callable[[Kind], Awaitable[None]],
    ) -> None:
        """`is_waiting` says whether transactions wait; `make` makes one block and returns when it is appended."""
        self._chain = chain
        self._times = times
        self._interval_ns = interval_ms * MILLISECOND_NS
        self._is_waiting = is_waiting
        self._make = make
        self._last_ns = times.monotonic_ns() - self._interval_ns
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """A transaction waits, or something else changed."""
        self._woken.set()

    def due(self) -> Due | None:
        """The block that is due next."""
        tip = self._chain.tip
        vote_time_ns = max((vote.time_ns for vote in tip.commit.signatures), default=0) if tip.commit else 0
        # What was refused changes no record, but only the next header proves that it was.
        committed = self._chain.state_committed and tip.last_results_hash == _NO_RESULTS
        facts = TipFacts(tip.height - tip.initial_height + 1, committed, vote_time_ns)
        return next_block(
            facts,
            waiting=self._is_waiting(),
            now_ns=self._times.now_ns(),
            since_transactions_ns=self._times.monotonic_ns() - self._last_ns,
            interval_ns=self._interval_ns,
        )

    async def run(self) -> None:
        """Make blocks until cancelled. What `make` raises ends it."""
        while True:
            self._woken.clear()
            due = self.due()
            if due is None:
                await self._woken.wait()
            elif due.wait_ns:
                await asyncio.sleep(due.wait_ns / _SECOND_NS)
            else:
                if due.kind is Kind.TRANSACTIONS:
                    self._last_ns = self._times.monotonic_ns()
                await self._make(due.kind)
