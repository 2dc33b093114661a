"""Replaying recorded chains, and checking all that a home has stored."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from chainpos.core.chain.block import Block
from chainpos.errors import StoreError, UserFacingError
from chainpos.node.home import Home
from chainpos.node.replay import Replayed, recorded_blocks, replay
from chainpos.node.verify import verify_home
from chainpos.store.chain import ChainReader
from chainpos.store.chainfile import RecordedBlock, write_chain_file
from tests.node.conftest import Clerk

PATH = "chain.cpc"


@pytest.fixture
def recorded(clerk: Clerk, tmp_path: Path) -> list[RecordedBlock]:
    """Four blocks, also as a chain file and as a home."""
    clerk.make(clerk.issue(), b"junk")
    clerk.make()
    clerk.make(clerk.issue(), clerk.issue())
    clerk.make()
    with ChainReader.open(clerk.database) as reader:
        blocks = list(recorded_blocks(reader))
    write_chain_file(tmp_path / PATH, clerk.genesis, 1, blocks)
    home = Home(tmp_path / "home")
    home.database.parent.mkdir(parents=True)
    home.genesis.parent.mkdir(parents=True)
    home.genesis.write_bytes(clerk.genesis)
    with ChainReader.open(clerk.database) as reader:
        reader.backup(home.database)
    return blocks


def test_a_replay_comes_to_the_same_state(clerk: Clerk, recorded: list[RecordedBlock], tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    found = replay(tmp_path / PATH, progress=lambda *reached: seen.append(reached))
    assert found == Replayed(
        chain_id=clerk.ledger.tip.chain_id,
        height=4,
        blocks=4,
        transactions=4,
        accepted=3,
        refused={"malformed": 1},
        app_hash=clerk.ledger.tip.app_hash.hex().upper(),
        violations=(),
    )
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    seen.clear()
    assert replay(tmp_path / "home", progress=lambda *reached: seen.append(reached)) == found
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_a_replay_stops_at_the_height_that_is_asked_for(recorded: list[RecordedBlock], tmp_path: Path) -> None:
    assert (replay(tmp_path / PATH, to_height=2).height, replay(tmp_path / "home", to_height=1).height) == (2, 1)
    with pytest.raises(UserFacingError, match="ends at height 4"):
        replay(tmp_path / PATH, to_height=5)


def test_a_recording_that_was_altered_does_not_verify(
    clerk: Clerk, recorded: list[RecordedBlock], tmp_path: Path
) -> None:
    block = Block.decode(recorded[2].block)
    altered = Block(block.header, block.txs[:1], block.evidence, block.last_commit)
    blocks = [*recorded[:2], RecordedBlock(3, altered.encode(), recorded[2].commit), recorded[3]]
    write_chain_file(tmp_path / "altered", clerk.genesis, 1, blocks)
    with pytest.raises(UserFacingError, match="height 3: altered_transactions"):
        replay(tmp_path / "altered")


def test_a_recording_of_another_genesis_does_not_verify(
    clerk: Clerk, recorded: list[RecordedBlock], tmp_path: Path
) -> None:
    other = clerk.genesis.replace(b'"Test City"', b'"Toss City"')
    write_chain_file(tmp_path / "other", other, 1, recorded)
    with pytest.raises(UserFacingError, match="height 1: wrong_app_hash"):
        replay(tmp_path / "other")


def test_a_file_that_is_no_recording_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"hello")
    with pytest.raises(StoreError):
        replay(tmp_path / "file")
    with pytest.raises(StoreError):
        replay(tmp_path / "absent")


def test_a_whole_home_has_no_findings(clerk: Clerk, recorded: list[RecordedBlock], tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    found = verify_home(tmp_path / "home", progress=lambda height, tip: seen.append((height, tip)))
    assert (found.findings, found.whole) == ((), True)
    assert (found.height, found.blocks, found.transactions) == (4, 4, 4)
    assert found.app_hash == clerk.ledger.tip.app_hash.hex().upper()
    assert seen == [(height, 4) for height in (1, 2, 3, 4)]


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE records SET value = CAST(value || x'00' AS BLOB) WHERE key = (SELECT min(key) FROM records)",
        "DELETE FROM records WHERE key = (SELECT max(key) FROM records)",
        "DELETE FROM history WHERE height = 3",
        "UPDATE blocks SET results = x'90' WHERE height = 3",
        "UPDATE blocks SET seen_commit = (SELECT seen_commit FROM blocks WHERE height = 1) WHERE height = 3",
        "DELETE FROM transactions",
        "DELETE FROM attributes WHERE height = 3",
    ],
)
def test_damage_is_found(recorded: list[RecordedBlock], tmp_path: Path, damage: str) -> None:
    connection = apsw.Connection(str(Home(tmp_path / "home").database))
    connection.execute(damage)
    connection.close()
    assert not verify_home(tmp_path / "home").whole


def test_a_genesis_file_that_is_not_the_chains_is_found(recorded: list[RecordedBlock], tmp_path: Path) -> None:
    path = Home(tmp_path / "home").genesis
    path.write_bytes(path.read_bytes() + b"\n")
    assert [finding.where for finding in verify_home(tmp_path / "home").findings] == ["genesis"]
