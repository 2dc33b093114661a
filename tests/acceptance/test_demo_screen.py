"""`chainpos demo` as a person meets it: a real terminal of 80 by 24, a code on the screen, a wallet in another one."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import psutil
import pytest

from chainpos.pilot.network import PilotFolder
from tests.acceptance.conftest import Shell, require_whole_and_alike, wait_until
from tests.console.test_code_decodes import THEMES, read_any
from tests.console.test_real_terminal import Tmux
from tests.terminal_picture import picture

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed: no real terminal to try")

KEY_GAP_S = 0.12  # a person's; a scanner is quicker
NUMBERS = count()
Open = Callable[..., "Demo"]


class Demo(Tmux):
    """`chainpos demo` in a terminal."""

    def demo_process(self) -> psutil.Process:
        """The program itself, below the terminal's shell."""
        pane = int(self.run("display-message", "-p", "#{pane_pid}").strip())
        for process in psutil.Process(pane).children(recursive=True):
            if "demo" in process.cmdline():
                return process
        raise AssertionError("no demo runs")

    def key(self, *keys: str) -> None:
        """Press keys as a person does."""
        for each in keys:
            self.press(each)
            time.sleep(KEY_GAP_S)

    def link(self) -> str:
        """What the code on the screen says, as a customer's phone reads it."""
        until_s = time.monotonic() + 20
        while True:
            said = read_any(picture(self.ansi(), self.columns, self.rows))
            if said:
                return said
            # A picture may have been taken while the screen was being painted.
            assert time.monotonic() < until_s, self.text()
            time.sleep(0.2)


@pytest.fixture
def open_demo(shell: Shell) -> Iterator[Open]:
    opened: list[Demo] = []

    def begin(*options: str, **environ: str) -> Demo:
        demo = Demo(f"chainpos-demo-{os.getpid()}-{next(NUMBERS)}", 80, 24)
        opened.append(demo)
        own = {name: shell.environment[name] for name in ("HOME", "TMPDIR", "CHAINPOS_CONFIG")}
        demo.start(f"'{sys.executable}' -m chainpos demo {' '.join(options)}", **own, **environ)
        return demo

    yield begin
    for demo in opened:
        subprocess.run(["tmux", "-L", demo.name, "kill-server"], check=False, capture_output=True)
    wait_until(lambda: not _of(shell))


def _of(shell: Shell) -> list[psutil.Process]:
    """Processes of a shell's demos that still run."""
    found = []
    for process in psutil.process_iter(["cmdline", "environ"]):
        if (process.info["environ"] or {}).get("TMPDIR") == shell.environment["TMPDIR"]:
            found.append(process)
    return [process for process in found if process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.slow
def test_the_code_decodes_in_every_theme_and_is_paid_by_a_wallet_in_another_terminal(
    open_demo: Open, shell: Shell
) -> None:
    demo = open_demo("--no-customers", COLORTERM="truecolor")
    demo.until("READY", "ONLINE")
    demo.key("1", "2", "5", "0", "Enter")
    demo.until("WAITING")
    links = {demo.link()}
    for _ in THEMES[1:]:
        before = demo.ansi()
        demo.key("F9")
        wait_until(lambda before=before: demo.ansi() != before)  # type: ignore[misc]
        links.add(demo.link())
    assert len(links) == 1
    link = links.pop()
    refused = shell.run("wallet", "pay", link, "--json")
    assert refused.code == 2
    assert "terminal to ask on" in refused.err
    assert "✓ PAID" not in demo.text()
    paid = shell.run("wallet", "pay", link, "--yes", "--json")
    assert paid.code == 0
    assert "play money" in paid.err
    assert "Camphor Lane Bakery" in paid.err
    assert paid.json["state"] == "paid"
    assert paid.json["amount_minor"] == 1250
    demo.until("✓ PAID")
    again = shell.run("wallet", "pay", link, "--yes", "--json")
    assert (again.code, again.out) == (1, "")
    assert "paid already" in again.err
    history = shell.run("wallet", "history", "--json").json
    assert [(each["state"], each["amount_minor"]) for each in history["payments"]] == [("paid", 1250)]
    running = demo.demo_process().children(recursive=True)
    assert len(running) >= 4
    demo.key("C-q")
    demo.until("ENDED 0")
    wait_until(lambda: not any(process.is_running() for process in running))
    assert list(shell.temporary.glob("chainpos-demo*")) == []
    assert "no wallet" in shell.run("wallet", "show").err


@pytest.mark.slow
def test_a_named_folder_resumes_with_its_sales_and_its_heights(open_demo: Open, shell: Shell, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    demo = open_demo("--no-customers", f"--folder '{folder}'", COLORTERM="truecolor")
    demo.until("READY", "ONLINE")
    demo.key("7", "7", "0", "0", "Enter")
    demo.until("WAITING")
    assert shell.run("wallet", "pay", demo.link(), "--yes").code == 0
    demo.until("✓ PAID")
    time.sleep(0.5)
    demo.key("C-q")
    demo.until("ENDED 0")
    before = require_whole_and_alike(PilotFolder(folder))
    again = open_demo("--no-customers", f"--folder '{folder}'", COLORTERM="truecolor")
    again.until("READY", "ONLINE", "77.00")
    again.key("1", "Enter")
    again.until("WAITING")
    assert shell.run("wallet", "pay", again.link(), "--yes").code == 0
    again.until("✓ PAID")
    again.key("C-q")
    again.until("ENDED 0")
    after = require_whole_and_alike(PilotFolder(folder))
    assert after.height > before.height
    assert set(before.codes) < set(after.codes)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_demo_in_good_order(open_demo: Open, shell: Shell, number: int) -> None:
    demo = open_demo("--no-customers")
    demo.until("READY", "ONLINE")
    process = demo.demo_process()
    running = process.children(recursive=True)
    process.send_signal(number)
    demo.until(f"ENDED {128 + number}")
    wait_until(lambda: not any(each.is_running() for each in running))
    assert list(shell.temporary.glob("chainpos-demo*")) == []
    demo.until("\necho\n")  # the terminal echoes again: it was given back as it was


@pytest.mark.slow
def test_a_terminal_that_is_closed_takes_the_demo_with_it(open_demo: Open, shell: Shell) -> None:
    demo = open_demo("--no-customers")
    demo.until("READY", "ONLINE")
    demo.run("kill-server")
    wait_until(lambda: not _of(shell))
    assert list(shell.temporary.glob("chainpos-demo*")) == []


@pytest.mark.slow
@pytest.mark.parametrize("hangs", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_without_its_validator_the_screen_says_offline_and_paid_only_when_it_is_back(
    open_demo: Open, shell: Shell, hangs: bool
) -> None:
    demo = open_demo("--no-customers", COLORTERM="truecolor")
    demo.until("READY", "ONLINE")
    demo.key("1", "2", "5", "0", "Enter")
    demo.until("WAITING")
    link = demo.link()
    (folder,) = (each for each in shell.temporary.glob("chainpos-demo-*") if each.is_dir())
    validator = next(each for each in demo.demo_process().children() if each.cmdline()[-1].endswith("/validator"))
    if hangs:
        validator.suspend()
    else:
        validator.terminate()
    began_s = time.monotonic()
    # The city's offices make blocks too: which height was the last is not known before.
    demo.until("OFFLINE", "known height")
    print(f"OFFLINE on the screen after {time.monotonic() - began_s:.1f} s")
    paying = shell.start("wallet", "pay", link, "--yes", "--json")
    until_s = time.monotonic() + 4
    while time.monotonic() < until_s:
        shown = demo.text().split("LAST SALES", maxsplit=1)[0]
        assert "OFFLINE" in shown
        assert "✓ PAID" not in shown
        time.sleep(0.2)
    if hangs:
        validator.resume()
    else:
        again = shell.start("node", "start", "--home", folder / "validator")
    demo.until("✓ PAID", "ONLINE")
    out, _ = paying.communicate(timeout=180)
    assert paying.returncode in (0, 3), out
    demo.key("C-q")
    demo.until("ENDED 0")
    if not hangs:
        again.terminate()
        assert again.wait(20) == 0


@pytest.mark.slow
def test_a_tiny_terminal_and_one_without_a_name_are_lived_with(open_demo: Open) -> None:
    demo = open_demo("--no-customers", TERM="")
    demo.until("READY", "ONLINE")
    demo.run("resize-window", "-x", "24", "-y", "6")
    time.sleep(0.5)
    demo.run("resize-window", "-x", "80", "-y", "24")
    demo.until("READY", "ONLINE")
    demo.key("C-q")
    demo.until("ENDED 0")
