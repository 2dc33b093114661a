"""The wallet's history: written before sending, whole after a power cut, the first ending stands."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from chainpos.errors import UserFacingError
from chainpos.wallet.history import Entry, History


def _entry(number: int) -> Entry:
    return Entry(
        tx_hash=f"{number:064x}",
        wire="00",
        at_ns=number,
        expires_s=9,
        request_id="11",
        merchant="tea-house",
        name="茶馆",
        reference=f"r{number}",
        amount_minor=1250,
        tip_minor=0,
        currency="CNY",
    )


def test_what_was_sent_and_how_it_ended_is_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    history = History(path)
    for number in (1, 2, 3):
        history.add(_entry(number))
    history.end(_entry(1).tx_hash, "paid", height=7)
    history.end(_entry(1).tx_hash, "refused", height=8, code=5)
    history.end(_entry(2).tx_hash, "refused", height=8, code=501)
    again = History(path)
    assert again.entries() == history.entries()
    assert [(entry.reference, entry.state, entry.height, entry.code) for entry in again.entries()] == [
        ("r3", "sent", 0, 0),
        ("r2", "refused", 8, 501),
        ("r1", "paid", 7, 0),
    ]
    assert [entry.reference for entry in again.unknown()] == ["r3"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_line_that_was_cut_short_is_left_out_and_written_after(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    history = History(path)
    history.add(_entry(1))
    whole = path.stat().st_size
    history.add(_entry(2))
    content = path.read_bytes()
    for cut in range(whole, len(content)):
        path.write_bytes(content[:cut])
        again = History(path)
        assert [entry.reference for entry in again.entries()] == ["r1"]
        again.add(_entry(3))
        assert [entry.reference for entry in History(path).entries()] == ["r3", "r1"]


@pytest.mark.parametrize("line", [b"{}", b"nonsense", b'{"tx_hash":"ff","state":"paid","height":1,"code":0}', b"\xff"])
def test_a_damaged_history_is_refused(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "history.jsonl"
    History(path).add(_entry(1))
    path.write_bytes(path.read_bytes() + line + b"\n")
    with pytest.raises(UserFacingError, match="line 2"):
        History(path)
