"""A small made-up ledger on a real signed chain: transactions, results with events, and records that come and go."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from chainpos.core.chain.block import Block
from chainpos.core.chain.commit import EMPTY_COMMIT, Commit
from chainpos.core.chain.genesis import GenesisDoc, GenesisValidator, dump_genesis
from chainpos.core.chain.params import DEFAULT
from chainpos.core.chain.results import Event, EventAttribute, TxResult
from chainpos.core.chain.tip import ChainTip, build_block, make_genesis_tip, next_tip
from chainpos.core.state.journal import Change
from chainpos.core.state.state import State
from chainpos.core.values.hashes import sha256
from chainpos.store.chain import ChainStore, PackedBlock
from chainpos.store.chain_packing import StoredResults, pack_block
from tests.core.chain.conftest import GENESIS_NS, SECOND, public_key, signed_commit

ACCOUNTS = [b"ac" + sha256(b"account %d" % number)[:20] for number in range(40)]


class Written(NamedTuple):
    """One block of the ledger, and all that should be found again after it is stored."""

    packed: PackedBlock
    block: Block
    commit: Commit
    stored: StoredResults
    tip: ChainTip
    changes: list[Change]
    records: dict[bytes, bytes]


def paid(merchant: str, amount: int, reference: str, memo: str = "tea") -> Event:
    values = {"merchant": merchant, "amount": str(amount), "reference": reference, "memo": memo}
    return Event("payments.paid", tuple(EventAttribute(key, value, key != "memo") for key, value in values.items()))


class SampleLedger:
    """The same blocks at every run, on every machine; `transactions` are how many each block has."""

    def __init__(self, *, validators: int = 1, initial_height: int = 1, events: bool = True) -> None:
        doc = GenesisDoc(
            chain_id="store-test",
            genesis_time_ns=GENESIS_NS,
            initial_height=initial_height,
            params=DEFAULT,
            validators=tuple(GenesisValidator(public_key(n), 10 + n) for n in range(validators)),
        )
        self.genesis_json = dump_genesis(doc)
        self.genesis_records = dict.fromkeys(ACCOUNTS[:10], b"balance 0")
        self.state = State((), self.genesis_records)
        self.genesis_tip = self.tip = make_genesis_tip(doc, self.state.app_hash)
        self.blocks: list[Written] = []
        self._events = events

    def add(self, transactions: int = 3, *, updates: tuple[tuple[bytes, int], ...] = ()) -> Written:
        """The next block, executed, signed and packed."""
        before, height = self.tip, self.tip.next_height
        rng = random.Random(height)
        txs = [b"pay %d/%d " % (height, index) + rng.randbytes(150) for index in range(transactions)]
        last = self.blocks[-1].commit if self.blocks else EMPTY_COMMIT
        block = build_block(before, txs, last, before.validators.proposer().address)
        results = tuple(self._result(height, index, rng) for index in range(transactions))
        changes = self._changes(rng, txs)
        staged = self.state.stage(changes)
        self.state.commit(staged)
        encoded = block.encode()
        block_id = block.block_id()
        commit = signed_commit(before.chain_id, height, block_id, before.validators, block.header.time_ns + SECOND)
        stored = StoredResults(results, (), updates, b"", staged.app_hash)
        self.tip = next_tip(before, block, block_id, staged.app_hash, results, updates)
        packed = pack_block(before, self.tip, block, commit, stored, changes, encoded=encoded)
        self.blocks.append(Written(packed, block, commit, stored, self.tip, changes, self.state.values()))
        return self.blocks[-1]

    def _result(self, height: int, index: int, rng: random.Random) -> TxResult:
        if rng.random() < 0.1:
            return TxResult(code=501, log="refused", codespace="chainpos")
        merchant, amount = f"M{rng.randrange(4)}", rng.randrange(1, 500)
        events: tuple[Event, ...] = (paid(merchant, amount, f"R{height}-{index}"),) if self._events else ()
        if rng.random() < 0.2:
            events += (Event("fees.charged", (EventAttribute("payer", f"P{rng.randrange(3)}"),)),)
        return TxResult(data=b"ok", gas_used=100, events=events)

    def _changes(self, rng: random.Random, txs: list[bytes]) -> list[Change]:
        if not txs:
            return []
        after: dict[bytes, bytes | None] = {b"mk" + sha256(tx): b"mark" for tx in txs}
        for key in rng.sample(ACCOUNTS, min(len(ACCOUNTS), 2 * len(txs))):
            after[key] = b"balance %d" % rng.randrange(10**6)
        for key in sorted(key for key in self.state.values() if key.startswith(b"mk"))[: len(txs) - 1]:
            after[key] = None
        return [Change(key, self.state.value(key), after[key]) for key in sorted(after)]

    def create(self, path: Path) -> ChainStore:
        """A store at the ledger's genesis."""
        return ChainStore.create(path, self.genesis_json, self.genesis_tip, self.genesis_records)


@pytest.fixture
def chain_path(tmp_path: Path) -> Path:
    return tmp_path / "chain.db"


@pytest.fixture
def make_ledger() -> Callable[..., SampleLedger]:
    return SampleLedger


@pytest.fixture
def filled(chain_path: Path) -> Iterator[tuple[ChainStore, SampleLedger]]:
    """A store with thirty blocks, some of them empty."""
    ledger = SampleLedger()
    with ledger.create(chain_path) as store:
        for height in range(1, 31):
            store.append(ledger.add(height % 4).packed)
        yield store, ledger
