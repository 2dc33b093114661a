"""Snapshots are taken beside the blocks: of their very height, of the same bytes everywhere, and in nobody's way."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from chainpos.core.state.snapshots import cut, manifest_of
from chainpos.engine.cometbft import messages as abci
from chainpos.errors import StoreError
from chainpos.store.application import ApplicationReader
from chainpos.store.snapshots import Snapshots
from tests.engine.cometbft.conftest import Bench
from tests.node.conftest import issue_tx

PATIENCE_S = 30.0


def issue(bench: Bench, number: int) -> bytes:
    return issue_tx(number, now_s=bench.clock.now_s)


def heights(bench: Bench) -> list[int]:
    return [each.height for each in bench.application.answer(abci.ListSnapshotsRequest()).snapshots]


def test_a_snapshot_is_of_its_height_though_blocks_come_while_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, go_on = Bench(tmp_path, snapshot_every=2), threading.Event()
    usual = ApplicationReader.load_records

    def load(reader: ApplicationReader) -> dict[bytes, bytes]:
        assert go_on.wait(PATIENCE_S)
        return usual(reader)

    monkeypatch.setattr(ApplicationReader, "load_records", load)
    bench.block(issue(bench, 1))
    bench.block(issue(bench, 2))
    with ApplicationReader.open(bench.database) as reader:
        records = usual(reader)
    bench.block(issue(bench, 3))
    assert heights(bench) == []
    go_on.set()
    bench.reopen()
    found = bench.application.answer(abci.ListSnapshotsRequest()).snapshots
    assert [(each.height, each.metadata) for each in found] == [(2, manifest_of(cut(records), 1).encode())]
    chunks = [bench.application.answer(abci.LoadChunkRequest(2, 1, at)).chunk for at in range(found[0].chunks)]
    assert chunks == cut(records)
    bench.application.close()


def test_none_is_left_out_however_fast_blocks_come(tmp_path: Path) -> None:
    bench = Bench(tmp_path, snapshot_every=1)
    for number in range(5):
        bench.block(issue(bench, number))
        assert heights(bench)[:1] in ([], [bench.height], [bench.height - 1])
    bench.reopen()
    assert heights(bench) == [5, 4]
    bench.application.close()


@pytest.mark.parametrize("where", ["held", "load_records"])
def test_a_database_that_cannot_be_read_costs_a_snapshot_and_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, where: str
) -> None:
    usual = ApplicationReader.load_records

    def failing(reader: ApplicationReader) -> object:
        if where == "load_records" and threading.current_thread() is threading.main_thread():
            # An application that opens.
            return usual(reader)
        raise StoreError("the disk failed")

    bench = Bench(tmp_path, snapshot_every=1)
    with monkeypatch.context() as patch:
        patch.setattr(ApplicationReader, where, failing)
        bench.block()
        bench.reopen()
    bench.block()
    bench.reopen()
    assert heights(bench) == [2]
    assert "the disk failed" in caplog.text
    bench.application.close()


def test_our_own_bug_while_one_is_written_is_not_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    bench = Bench(tmp_path, snapshot_every=1)
    with monkeypatch.context() as patch:
        patch.setattr(Snapshots, "write", broken)
        bench.block()
        # CometBFT halts with it.
        with pytest.raises(ZeroDivisionError):
            bench.block()
        bench.application.close()
    with ApplicationReader.open(bench.database) as reader:
        assert reader.point().height == 2


def test_what_was_left_half_written_is_cleared_away(tmp_path: Path) -> None:
    bench = Bench(tmp_path, snapshot_every=1)
    left = tmp_path / "snapshots" / ".7"
    left.mkdir(parents=True)
    (left / "0.chunk").write_bytes(b"half")
    bench.block()
    bench.reopen()
    assert heights(bench) == [1]
    assert not left.exists()
    bench.application.close()
