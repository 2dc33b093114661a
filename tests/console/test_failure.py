"""When the console itself fails: a report without secrets, and no values on the terminal (ux 23, first form)."""

from __future__ import annotations

import stat
from pathlib import Path

from textual.worker import WorkerFailed

from chainpos.console.failure import KEPT, report_of, write_report
from tests.console.prepared_figures import NOON_NS
from tests.console.prepared_till import PIN


def failing(secret: str) -> Exception:
    try:
        int(secret + "x")
    except ValueError as error:
        wrapped = RuntimeError(f"could not use {secret}")
        wrapped.__cause__ = error
        return wrapped
    return Exception()


def test_a_report_names_kinds_and_places_and_no_values() -> None:
    report = report_of(failing(PIN), NOON_NS)
    assert PIN not in report
    assert "builtins.RuntimeError" in report
    assert "builtins.ValueError" in report
    assert "console/test_failure.py" in report
    assert "in failing" in report


def test_a_report_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = write_report(tmp_path, failing(PIN), NOON_NS)
    assert path is not None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_old_reports_do_not_pile_up(tmp_path: Path) -> None:
    for second in range(KEPT + 5):
        write_report(tmp_path, failing(PIN), NOON_NS + second * 1_000_000_000)
    assert len(list((tmp_path / "reports").iterdir())) == KEPT


def test_a_full_disk_does_not_hide_the_failure(tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("in the way", encoding="utf-8")
    assert write_report(tmp_path, failing(PIN), NOON_NS) is None


def test_what_a_background_task_died_of_is_named_with_its_place() -> None:
    told = report_of(WorkerFailed(failing(PIN)), NOON_NS)
    assert "test_failure.py" in told
    assert told.index("ValueError") < told.index("textual.worker.WorkerFailed")
    assert PIN not in told
