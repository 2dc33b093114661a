"""Serves a console to browsers: a page, and for each session a process of its own behind one WebSocket.

It refuses every request under another host name, every WebSocket of another origin or of none, whoever does not know
the token, more sessions than its cap, and to listen beyond this machine without a certificate. There is no cookie: a
page of another origin holds nothing that a browser would send along by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Final

import msgspec
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from chainpos.console.browser.session import Session
from chainpos.errors import EXIT_USAGE, UserFacingError

STATIC: Final = Path(__file__).parent / "static"
PAGES: Final = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/style.css": ("style.css", "text/css; charset=utf-8"),
    "/terminal.js": ("terminal.js", "text/javascript; charset=utf-8"),
}
SESSION_PATH: Final = "/session"
LEAST_TOKEN: Final = 16
MAX_MESSAGE_BYTES: Final = 65_536
MAX_KEYS: Final = 4_096
# Connections that have not logged in yet, and how long they may take.
MAX_STRANGERS: Final = 8
LOGIN_S: Final = 30.0
FIRST_DELAY_S, LONGEST_DELAY_S = 0.5, 30.0
IDLE_S: Final = 900.0
LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_log = logging.getLogger(__name__)


class _Login(msgspec.Struct, forbid_unknown_fields=True):
    login: str
    columns: int
    rows: int


class _Said(msgspec.Struct, forbid_unknown_fields=True):
    """What a page says in a session: keys, or its size."""

    keys: str = ""
    columns: int = 0
    rows: int = 0


class BrowserConsole:
    """`command` starts one session's process. `names` are host names beside loopback's; `token` opens it."""

    def __init__(
        self,
        command: Sequence[str],
        token: str,
        *,
        sessions: int = 3,
        names: Sequence[str] = (),
        idle_s: float = IDLE_S,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        if len(token) < LEAST_TOKEN:
            raise UserFacingError(
                f"The token has under {LEAST_TOKEN} characters.",
                next_step="Take a longer one, or let one be made.",
                money_moved="",
                exit_code=EXIT_USAGE,
            )
        self._command = tuple(command)
        self._token = token.encode()
        self._cap = sessions
        self._names = (*LOOPBACK, *names)
        self._idle_s = idle_s
        self._pause = pause
        self._open = 0
        self._strangers = 0
        self._wrong = 0
        self._hosts: frozenset[str] = frozenset()
        self._origins: frozenset[str] = frozenset()

    @contextlib.asynccontextmanager
    async def serving(self, host: str, port: int, certificate: tuple[Path, Path] | None = None) -> AsyncIterator[str]:
        """Serve while the context lasts; the address to open comes back. `certificate` is (chain, key), both PEM files.

        Raises UserFacingError, OSError.
        """
        if certificate is None and host not in ("127.0.0.1", "localhost", "::1"):
            raise UserFacingError(
                "Beyond this machine the token would travel in clear text.",
                next_step="Give --certificate and --key, or listen on 127.0.0.1 behind a tunnel.",
                money_moved="",
                exit_code=EXIT_USAGE,
            )
        async with serve(
            self._serve_session, host, port,
            ssl=None if certificate is None else _tls(*certificate),
            process_request=self._answer, compression=None, max_size=MAX_MESSAGE_BYTES, max_queue=16,
            open_timeout=10, close_timeout=2, server_header=None,
        ) as server:  # fmt: skip
            scheme = "http" if certificate is None else "https"
            bound = _port_of(server)
            self._hosts = frozenset(f"{name}:{bound}" for name in self._names)
            self._origins = frozenset(f"{scheme}://{each}" for each in self._hosts)
            shown = "127.0.0.1" if host in ("localhost", "::1") else host
            yield f"{scheme}://{self._names[len(LOOPBACK)] if len(self._names) > len(LOOPBACK) else shown}:{bound}/"

    # -- pages

    def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        """A page, a refusal, or None to go on with the handshake of a session."""
        del connection
        if [each.lower() for each in request.headers.get_all("Host")] not in [[host] for host in self._hosts]:
            return _response(HTTPStatus.MISDIRECTED_REQUEST, b"There is no such host here.\n")
        if request.path == SESSION_PATH:
            origins = request.headers.get_all("Origin")
            if len(origins) != 1 or origins[0] not in self._origins:
                _log.warning("a page of another origin was refused")
                return _response(HTTPStatus.FORBIDDEN, b"Pages of other origins are refused.\n")
            if self._strangers >= MAX_STRANGERS:
                return _response(HTTPStatus.SERVICE_UNAVAILABLE, b"Too many are logging in.\n")
            return None
        page = PAGES.get(request.path)
        if page is None:
            return _response(HTTPStatus.NOT_FOUND, b"There is nothing here.\n")
        return _response(HTTPStatus.OK, (STATIC / page[0]).read_bytes(), page[1])

    # -- sessions

    async def _serve_session(self, socket: ServerConnection) -> None:
        self._strangers += 1
        try:
            login = await self._logged_in(socket)
        finally:
            self._strangers -= 1
        if login is None:
            return
        if self._open >= self._cap:
            await socket.send("All sessions are taken; close one first. · 会话已满，请先关闭一个。")
            return
        self._open += 1
        try:
            async with Session.running(self._command, *_size(login.columns, login.rows)) as session:
                await self._carry(socket, session)
        finally:
            self._open -= 1

    async def _logged_in(self, socket: ServerConnection) -> _Login | None:
        try:
            async with asyncio.timeout(LOGIN_S):
                login = msgspec.json.decode(await socket.recv(), type=_Login)
        except (TimeoutError, ConnectionClosed, msgspec.DecodeError):
            return None
        right = hmac.compare_digest(login.login.encode("utf-8", "replace"), self._token)
        if self._wrong:
            # Whoever guesses waits, and makes the next one wait: there is one token, not one for each guesser.
            await self._pause(min(FIRST_DELAY_S * 2 ** (self._wrong - 1), LONGEST_DELAY_S))
        if not right:
            self._wrong = min(self._wrong + 1, 16)
            _log.warning("a wrong token")
            with contextlib.suppress(ConnectionClosed):
                await socket.send("That is not the token. · 口令不对。")
            return None
        self._wrong = 0
        return login

    async def _carry(self, socket: ServerConnection, session: Session) -> None:
        async def outwards() -> None:
            async for drawn in session.drawn():
                await socket.send(drawn)

        async def inwards() -> None:
            while True:
                async with asyncio.timeout(self._idle_s):
                    said = msgspec.json.decode(await socket.recv(), type=_Said)
                if said.columns:
                    await session.resize(*_size(said.columns, said.rows))
                if said.keys:
                    await session.key_in(said.keys[:MAX_KEYS])

        tasks = [asyncio.create_task(work(), name="browser session") for work in (outwards, inwards)]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            # Either side may have ended, gone quiet, or said nonsense: the session is over in each case.
            await asyncio.gather(*tasks, return_exceptions=True)


def _size(columns: int, rows: int) -> tuple[int, int]:
    return max(20, min(columns, 400)), max(8, min(rows, 200))


def _tls(chain: Path, private_key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(chain, private_key)
    except (OSError, ssl.SSLError) as error:
        raise UserFacingError(
            "The certificate or its key cannot be used.", next_step="Give both as PEM files.", money_moved="",
            exit_code=EXIT_USAGE,
        ) from error  # fmt: skip
    return context


def _port_of(server: Server) -> int:
    return int(next(iter(server.sockets)).getsockname()[1])


def _response(status: HTTPStatus, body: bytes, kind: str = "text/plain; charset=utf-8") -> Response:
    headers = Headers({**_HEADERS, "Content-Type": kind, "Content-Length": str(len(body)), "Connection": "close"})
    return Response(status.value, status.phrase, headers, body)


def serve_until(
    console: BrowserConsole, host: str, port: int, certificate: tuple[Path, Path] | None, ready: Callable[[str], None]
) -> None:
    """Serve until this process is told to end; `ready` is told the address. Raises UserFacingError, OSError."""

    async def run() -> None:
        async with console.serving(host, port, certificate) as address:
            ready(address)
            await asyncio.get_running_loop().create_future()

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run())
