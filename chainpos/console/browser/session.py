"""One session: a console as a process, by the protocol of Textual's own driver for the web, over its pipes.

It refuses what is no packet of that protocol by ending; its process never outlives it. Source: Textual
drivers/web_driver.py, drivers/_byte_stream.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from typing import Final, Self

import msgspec

BEGINS: Final = b"__GANGLION__\n"
DRAWN, TOLD = b"D", b"M"
MAX_PACKET_BYTES: Final = 16 * 1024 * 1024
MOST_PRELUDE_LINES: Final = 10
PATIENCE_S: Final = 5.0


class Session:
    """A console's process and its two pipes."""

    def __init__(self, process: Process) -> None:
        self._process = process

    @classmethod
    @contextlib.asynccontextmanager
    async def running(cls, command: Sequence[str], columns: int, rows: int) -> AsyncIterator[Self]:
        """A process of its own, ended with the context."""
        environment = {
            **os.environ,
            "TEXTUAL_DRIVER": "textual.drivers.web_driver:WebDriver",
            "TEXTUAL_COLOR_SYSTEM": "truecolor",
            "COLUMNS": str(columns),
            "ROWS": str(rows),
            "LANG": "C.UTF-8",
            "LC_ALL": "C.UTF-8",
            "PYTHONIOENCODING": "utf-8",
        }
        process = await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=PIPE, stderr=asyncio.subprocess.DEVNULL, env=environment
        )
        session = cls(process)
        try:
            yield session
        finally:
            await session._end()

    async def drawn(self) -> AsyncIterator[bytes]:
        """What the console writes for its terminal, until it ends."""
        output = self._process.stdout
        if output is None:
            return
        try:
            for _ in range(MOST_PRELUDE_LINES):
                if await output.readline() == BEGINS:
                    break
            while True:
                kind, size = await output.readexactly(1), int.from_bytes(await output.readexactly(4), "big")
                if size > MAX_PACKET_BYTES:
                    return
                payload = await output.readexactly(size)
                if kind == DRAWN:
                    yield payload
                # The rest offers files and links: a session only looks.
        except (asyncio.IncompleteReadError, ValueError):
            return

    async def key_in(self, keys: str) -> None:
        """Keys as a terminal would send them."""
        await self._send(DRAWN, keys.encode("utf-8", "replace"))

    async def resize(self, columns: int, rows: int) -> None:
        """Another size."""
        await self._send(TOLD, msgspec.json.encode({"type": "resize", "width": columns, "height": rows}))

    async def _send(self, kind: bytes, payload: bytes) -> None:
        pipe = self._process.stdin
        if pipe is not None:
            with contextlib.suppress(ConnectionError):
                pipe.write(kind + len(payload).to_bytes(4, "big") + payload)
                await pipe.drain()

    async def _end(self) -> None:
        with contextlib.suppress(TimeoutError, ProcessLookupError):
            self._process.terminate()
            async with asyncio.timeout(PATIENCE_S):
                await self._process.wait()
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
