"""The console in a real terminal: tmux types the keys and shows the screen (ux 1, 3, 5, 7, 20, 23)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.console.test_code_decodes import THEMES, read_by_both
from tests.terminal_picture import ansi_of_capture, picture

ROOT = Path(__file__).parents[2]
PATIENCE_S = 90.0
# A server that is ending must not be met by the next test.
NUMBERS = count()

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed: no real terminal to try"),
]


class Tmux:
    """One terminal of tmux, with the console in it."""

    def __init__(self, name: str, columns: int, rows: int) -> None:
        self.name, self.columns, self.rows = name, columns, rows

    def run(self, *words: str) -> str:
        # Inside another tmux this one must still be its own.
        environ = {key: value for key, value in os.environ.items() if key not in {"TMUX", "TMUX_PANE"}}
        command = ["tmux", "-L", self.name, "-f", "/dev/null", *words]
        return subprocess.run(command, check=True, capture_output=True, text=True, env=environ, timeout=90).stdout

    def start(self, command: str, **environ: str) -> None:
        sets = " ".join(f"{key}='{value}'" for key, value in {"LC_ALL": "C.UTF-8", "COLORTERM": "", **environ}.items())
        ended = "echo ENDED $?; stty -a | tr ' ' '\\n' | grep -x -e echo -e -echo; sleep 60"
        shell = f"cd '{ROOT}' && env -u NO_COLOR {sets} {command}; {ended}"
        self.run("new-session", "-d", "-x", str(self.columns), "-y", str(self.rows), shell)
        self.run("set", "-g", "status", "off")
        self.run("set", "-ga", "terminal-overrides", ",*:Tc")

    def press(self, *keys: str) -> None:
        self.run("send-keys", *keys)

    def text(self) -> str:
        return self.run("capture-pane", "-p")

    def ansi(self) -> str:
        return ansi_of_capture(self.run("capture-pane", "-e", "-p", "-N"))

    def until(self, *parts: str) -> str:
        """What is shown once it holds all the parts."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            shown = self.text()
            if all(part in shown for part in parts):
                return shown
            if time.monotonic() > deadline:
                pytest.fail(f"waited in vain for {parts}:\n{shown}")
            time.sleep(0.1)


Open = Callable[..., Tmux]


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Open]:
    """Opens the console on a prepared till in a terminal of its own."""
    opened: list[Tmux] = []

    def begin(
        *, size: tuple[int, int] = (80, 24), theme: str = "light", language: str = "en", script: str = "idle",
        **environ: str,
    ) -> Tmux:  # fmt: skip
        tmux = Tmux(f"chainpos-test-{os.getpid()}-{next(NUMBERS)}", *size)
        opened.append(tmux)
        tmux.start(
            f"'{sys.executable}' -m tests.console.on_prepared_till --folder '{tmp_path}' --theme {theme}"
            f" --language {language} --script {script}",
            **environ,
        )
        tmux.until("1,234")
        return tmux

    yield begin
    for tmux in opened:
        subprocess.run(["tmux", "-L", tmux.name, "kill-server"], check=False, capture_output=True)


def link_on(tmux: Tmux) -> str:
    """The address in letters beside the code, put together from its rows."""
    rows = [row[2:41].strip() for row in tmux.text().splitlines()]
    start = next(index for index, row in enumerate(rows) if row.startswith("HTTP://"))
    return rows[start] + rows[start + 1]


@pytest.mark.parametrize("theme", THEMES)
def test_ux3_a_real_terminal_shows_a_code_that_decodes_in_every_theme(terminal: Open, theme: str) -> None:
    tmux = terminal(theme=theme, COLORTERM="truecolor")
    tmux.press("1", "2", "5", "0", "Enter")
    tmux.until("WAITING")
    assert read_by_both(picture(tmux.ansi(), 80, 24)) == {link_on(tmux)}


@pytest.mark.parametrize(
    "environ",
    [{"TERM": "xterm-256color"}, {"TERM": "xterm"}, {"TERM": "linux"}, {"NO_COLOR": "1", "TERM": "xterm-256color"}],
    ids=["256", "16", "linux", "NO_COLOR"],
)
def test_ux3_ux20_the_code_decodes_in_every_colour_mode_of_a_real_terminal(
    terminal: Open, environ: dict[str, str]
) -> None:
    tmux = terminal(theme="dark", language="en", **environ)
    tmux.press("1", "2", "5", "0", "Enter")
    tmux.until("WAITING")
    assert read_by_both(picture(tmux.ansi(), 80, 24)) == {link_on(tmux)}


def test_ux1_ux5_a_sale_is_waiting_then_seen_then_paid(terminal: Open) -> None:
    tmux = terminal(script="paid")
    tmux.press("1", "2", "5", "0", "Enter")
    waiting = tmux.until("WAITING FOR PAYMENT")
    assert "PAID" not in waiting.split("LAST SALES", maxsplit=1)[0]
    tall = [row for row in waiting.splitlines() if "██" in row[:37]]
    assert len(tall) >= 3
    tmux.until("NOT PAID YET")
    paid = tmux.until("✓ PAID", "Hand over the goods")
    assert "NOT PAID YET" not in paid
    tmux.press("Enter")
    tmux.until("READY")


def test_ux7_a_scan_is_taken_whole_and_presses_nothing(terminal: Open) -> None:
    tmux = terminal()
    tmux.press("4", "2")
    tmux.until("Esc Clear")  # the digits are there, and no scanner's
    time.sleep(0.3)
    tmux.run("send-keys", "-l", "CPC1ABCDEFGHIJKLMNOPQRSTUVWXYZ234567\r")
    tmux.until("NOT PAID YET", "Sale S001")


def test_ux18_the_language_changes_without_a_restart(terminal: Open) -> None:
    tmux = terminal()
    tmux.press("F8")
    tmux.until("收款", "老王面馆", "在线")
    tmux.press("F8")
    tmux.until("Old Wang Noodles", "Counter")


def test_ux20_an_ascii_terminal_is_usable(terminal: Open) -> None:
    tmux = terminal(LC_ALL="", LANG="C", TERM="xterm", language="zh")
    tmux.press("9", "9", "Enter")
    shown = tmux.until("WAITING", "HTTP://127.0.0.1:54321/P/")
    assert shown.isascii()


def test_ux23_a_crash_restores_the_terminal_and_leaves_a_report_without_secrets(terminal: Open, tmp_path: Path) -> None:
    tmux = terminal(script="crash")
    tmux.press("6", "6")
    time.sleep(0.3)
    tmux.press("6")
    shown = tmux.until("ENDED 1", "The console stopped because of a fault of its own")
    assert "4711" not in shown
    assert "\necho\n" in tmux.until("echo")
    (report,) = (tmp_path / "reports").iterdir()
    text = report.read_text(encoding="utf-8")
    assert "4711" not in text
    assert "RuntimeError" in text
    assert "in parse_keyed" in text


def test_leaving_restores_the_terminal(terminal: Open) -> None:
    tmux = terminal()
    tmux.press("C-q")
    shown = tmux.until("ENDED 0")
    assert "READY" not in shown
