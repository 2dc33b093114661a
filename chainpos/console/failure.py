"""What is left behind when the console itself fails: where it was, and nothing of what it held.

It writes no values, no messages of exceptions and no environment: any of them may be a PIN, a key or a name.
"""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Final

import chainpos
from chainpos.core.values.timestamps import SECOND_NS, format_rfc3339

FOLDER: Final = "reports"
KEPT: Final = 20


def report_of(error: BaseException, now_ns: int) -> str:
    """Kinds of error and places in the code, the cause first; no values."""
    lines = [f"chainpos {chainpos.__version__} console", format_rfc3339(now_ns), ""]
    chain: list[BaseException] = []
    each: BaseException | None = error
    while each is not None and len(chain) < 10 and each not in chain:
        chain.append(each)
        each = each.__cause__ or each.__context__ or _inside(each)
    for failure in reversed(chain):
        for frame, line in traceback.walk_tb(failure.__traceback__):
            code = frame.f_code
            parts = Path(code.co_filename).parts
            lines.append(f"  {'/'.join(parts[-3:])}:{line} in {code.co_name}")
        lines += [f"{type(failure).__module__}.{type(failure).__qualname__}", ""]
    return "\n".join(lines)


def _inside(error: BaseException) -> BaseException | None:
    """What a background task died of, where Textual raises its own error in the place of it."""
    inside = getattr(error, "error", None)
    return inside if isinstance(inside, BaseException) else None


def write_report(folder: Path, error: BaseException, now_ns: int) -> Path | None:
    """Write the report, mode 0600, and say where; None if the disk refuses. The oldest beyond KEPT are removed."""
    reports = folder / FOLDER
    path = reports / f"console-{now_ns // SECOND_NS}.txt"
    try:
        reports.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(report_of(error, now_ns), encoding="utf-8")
        for old in sorted(reports.glob("console-*.txt"))[:-KEPT]:
            old.unlink(missing_ok=True)
    except OSError:
        return None
    return path
