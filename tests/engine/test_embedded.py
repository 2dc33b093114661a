"""The embedded engine over a chain held in memory, whose blocks are judged by the real rules."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from chainpos.core.chain.block import Block
from chainpos.core.chain.commit import Commit
from chainpos.core.chain.genesis import GenesisDoc, GenesisValidator
from chainpos.core.chain.params import DEFAULT
from chainpos.core.chain.results import TxResult
from chainpos.core.chain.tip import ChainTip, make_genesis_tip, next_tip
from chainpos.core.chain.validators import Validator, make_validator_set
from chainpos.core.values.hashes import sha256
from chainpos.engine.embedded import VOTE_STEP_NS, BlockMaker, EmbeddedEngine, require_only_validator
from chainpos.engine.keys import SigningKey
from chainpos.engine.pace import Kind
from chainpos.engine.sign_state import Signer, SignState, save_sign_state
from chainpos.errors import UserFacingError
from chainpos.sync.verdicts import judge

KEY = SigningKey(bytes(range(32)))
GENESIS_NS = 1_800_000_000 * 1_000_000_000
SECOND_NS = 1_000_000_000


class HandClock:
    """Moved by hand."""

    def __init__(self) -> None:
        self.time_ns = GENESIS_NS + 3_600 * SECOND_NS
        self.steady_ns = 77

    def now_ns(self) -> int:
        return self.time_ns

    def monotonic_ns(self) -> int:
        return self.steady_ns

    def pass_ms(self, milliseconds: int) -> None:
        self.time_ns += milliseconds * 1_000_000
        self.steady_ns += milliseconds * 1_000_000


class MemoryChain:
    """Appends what the rules let pass; every transaction but b"refused" changes the app hash."""

    def __init__(self) -> None:
        doc = GenesisDoc("test-chain", GENESIS_NS, 1, DEFAULT, (GenesisValidator(KEY.public_key, 10),), app_state=b"{}")
        self.tip: ChainTip = make_genesis_tip(doc, b"\x01" * 32)
        self.blocks: list[Block] = []
        self.rounds: list[int] = []
        self.broken = False

    @property
    def state_committed(self) -> bool:
        return bool(self.blocks) and self.blocks[-1].header.app_hash == self.tip.app_hash

    def append(self, block: Block, commit: Commit) -> Block:
        if self.broken:
            raise OSError("disk full")
        fault = judge(self.tip, block, commit)
        assert fault is None, fault
        taken = b"".join(tx for tx in block.txs if tx != b"refused")
        app_hash = sha256(self.tip.app_hash + taken) if taken else self.tip.app_hash
        results = [TxResult()] * len(block.txs)
        self.tip = next_tip(self.tip, block, block.block_id(), app_hash, results, commit=commit)
        self.blocks.append(block)
        self.rounds.append(commit.round)
        return block


class Rig:
    """An engine, its chain and its clock."""

    def __init__(self, signer: Signer) -> None:
        self.clock = HandClock()
        self.chain = MemoryChain()
        self.maker: BlockMaker[Block] = BlockMaker(self.chain, signer, self.clock)
        self.waiting: list[bytes] = []
        self.kinds: list[Kind] = []
        self.engine = EmbeddedEngine(
            self.chain, self.clock, interval_ms=100, is_waiting=lambda: bool(self.waiting), make=self.make
        )

    async def make(self, kind: Kind) -> None:
        txs = list(self.waiting) if kind is Kind.TRANSACTIONS else []
        self.maker.make(txs)
        del self.waiting[: len(txs)]
        self.kinds.append(kind)

    async def settle(self) -> list[Kind]:
        """Run until nothing is due at once; the kinds of the blocks that were made."""
        self.kinds.clear()
        task = asyncio.create_task(self.engine.run())
        for _ in range(50):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return list(self.kinds)


@pytest.fixture
def signer(tmp_path: Path) -> Iterator[Signer]:
    path = tmp_path / "state.json"
    save_sign_state(path, SignState())
    made = Signer(KEY, path, lock_folder=tmp_path / "locks")
    yield made
    made.close()


@pytest.fixture
def rig(signer: Signer) -> Rig:
    return Rig(signer)


async def test_a_new_chain_begins_with_two_blocks_and_then_rests(rig: Rig) -> None:
    assert await rig.settle() == [Kind.BEGINS, Kind.BEGINS]
    assert await rig.settle() == []
    assert [block.header.time_ns for block in rig.chain.blocks] == [GENESIS_NS, rig.clock.time_ns]


async def test_a_transaction_makes_its_block_and_one_that_commits_to_it(rig: Rig) -> None:
    await rig.settle()
    rig.waiting.append(b"pay")
    assert await rig.settle() == [Kind.TRANSACTIONS, Kind.COMMITS]
    paid, committing = rig.chain.blocks[-2:]
    assert paid.txs == (b"pay",)
    assert committing.header.app_hash == rig.chain.tip.app_hash != paid.header.app_hash


async def test_a_refusal_is_proved_by_the_next_block_though_it_changed_no_record(rig: Rig) -> None:
    await rig.settle()
    rig.waiting.append(b"refused")
    assert await rig.settle() == [Kind.TRANSACTIONS, Kind.COMMITS]
    refusing, proving = rig.chain.blocks[-2:]
    assert proving.header.app_hash == refusing.header.app_hash
    assert proving.header.last_results_hash != refusing.header.last_results_hash
    assert await rig.settle() == []


async def test_after_idling_a_payment_is_judged_by_a_block_time_of_the_present(rig: Rig) -> None:
    await rig.settle()
    rig.clock.pass_ms(3_600_000)
    rig.waiting.append(b"pay")
    assert await rig.settle() == [Kind.BRINGS_TIME, Kind.TRANSACTIONS, Kind.COMMITS]
    brought, paid = rig.chain.blocks[-3:-1]
    assert rig.clock.time_ns - brought.header.time_ns == 3_600 * SECOND_NS - VOTE_STEP_NS
    assert paid.header.time_ns == rig.clock.time_ns


async def test_a_second_transaction_waits_for_the_interval(rig: Rig) -> None:
    await rig.settle()
    rig.waiting.append(b"1")
    await rig.settle()
    rig.clock.pass_ms(40)
    rig.waiting.append(b"2")
    assert await rig.settle() == []
    rig.clock.pass_ms(60)
    assert await rig.settle() == [Kind.TRANSACTIONS, Kind.COMMITS]


async def test_block_time_moves_on_even_when_the_clock_is_set_back(rig: Rig) -> None:
    await rig.settle()
    rig.clock.time_ns -= 86_400 * SECOND_NS
    for number in range(3):
        rig.clock.steady_ns += SECOND_NS
        rig.waiting.append(b"%d" % number)
        await rig.settle()
    times = [block.header.time_ns for block in rig.chain.blocks]
    assert times == sorted(set(times))
    assert len(times) == 8


async def test_waking_makes_the_engine_look_again(rig: Rig) -> None:
    task = asyncio.create_task(rig.engine.run())
    for _ in range(20):
        await asyncio.sleep(0)
    rig.kinds.clear()
    rig.waiting.append(b"pay")
    rig.engine.wake()
    for _ in range(20):
        await asyncio.sleep(0)
    task.cancel()
    assert rig.kinds == [Kind.TRANSACTIONS, Kind.COMMITS]


async def test_a_block_that_was_signed_but_not_appended_is_made_again_in_the_next_round(rig: Rig) -> None:
    await rig.settle()
    rig.chain.broken = True
    for _ in range(2):
        with pytest.raises(OSError, match="disk full"):
            rig.maker.make([b"pay"])
    rig.chain.broken = False
    rig.maker.make([b"pay", b"another"])
    rig.maker.make([])
    assert rig.chain.rounds == [0, 0, 2, 0]


async def test_a_failure_ends_the_loop_with_its_cause(rig: Rig) -> None:
    rig.chain.broken = True
    with pytest.raises(OSError, match="disk full"):
        await rig.engine.run()


def test_several_validators_need_cometbft() -> None:
    other = SigningKey(bytes(32))
    both = make_validator_set([Validator(KEY.public_key, 1), Validator(other.public_key, 1)])
    with pytest.raises(UserFacingError, match="2 validators"):
        require_only_validator(both, KEY.address)


def test_somebody_elses_network_is_not_validated() -> None:
    with pytest.raises(UserFacingError, match="not the network's validator"):
        require_only_validator(make_validator_set([Validator(KEY.public_key, 1)]), bytes(20))


async def test_a_validator_that_joins_stops_the_embedded_engine(rig: Rig) -> None:
    await rig.settle()
    joined = make_validator_set([Validator(KEY.public_key, 1), Validator(SigningKey(bytes(32)).public_key, 1)])
    rig.chain.tip = msgspec.structs.replace(rig.chain.tip, validators=joined)
    with pytest.raises(UserFacingError, match="2 validators"):
        rig.maker.make([])
