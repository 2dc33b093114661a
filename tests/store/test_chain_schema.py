"""One writer at a time, and a schema that moves only forwards, by numbered steps."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

from chainpos.errors import StoreError
from chainpos.store import chain_migrations
from chainpos.store.chain import ChainReader, ChainStore
from chainpos.store.chain_migrations import APPLICATION_ID, MIGRATIONS, migrate, require_current, schema_version
from tests.store.conftest import SampleLedger

Filled = tuple[ChainStore, SampleLedger]
HOLD = """
import sys
from pathlib import Path
from chainpos.store.chain import ChainStore
store = ChainStore.open(Path(sys.argv[1]))
print("open", flush=True)
sys.stdin.read()
"""


def test_a_second_writer_is_refused_and_told_who_has_it(filled: Filled, chain_path: Path) -> None:
    filled[0].close()
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(chain_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(StoreError, match=rf"another process is writing .*\(process {holder.pid}\)"):
            ChainStore.open(chain_path)
        with pytest.raises(StoreError, match="another process"):
            SampleLedger().create(chain_path)
        with ChainReader.open(chain_path) as reader:
            assert reader.tip_height() == 30
        holder.kill()
        holder.wait()
    with ChainStore.open(chain_path) as again:
        assert again.tip_height() == 30


def test_a_second_writer_in_the_same_process_is_refused_too(filled: Filled, chain_path: Path) -> None:
    with pytest.raises(StoreError, match=rf"\(process {os.getpid()}\)"):
        ChainStore.open(chain_path)


def test_a_refused_open_lets_go_of_the_lock(filled: Filled, chain_path: Path) -> None:
    filled[0].close()
    set_version(chain_path, 99)
    with pytest.raises(StoreError, match="newer"):
        ChainStore.open(chain_path)
    set_version(chain_path, len(MIGRATIONS))
    ChainStore.open(chain_path).close()


def set_version(path: Path, version: int) -> None:
    connection = apsw.Connection(str(path))
    connection.execute(f"PRAGMA user_version = {version}")
    connection.close()


def test_a_newer_schema_is_refused_and_left_as_it_is(filled: Filled, chain_path: Path) -> None:
    filled[0].close()
    set_version(chain_path, len(MIGRATIONS) + 1)
    before = chain_path.read_bytes()
    for attempt in (ChainStore.open, ChainReader.open):
        with pytest.raises(StoreError, match=f"schema {len(MIGRATIONS) + 1}, made by a newer chainpos"):
            attempt(chain_path)
    assert chain_path.read_bytes() == before


def test_an_older_schema_is_brought_up_to_date_with_all_that_is_in_it(
    filled: Filled, chain_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, ledger = filled
    store.close()
    next_step = "ALTER TABLE blocks ADD COLUMN note TEXT; CREATE TABLE later(x INTEGER) STRICT;"
    monkeypatch.setattr(chain_migrations, "MIGRATIONS", (*MIGRATIONS, next_step))
    monkeypatch.setattr(migrate, "__defaults__", ((*MIGRATIONS, next_step),))
    monkeypatch.setattr(require_current, "__defaults__", ((*MIGRATIONS, next_step),))
    with pytest.raises(StoreError, match="start the node once"):
        ChainReader.open(chain_path)
    with ChainStore.open(chain_path) as again:
        assert schema_version(again._reading) == len(MIGRATIONS) + 1
        assert again.tip() == ledger.tip
        again.append(ledger.add(2).packed)
        assert again.problems() == []


def test_a_step_that_fails_leaves_the_database_as_it_was(filled: Filled, chain_path: Path) -> None:
    filled[0].close()
    connection = apsw.Connection(str(chain_path))
    with pytest.raises(apsw.SQLError), connection:
        migrate(connection, (*MIGRATIONS, "CREATE TABLE later(x) STRICT; ALTER TABLE nowhere ADD COLUMN y;"))
    assert schema_version(connection) == len(MIGRATIONS)
    assert not connection.table_exists("main", "later")
    connection.close()
    with ChainStore.open(chain_path) as store:
        assert store.problems() == []


def test_a_creation_that_was_interrupted_is_told_and_can_be_finished(chain_path: Path) -> None:
    chain_path.touch()
    for attempt in (ChainStore.open, ChainReader.open):
        with pytest.raises(StoreError, match="never finished"):
            attempt(chain_path)
    with SampleLedger().create(chain_path) as store:
        assert store.tip_height() == 0


def test_the_file_says_whose_it_is(filled: Filled) -> None:
    assert filled[0]._writing.execute("PRAGMA application_id").get == APPLICATION_ID
