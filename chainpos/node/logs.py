"""A node's log: one JSON object a line, to stderr and to a few files of bounded size in the node's home.

It refuses nothing; keys and other secrets are never handed to it. A full disk silences the files, never the node.
"""

from __future__ import annotations

import json
import logging
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final

from chainpos.core.values.timestamps import format_rfc3339

FILE_BYTES: Final = 2_000_000
FILES_KEPT: Final = 4
_SECOND_NS: Final = 1_000_000_000


class JsonLines(logging.Formatter):
    """time, level, where from, what; JSON escapes whatever control characters a stranger's words may hold."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        line = {
            "time": format_rfc3339(int(record.created * _SECOND_NS)),
            "level": record.levelname.lower(),
            "from": record.name,
            "what": record.getMessage(),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=True)


class QuietFiles(RotatingFileHandler):
    """Log files whose trouble is nobody else's: what cannot be written is still on stderr."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (the library's name)
        """Say nothing: the disk may be full, which the node says itself."""


def start_logging(file: Path | None = None, level: int = logging.INFO) -> None:
    """Send the log of all of chainpos to stderr and to `file`. Other libraries only speak up about errors."""
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if file is not None:
        file.parent.mkdir(mode=0o700, exist_ok=True)
        handlers.append(QuietFiles(file, maxBytes=FILE_BYTES, backupCount=FILES_KEPT, encoding="utf-8", delay=True))
    for handler in handlers:
        handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.ERROR, handlers=handlers, force=True)
    logging.getLogger("chainpos").setLevel(level)
