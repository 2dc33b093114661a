"""The pilot's processes: each started with a pipe as its stdin, so that it ends when whoever started it is gone.

A process says on stdout, one JSON object a line, that it is ready and what else it has to tell; its logs go to a file.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, Final

from chainpos.errors import EXIT_UNREACHABLE, UserFacingError

READY_TIMEOUT_S: Final = 90.0
STOP_TIMEOUT_S: Final = 8.0
ENDING_TIMEOUT_S: Final = 2.0
MAX_LINE_BYTES: Final = 1 << 20
Facts = dict[str, Any]


def free_port() -> int:
    """A loopback port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Child:
    """One running process. `ready` is its first line; later lines come by `lines()`."""

    def __init__(self, name: str, process: Process, log: Path) -> None:
        self.name = name
        self.process = process
        self.log = log
        self.ready: Facts = {}

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self.process.returncode is None

    async def read_ready(self) -> None:
        """Wait for its first line. Raises UserFacingError with the last of its log if it ends or stays silent."""
        try:
            async with asyncio.timeout(READY_TIMEOUT_S):
                facts = await self._next_line()
        except TimeoutError:
            facts = None
        if facts is None:
            # It has closed its stdout, so it is ending: a signal now would take its exit code from who waits for it.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ENDING_TIMEOUT_S):
                    await self.process.wait()
        if facts is None or not facts.get("ready"):
            await self.stop()
            raise UserFacingError(
                f"The pilot's {self.name} did not start: {self._last_words().rstrip('.')}.",
                next_step=f"Its log is {self.log}.",
                exit_code=EXIT_UNREACHABLE,
            )
        self.ready = facts

    async def lines(self) -> AsyncIterator[Facts]:
        """What it says, until it ends."""
        while (facts := await self._next_line()) is not None:
            yield facts

    def tell(self, facts: Facts) -> None:
        """Say something to it: one JSON object on its stdin."""
        if self.process.stdin is not None and not self.process.stdin.is_closing():
            self.process.stdin.write(json.dumps(facts).encode() + b"\n")

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()

    async def stop(self) -> None:
        """Ask it to end, wait, and insist."""
        if not self.alive:
            return
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await self.process.wait()
        except TimeoutError:
            self.kill()
            await self.process.wait()

    async def _next_line(self) -> Facts | None:
        stdout = self.process.stdout
        while stdout is not None and (line := await stdout.readline()):
            with contextlib.suppress(json.JSONDecodeError):
                facts = json.loads(line)
                if isinstance(facts, dict):
                    return facts
        return None

    def _last_words(self) -> str:
        try:
            lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        except OSError:
            lines = []
        return lines[-1][:300] if lines else "it said nothing"


async def start(name: str, arguments: Sequence[str], *, log: Path) -> Child:
    """Start `python ARGUMENTS…` and wait until it says that it is ready. Raises UserFacingError."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as log_file:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *arguments,
            stdin=PIPE, stdout=PIPE, stderr=log_file, limit=MAX_LINE_BYTES,
            # Ctrl-C in the console is the console's: its children end with it, in order.
            start_new_session=True, env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
    child = Child(name, process, log)
    try:
        await child.read_ready()
    except BaseException:
        await child.stop()
        raise
    return child


def say(facts: Facts) -> None:
    """What a child tells whoever started it: one JSON object on stdout."""
    sys.stdout.write(json.dumps(facts, ensure_ascii=False) + "\n")
    sys.stdout.flush()


async def hear() -> AsyncIterator[Facts]:
    """What whoever started this process tells it; ends when that process is gone."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=MAX_LINE_BYTES)
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    try:
        while line := await reader.readline():
            with contextlib.suppress(json.JSONDecodeError):
                facts = json.loads(line)
                if isinstance(facts, dict):
                    yield facts
    finally:
        transport.close()
