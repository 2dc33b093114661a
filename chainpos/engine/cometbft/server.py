"""The socket on which CometBFT talks to the application: each message behind its length, answered in the order asked.

It refuses more connections than a node opens, messages larger than a block, and to go on after the application failed:
then it says so to CometBFT, which halts.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import stat
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol, Self

from chainpos.core.chain.params import MAX_BLOCK_BYTES
from chainpos.core.chain.protobuf import delimited
from chainpos.engine.cometbft.fields import decode_request, encode_response
from chainpos.engine.cometbft.messages import Failure
from chainpos.errors import EXIT_UNREACHABLE, EXIT_USAGE, MalformedBytes, UserFacingError

# A node opens four; a second four come where it was restarted and the first are not closed yet.
MAX_CONNECTIONS: Final = 16
MAX_MESSAGE_BYTES: Final = MAX_BLOCK_BYTES + 10_000_000
_MAX_LENGTH_BYTES: Final = 5
_READ_BYTES: Final = 1 << 20
_log = logging.getLogger(__name__)


class Answers(Protocol):
    """The application."""

    def answer(self, request: Any) -> Any:
        """The answer to a request. What it raises must halt the node."""


class AbciServer:
    """Serves one application, in the event loop's thread: a request is answered before the next is read anywhere.

    Use it in `async with`; `failed` then waits for a failure of the application, and raises it.
    """

    def __init__(self, application: Answers, address: str) -> None:
        """`address` is unix:///PATH or tcp://HOST:PORT, as CometBFT's proxy_app has it."""
        self._application = application
        self._kind, self._where = split_proxy_app(address)
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def __aenter__(self) -> Self:
        try:
            self._server = await self._listen()
        except OSError as error:
            raise UserFacingError(
                f"The application cannot listen on {self._where}: {error.strerror or error}.",
                next_step="End what uses it, or name another with --abci.",
                exit_code=EXIT_UNREACHABLE,
            ) from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()
        if self._kind == "unix":
            _remove_socket(self._where)
        if self._failure.done() and not self._failure.cancelled():
            # Whoever waited for it has it; if nobody did, it was logged.
            self._failure.exception()

    @property
    def address(self) -> str:
        """Where it listens, as CometBFT's proxy_app."""
        if self._kind == "unix" or self._server is None:
            return f"{self._kind}://{self._where}"
        host, port = self._server.sockets[0].getsockname()[:2]
        return f"tcp://{host}:{port}"

    async def failed(self) -> None:
        """Wait until the application fails. Raises what it raised."""
        await asyncio.shield(self._failure)

    async def _listen(self) -> asyncio.Server:
        if self._kind == "tcp":
            host, _, port = self._where.rpartition(":")
            return await asyncio.start_server(self._serve, host.strip("[]"), int(port), limit=_READ_BYTES)
        # Only this application's process gets here: it has the database's lock. So a socket that is left is stale.
        _remove_socket(self._where)
        listening = _owners_socket(self._where)
        return await asyncio.start_unix_server(self._serve, sock=listening, limit=_READ_BYTES)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(self._connections) >= MAX_CONNECTIONS:
            writer.close()
            return
        self._connections.add(task)
        try:
            await self._talk(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            _log.info("CometBFT closed a connection")
        except MalformedBytes as error:
            _log.error("what came on a connection is not ABCI: %s", error)
            await _say(writer, Failure("not ABCI 2.0"))
        finally:
            self._connections.discard(task)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            request = decode_request(await _read_message(reader))
            try:
                answer = self._application.answer(request)
            except Exception as error:  # noqa: BLE001 - told to CometBFT, which halts, and raised by `failed`
                _log.critical("the application failed", exc_info=error)
                await _say(writer, Failure("the application failed; its log says why"))
                if not self._failure.done():
                    self._failure.set_exception(error)
                return
            await _say(writer, answer)
            # What is buffered already is read without waiting; the other connections must have their turn.
            await asyncio.sleep(0)


async def _read_message(reader: asyncio.StreamReader) -> bytes:
    length = 0
    for count in range(_MAX_LENGTH_BYTES):
        byte = (await reader.readexactly(1))[0]
        length |= (byte & 0x7F) << 7 * count
        if byte < 0x80:
            break
    else:
        raise MalformedBytes("a length of more than five bytes")
    if length > MAX_MESSAGE_BYTES:
        raise MalformedBytes(f"a message of {length} bytes")
    return await reader.readexactly(length)


async def _say(writer: asyncio.StreamWriter, answer: Any) -> None:
    # Everything is sent at once, so that a flush finds nothing left to do.
    writer.write(delimited(encode_response(answer)))
    await writer.drain()


def _owners_socket(path: str) -> socket.socket:
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listening.bind(path)
        Path(path).chmod(stat.S_IRUSR | stat.S_IWUSR)
    except BaseException:
        listening.close()
        raise
    return listening


def _remove_socket(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISSOCK(Path(path).stat().st_mode):
            Path(path).unlink()


def split_proxy_app(address: str) -> tuple[str, str]:
    """("unix", path) or ("tcp", HOST:PORT). Raises UserFacingError."""
    kind, found, where = address.partition("://")
    is_tcp = kind == "tcp" and where.rpartition(":")[2].isdigit() and where.rpartition(":")[0] != ""
    if not found or not ((kind == "unix" and where.startswith("/")) or is_tcp):
        raise UserFacingError(
            f"{address[:100]!r} is not an address for CometBFT to connect to.",
            next_step="Write unix:///ABSOLUTE/PATH or tcp://HOST:PORT.",
            exit_code=EXIT_USAGE,
        )
    return kind, where
