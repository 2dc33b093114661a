"""A node's log as it grows: the files of its home read once, then what came since. Every line is cleaned.

It refuses nothing: what is no log line is shown as it is, as it may be what went wrong. It keeps a bounded number.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from chainpos.core.values.text import clean
from chainpos.core.values.timestamps import parse_rfc3339
from chainpos.inspect.operating_views import LogLine

MAX_LINES: Final = 100_000
MAX_LINE_BYTES: Final = 16_384
MAX_SHOWN: Final = 1_000
LEVELS: Final = ("debug", "info", "warning", "error", "critical")


class _Line(msgspec.Struct):
    time: str
    level: str
    origin: str = msgspec.field(name="from")
    what: str
    trace: str = ""


class NodeLog:
    """The log in `path` and the rotated files `path`.1, .2, … beside it. One thread at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None
        self._beginning = b""
        self._asked = ("", "")
        self._answer: tuple[LogLine, ...] = ()
        self.lines: deque[LogLine] = deque(maxlen=MAX_LINES)

    def read(self) -> int:
        """Take in what was written since the last time; how many lines came."""
        came = 0
        if self._file is None:
            for older in self._rotated():
                came += self._take(older.read_bytes())
            self._file = self._opened()
        while self._file is not None:
            came += self._take(self._beginning + self._file.read(), whole=False)
            if not self._was_rotated(self._file):
                break
            # The rest of the old file has been read; a new one has its name.
            self.close()
            self._file = self._opened()
        return came

    def matching(self, least: str, words: str) -> tuple[LogLine, ...]:
        """What `matching` finds, after a look for new lines; the very same answer where nothing is different."""
        if self.read() or self._asked != (least, words):
            self._asked, self._answer = (least, words), matching(self.lines, least, words)
        return self._answer

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _rotated(self) -> list[Path]:
        """Oldest first."""
        numbered = [(each.suffix[1:], each) for each in self._path.parent.glob(f"{self._path.name}.*")]
        return [each for _, each in sorted(((int(n), each) for n, each in numbered if n.isdecimal()), reverse=True)]

    def _opened(self) -> BinaryIO | None:
        try:
            return self._path.open("rb")
        except OSError:
            return None

    def _was_rotated(self, file: BinaryIO) -> bool:
        try:
            here = self._path.stat()
        except OSError:
            return False
        there = os.fstat(file.fileno())
        return (here.st_ino, here.st_dev) != (there.st_ino, there.st_dev)

    def _take(self, data: bytes, *, whole: bool = True) -> int:
        *lines, rest = data.split(b"\n")
        if whole and rest:
            lines.append(rest)
        self._beginning = b"" if whole else rest[-MAX_LINE_BYTES:]
        taken = [log_line(line) for line in lines[-MAX_LINES:] if line.strip()]
        self.lines.extend(taken)
        return len(taken)


def matching(lines: Iterable[LogLine], least: str, words: str) -> tuple[LogLine, ...]:
    """The lines of a level or a graver one that have all the words somewhere, the newest first."""
    graver = frozenset(LEVELS[LEVELS.index(least) :])
    wanted = words.lower().split()
    found = [
        each
        for each in lines
        if each.level in graver
        and (not wanted or all(word in f"{each.level} {each.origin} {each.what}".lower() for word in wanted))
    ]
    found.reverse()
    return tuple(found)


def log_line(line: bytes) -> LogLine:
    """One line of a log file, cleaned; what is none comes back as a line of level "error" without a time."""
    try:
        found = msgspec.json.decode(line[:MAX_LINE_BYTES], type=_Line)
        time_ns = parse_rfc3339(found.time)
    except (msgspec.DecodeError, ValueError):
        return LogLine(0, "error", "", clean(line.decode("utf-8", "replace"), max_characters=MAX_SHOWN))
    level = found.level if found.level in LEVELS else "info"
    what = f"{found.what} {found.trace.rpartition(chr(10))[2]}".strip()
    return LogLine(
        time_ns, level, clean(found.origin.removeprefix("chainpos."), max_characters=40),
        clean(what, max_characters=MAX_SHOWN),
    )  # fmt: skip
