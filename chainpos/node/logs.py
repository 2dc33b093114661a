"""A node's log: one JSON object a line, to stderr.

It refuses nothing; keys and other secrets are never handed to it.
"""

from __future__ import annotations

import json
import logging
import sys
from typing import Final

from chainpos.core.values.timestamps import format_rfc3339

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


def log_to_stderr(level: int = logging.INFO) -> None:
    """Send the log of all of chainpos there. Other libraries only speak up about errors."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.ERROR, handlers=[handler], force=True)
    logging.getLogger("chainpos").setLevel(level)
