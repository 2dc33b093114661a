"""Esc at once: a terminal's keys, read so that Esc does not wait for a tenth of a second whether it begins another key.

It refuses to be quicker than a key's bytes may come apart: a terminal sends them together, and a network keeps them so.
"""

from __future__ import annotations

import os
from codecs import getincrementaldecoder
from collections.abc import Mapping
from select import select
from typing import Final

from textual import constants
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver

# As long as editors and terminal multiplexers wait.
ESCAPE_S: Final = 0.025
# How often it is looked whether the console ends.
LOOK_S: Final = 0.1
AT_ONCE: Final = 4_096


def wait_less(environ: Mapping[str, str] = os.environ) -> None:
    """Wait `ESCAPE_S` for the rest of a key, unless `$ESCDELAY` says how many milliseconds."""
    if "ESCDELAY" not in environ:
        constants.ESCAPE_DELAY = ESCAPE_S  # type: ignore[misc]


class PromptDriver(LinuxDriver):
    """Textual's own looks ten times a second whether a key has ended, however short it is told to wait."""

    def run_input_thread(self) -> None:
        """Until the console ends: what is typed, as events."""
        parser = XTermParser(self._debug)
        decode = getincrementaldecoder("utf-8")(errors="replace").decode
        while not self.exit_event.is_set():
            begun = parser._timeout_time is not None  # noqa: SLF001 - there is no other way to ask
            ready = select([self.fileno], [], [], constants.ESCAPE_DELAY if begun else LOOK_S)[0]
            typed = os.read(self.fileno, AT_ONCE) if ready else b""
            if ready and not typed:
                # The end of what a pipe brought.
                self.exit_event.wait(LOOK_S)
            text = decode(typed)
            for event in (*(parser.feed(text) if text else ()), *parser.tick()):
                self.process_message(event)
