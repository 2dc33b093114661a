"""One HTTP GET, for the link in a QR code. It follows no redirect, speaks no TLS, reads no more than told."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final
from urllib.parse import SplitResult, urlsplit

import h11
import msgspec

from chainpos.rpc.connection import Disconnected, TimedOut

MAX_HEAD_BYTES: Final = 16 * 1024
_READ_BYTES: Final = 16 * 1024
_DEFAULT_PORT: Final = 80


class HttpAnswer(msgspec.Struct, frozen=True):
    """The status and the body of an answer."""

    status: int
    body: bytes


async def http_get(url: str, limit_bytes: int, timeout_s: float) -> HttpAnswer:
    """What http://HOST:PORT/... answers; the scheme may be in upper case, as QR codes have it.

    Raises Disconnected for an address that is none, a connection that fails and an answer over `limit_bytes`, TimedOut
    when all of it takes over `timeout_s`.
    """
    parts = _split(url)
    try:
        async with asyncio.timeout(timeout_s):
            return await _fetch(parts, limit_bytes)
    except TimeoutError as error:
        raise TimedOut("the address did not answer in time") from error
    except (OSError, UnicodeError) as error:
        # A host's name of which no question can be made is a UnicodeError.
        raise Disconnected(f"the address cannot be reached: {error}") from error
    except (h11.RemoteProtocolError, h11.LocalProtocolError) as error:
        raise Disconnected("the answer, or what was asked, is no HTTP") from error


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        usable = parts.scheme == "http" and bool(parts.hostname) and parts.port != 0 and not parts.username
    except ValueError as error:
        raise Disconnected("this is no address") from error
    if not usable or not url.isascii() or any(character <= " " for character in url):
        raise Disconnected("this is no http address")
    return parts


async def _fetch(parts: SplitResult, limit_bytes: int) -> HttpAnswer:
    port = parts.port or _DEFAULT_PORT
    reader, writer = await asyncio.open_connection(parts.hostname, port)
    try:
        connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD_BYTES)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        request = h11.Request(method="GET", target=target, headers=[("host", parts.netloc), ("connection", "close")])
        writer.write((connection.send(request) or b"") + (connection.send(h11.EndOfMessage()) or b""))
        await writer.drain()
        return await _read_answer(reader, connection, limit_bytes)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _read_answer(reader: asyncio.StreamReader, connection: h11.Connection, limit_bytes: int) -> HttpAnswer:
    status = 0
    body = bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(_READ_BYTES))
        elif isinstance(event, h11.Response):
            status = event.status_code
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > limit_bytes:
                raise Disconnected(f"the answer is over {limit_bytes} bytes")
        elif isinstance(event, h11.EndOfMessage):
            return HttpAnswer(status, bytes(body))
        elif not isinstance(event, h11.InformationalResponse):
            raise Disconnected("the connection broke")
