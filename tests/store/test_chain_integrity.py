"""Damage: whatever is changed in the file is found, by reading it or by checking all of it."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import apsw
import pytest

from chainpos.errors import ChainposError, StoreError
from chainpos.store import chain_integrity
from chainpos.store.chain import ChainReader, ChainStore
from tests.store.conftest import SampleLedger

Filled = tuple[ChainStore, SampleLedger]
TABLES = {
    "sealed": "name", "blocks": "height", "validator_sets": "height", "params": "height", "records": "key",
    "history": "key, height", "transactions": "hash_prefix, position", "attribute_names": "id",
    "attributes": "name, value, height",
}  # fmt: skip


def everything(connection: apsw.Connection) -> dict[str, list[Any]]:
    """All rows of all tables."""
    return {
        table: connection.execute(f"SELECT * FROM {table} ORDER BY {key}").fetchall()  # noqa: S608 - names of ours
        for table, key in TABLES.items()
    }


@pytest.fixture
def closed(filled: Filled, chain_path: Path) -> Path:
    """A chain whose pages are all in the one file."""
    filled[0]._writing.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    filled[0].close()
    return chain_path


def test_a_sound_database_has_no_problems(filled: Filled) -> None:
    assert filled[0].problems() == []


def flipped(path: Path, offset: int, bit: int, into: Path) -> Path:
    content = bytearray(path.read_bytes())
    content[offset] ^= 1 << bit
    into.write_bytes(content)
    return into


def findings(path: Path) -> tuple[str, Any]:
    """What checking the file says; "clean" and all its rows where it finds nothing."""
    try:
        with ChainReader.open(path) as reader:
            problems = reader.problems()
            return ("problems", problems) if problems else ("clean", everything(reader._reading))
    except ChainposError as error:
        return "refused", error


def test_a_flipped_bit_in_any_page_is_found_unless_it_changes_nothing(closed: Path, tmp_path: Path) -> None:
    before = findings(closed)
    assert before[0] == "clean"
    rng, size, found = random.Random(11), closed.stat().st_size, 0
    for page in range(size // 4096):
        offset = page * 4096 + rng.randrange(4096)
        after = findings(flipped(closed, offset, rng.randrange(8), tmp_path / "flipped.db"))
        assert after[0] != "clean" or after[1] == before[1], f"byte {offset}"
        found += after[0] != "clean"
    assert found > size // 4096 // 3


@pytest.mark.slow
def test_very_many_flipped_bits_are_found_unless_they_change_nothing(closed: Path, tmp_path: Path) -> None:
    before = findings(closed)
    rng, size = random.Random(12), closed.stat().st_size
    for _ in range(4_000):
        offset = rng.randrange(size)
        after = findings(flipped(closed, offset, rng.randrange(8), tmp_path / "flipped.db"))
        assert after[0] != "clean" or after[1] == before[1], f"byte {offset}"


TAMPERINGS = {
    "UPDATE records SET value = x'00' WHERE key = (SELECT max(key) FROM records)": "records",
    "DELETE FROM records WHERE key = (SELECT min(key) FROM records)": "records",
    "INSERT INTO records VALUES (x'6163', x'00')": "records",
    "UPDATE history SET value = x'00' WHERE height = 7": "history",
    "DELETE FROM history WHERE height = 7": "history",
    "UPDATE history SET value = x'00' WHERE height = 0": "history",
    "INSERT INTO history VALUES (x'6163', 8, NULL)": "history",
    "UPDATE blocks SET results = CAST(results || x'00' AS BLOB) WHERE height = 5": "blocks",
    "UPDATE blocks SET block = zeroblob(length(block)) WHERE height = 5": "blocks",
    "UPDATE blocks SET seen_commit = x'' WHERE height = 30": "blocks",
    "UPDATE blocks SET block_hash = x'00' WHERE height = 5": "blocks",
    "DELETE FROM blocks WHERE height = 5": "blocks",
    "DELETE FROM blocks WHERE height = 30": "blocks",
    "DELETE FROM transactions WHERE position = (SELECT max(position) FROM transactions)": "index",
    "INSERT INTO transactions VALUES (x'0011223344556677', 1048576)": "transactions",
    "DELETE FROM attributes WHERE height = 11": "index",
    "UPDATE attributes SET positions = x'000009' WHERE height = 11": "index",
    "INSERT INTO attributes VALUES (1, 'never', 3, x'000000')": "attributes",
    "UPDATE attribute_names SET name = name || 'x' WHERE id = 1": "index",
    "UPDATE validator_sets SET value = x'00'": "validators",
    "UPDATE params SET value = x'00'": "validators",
    "UPDATE sealed SET value = x'00' WHERE name = 'genesis'": "genesis",
    "UPDATE sealed SET value = x'00' WHERE name = 'tip'": "blocks",
    "DELETE FROM sealed WHERE name = 'genesis changes'": "history",
}


@pytest.mark.parametrize("statement", TAMPERINGS)
def test_every_table_is_checked_against_something_else(filled: Filled, statement: str) -> None:
    store = filled[0]
    store._writing.execute(statement)
    assert store._writing.changes() > 0
    problems = store.problems()
    assert TAMPERINGS[statement] in {problem.where for problem in problems}


def test_a_block_that_was_changed_together_with_its_digest_is_still_found(filled: Filled) -> None:
    store = filled[0]
    forged = SampleLedger()
    for _ in range(4):
        forged.add(3)
    packed = forged.blocks[3].packed
    store._writing.execute(
        "UPDATE blocks SET block = ?, results = ?, seen_commit = ?, block_id = ?, block_hash = ?, digest = ?"
        " WHERE height = 4",
        (packed.block, packed.results, packed.commit, packed.block_id, packed.block_hash, packed.digest()),
    )
    assert store.block(4) is not None
    assert {problem.where for problem in store.problems()} >= {"blocks", "index"}


def test_the_list_of_problems_is_bounded(filled: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain_integrity, "MAX_PROBLEMS", 5)
    filled[0]._writing.execute("DELETE FROM attributes")
    assert len(filled[0].problems()) == 5


@pytest.mark.parametrize(
    ("column", "read"),
    [
        ("block", lambda store: store.block(5)),
        ("results", lambda store: store.results(5)),
        ("block", lambda store: store.heads(5, 5)),
        ("block_id", lambda store: store.heads(5, 5)),
    ],
)
def test_a_damaged_block_is_never_an_answer(filled: Filled, column: str, read: Any) -> None:
    store = filled[0]
    content = bytearray(store._writing.execute(f"SELECT {column} FROM blocks WHERE height = 5").get)  # noqa: S608
    content[20] ^= 1
    store._writing.execute(f"UPDATE blocks SET {column} = ? WHERE height = 5", (bytes(content),))  # noqa: S608
    with pytest.raises(StoreError, match="block 5 in the chain database is damaged"):
        read(store)


def test_a_damaged_tip_is_never_an_answer(filled: Filled) -> None:
    filled[0]._writing.execute("UPDATE sealed SET value = substr(value, 1, 60) WHERE name = 'tip'")
    with pytest.raises(StoreError, match="the tip in the chain database is damaged"):
        filled[0].tip()


def test_a_damaged_block_stops_reading_a_range_at_its_height(filled: Filled) -> None:
    filled[0]._writing.execute("UPDATE blocks SET digest = x'00' WHERE height = 5")
    blocks = filled[0].blocks(3, 9)
    assert [next(blocks).height, next(blocks).height] == [3, 4]
    with pytest.raises(StoreError, match="block 5"):
        next(blocks)
