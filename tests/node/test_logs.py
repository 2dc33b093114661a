"""The node's log in its home: JSON lines that rotate, and never the node's undoing."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from chainpos.node import logs


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield
    for handler in root.handlers:
        if handler not in before:
            handler.close()
    root.handlers[:] = before
    root.setLevel(level)


def test_a_line_is_one_json_object_whatever_a_stranger_wrote(tmp_path: Path) -> None:
    logs.start_logging(tmp_path / "log" / "node.jsonl")
    logging.getLogger("chainpos.test").warning("a peer says %s", "\x1b[2J\n{}")
    (line,) = (tmp_path / "log" / "node.jsonl").read_text(encoding="utf-8").splitlines()
    told = json.loads(line)
    assert (told["level"], told["from"], told["what"]) == ("warning", "chainpos.test", "a peer says \x1b[2J\n{}")
    assert "\x1b" not in line


def test_the_files_rotate_and_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "FILE_BYTES", 2_000)
    logs.start_logging(tmp_path / "log" / "node.jsonl")
    for number in range(200):
        logging.getLogger("chainpos.test").info("line %d", number)
    files = sorted((tmp_path / "log").iterdir())
    assert len(files) == logs.FILES_KEPT + 1
    assert all(file.stat().st_size <= 2_000 for file in files)


def test_a_log_that_cannot_be_written_silences_the_file_and_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "node.jsonl").mkdir()
    logs.start_logging(tmp_path / "log" / "node.jsonl")
    logging.getLogger("chainpos.test").error("still said")
    assert '"still said"' in capsys.readouterr().err
