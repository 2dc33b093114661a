"""Long work tells of itself on a terminal: where it is, its rate, its end; elsewhere nothing."""

from __future__ import annotations

import json
import os
import sys
from itertools import count
from types import SimpleNamespace

import pytest

from chainpos.cli.main import main
from chainpos.cli.pace import EVERY_S, Pace, duration


@pytest.fixture
def every_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock on which one second goes by between two looks at it."""
    seconds = count()
    monkeypatch.setattr("chainpos.cli.pace.time", SimpleNamespace(monotonic=lambda: float(next(seconds))))


def replay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["chainpos", "replay", "--to", "20", "--json"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code


def test_ux26_long_work_shows_where_it_is_its_rate_and_its_end_on_a_terminal(
    every_block: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    replay(monkeypatch)
    told = capsys.readouterr()
    assert "\r\x1b[2K[#####-----]  50 % height 10 of 20, 10 s to go, 1 blocks/s" in told.err
    assert "height" in told.out
    assert "blocks/s" not in told.out


def test_ux26_without_a_terminal_nothing_is_told_of_the_way(
    every_block: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    replay(monkeypatch)
    told = capsys.readouterr()
    assert told.err == ""
    assert json.loads(told.out)["height"] == 20


def test_ux26_what_is_soon_over_says_nothing_of_the_way(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr("chainpos.cli.pace.time", SimpleNamespace(monotonic=lambda: 7.0))
    pace = Pace()
    for height in range(1_000):
        pace.tell(height, 1_000)
    assert capsys.readouterr().err == ""


def test_ux26_each_stage_counts_anew_and_is_named_when_it_begins(
    every_block: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    pace = Pace("fetched chunk", "chunks")
    pace.tell(1, 2)
    pace.stage("storing records", "records")
    pace.stage("storing records", "records")
    pace.tell(100, 400)
    lines = capsys.readouterr().err.split("\r\x1b[2K")[1:]
    assert lines == [
        "[#####-----]  50 % fetched chunk 1 of 2, 1 s to go, 1 chunks/s",
        "storing records …",
        "[##--------]  25 % storing records 100 of 400, 5 min 00 s to go, 1 records/s",
    ]


def test_ux26_a_line_never_leaves_its_row(
    every_block: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr("shutil.get_terminal_size", lambda: os.terminal_size((40, 24)))
    Pace("reading the records at block").tell(12_345_678, 23_456_789)
    assert len(capsys.readouterr().err.removeprefix("\r\x1b[2K")) == 39


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (59.4, "59 s"), (60, "1 min 00 s"), (3_599, "59 min 59 s"), (7_380, "2 h 03 min")],
)
def test_ux26_a_time_to_wait_is_said_as_people_say_it(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_ux26_an_end_that_nobody_knows_is_not_made_up(
    every_block: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    told = Pace("block")
    told.tell(1_000)
    told.tell(1_001)
    assert capsys.readouterr().err.endswith("block 1,001, 1 blocks/s")


def test_ux26_a_terminal_is_told_a_few_times_a_second_and_not_of_every_block(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    milliseconds = count()
    monkeypatch.setattr("chainpos.cli.pace.time", SimpleNamespace(monotonic=lambda: next(milliseconds) / 1_000))
    told = Pace()
    for height in range(1_000):
        told.tell(height, 1_000)
    lines = capsys.readouterr().err.split("\r\x1b[2K")[1:]
    assert 3 <= len(lines) <= 1 / EVERY_S
