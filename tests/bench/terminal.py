"""The console as people run it, in a pseudo-terminal: from a key until what it changes has been drawn.

A machine that others use too makes a key wait for a processor. The kernel counts that waiting; `Answer.alone_ms` is
without it, and without the waiting of whoever reads the terminal here.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import Final, NamedTuple

COLUMNS, ROWS = 120, 40
PATIENCE_S: Final = 120.0
# Nothing more is drawn by itself when nothing came for so long.
QUIET_S: Final = 0.03
PROGRAM: Final = "from chainpos.cli.main import main; main()"


class Answer(NamedTuple):
    """Milliseconds from a key to its picture: on the wall; of the console's processor time; waited for a processor."""

    wall_ms: float
    cpu_ms: float
    waited_ms: float

    @property
    def alone_ms(self) -> float:
        """What it takes where nobody else wants the processors; never less than the work itself."""
        return max(self.wall_ms - self.waited_ms, min(self.cpu_ms, self.wall_ms))


class _Spent(NamedTuple):
    cpu_ns: int
    waited_ns: int


class Terminal:
    """`chainpos ARGUMENTS` in a pseudo-terminal of 120 by 40; its settings are in the folder `config`."""

    def __init__(
        self, *arguments: str, config: Path, program: str = "from chainpos.cli.main import main; main()"
    ) -> None:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        environment = {**os.environ, "TERM": "xterm-256color", "CHAINPOS_CONFIG": str(config), "COLORTERM": "truecolor"}
        self._process = subprocess.Popen(
            [sys.executable, "-c", program, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=environment
        )
        os.close(theirs)
        self._file = ours
        self._drawn = b""
        self.pid = self._process.pid

    def until(self, words: bytes) -> None:
        """Until the words were drawn since the last key; until anything was where there are none."""
        deadline = time.monotonic() + PATIENCE_S
        while not self._drawn or words not in self._drawn:
            assert time.monotonic() < deadline, self._drawn[-2_000:]
            self._read(1.0)

    def settle(self, quiet_s: float = QUIET_S) -> None:
        """Until nothing is drawn by itself any more; an ended console has nothing more to draw."""
        with contextlib.suppress(OSError):
            while self._read(quiet_s):
                pass

    def _read(self, within_s: float) -> bool:
        ready = bool(select.select([self._file], [], [], within_s)[0])
        if ready:
            self._drawn = self._drawn[-200_000:] + os.read(self._file, 65_536)
        return ready

    def type(self, pressed: bytes) -> None:
        """Keys, whose answer may be waited for."""
        self._drawn = b""
        os.write(self._file, pressed)

    def answer(self, pressed: bytes, words: bytes = b"") -> Answer:
        """From the key until the words were drawn, or anything where there are none."""
        self.settle()
        before, own = _spent(self.pid), _spent(os.getpid())
        begun = time.perf_counter()
        self.type(pressed)
        self.until(words)
        wall_ms = (time.perf_counter() - begun) * 1e3
        after, own_after = _spent(self.pid), _spent(os.getpid())
        waited_ns = after.waited_ns - before.waited_ns + own_after.waited_ns - own.waited_ns
        return Answer(wall_ms, (after.cpu_ns - before.cpu_ns) / 1e6, waited_ns / 1e6)

    def busy_s(self) -> float:
        """Processor time that the console has taken."""
        return _spent(self.pid).cpu_ns / 1e9

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        deadline = time.monotonic() + 10
        while self._process.poll() is None and time.monotonic() < deadline:
            # Nobody ends while its terminal is full.
            self.settle()
        self._process.kill()
        self._process.wait(10)
        os.close(self._file)


def _spent(pid: int) -> _Spent:
    """Of all threads the processor time; of the first one, which answers keys, also its waiting for a processor."""
    cpu_ns, waited_ns = 0, 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            ran, waited, _ = (task / "schedstat").read_text(encoding="ascii").split()
            cpu_ns += int(ran)
            waited_ns += int(waited) if task.name == str(pid) else 0
    return _Spent(cpu_ns, waited_ns)
