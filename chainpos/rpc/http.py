"""One HTTP client: POST / with JSON-RPC, GET /method?arg=, /p/ID or /metrics, the handshake at /websocket. h11 parses.

It refuses requests that the doorman refuses, heads and bodies over the limits, and clients that take too long to ask.
Errors of HTTP itself are answered in one plain line and end the connection.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl

import h11
import msgspec
from websockets.datastructures import Headers
from websockets.http11 import Request
from websockets.server import ServerProtocol

from chainpos.rpc.admission import Doorman, Pace
from chainpos.rpc.answering import Answerer
from chainpos.rpc.limits import Limits
from chainpos.rpc.methods import METHODS
from chainpos.rpc.metrics import CONTENT_TYPE as METRICS_TYPE
from chainpos.rpc.outgoing import Outgoing

_READ_BYTES: Final = 64 * 1024
_JSON: Final = "application/json"
_TEXT: Final = "text/plain; charset=utf-8"
_HTML: Final = "text/html; charset=utf-8"
_LIST_OF_METHODS: Final = (
    "<!doctype html><title>chainpos RPC</title><p>Methods:</p><ul>"
    + "".join(
        f"<li><a href='/{name}'>{name}</a>({', '.join(one.name for one in method.parameters)})</li>"
        for name, method in METHODS.items()
        if not method.only_websocket
    )
    + "</ul>"
).encode()


class Upgrade(msgspec.Struct, frozen=True):
    """The handshake is done and answered: what follows are WebSocket frames, the first bytes of which came already."""

    already_read: bytes


class _Refusal(Exception):
    """A request that HTTP itself answers: status and one plain sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


class HttpConnection:
    """One connection, from its first byte to its end or to its upgrade."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        outgoing: Outgoing,
        answerer: Answerer,
        doorman: Doorman,
        limits: Limits,
        pace: Pace,
    ) -> None:
        self._reader = reader
        self._outgoing = outgoing
        self._answerer = answerer
        self._doorman = doorman
        self._limits = limits
        self._h11 = h11.Connection(h11.SERVER, max_incomplete_event_size=limits.max_head_bytes)
        self._pace = pace

    async def run(self) -> Upgrade | None:
        """Answer requests until the client leaves, breaks a rule or upgrades. Raises OSError, TimeoutError."""
        while True:
            try:
                if not await self._first_byte():
                    return None
                async with asyncio.timeout(self._limits.request_timeout_s):
                    request = await self._head()
                    body = b"" if self._is_upgrade(request) else await self._body()
                upgrade = await self._answer(request, body)
            except _Refusal as refusal:
                await self._respond(refusal.status, f"{refusal.sentence}\n".encode(), _TEXT, last=True)
                return None
            except h11.RemoteProtocolError as error:
                await self._respond(error.error_status_hint, b"This is not a request.\n", _TEXT, last=True)
                return None
            if upgrade is not None:
                return upgrade
            if self._h11.our_state is not h11.DONE or self._h11.their_state is not h11.DONE:
                return None
            self._h11.start_next_cycle()

    async def _first_byte(self) -> bool:
        if self._h11.trailing_data[0]:
            return True
        async with asyncio.timeout(self._limits.idle_timeout_s):
            received = await self._reader.read(_READ_BYTES)
        if received:
            self._h11.receive_data(received)
        return bool(received)

    async def _next_event(self) -> object:
        while True:
            event = self._h11.next_event()
            if event is not h11.NEED_DATA:
                return event
            if self._h11.they_are_waiting_for_100_continue:
                waiting = h11.InformationalResponse(status_code=100, headers=[])
                await self._outgoing.send(self._h11.send(waiting) or b"")
            self._h11.receive_data(await self._reader.read(_READ_BYTES))

    async def _head(self) -> h11.Request:
        event = await self._next_event()
        if not isinstance(event, h11.Request):
            raise ConnectionResetError("the client left")
        headers = _headers(event)
        if sentence := self._doorman.refusal(headers):
            raise _Refusal(403, sentence)
        length = headers.get("content-length", "0")
        # h11 has checked that it is a number.
        if len(length) > 18 or int(length) > self._limits.max_body_bytes:
            raise _Refusal(413, f"A request is at most {self._limits.max_body_bytes} bytes long.")
        return event

    async def _body(self) -> bytes:
        body = bytearray()
        while True:
            event = await self._next_event()
            if isinstance(event, h11.EndOfMessage):
                return bytes(body)
            if not isinstance(event, h11.Data):
                raise ConnectionResetError("the client left")
            body += event.data
            if len(body) > self._limits.max_body_bytes:
                raise _Refusal(413, f"A request is at most {self._limits.max_body_bytes} bytes long.")

    def _is_upgrade(self, request: h11.Request) -> bool:
        path = request.target.partition(b"?")[0]
        return path == b"/websocket"

    async def _answer(self, request: h11.Request, body: bytes) -> Upgrade | None:
        # A batch counts as the most that it may hold.
        delay_s = self._pace.take(self._limits.max_batch if body[:1] == b"[" else 1)
        if delay_s:
            await asyncio.sleep(delay_s)
        if self._is_upgrade(request):
            return await self._handshake(request)
        try:
            path, _, query = request.target.decode("ascii").partition("?")
            arguments = dict(parse_qsl(query, keep_blank_values=True, max_num_fields=self._limits.max_uri_arguments))
        except ValueError as error:
            raise _Refusal(400, "This address cannot be read.") from error
        if request.method == b"POST":
            await self._post(path, body)
        elif request.method == b"GET":
            await self._get(path, arguments)
        else:
            raise _Refusal(405, "Only GET and POST are answered.")
        return None

    async def _post(self, path: str, body: bytes) -> None:
        if path != "/":
            raise _Refusal(404, "404 page not found")
        if not body:
            await self._respond(200, _LIST_OF_METHODS, _HTML)
            return
        status, document = await self._answerer.post(body)
        await self._respond(status, document, _JSON)

    async def _get(self, path: str, arguments: dict[str, str]) -> None:
        if path == "/":
            await self._respond(200, _LIST_OF_METHODS, _HTML)
            return
        if path[:3].lower() == "/p/":
            await self._link(path[3:])
            return
        if path == "/metrics":
            await self._metrics()
            return
        answered = await self._answerer.get(path[1:], arguments)
        if answered is None:
            raise _Refusal(404, "404 page not found")
        await self._respond(answered[0], answered[1], _JSON)

    async def _link(self, link_id: str) -> None:
        try:
            found = await self._answerer.request(link_id)
        except TimeoutError as error:
            raise _Refusal(503, "The node took too long to answer.") from error
        if found is None:
            raise _Refusal(404, "There is no such request, or it is no longer open.")
        await self._respond(200, msgspec.json.encode(found), _JSON)

    async def _metrics(self) -> None:
        try:
            rendered = await self._answerer.metrics()
        except TimeoutError as error:
            raise _Refusal(503, "The node took too long to answer.") from error
        await self._respond(200, rendered, METRICS_TYPE)

    async def _handshake(self, request: h11.Request) -> Upgrade | None:
        headers = Headers()
        for name, value in request.headers:
            headers[name.decode("ascii")] = value.decode("latin-1")
        asked = Request(
            request.target.decode("ascii"),
            headers,
            method=request.method.decode("ascii"),
            protocol=f"HTTP/{request.http_version.decode('ascii')}",
        )
        response = ServerProtocol().accept(asked)
        await self._outgoing.send(response.serialize())
        return Upgrade(self._h11.trailing_data[0]) if response.status_code == 101 else None

    async def _respond(self, status: int, body: bytes, content_type: str, *, last: bool = False) -> None:
        if self._h11.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            return
        headers = [
            ("content-type", content_type),
            ("content-length", str(len(body))),
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
        ]
        if last:
            headers.append(("connection", "close"))
        events: tuple[h11.Event, ...] = (
            h11.Response(status_code=status, headers=headers, reason=HTTPStatus(status).phrase),
            h11.Data(data=body),
            h11.EndOfMessage(),
        )
        await self._outgoing.send(b"".join(self._h11.send(event) or b"" for event in events))


def _headers(request: h11.Request) -> dict[str, str]:
    """Names in lower case. h11 refuses a second Host; of any other the last one counts, so two Origins are joined."""
    found: dict[str, str] = {}
    for raw_name, raw_value in request.headers:
        name, value = raw_name.decode("ascii"), raw_value.decode("latin-1")
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found
