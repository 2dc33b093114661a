"""Long work tells of itself on a terminal: where it is, its rate, its end; elsewhere nothing."""

from __future__ import annotations

import sys
from itertools import count
from types import SimpleNamespace

import pytest

from chainpos.cli.main import main
from chainpos.cli.pace import Pace


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
    assert "\r\x1b[2Kheight 10 of 20, 10 s to go, 1 blocks/s" in told.err
    assert "height" in told.out
    assert "blocks/s" not in told.out


def test_ux26_without_a_terminal_nothing_is_told_of_the_way(
    every_block: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    replay(monkeypatch)
    assert capsys.readouterr().err == ""


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
    monkeypatch.setattr("chainpos.cli.pace.time", SimpleNamespace(monotonic=lambda: 7.0))
    told = Pace()
    for height in range(1_000):
        told.tell(height, 1_000)
    assert capsys.readouterr().err == ""
