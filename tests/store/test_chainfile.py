"""The recorded chain: what was written is read, to the last block or not at all, with the height where it ends."""

from __future__ import annotations

import io
import tracemalloc
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainpos.core.chain.params import MAX_BLOCK_BYTES
from chainpos.errors import StoreError
from chainpos.store import chainfile
from chainpos.store.chainfile import (
    MAGIC,
    MAX_COMMIT_BYTES,
    ChainFileDamaged,
    ChainFileReader,
    ChainFileWriter,
    RecordedBlock,
    open_chain_file,
    write_chain_file,
)
from tests.store.conftest import SampleLedger

GENESIS = b'{"chain_id": "recorded"}'


def written(blocks: list[tuple[bytes, bytes]], first: int = 1, genesis: bytes = GENESIS) -> bytes:
    file = io.BytesIO()
    writer = ChainFileWriter(file, genesis, first)
    for block, commit in blocks:
        writer.add(block, commit)
    writer.finish()
    return file.getvalue()


def read(content: bytes) -> tuple[bytes, int, list[RecordedBlock]]:
    reader = ChainFileReader(io.BytesIO(content))
    return reader.genesis_json, reader.first_height, list(reader.blocks())


def some(count: int) -> list[tuple[bytes, bytes]]:
    return [(b"block %d " % n * (n % 50 + 1), b"commit %d" % n) for n in range(count)]


@pytest.mark.parametrize("count", [0, 1, 2, 300])
@pytest.mark.parametrize("first", [1, 1_000_000])
def test_what_was_written_is_read(count: int, first: int) -> None:
    expected = [RecordedBlock(first + n, *each) for n, each in enumerate(some(count))]
    assert read(written(some(count), first)) == (GENESIS, first, expected)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.binary(min_size=1, max_size=400), st.binary(max_size=50)), max_size=40), st.integers(1, 99)
)
def test_any_blocks_survive_in_frames_of_any_size(blocks: list[tuple[bytes, bytes]], first: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chainfile, "FRAME_BYTES", 500)
        content = written(blocks, first)
    assert [(each.block, each.commit) for each in read(content)[2]] == blocks


def test_the_same_chain_gives_the_same_bytes(tmp_path: Path) -> None:
    assert written(some(200)) == written(some(200))
    assert written(some(200)) != written(some(201))


def test_a_stored_chain_becomes_a_file_and_is_read_again(tmp_path: Path) -> None:
    ledger, path = SampleLedger(initial_height=7), tmp_path / "day.chain"
    with ledger.create(tmp_path / "chain.db") as store:
        for number in range(20):
            store.append(ledger.add(number % 4).packed)
        blocks = (RecordedBlock(each.height, each.block, each.commit) for each in store.blocks(7, 99))
        write_chain_file(path, store.genesis_json(), 7, blocks)
    with open_chain_file(path) as reader:
        assert (reader.genesis_json, reader.first_height) == (ledger.genesis_json, 7)
        for recorded, each in zip(reader.blocks(), ledger.blocks, strict=True):
            assert recorded == RecordedBlock(each.packed.height, each.packed.block, each.packed.commit)


def test_a_file_that_is_cut_short_anywhere_is_refused_with_its_height() -> None:
    content = written(some(30))
    for size in range(len(content)):
        with pytest.raises(ChainFileDamaged) as refused:
            read(content[:size])
        assert 0 <= refused.value.height <= 31


def test_any_changed_bit_is_noticed() -> None:
    content = written(some(12))
    expected = read(content)
    for bit in range(len(content) * 8):
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        try:
            found = read(bytes(changed))
        except ChainFileDamaged:
            continue
        # Some bits of zlib's own header say nothing about what is packed.
        assert found == expected


def test_blocks_before_the_damage_are_read_and_the_height_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chainfile, "FRAME_BYTES", 1)
    content = bytearray(written(some(10), first=100))
    content[len(content) // 2] ^= 0xFF
    seen: list[int] = []
    with pytest.raises(ChainFileDamaged, match=r"damaged before block 10\d: ") as refused:
        seen.extend(each.height for each in ChainFileReader(io.BytesIO(content)).blocks())
    assert seen == list(range(100, refused.value.height))
    assert 1 < len(seen) < 10


def frame(kind: bytes, content: bytes, length: int | None = None) -> bytes:
    packed = zlib.compress(content, 9)
    size = len(content) if length is None else length
    return kind + len(packed).to_bytes(4, "big") + size.to_bytes(4, "big") + packed


def beginning(first: int = 1) -> bytes:
    return MAGIC + b"\x01" + first.to_bytes(8, "big") + frame(b"G", GENESIS)


def entry(block: bytes, commit: bytes) -> bytes:
    return len(block).to_bytes(4, "big") + block + len(commit).to_bytes(4, "big") + commit


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "not a recorded chain"),
        (b"SQLite format 3\x00" + bytes(100), "not a recorded chain"),
        (MAGIC + b"\x02" + bytes(100), "format 2; this one reads 1"),
        (MAGIC + b"\x01" + bytes(8) + frame(b"B", entry(b"b", b"c")), "no genesis document"),
        (beginning() + frame(b"X", b"?"), "a frame of unknown kind"),
        (beginning() + frame(b"G", GENESIS), "a frame of unknown kind"),
        (beginning() + frame(b"B", b"\x00\x00\x00\x09short"), "an entry does not fit its frame"),
        (beginning() + frame(b"B", b"\x00\x00"), "an entry does not fit its frame"),
        (beginning() + frame(b"B", entry(b"b", b"c"), 99), "a frame is not as long as it says"),
        (beginning() + frame(b"B", entry(b"b", b"c") * 9, 10), "a frame is not as long as it says"),
        (beginning() + b"B\x00\x00\x00\x04\x00\x00\x00\x09junk", "a frame cannot be unpacked"),
        (beginning() + frame(b"E", bytes(40)), "its checksum does not fit"),
        (beginning() + frame(b"E", bytes(7) + b"\x01" + bytes(32)), "the number of blocks"),
        (beginning() + frame(b"E", b""), "the number of blocks"),
        (beginning() + b"B\x7f\xff\xff\xff\x7f\xff\xff\xff", "a frame of 2147483647 bytes"),
        (beginning() + b"B\x7f\xff\xff\xff\x00\x00\x00\x09", "a frame of 9 bytes"),
        (written(some(2)) + b"\x00", "something follows its end"),
    ],
)
def test_what_is_not_a_recorded_chain_is_refused_by_name(content: bytes, sentence: str) -> None:
    with pytest.raises(ChainFileDamaged, match=sentence):
        read(content)


def test_a_bomb_is_never_unpacked() -> None:
    bomb = zlib.compress(bytes(50_000_000), 9)
    head = b"B" + len(bomb).to_bytes(4, "big") + len(bomb).to_bytes(4, "big")
    tracemalloc.start()
    with pytest.raises(ChainFileDamaged, match="not as long as it says"):
        read(beginning() + head + bomb)
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()
    with pytest.raises(ChainFileDamaged, match="a frame of"):
        read(MAGIC + b"\x01" + bytes(8) + b"G" + b"\x00\x00\x00\x10" + b"\x7f\xff\xff\xff" + bytes(16))


def test_a_writer_refuses_what_no_reader_would_take() -> None:
    writer = ChainFileWriter(io.BytesIO(), GENESIS, 1)
    for block, commit in ((b"", b""), (bytes(MAX_BLOCK_BYTES + 1), b""), (b"b", bytes(MAX_COMMIT_BYTES + 1))):
        with pytest.raises(ValueError, match="a block of"):
            writer.add(block, commit)
    with pytest.raises(ValueError, match="genesis"):
        ChainFileWriter(io.BytesIO(), b"", 1)


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "day.chain"
    write_chain_file(path, GENESIS, 1, [RecordedBlock(1, b"b", b"c")])
    before = path.read_bytes()
    with pytest.raises(StoreError, match="block 3 was given where block 2 belongs"):
        write_chain_file(path, GENESIS, 1, [RecordedBlock(1, b"b", b"c"), RecordedBlock(3, b"b", b"c")])
    assert [each.name for each in tmp_path.iterdir()] == ["day.chain"]
    assert path.read_bytes() == before


def test_a_file_that_cannot_be_opened_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be read"), open_chain_file(tmp_path / "none.chain"):
        pass
    with pytest.raises(StoreError, match="cannot be written"):
        write_chain_file(tmp_path / "nowhere" / "x.chain", GENESIS, 1, [])


def test_the_end_is_announced_before_it_is_read_and_nothing_is_believed_of_it() -> None:
    content = written(some(5), first=7)
    reader = ChainFileReader(io.BytesIO(content))
    assert reader.announced_height() == 11
    assert [each.height for each in reader.blocks()] == [7, 8, 9, 10, 11]
    for wrong in (content[:-30], content[:-3] + b"xyz"):
        damaged = ChainFileReader(io.BytesIO(wrong))
        assert damaged.announced_height() in (0, 11)
        with pytest.raises(ChainFileDamaged):
            list(damaged.blocks())
