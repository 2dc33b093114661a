"""Reading a node's log as it grows: rotated files, half lines, lines that are none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chainpos.inspect import node_log
from chainpos.inspect.node_log import NodeLog, log_line


def line(what: str, level: str = "info") -> str:
    told = {"time": "2026-03-02T09:00:00Z", "level": level, "from": "chainpos.sync.loop", "what": what}
    return json.dumps(told) + "\n"


def said(log: NodeLog, least: str = "debug", words: str = "") -> list[str]:
    return [each.what for each in log.matching(least, words)]


def test_rotated_files_come_first_and_what_is_written_later_is_taken_in_once(tmp_path: Path) -> None:
    path = tmp_path / "node.jsonl"
    (tmp_path / "node.jsonl.2").write_text(line("oldest"), encoding="utf-8")
    (tmp_path / "node.jsonl.1").write_text(line("older"), encoding="utf-8")
    path.write_text(line("new") + line("half")[:20], encoding="utf-8")
    log = NodeLog(path)
    assert said(log) == ["new", "older", "oldest"]
    with path.open("a", encoding="utf-8") as file:
        file.write(line("half")[20:])
    assert said(log) == ["half", "new", "older", "oldest"]
    assert log.matching("debug", "") is log.matching("debug", ""), "nothing came: the same answer"
    path.replace(tmp_path / "node.jsonl.1")
    path.write_text(line("after rotation"), encoding="utf-8")
    assert said(log)[:2] == ["after rotation", "half"]
    log.close()


def test_lines_are_found_by_level_and_all_words(tmp_path: Path) -> None:
    path = tmp_path / "node.jsonl"
    path.write_text(line("a b") + line("B c", "warning") + line("b", "error"), encoding="utf-8")
    log = NodeLog(path)
    assert said(log, "warning") == ["b", "B c"]
    assert said(log, words="b SYNC") == ["b", "B c", "a b"]
    assert said(log, "info", "c warning") == ["B c"]
    log.close()


def test_a_log_that_is_not_there_yet_is_empty_until_it_is(tmp_path: Path) -> None:
    log = NodeLog(tmp_path / "log" / "node.jsonl")
    assert said(log) == []
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "node.jsonl").write_text(line("begun"), encoding="utf-8")
    assert said(log) == ["begun"]
    log.close()


@pytest.mark.parametrize("raw", [b"Traceback (most recent call last):", b'{"time": 1}', b"\xff\x1b[2J", b"[" * 50_000])
def test_what_is_no_log_line_is_shown_as_it_is_and_cleaned(raw: bytes) -> None:
    found = log_line(raw)
    assert (found.time_ns, found.level) == (0, "error")
    assert "\x1b" not in found.what
    assert len(found.what) <= node_log.MAX_SHOWN


def test_only_so_many_lines_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_log, "MAX_LINES", 10)
    path = tmp_path / "node.jsonl"
    path.write_text("".join(line(f"{number}") for number in range(50)), encoding="utf-8")
    log = NodeLog(path)
    assert len(said(log)) == 10
    log.close()
