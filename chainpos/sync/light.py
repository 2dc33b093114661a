"""A light client: it believes the genesis validators, and from there only headers that they signed and records proved.

It refuses forged headers, proofs that do not lead to a verified header, answers about another key or height, and states
older than one that was shown before. A node can withhold news from it, but tell it nothing untrue.
"""

from __future__ import annotations

import asyncio
from typing import Final, Generic, NamedTuple, Protocol, TypeVar

import msgspec

from chainpos.core.chain import merkle
from chainpos.core.chain.bisection import Fetch, Found, Refused, begin, resume
from chainpos.core.chain.header import Header
from chainpos.core.chain.results import TxResult, results_hash
from chainpos.core.chain.validators import ValidatorSet
from chainpos.core.chain.verifier import (
    TrustedState,
    TrustOptions,
    UntrustedBlock,
    compare_with_witness,
    trust_block,
    verify_backwards,
)
from chainpos.core.state.commitment import bucket_name, bucket_of
from chainpos.core.state.proofs import ProofOp, RecordProof, proof_from_ops, verify_absence, verify_presence
from chainpos.core.state.tables import Table
from chainpos.core.values.hashes import sha256
from chainpos.core.values.timestamps import DAY_S, SECOND_NS
from chainpos.errors import ChainposError
from chainpos.rpc.backend import (
    MAX_BLOCK_METAS,
    BlockMeta,
    BlockResults,
    IncludedTransaction,
    QueryAnswer,
    SignedHeader,
)
from chainpos.rpc.client import RpcError

R = TypeVar("R", bound=msgspec.Struct)
# The validators are named institutions under contract, which do not come and go within days as anonymous stakers may.
TRUSTING_PERIOD_S: Final = 365 * DAY_S
DEFAULT_OPTIONS: Final = TrustOptions(TRUSTING_PERIOD_S * SECOND_NS)
MAX_REMEMBERED: Final = 256
# A header follows the block that changed the state within a moment; a node that cannot show it withholds it.
# Together 6 s: where the proposer of the next block is down, the others wait 3 s before another one proposes.
NEXT_HEADER_TRIES: Final = 120
NEXT_HEADER_PAUSE_S: Final = 0.05
# Together 2 s: a node shows a header a moment before it can prove the state below it, and another node than the one
# that showed the header may be a block behind. One that is behind for longer is not waited for.
NEWEST_STATE_TRIES: Final = 40
# Downwards each header is taken by its hash in the one above, twenty a call.
MAX_DESCENT: Final = 20_000


class Untrusted(ChainposError):
    """A node's answer that the validators did not vouch for. `code` names what is wrong; believe nothing of it."""

    def __init__(self, code: str, height: int) -> None:
        super().__init__(f"{code} at height {height}")
        self.code = code
        self.height = height


class NotYet(ChainposError):
    """The header that would prove the answer was not shown, or cannot be verified any more; the node may be honest."""


class Clock(Protocol):
    """The wall clock."""

    def now_ns(self) -> int:
        """Unix time in ns."""


class Source(Protocol):
    """What a light client asks of a node; `RpcClient` is one."""

    async def commit(self, height: int | None = None) -> SignedHeader:
        """A header with its commit."""

    async def validators(self, height: int | None = None) -> ValidatorSet:
        """The validators of a height."""

    async def block_metas(self, low: int, high: int) -> list[BlockMeta]:
        """Blocks without their bodies, at most 20, highest first."""

    async def abci_query(self, path: str, key: bytes, height: int = 0, *, prove: bool = False) -> QueryAnswer:
        """A record with its proof."""

    async def tx(self, tx_hash: bytes, *, prove: bool = False) -> IncludedTransaction:
        """A transaction in a block."""

    async def block_results(self, height: int | None = None) -> BlockResults:
        """A block's results."""


class Proved(NamedTuple, Generic[R]):
    """A record in the state after `height`, or None: proved to be absent from it. `time_ns` is the next header's."""

    record: R | None
    height: int
    time_ns: int


class Included(NamedTuple):
    """A transaction in a verified block, and what executing it gave by the next verified header."""

    height: int
    position: int
    result: TxResult


class LightClient:
    """What is believed so far of one chain. Begin it with `verifier.trust_genesis`, or what was believed before."""

    def __init__(
        self,
        trusted: TrustedState,
        clock: Clock,
        options: TrustOptions = DEFAULT_OPTIONS,
        *,
        origin: TrustedState | None = None,
    ) -> None:
        """`origin` is believed as well, and lower: heights in between are verified from there."""
        self._clock = clock
        self._options = options
        roots = [trusted] if origin is None else [origin, trusted]
        self._states: dict[int, TrustedState] = {root.height: root for root in roots}
        self._roots = tuple(self._states)
        self.trusted = trusted

    async def advance(self, source: Source) -> TrustedState:
        """Believe the newest header of `source`. Raises Untrusted, MalformedBytes, Disconnected, RpcError."""
        signed = await source.commit()
        if signed.header.height > self.trusted.height:
            await self._believe(source, signed)
        return self.trusted

    async def header(self, source: Source, height: int) -> Header:
        """The verified header of a height. Raises as `advance`; RpcError where the node has none."""
        known = self._states.get(height)
        if known is None or known.header is None:
            signed = await source.commit(height)
            if signed.header.height != height:
                raise Untrusted("wrong_height", height)
            known = await self._believe(source, signed)
        if known.header is None:
            raise Untrusted("no_header", height)
        return known.header

    def believed(self, height: int) -> TrustedState:
        """What is believed of a height that was verified just now, or the newest."""
        return self._states.get(height, self.trusted)

    async def witness(self, other: Source) -> None:
        """Ask another node for the newest header that is believed. Raises Untrusted("conflicting_headers").

        A node that has not come so far is no witness, and raises RpcError as it does for any height above its own.
        """
        if self.trusted.header is not None:
            signed = await other.commit(self.trusted.height)
            verdict = compare_with_witness(self.trusted, signed.header)
            if not verdict.ok:
                raise Untrusted(verdict.code, self.trusted.height)

    async def record(self, source: Source, table: Table[R], key: bytes) -> Proved[R]:
        """The record in the newest provable state, or the proof that there is none.

        Never of a state below the one that the newest header believed commits to: what was shown once is not taken
        back by an older proof. Raises Untrusted, NotYet, MalformedBytes, Disconnected, RpcError.
        """
        full_key = table.full_key(key)
        answer, proof = await self._newest(source, full_key)
        header = await self._following(source, answer.height)
        if not _holds(header.app_hash, full_key, answer.value, proof):
            raise Untrusted("forged_record", answer.height)
        record = table.decode(answer.value) if answer.value else None
        return Proved(record, answer.height, header.time_ns)

    async def included(self, source: Source, tx_hash: bytes) -> Included:
        """Where the transaction is, and its code and data, by two verified headers. RpcError where it is in no block.

        Raises as `record`.
        """
        found = await source.tx(tx_hash, prove=True)
        height = found.height
        if sha256(found.transaction) != tx_hash or found.proof is None:
            raise Untrusted("another_transaction", height)
        header = await self.header(source, height)
        if found.proof.root_hash != header.data_hash or not merkle.verify(
            header.data_hash, sha256(found.transaction), found.proof.proof
        ):
            raise Untrusted("forged_inclusion", height)
        following = await self._following(source, height)
        results = (await source.block_results(height)).results
        index = found.proof.proof.index
        if results_hash(results) != following.last_results_hash or not 0 <= index < len(results):
            raise Untrusted("forged_results", height)
        # A proof fits trees of other sizes as well, at another place: only with the block's own size is it this one.
        if found.proof.proof.total != len(results):
            raise Untrusted("forged_inclusion", height)
        # Events and prose are not hashed: only what the header commits to is passed on.
        result = results[index]
        return Included(height, index, TxResult(result.code, result.data, gas_used=result.gas_used))

    async def _newest(self, source: Source, full_key: bytes) -> tuple[QueryAnswer, RecordProof]:
        path = f"/store/{bucket_name(bucket_of(full_key)).decode()}/key"
        least = self.trusted.height - 1
        for attempt in range(NEWEST_STATE_TRIES):
            if attempt:
                await asyncio.sleep(NEXT_HEADER_PAUSE_S)
            answer = await source.abci_query(path, full_key, prove=True)
            if answer.code or answer.key not in (full_key, b"") or not answer.proof:
                raise Untrusted("no_proof", answer.height)
            if answer.height >= least:
                return answer, proof_from_ops([ProofOp(op.type, op.key, op.data) for op in answer.proof])
        raise NotYet(f"the node shows no state of height {least} or above")

    async def _following(self, source: Source, height: int) -> Header:
        for attempt in range(NEXT_HEADER_TRIES):
            try:
                return await self.header(source, height + 1)
            except RpcError:
                if attempt == NEXT_HEADER_TRIES - 1:
                    break
                await asyncio.sleep(NEXT_HEADER_PAUSE_S)
        raise NotYet(f"the node shows no header after height {height}")

    async def _believe(self, source: Source, signed: SignedHeader) -> TrustedState:
        target = await _block(source, signed)
        below = [height for height in self._states if height < signed.header.height]
        if not below:
            return await self._descend(source, signed.header.height)
        floor = self._states[max(below)]
        now_ns = self._clock.now_ns()
        step = begin(floor, target, self._options, now_ns)
        while isinstance(step, Fetch):
            between = await source.commit(step.height)
            step = resume(step, await _block(source, between), self._options, now_ns)
        if isinstance(step, Refused):
            if step.verdict.code == "trust_expired" and floor.height < self.trusted.height:
                # No fault of the node's: where we begin below has become too old to begin from.
                raise NotYet(f"height {signed.header.height} is older than what can still be verified")
            raise Untrusted(step.verdict.code, step.height)
        return self._remember(step)

    async def headers(self, source: Source, low: int, high: int) -> list[Header]:
        """The verified headers from `low` to `high`, both included, ascending. Raises as `header`."""
        top = await self.header(source, high)
        believed = TrustedState(top.chain_id, high, top.time_ns, top, None, top.next_validators_hash)
        below = await _descended(source, believed, low)
        return [*(state.header for state in reversed(below) if state.header is not None), top]

    async def _descend(self, source: Source, height: int) -> TrustedState:
        lowest = self._states[min(self._states)]
        if lowest.header is None or lowest.height - height > MAX_DESCENT:
            raise NotYet(f"height {height} is too far below all that is believed")
        return (await _descended(source, lowest, height))[-1]

    def _remember(self, found: Found) -> TrustedState:
        for state in found.trace:
            self._states[state.height] = state
        if found.trusted.height > self.trusted.height:
            self.trusted = found.trusted
        kept = {*self._roots, self.trusted.height}
        while len(self._states) > MAX_REMEMBERED:
            del self._states[next(height for height in self._states if height not in kept)]
        return found.trusted


async def _descended(source: Source, state: TrustedState, height: int) -> list[TrustedState]:
    """Downwards no signature is needed: each header names the hash of the one before it. Descending, to `height`."""
    found: list[TrustedState] = []
    while state.height > height:
        low = max(height, state.height - MAX_BLOCK_METAS)
        metas = await source.block_metas(low, state.height - 1)
        if [meta.header.height for meta in metas] != list(range(state.height - 1, low - 1, -1)):
            raise Untrusted("wrong_height", low)
        for meta in metas:
            verdict = verify_backwards(state, meta.header)
            if verdict.trusted is None:
                raise Untrusted(verdict.code, meta.header.height)
            state = verdict.trusted
            found.append(state)
    return found


async def begin_at(source: Source, chain_id: str, height: int, block_hash: bytes) -> TrustedState:
    """What is believed where its owner gave a block's height and hash by hand. Raises as `LightClient.advance`."""
    verdict = trust_block(chain_id, await _block(source, await source.commit(height)), block_hash)
    if verdict.trusted is None or verdict.trusted.height != height:
        raise Untrusted(verdict.code or "wrong_height", height)
    return verdict.trusted


async def _block(source: Source, signed: SignedHeader) -> UntrustedBlock:
    return UntrustedBlock(signed.header, signed.commit, await source.validators(signed.header.height))


def _holds(app_hash: bytes, full_key: bytes, value: bytes, proof: RecordProof) -> bool:
    if value:
        return verify_presence(app_hash, full_key, value, proof)
    return verify_absence(app_hash, full_key, proof)
