"""`chainpos demo --headless`: the whole way of a payment through real processes, reported as one JSON object."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from chainpos.pilot.network import PilotFolder
from tests.acceptance.conftest import Shell, accounts, require_whole_and_alike, wait_until

ROW = {"reference", "amount_minor", "currency", "height", "seen_ms", "paid_ms", "confirmed_ms"}


@pytest.mark.parametrize("payments", [4, pytest.param(20, marks=pytest.mark.slow)])
def test_payments_are_made_and_reported_in_the_promised_form(shell: Shell, tmp_path: Path, payments: int) -> None:
    folder = tmp_path / "kept"
    told = shell.run("demo", "--headless", "--payments", str(payments), "--json", "--folder", folder)
    assert (told.code, told.err) == (0, "")
    report = told.json
    assert {"payments", "refused", "latency_ms", "nodes", "invariants"} <= set(report)
    assert (report["invariants"], report["refused"]) == ("ok", [])
    rows = report["payments"]
    assert [set(row) for row in rows] == [ROW] * payments
    assert len({row["reference"] for row in rows}) == payments
    for row in rows:
        assert row["currency"] == "CNY"
        assert isinstance(row["amount_minor"], int)
        assert row["height"] > 0
        assert 0 < row["paid_ms"] <= row["confirmed_ms"] < 30_000
        assert row["seen_ms"] is None or 0 < row["seen_ms"] <= row["paid_ms"]
    assert set(report["latency_ms"]) == {"paid_p50", "paid_p99"}
    assert set(report["nodes"]) == {"validator", "peer"}
    assert report["nodes"]["validator"] == report["nodes"]["peer"]
    paths = PilotFolder(folder)
    ledger = require_whole_and_alike(paths)
    assert ledger.height == report["nodes"]["peer"]["height"]
    assert ledger.payments.total() == payments
    received = sum(minor for key, minor in accounts(paths.peer.database).items() if key.startswith(b"merchant/HF01/"))
    fees = sum(minor for key, minor in accounts(paths.peer.database).items() if key.startswith(b"fees/"))
    assert received + fees == sum(row["amount_minor"] for row in rows)
    assert list(shell.temporary.glob("chainpos-demo*")) == []


@pytest.mark.slow
def test_a_run_of_nothing_is_right_and_without_json_it_is_told_in_words(shell: Shell) -> None:
    told = shell.run("demo", "--headless", "--payments", "0")
    assert (told.code, told.err) == (0, "")
    assert told.out.startswith("0 paid, 0 refused.\n")
    assert told.out.endswith("invariants: ok\n")


@pytest.mark.slow
def test_a_named_folder_is_gone_on_with_and_stays_one_counters(shell: Shell, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    reports = [shell.run("demo", "--headless", "--payments", "2", "--json", "--folder", folder).json for _ in range(2)]
    heights = [report["nodes"]["peer"]["height"] for report in reports]
    assert heights[1] > heights[0]
    references = [row["reference"] for report in reports for row in report["payments"]]
    assert len(set(references)) == 4
    other = shell.run("demo", "--headless", "--folder", folder, "--merchant", "HF02")
    assert (other.code, other.out) == (2, "")
    assert "is the counter of HF01" in other.err


@pytest.mark.slow
def test_a_folder_takes_one_pilot_at_a_time_and_a_signal_ends_it_in_good_order(shell: Shell, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    first = shell.start("demo", "--headless", "--payments", "1000", "--json", "--folder", folder)
    wait_until(lambda: _runs(folder))
    wallet = (folder / "wallet" / "wallet.json").read_bytes()
    second = shell.run("demo", "--headless", "--folder", folder)
    assert (second.code, second.out, second.err.count("\n")) == (2, "", 1)
    assert "in use by another process" in second.err
    assert (folder / "wallet" / "wallet.json").read_bytes() == wallet
    assert _ended(first, signal.SIGTERM) == 128 + signal.SIGTERM
    require_whole_and_alike(PilotFolder(folder))


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_signal_leaves_no_temporary_folder_behind(shell: Shell, number: int) -> None:
    process = shell.start("demo", "--headless", "--payments", "1000", "--json")
    wait_until(lambda: any(_runs(each) for each in shell.temporary.glob("chainpos-demo-*")))
    assert _ended(process, number) == 128 + number
    assert list(shell.temporary.glob("chainpos-demo*")) == []


def _ended(process: subprocess.Popen[str], number: int) -> int:
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(number)
    out, err = process.communicate(timeout=90)
    assert (out, "Traceback" in err) == ("", False)
    assert children
    assert [child.cmdline() for child in children if child.is_running()] == []
    return process.returncode


def _runs(folder: Path) -> bool:
    """Whether the pilot's citizens, who come last, are there."""
    return (folder / "logs" / "citizens.log").exists()
