"""The chain database: what is appended is found again, at any height, while and after it is written."""

from __future__ import annotations

import random
import threading
from pathlib import Path

import apsw
import msgspec
import pytest

from chainpos.core.chain.block import Block
from chainpos.core.chain.commit import Commit
from chainpos.core.chain.params import DEFAULT
from chainpos.core.chain.tip import ChainTip
from chainpos.core.state.state import State
from chainpos.core.values.hashes import sha256
from chainpos.errors import StoreError
from chainpos.store.chain import ChainReader, ChainStore
from chainpos.store.chain_packing import (
    HASH_PREFIX_BYTES,
    VALIDATORS_EVERY,
    StoredResults,
    change_row,
    pack_indexes,
    unpack_indexes,
)
from tests.core.chain.conftest import public_key
from tests.store.conftest import ACCOUNTS, SampleLedger

Filled = tuple[ChainStore, SampleLedger]


def test_a_new_chain_is_at_its_genesis(chain_path: Path) -> None:
    ledger = SampleLedger(initial_height=100)
    with ledger.create(chain_path) as store:
        assert (store.tip(), store.tip_height()) == (ledger.genesis_tip, 99)
        assert store.genesis_json() == ledger.genesis_json
        assert store.load_records() == ledger.genesis_records
        assert store.record_at(ACCOUNTS[0], 99) == b"balance 0"
        assert store.record_at(ACCOUNTS[0], 98) is None
        assert (store.validators(100), store.params(100)) == (ledger.genesis_tip.validators, DEFAULT)
        assert (store.validators(99), store.validators(101), store.params(101)) == (None, None, None)
        assert (store.block(99), store.block(100), store.heads(1, 200)) == (None, None, [])
        store.append(ledger.add().packed)
        assert store.tip_height() == 100
        assert store.problems() == []


def test_every_block_is_found_again_as_it_was_written(filled: Filled) -> None:
    store, ledger = filled
    assert store.tip() == ledger.tip
    for written in ledger.blocks:
        height = written.packed.height
        found = store.block(height)
        assert found is not None
        assert Block.decode(found.block) == written.block
        assert Commit.decode(found.commit) == written.commit
        assert found.block_id == written.block.block_id() == written.tip.block_id
        assert store.results(height) == StoredResults.decode(found.results) == written.stored
        assert store.height_of_block_hash(found.block_id.hash) == height
        for index, tx in enumerate(written.block.txs):
            assert store.transaction(sha256(tx)) == (height, index)
            assert store.transaction_bytes(found, index) == tx
    assert (store.block(0), store.block(31), store.results(31)) == (None, None, None)
    assert (store.height_of_block_hash(bytes(32)), store.transaction(bytes(32))) == (None, None)


def test_headers_are_read_without_their_blocks(filled: Filled) -> None:
    store, ledger = filled
    heads = store.heads(5, 9)
    assert [head.height for head in heads] == [5, 6, 7, 8, 9]
    for head in heads:
        written = ledger.blocks[head.height - 1]
        assert (head.header, head.block_id) == (written.block.header, written.tip.block_id)
        assert (head.size_bytes, head.transactions) == (len(written.block.encode()), len(written.block.txs))
    assert [head.height for head in store.heads(29, 99)] == [29, 30]


def test_blocks_are_read_in_order_as_far_as_there_are_any(filled: Filled) -> None:
    store, ledger = filled
    assert [found.height for found in store.blocks(28, 99)] == [28, 29, 30]
    assert [found.block for found in store.blocks(1, 30)] == [written.packed.block for written in ledger.blocks]
    assert list(store.blocks(9, 8)) == []


def test_a_record_is_known_at_every_height(filled: Filled) -> None:
    store, ledger = filled
    assert store.load_records() == ledger.state.values()
    keys = sorted({key for written in ledger.blocks for key in written.records})
    for height, written in enumerate(ledger.blocks, 1):
        assert {key: store.record_at(key, height) for key in keys} == {key: written.records.get(key) for key in keys}
        assert State((), written.records).app_hash == written.tip.app_hash


def test_a_records_history_is_told_newest_first(filled: Filled) -> None:
    store, ledger = filled
    changed = [
        (written.packed.height, change.after)
        for written in reversed(ledger.blocks)
        for change in written.changes
        if change.key == ACCOUNTS[3]
    ]
    expected = [*changed, (0, b"balance 0")]
    assert len(expected) > 3
    assert store.record_history(ACCOUNTS[3], 100) == expected
    assert store.record_history(ACCOUNTS[3], 2) == expected[:2]
    assert store.record_history(ACCOUNTS[3], 100, before_height=expected[2][0]) == expected[3:]


def test_the_first_place_of_a_transaction_counts_when_it_was_sent_again(chain_path: Path) -> None:
    ledger = SampleLedger()
    with ledger.create(chain_path) as store:
        first = ledger.add(2)
        again = ledger.add(1)
        store.append(first.packed)
        # The same prefix in a later block, once of the same transaction and once of another.
        prefix = first.packed.tx_hashes[1][:HASH_PREFIX_BYTES]
        store._writing.execute("INSERT INTO transactions VALUES (?, ?)", (prefix, 2 << 20))
        store.append(ledger.blocks[1].packed)
        assert store.transaction(first.packed.tx_hashes[1]) == (1, 1)
        assert store.transaction(prefix + bytes(24)) is None
        assert store.transaction(again.packed.tx_hashes[0]) == (2, 0)


def test_validators_are_known_at_every_height_with_their_priorities(chain_path: Path) -> None:
    ledger = SampleLedger(validators=3, events=False)
    expected = {1: ledger.tip.validators}
    with ledger.create(chain_path) as store:
        for height in range(1, VALIDATORS_EVERY + 30):
            updates = {40: ((public_key(1), 25),), 70: ((public_key(0), 0), (public_key(9), 4))}.get(height, ())
            store.append(ledger.add(0, updates=updates).packed)
            expected[height + 1] = ledger.tip.validators
        assert {height: store.validators(height) for height in expected} == expected
        assert len({len(validators.validators) for validators in expected.values()}) == 1
        assert len({validators.hash() for validators in expected.values()}) == 3
        rows = store._reading.execute("SELECT height FROM validator_sets ORDER BY height").fetchall()
        assert [row[0] for row in rows] == [1, 42, 72, VALIDATORS_EVERY]
        assert store.problems() == []


@pytest.mark.parametrize("height", [1, 30, 32, 33])
def test_a_block_that_does_not_follow_the_tip_is_refused_and_harmless(filled: Filled, height: int) -> None:
    store, ledger = filled
    packed = ledger.add(1).packed
    with pytest.raises(StoreError, match="does not follow the stored block 30"):
        store.append(msgspec.structs.replace(packed, height=height))
    store.append(packed)
    assert store.tip_height() == 31


def test_a_chain_is_never_created_over_another(filled: Filled, chain_path: Path) -> None:
    store, ledger = filled
    store.close()
    before = chain_path.read_bytes()
    with pytest.raises(StoreError, match="already"):
        SampleLedger().create(chain_path)
    assert chain_path.read_bytes() == before
    with ChainStore.open(chain_path) as again:
        assert again.tip() == ledger.tip


def test_a_chain_is_created_before_its_first_block_only(chain_path: Path) -> None:
    ledger = SampleLedger()
    tip: ChainTip = ledger.add().tip
    with pytest.raises(StoreError, match="before its first block"):
        ChainStore.create(chain_path, ledger.genesis_json, tip, {})


def test_a_store_that_is_opened_again_goes_on(filled: Filled, chain_path: Path) -> None:
    store, ledger = filled
    store.close()
    store.close()
    with ChainStore.open(chain_path) as again:
        assert again.tip() == ledger.tip
        again.append(ledger.add(3).packed)
        assert sorted(again.attribute_names().values()) == list(range(1, len(again.attribute_names()) + 1))
        assert again.problems() == []


def test_a_reader_sees_whole_blocks_while_another_connection_writes(filled: Filled, chain_path: Path) -> None:
    store, ledger = filled
    with ChainReader.open(chain_path) as reader:
        assert reader.tip_height() == 30
        for expected in range(31, 41):
            store.append(ledger.add(3).packed)
            assert reader.tip_height() == expected
            assert reader.load_records() == ledger.state.values()
            assert reader.tip() == ledger.tip
        store._writing.execute("BEGIN IMMEDIATE")
        store._writing.execute("DELETE FROM records")
        assert reader.load_records() == ledger.state.values() == store.load_records()
        store._writing.execute("ROLLBACK")
        assert reader.problems() == []


def test_a_chain_is_sound_at_every_moment_of_its_writing(filled: Filled, chain_path: Path) -> None:
    store, ledger = filled
    found: list[object] = []
    is_written = threading.Event()

    def look() -> None:
        with ChainReader.open(chain_path) as reader:
            while not is_written.is_set() or len(found) < 3:
                found.append(reader.problems())

    blocks = [ledger.add(number % 4).packed for number in range(60)]
    looking = threading.Thread(target=look)
    looking.start()
    for packed in blocks:
        store.append(packed)
    is_written.set()
    looking.join()
    assert found
    assert [problems for problems in found if problems != []] == []


def test_a_reader_cannot_write(filled: Filled, chain_path: Path) -> None:
    with ChainReader.open(chain_path) as reader, pytest.raises(apsw.ReadOnlyError):
        reader._reading.execute("DELETE FROM records")


def test_reading_a_closed_chain_leaves_its_file_as_it_is(filled: Filled, chain_path: Path) -> None:
    store, ledger = filled
    store.close()
    before = chain_path.read_bytes()
    with ChainReader.open(chain_path) as reader:
        assert reader.load_records() == ledger.state.values()
        assert reader.problems() == []
    assert chain_path.read_bytes() == before


def test_a_backup_made_while_writing_is_a_whole_chain(filled: Filled, tmp_path: Path) -> None:
    store, ledger = filled
    copy = tmp_path / "copy.db"
    with ChainReader.open(store.path) as reader:
        reader.backup(copy)
        store.append(ledger.add(3).packed)
        with pytest.raises(StoreError, match="exists already"):
            reader.backup(copy)
    with ChainStore.open(copy) as copied:
        assert copied.tip() == ledger.blocks[29].tip
        assert copied.problems() == []
        copied.append(ledger.blocks[30].packed)
        assert copied.tip() == store.tip()


def test_the_settings_that_make_it_durable_are_on(filled: Filled) -> None:
    writing = filled[0]._writing
    assert writing.execute("PRAGMA journal_mode").get == "wal"
    assert writing.execute("PRAGMA synchronous").get == 2
    tables = writing.execute("SELECT name, strict FROM pragma_table_list WHERE schema = 'main'").fetchall()
    assert {name for name, strict in tables if not strict} == {"sqlite_schema"}


@pytest.mark.parametrize("count", [0, 1, 2, 500])
def test_indexes_survive_packing(count: int) -> None:
    indexes = sorted(random.Random(count).sample(range(1 << 20), count))
    assert unpack_indexes(pack_indexes(indexes)) == indexes


def test_a_key_beyond_the_limit_is_refused() -> None:
    assert change_row(b"k" * 256, b"v")[:4] == b"256+"
    with pytest.raises(ValueError, match="257"):
        change_row(b"k" * 257, b"v")


def test_keys_and_values_of_any_bytes_survive(chain_path: Path) -> None:
    odd = {b"ac\x00": b"\x00", b"ac\xff": b"\xff" * 300, b"ac+": b"-", b"ac001": b"001+x", b"ac" + bytes(254): b""}
    ledger = SampleLedger()
    tip = ledger.genesis_tip
    with ChainStore.create(chain_path, ledger.genesis_json, tip, odd) as store:
        assert store.load_records() == odd
        assert {key: store.record_at(key, 0) for key in odd} == odd
