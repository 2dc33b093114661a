"""Esc is answered sooner than Textual would, and a longer key whose bytes come apart is still that key."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from queue import Queue

import pytest
from textual import constants, events
from textual.message import Message

from chainpos.console.prompt_keys import ESCAPE_S, PromptDriver, wait_less


class Typing:
    """A terminal's end to type into, and the keys that come of it."""

    def __init__(self) -> None:
        theirs, self.ours = os.pipe()
        self.keys: Queue[str] = Queue()
        driver = object.__new__(PromptDriver)
        driver.fileno, driver.exit_event, driver._debug = theirs, threading.Event(), False
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
