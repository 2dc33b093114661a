"""Esc at once: a terminal's keys, read so that Esc does not wait for a tenth of a second whether it begins another key.

It refuses to be quicker than a key's bytes may come apart: a terminal sends them together, and a network keeps them so.
It also refuses to outlive its terminal: Textual's own waits for ever to write into one that is gone.
"""

from __future__ import annotations

import contextlib
import os
from codecs import getincrementaldecoder
from collections.abc import Mapping
from select import select
from typing import IO, Any, Final

from textual import constants
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver

# As long as tmux waits, since its version 3.5.
ESCAPE_S: Final = 0.010
# How often it is looked whether the console ends.
LOOK_S: Final = 0.1
AT_ONCE: Final = 4_096
# As after SIGHUP.
HUNG_UP: Final = 129


def wait_less(environ: Mapping[str, str] = os.environ) -> None:
    """Wait `ESCAPE_S` for the rest of a key, unless `$ESCDELAY` says how many milliseconds."""
    if "ESCDELAY" not in environ:
        constants.ESCAPE_DELAY = ESCAPE_S  # type: ignore[misc]


class UntilGone:
    """A terminal to write to. Once it is gone nobody reads what is written, and that is no fault."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, text: str) -> None:
        """Write, or do not."""
        with contextlib.suppress(OSError):
            self._file.write(text)

    def flush(self) -> None:
        """Have it written, or not."""
        with contextlib.suppress(OSError):
            self._file.flush()

    def fileno(self) -> int:
        """The terminal's own."""
        return self._file.fileno()


class PromptDriver(LinuxDriver):
    """Textual's own looks ten times a second whether a key has ended, however short it is told to wait."""

    def __init__(self, *told: Any, **named: Any) -> None:
        super().__init__(*told, **named)
        # Its thread would die of a terminal that is gone, and the console wait for ever to hand it one thing more.
        if self._file is not None:
            self._file = UntilGone(self._file)  # type: ignore[assignment]

    def run_input_thread(self) -> None:
        """Until the console ends: what is typed, as events."""
        parser = XTermParser(self._debug)
        decode = getincrementaldecoder("utf-8")(errors="replace").decode
        while not self.exit_event.is_set():
            begun = parser._timeout_time is not None  # noqa: SLF001 - there is no other way to ask
            ready = select([self.fileno], [], [], constants.ESCAPE_DELAY if begun else LOOK_S)[0]
            typed = self._read() if ready else b""
            if ready and not typed:
                if self.input_tty:
                    # The terminal is gone, and its signal need not have come.
                    self._app.call_later(self._app.exit, HUNG_UP, HUNG_UP)
                    return
                # The end of what a pipe brought.
                self.exit_event.wait(LOOK_S)
            text = decode(typed)
            for event in (*(parser.feed(text) if text else ()), *parser.tick()):
                self.process_message(event)

    def _read(self) -> bytes:
        # Of a terminal that is gone some systems tell an end, others an error.
        with contextlib.suppress(OSError):
            return os.read(self.fileno, AT_ONCE)
        return b""
