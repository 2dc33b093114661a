"""Esc is answered sooner than Textual would, a longer key whose bytes come apart is still that key, and a terminal that
goes takes its console with it."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Queue
from typing import IO, cast

import pytest
from textual import constants, events
from textual.drivers._writer_thread import MAX_QUEUED_WRITES, WriterThread
from textual.message import Message

from chainpos.console.prompt_keys import ESCAPE_S, HUNG_UP, PromptDriver, UntilGone, wait_less


class Typing:
    """A terminal's end to type into, and the keys that come of it."""

    def __init__(self) -> None:
        theirs, self.ours = os.pipe()
        self.keys: Queue[str] = Queue()
        driver = object.__new__(PromptDriver)
        driver.fileno, driver.exit_event, driver._debug, driver.input_tty = theirs, threading.Event(), False, False
        driver.process_message = self._came  # type: ignore[method-assign]
        self.ends = driver.exit_event
        self.thread = threading.Thread(target=driver.run_input_thread)
        self.thread.start()

    def _came(self, message: Message) -> None:
        if isinstance(message, events.Key):
            self.keys.put(message.key)

    def key(self) -> str:
        return self.keys.get(timeout=20)


@pytest.fixture
def typing(monkeypatch: pytest.MonkeyPatch) -> Iterator[Typing]:
    # The driver may be told otherwise by other tests.
    monkeypatch.setattr(constants, "ESCAPE_DELAY", 1.0)
    made = Typing()
    yield made
    made.ends.set()
    made.thread.join()


def test_esc_is_answered_before_textual_would_look(typing: Typing) -> None:
    wait_less({})
    assert constants.ESCAPE_DELAY == ESCAPE_S
    took_s = []
    for _ in range(5):
        begun_s = time.monotonic()
        os.write(typing.ours, b"\x1b")
        assert typing.key() == "escape"
        took_s.append(time.monotonic() - begun_s)
    # The shortest: others use the machine too. Textual's own takes 0.1 s at least.
    assert ESCAPE_S <= min(took_s) < 0.09


def test_a_key_whose_bytes_come_apart_is_that_key(typing: Typing) -> None:
    for part in (b"\x1b", b"[", b"A", b"\xe8\x8c", b"\xb6"):
        os.write(typing.ours, part)
        time.sleep(0.002)
    assert (typing.key(), typing.key()) == ("up", "茶")


def test_escdelay_says_how_long_where_a_line_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "ESCAPE_DELAY", 0.2)
    wait_less({"ESCDELAY": "200"})
    assert constants.ESCAPE_DELAY == 0.2


class Leaving:
    """Of an app what leaves it."""

    def __init__(self) -> None:
        self.left: list[int] = []

    def call_later(self, callback: Callable[..., None], *told: int) -> None:
        callback(*told)

    def exit(self, result: int, return_code: int) -> None:
        self.left += [result, return_code]


def gone_terminal() -> IO[str]:
    ours, theirs = pty.openpty()
    os.close(ours)
    return os.fdopen(theirs, "w")


def test_a_terminal_that_is_gone_takes_all_that_is_written_and_holds_nobody_up() -> None:
    file = gone_terminal()
    with pytest.raises(OSError, match="error"):
        file.write("x") and file.flush()
    writer = WriterThread(cast(IO[str], UntilGone(file)))
    writer.start()

    def write_all() -> None:
        for _ in range(10 * MAX_QUEUED_WRITES):
            writer.write("x" * 100)
        writer.stop()

    ends = threading.Thread(target=write_all, daemon=True)
    ends.start()
    ends.join(20)
    assert not ends.is_alive()
    with contextlib.suppress(OSError):
        file.close()


def test_a_console_whose_terminal_is_gone_ends_without_a_signal() -> None:
    app, file = Leaving(), gone_terminal()
    driver = object.__new__(PromptDriver)
    driver.fileno, driver.exit_event, driver._debug, driver.input_tty = file.fileno(), threading.Event(), False, True
    driver._app = app  # type: ignore[assignment]
    driver.run_input_thread()
    assert app.left == [HUNG_UP, HUNG_UP]
    with contextlib.suppress(OSError):
        file.close()


@pytest.mark.slow
@pytest.mark.parametrize("continued", [False, True])
def test_a_console_ends_with_a_terminal_that_closes_while_it_draws(tmp_path: Path, continued: bool) -> None:
    ours, theirs = pty.openpty()
    console = subprocess.Popen(
        [sys.executable, "-m", "tests.console.on_prepared_till", "--folder", str(tmp_path), "--theme", "dark",
         "--language", "en", "--script", "idle"],
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True, cwd=Path(__file__).parents[2],
        env={**os.environ, "TERM": "xterm-256color"},
    )  # fmt: skip
    os.close(theirs)
    try:
        drawn = b""
        while b"READY" not in drawn:
            drawn += os.read(ours, 65_536)
        os.write(ours, b"1" * 40)
        os.close(ours)
        if continued:
            # As the kernel does to who is left behind by a terminal.
            console.send_signal(signal.SIGCONT)
        assert console.wait(60) == HUNG_UP
    finally:
        console.kill()
        console.wait()
