"""A full disk and a failing one: the block is not there, nothing of it is, and nothing more is taken."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import apsw
import msgspec
import pytest

from chainpos.errors import StoreError
from chainpos.store.chain import ChainReader, ChainStore
from tests.store.conftest import SampleLedger
from tests.store.fault_vfs import FaultVfs, Operation

BLOCKS_BEFORE = 3


class Faulty:
    """A store on a disk that fails at the n-th operation from now on."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.vfs = FaultVfs(f"faulty-{path.parent.name}")
        self.ledger = SampleLedger()
        genesis = (self.ledger.genesis_json, self.ledger.genesis_tip, self.ledger.genesis_records)
        self.store = ChainStore.create(path, *genesis, vfs=self.vfs.name)
        for _ in range(BLOCKS_BEFORE):
            self.store.append(self.ledger.add(3).packed)

    def fail_at(self, number: int, error: type[apsw.Error], kind: str = "") -> None:
        """Every operation (of `kind`, if given) fails from the n-th on, 0 being the next."""
        seen = 0

        def before(operation: Operation) -> None:
            nonlocal seen
            if kind in ("", operation.kind):
                seen += 1
                if seen > number:
                    raise error("injected")

        self.vfs.before = before

    def mend(self) -> None:
        self.vfs.before = lambda _: None

    def close(self) -> None:
        self.mend()
        self.store.close()
        self.vfs.unregister()


@pytest.fixture
def faulty(chain_path: Path) -> Iterator[Faulty]:
    made = Faulty(chain_path)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("error", "sentence"), [(apsw.FullError, "the disk is full"), (apsw.IOError, "the disk failed")]
)
@pytest.mark.parametrize("number", [0, 1, 2, 7])
def test_a_failed_write_is_told_by_name_and_leaves_nothing(
    faulty: Faulty, error: type[apsw.Error], sentence: str, number: int
) -> None:
    written = faulty.ledger.add(3)
    before = faulty.store.load_records()
    faulty.fail_at(number, error, "write")
    with pytest.raises(StoreError, match=f"writing block {BLOCKS_BEFORE + 1}: {sentence}"):
        faulty.store.append(written.packed)
    faulty.mend()
    assert not faulty.store._writing.in_transaction
    assert faulty.store.tip_height() == BLOCKS_BEFORE
    assert faulty.store.load_records() == before
    assert faulty.store.transaction(written.packed.tx_hashes[0]) is None
    assert faulty.store.block(BLOCKS_BEFORE + 1) is None


def test_a_block_that_breaks_the_schema_is_rolled_back_whole(faulty: Faulty) -> None:
    packed = faulty.ledger.add(3).packed
    with pytest.raises(StoreError, match="writing block 4: UNIQUE constraint failed: history"):
        faulty.store.append(msgspec.structs.replace(packed, changes=packed.changes + packed.changes[-1:]))
    assert not faulty.store._writing.in_transaction
    assert faulty.store.tip_height() == BLOCKS_BEFORE
    faulty.store.close()
    with ChainStore.open(faulty.path) as again:
        again.append(packed)
        assert again.problems() == []


@pytest.mark.parametrize("error", [apsw.FullError, apsw.IOError])
def test_after_a_failed_sync_only_opening_again_tells_the_truth(faulty: Faulty, error: type[apsw.Error]) -> None:
    written = faulty.ledger.add(3)
    faulty.fail_at(0, error, "sync")
    with pytest.raises(StoreError, match="writing block 4"):
        faulty.store.append(written.packed)
    faulty.mend()
    with pytest.raises(StoreError, match="takes no more blocks since a write failed: writing block 4"):
        faulty.store.append(written.packed)
    assert faulty.store.tip_height() == BLOCKS_BEFORE
    faulty.store.close()
    with ChainStore.open(faulty.path) as again:
        tip = again.tip_height()
        assert tip in (BLOCKS_BEFORE, BLOCKS_BEFORE + 1)
        assert again.load_records() == faulty.ledger.blocks[tip - 1].records
        assert again.problems() == []


def test_every_step_of_a_write_may_fail(faulty: Faulty) -> None:
    """The disk fails at the first, the second, ... operation of the block after; each time the store opens whole."""
    store = faulty.store
    for number in range(200):
        written = faulty.ledger.add(1)
        faulty.fail_at(number, apsw.IOError)
        try:
            store.append(written.packed)
        except StoreError:
            pass
        else:
            assert number > 5
            break
        faulty.mend()
        store.close()
        store = faulty.store = ChainStore.open(faulty.path, vfs=faulty.vfs.name)
        if store.tip_height() == written.packed.height - 1:
            store.append(written.packed)
        assert store.tip_height() == written.packed.height
        assert store.load_records() == written.records
    else:
        pytest.fail("the write never came to its end")
    assert store.problems() == []


def test_a_reader_of_a_damaged_file_is_told_so(faulty: Faulty) -> None:
    faulty.store.close()
    content = bytearray(faulty.path.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    faulty.path.write_bytes(content)
    with ChainReader.open(faulty.path) as reader, pytest.raises(StoreError, match="damaged"):
        reader.tip()


def test_a_missing_and_a_foreign_file_are_refused_and_left_as_they_are(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no chain database"):
        ChainStore.open(tmp_path / "none.db")
    with pytest.raises(StoreError, match="there is no chain database"):
        ChainReader.open(tmp_path / "none.db")
    text = tmp_path / "text.db"
    text.write_text("not a database at all, but long enough to be looked at as one" * 100, encoding="utf-8")
    other = tmp_path / "other.db"
    connection = apsw.Connection(str(other))
    connection.execute("CREATE TABLE theirs(x)")
    connection.close()
    for path in (text, other):
        before = path.read_bytes()
        for attempt in (ChainStore.open, ChainReader.open):
            with pytest.raises(StoreError, match=r"not a database|not of a chain"):
                attempt(path)
        assert path.read_bytes() == before


def test_a_folder_that_does_not_exist_is_told_so(tmp_path: Path) -> None:
    ledger = SampleLedger()
    with pytest.raises(StoreError, match="cannot be written"):
        ledger.create(tmp_path / "nowhere" / "chain.db")
