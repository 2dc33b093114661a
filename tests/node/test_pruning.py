"""A pruned chain: what stays is what was, what went is told as pruned, and a failure leaves everything as it was."""

from __future__ import annotations

import shutil
from pathlib import Path

import apsw
import pytest

from chainpos.errors import StoreError, UserFacingError
from chainpos.inspect.search import Search
from chainpos.inspect.source import StoreSource
from chainpos.node import pruning
from chainpos.node.config import NodeSettings
from chainpos.node.home import Home, init_peer
from chainpos.node.ledger import Ledger
from chainpos.node.pruning import prune
from chainpos.node.verify import verify_home
from chainpos.store.chain import ChainReader
from tests.inspect.recorded import day, day_database

__all__ = ["day", "day_database"]
KEPT = 150


@pytest.fixture
def home(tmp_path: Path, day_database: Path) -> Path:
    """A peer's home that has the recorded day."""
    folder = tmp_path / "peer"
    with ChainReader.open(day_database) as reader:
        genesis = reader.genesis_json()
        init_peer(folder, NodeSettings(mode="peer", moniker="p", listen="127.0.0.1:0"), genesis=genesis)
        Home(folder).database.unlink()
        reader.backup(Home(folder).database)
    return folder


def files(home: Path) -> set[str]:
    return {each.name for each in Home(home).database.parent.iterdir()}


def content(database: Path) -> bytes:
    """All but the header, in which SQLite counts who wrote."""
    return database.read_bytes()[100:]


@pytest.mark.slow
def test_the_last_blocks_stay_with_their_records_and_the_chain_goes_on(home: Path, day: StoreSource) -> None:
    stages: list[tuple[str, int, int]] = []
    found = prune(home, KEPT, progress=lambda *told: stages.append(told))
    tip = day.span().tip
    assert (found.base, found.tip) == (tip - KEPT + 1, tip)
    assert stages[0] == (pruning.READING, tip - KEPT, 0)
    assert stages[1:] == [(pruning.EXECUTING, done, KEPT) for done in range(1, KEPT + 1)]
    assert found.after_bytes < found.before_bytes
    assert files(home) <= {"chain.db", "chain.db.lock", "chain.db-wal", "chain.db-shm"}
    with ChainReader.open(Home(home).database) as reader:
        assert reader.problems() == []
        assert (reader.base_height(), reader.tip_height()) == (found.base, tip)
        for height in (found.base, tip):
            ours, theirs = reader.block(height), day.reader.block(height)
            assert ours == theirs
        for key, _ in day.records_under(b"ba", 50):
            for height in (found.base - 1, found.base + 70, tip):
                assert reader.record_at(key, height) == day.record_at(key, height)
        assert reader.block(found.base - 1) is None
    assert verify_home(home).findings == ()
    ledger = Ledger.open(Home(home).database)
    assert ledger.tip == day.reader.tip()
    ledger.close()


def test_what_was_pruned_is_told_as_pruned_and_not_as_unknown(home: Path, day: StoreSource) -> None:
    found = prune(home, KEPT)
    with ChainReader.open(Home(home).database) as reader:
        search = Search(StoreSource(reader, "pruned"))
        (absent,) = search.find(str(found.base - 1)).absences
        assert (absent.kind, absent.height) == ("pruned", found.base)
        (absent,) = search.find("ab" * 32).absences
        assert absent.kind == "pruned"
        assert search.find(str(found.base)).hits


@pytest.mark.slow
def test_a_chain_is_pruned_again_from_where_it_began(home: Path) -> None:
    first = prune(home, KEPT)
    second = prune(home, KEPT - 20)
    assert second.base == first.base + 20
    with pytest.raises(UserFacingError, match="nothing to prune"):
        prune(home, KEPT)


@pytest.mark.parametrize(("keep", "why"), [(1, "At least"), (10**6, "nothing to prune")])
def test_what_makes_no_sense_is_refused_and_changes_nothing(home: Path, keep: int, why: str) -> None:
    with ChainReader.open(Home(home).database) as reader:
        before = reader.tip(), reader.base_height()
    with pytest.raises(UserFacingError, match=why):
        prune(home, keep)
    with ChainReader.open(Home(home).database) as reader:
        assert (reader.tip(), reader.base_height()) == before
    assert files(home) <= {"chain.db", "chain.db.lock", "chain.db-wal", "chain.db-shm"}


def test_a_running_node_is_not_pruned(home: Path) -> None:
    ledger = Ledger.open(Home(home).database)
    try:
        with pytest.raises(StoreError, match="another process"):
            prune(home, KEPT)
    finally:
        ledger.close()


def test_records_that_do_not_fit_are_found_before_anything_is_swapped(home: Path, tmp_path: Path) -> None:
    database = Home(home).database
    connection = apsw.Connection(str(database))
    connection.execute("UPDATE history SET value = x'00' WHERE key = (SELECT min(key) FROM history WHERE height < 5)")
    connection.close()
    kept = tmp_path / "as it was.db"
    shutil.copy(database, kept)
    with pytest.raises((UserFacingError, StoreError)):
        prune(home, KEPT)
    assert content(database) == content(kept)
    assert not [name for name in files(home) if name.startswith(".")]


@pytest.mark.slow
def test_a_kill_in_the_middle_leaves_the_old_chain(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(stage: str, *_: int) -> None:
        if stage == pruning.EXECUTING:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prune(home, KEPT, progress=killed)
    assert pruning.LEAST_KEPT <= KEPT
    with ChainReader.open(Home(home).database) as reader:
        assert reader.base_height() == 1
        assert reader.problems() == []
