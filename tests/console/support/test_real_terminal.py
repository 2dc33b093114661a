"""A support case in a real terminal, from the question to the evidence: tmux types the keys and shows the screen."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chainpos.inspect.source import StoreSource
from chainpos.node.home import Home
from tests.console.test_real_terminal import NUMBERS, Tmux

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed: no real terminal to try"),
]


@pytest.fixture
def home(tmp_path: Path, day: StoreSource, day_database: Path) -> Path:
    """A node's folder with the sample day's chain in it."""
    home = Home(tmp_path / "node")
    home.database.parent.mkdir(parents=True)
    for file in day_database.parent.glob("chain.db*"):
        shutil.copy(file, home.database.parent / file.name)
    home.genesis.parent.mkdir(parents=True, exist_ok=True)
    home.genesis.write_bytes(day.genesis_json())
    return home.folder


@pytest.fixture
def tmux() -> Iterator[Tmux]:
    tmux = Tmux(f"chainpos-test-{os.getpid()}-{next(NUMBERS)}", 80, 24)
    yield tmux
    subprocess.run(["tmux", "-L", tmux.name, "kill-server"], check=False, capture_output=True)


def test_paid_twice_is_answered_and_handed_over_in_a_real_terminal(home: Path, tmux: Tmux, tmp_path: Path) -> None:
    console = f"'{sys.executable}' -m chainpos inspect console"
    tmux.start(f"{console} --home '{home}'", CHAINPOS_CONFIG=str(tmp_path / "conf"))
    tmux.until("READ-ONLY", "height 1,200")
    tmux.run("send-keys", "-l", "XM13-00180")
    tmux.press("Enter")
    tmux.until("accepted", "refused 507", "REJECTED")
    tmux.press("Down", "s")
    tmux.until("507 already_paid", "contracts/payments/rules.py", "step ")
    tmux.press("x")
    tmux.until("DID MONEY MOVE?", "No. A refused transaction moves no money.", "发生了什么")
    tmux.press("Escape")
    tmux.until("step ")
    tmux.press("t")
    tmux.until("requested", "PAID", "cleared", "REFUSED")
    tmux.press("e")
    tmux.until("Write a case file")
    tmux.until("case-")
    tmux.press("C-u")
    for _ in range(300):
        if "case-" not in tmux.text():
            break
        time.sleep(0.1)
    file = tmp_path / "twice.zip"
    tmux.run("send-keys", "-l", str(file))
    tmux.until("twice.zip")
    tmux.press("Enter")
    tmux.until("Wrote", "SHA-256")
    assert file.exists()
    tmux.press("C-q")
    tmux.until("ENDED 0")
    # Another machine, which has the genesis and nothing else.
    (tmp_path / "genesis.json").write_bytes(Home(home).genesis.read_bytes())
    elsewhere = Tmux(f"{tmux.name}-elsewhere", 80, 24)
    try:
        elsewhere.start(
            f"{console} --case '{file}' --genesis '{tmp_path / 'genesis.json'}'",
            CHAINPOS_CONFIG=str(tmp_path / "conf"),
        )
        elsewhere.until("Verified: every check holds", "Timeline", "XM13-00180")
    finally:
        subprocess.run(["tmux", "-L", elsewhere.name, "kill-server"], check=False, capture_output=True)
