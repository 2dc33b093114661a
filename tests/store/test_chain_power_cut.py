"""Power cuts: a disk that forgets any part of what was not synced, at every moment of writing a chain."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from chainpos.errors import StoreError
from chainpos.store import chain_connection
from chainpos.store.chain import ChainReader, ChainStore
from tests.store.conftest import SampleLedger
from tests.store.fault_vfs import Disk, FaultVfs, Operation

BLOCKS = 14


class Recorded(NamedTuple):
    """What was done to the files while a chain was written, and after which operation each block was acknowledged."""

    ledger: SampleLedger
    log: list[Operation]
    created: int
    acknowledged: list[int]


def record(folder: Path, name: str, *, weaken: Callable[[ChainStore], None] = lambda _: None) -> Recorded:
    """Writes a chain on the recording file system, its log emptied into the main file several times meanwhile."""
    vfs, ledger = FaultVfs(name), SampleLedger()
    path = folder / "chain.db"
    store = ChainStore.create(path, ledger.genesis_json, ledger.genesis_tip, ledger.genesis_records, vfs=name)
    created, acknowledged = len(vfs.log), []
    weaken(store)
    for number in range(BLOCKS):
        store.append(ledger.add(1 + number % 3).packed)
        acknowledged.append(len(vfs.log))
    log = list(vfs.log)
    store.close()
    vfs.unregister()
    return Recorded(ledger, log, created, acknowledged)


def lost_blocks(recorded: Recorded, cut: int, folder: Path, rng: random.Random, kept: float) -> int:
    """How many acknowledged blocks are gone after a cut before operation `cut`. Whatever is there must be whole."""
    folder.mkdir()
    Disk(recorded.log[:cut]).after_power_cut(folder, rng, kept)
    acknowledged = sum(at <= cut for at in recorded.acknowledged)
    with ChainStore.open(folder / "chain.db") as store:
        tip = store.tip_height()
        assert tip <= acknowledged + 1
        written = recorded.ledger.blocks[tip - 1] if tip else None
        assert store.tip() == (recorded.ledger.genesis_tip if written is None else written.tip)
        assert store.load_records() == (recorded.ledger.genesis_records if written is None else written.records)
        assert store.problems() == []
        if tip < BLOCKS:
            store.append(recorded.ledger.blocks[tip].packed)
    return max(0, acknowledged - tip)


@pytest.fixture
def frequent_checkpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain_connection, "CHECKPOINT_PAGES", 30)


def cut_everywhere(recorded: Recorded, folder: Path, every: int) -> int:
    """Acknowledged blocks lost over all cuts."""
    rng, lost = random.Random(7), 0
    for cut in range(recorded.created, len(recorded.log) + 1, every):
        for kept in (0.0, 0.5, 1.0):
            lost += lost_blocks(recorded, cut, folder / f"{cut}-{kept}", rng, kept)
    return lost


@pytest.mark.slow
@pytest.mark.usefixtures("frequent_checkpoints")
def test_a_power_cut_now_and_then_takes_back_no_acknowledged_block(tmp_path: Path) -> None:
    recorded = record(tmp_path, "now-and-then")
    assert any(each.kind == "write" and each.name == "chain.db" for each in recorded.log[recorded.created :])
    assert cut_everywhere(recorded, tmp_path, every=5) == 0


@pytest.mark.slow
@pytest.mark.usefixtures("frequent_checkpoints")
def test_a_power_cut_at_any_step_takes_back_no_acknowledged_block(tmp_path: Path) -> None:
    assert cut_everywhere(record(tmp_path, "any-step"), tmp_path, every=1) == 0


@pytest.mark.usefixtures("frequent_checkpoints")
def test_the_harness_sees_what_a_weaker_setting_loses(tmp_path: Path) -> None:
    def weaken(store: ChainStore) -> None:
        store._writing.execute("PRAGMA synchronous = NORMAL")

    assert cut_everywhere(record(tmp_path, "weaker", weaken=weaken), tmp_path, every=29) > 0


@pytest.mark.usefixtures("frequent_checkpoints")
def test_the_harness_sees_what_a_disk_that_skips_a_sync_loses(tmp_path: Path) -> None:
    recorded = record(tmp_path, "skips")
    honest = recorded.log[recorded.created :]
    skipped = [each for each in honest if not (each.kind == "sync" and each.name.endswith("-wal"))]
    log = recorded.log[: recorded.created] + skipped
    at_end = recorded._replace(log=log, acknowledged=[len(log)] * BLOCKS)
    assert lost_blocks(at_end, len(log), tmp_path / "cut", random.Random(7), 0.0) > 0


def test_a_power_cut_while_a_chain_is_created_leaves_nothing_or_all(tmp_path: Path) -> None:
    vfs, ledger = FaultVfs("creating"), SampleLedger()
    genesis = (ledger.genesis_json, ledger.genesis_tip, ledger.genesis_records)
    ChainStore.create(tmp_path / "chain.db", *genesis, vfs="creating").close()
    vfs.unregister()
    rng, unfinished = random.Random(3), 0
    for cut in range(len(vfs.log) + 1):
        folder = tmp_path / str(cut)
        folder.mkdir()
        Disk(vfs.log[:cut]).after_power_cut(folder, rng, 0.5)
        try:
            with ChainReader.open(folder / "chain.db") as reader:
                assert reader.load_records() == ledger.genesis_records
                assert reader.tip() == ledger.genesis_tip
        except StoreError:
            # Beginning again finishes what was begun.
            unfinished += 1
            with ChainStore.create(folder / "chain.db", *genesis) as store:
                assert store.problems() == []
    assert 0 < unfinished <= len(vfs.log)
