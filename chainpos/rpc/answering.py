"""From a message to its answer: parse, look the method up, call it, encode. It reads and writes no socket.

Whatever a call does, it gets one answer: a failure of our own is logged, and the caller learns only that there was one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from chainpos.rpc.backend import Backend
from chainpos.rpc.calls import CallContext, Method, Pool
from chainpos.rpc.limits import Limits
from chainpos.rpc.methods import METHODS, answer
from chainpos.rpc.metrics import render_metrics
from chainpos.rpc.parameters import BadParameters, Value, from_json, from_uri
from chainpos.rpc.protocol import (
    INTERNAL_ERROR,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    URI_ID,
    Call,
    RequestId,
    RpcError,
    Transport,
    bad_params_code,
    encode_batch,
    encode_error,
    encode_result,
    read_http,
)
from chainpos.rpc.shapes.requests import RequestJson
from chainpos.rpc.subscriptions import EventHub, Subscriber
from chainpos.rpc.transaction_methods import published_request

_log = logging.getLogger(__name__)
_OK = 200
_NOT_FOUND = 404
_SERVER_ERROR = 500


class Answerer:
    """Answers calls from one Backend, so many at a time over all connections."""

    def __init__(self, backend: Backend, hub: EventHub, limits: Limits) -> None:
        self._backend = backend
        self._hub = hub
        self._limits = limits
        self._pools: dict[Pool, asyncio.Semaphore] = {
            "reads": asyncio.Semaphore(limits.max_reads),
            "searches": asyncio.Semaphore(limits.max_searches),
            "broadcasts": asyncio.Semaphore(limits.max_broadcasts),
            "watches": asyncio.Semaphore(limits.max_watches),
        }

    async def post(self, body: bytes) -> tuple[int, bytes]:
        """HTTP status and body for a POST: one request or a batch."""
        reading = read_http(body, max_batch=self._limits.max_batch)
        if reading.error:
            return (_SERVER_ERROR if reading.error_code == PARSE_ERROR else _OK), reading.error
        return _OK, encode_batch([await self.call(one, "http") for one in reading.calls])

    async def get(self, name: str, arguments: Mapping[str, str]) -> tuple[int, bytes] | None:
        """HTTP status and body for a method by URI; None where there is no such method."""
        method = METHODS.get(name)
        if method is None:
            return None
        if method.only_websocket:
            return _NOT_FOUND, encode_error(URI_ID, METHOD_NOT_FOUND)
        try:
            values = from_uri(method.parameters, arguments)
        except BadParameters as error:
            detail = f"error converting http params to arguments: {error}"
            return _SERVER_ERROR, encode_error(URI_ID, bad_params_code("uri"), detail)
        ok, document = await self._answered(URI_ID, method, values, None)
        return (_OK if ok else _SERVER_ERROR), document

    async def call(self, call: Call, transport: Transport, subscriber: Subscriber | None = None) -> bytes:
        """The answer to one call."""
        method = METHODS.get(call.method)
        if method is None or (method.only_websocket and subscriber is None):
            return encode_error(call.id, METHOD_NOT_FOUND)
        try:
            values = from_json(method.parameters, call.params)
        except BadParameters as error:
            detail = f"error converting json params to arguments: {error}"
            return encode_error(call.id, bad_params_code(transport), detail)
        _, document = await self._answered(call.id, method, values, subscriber)
        return document

    async def request(self, link_id: str) -> RequestJson | None:
        """The merchant's request behind a link. Raises TimeoutError."""
        async with asyncio.timeout(self._limits.answer_timeout_s), self._pools["reads"]:
            return await published_request(self._backend, link_id)

    async def metrics(self) -> bytes:
        """The node's report as Prometheus reads it. Raises TimeoutError."""
        async with asyncio.timeout(self._limits.answer_timeout_s), self._pools["reads"]:
            return render_metrics(await self._backend.report())

    async def _answered(
        self, request_id: RequestId, method: Method, values: list[Value], subscriber: Subscriber | None
    ) -> tuple[bool, bytes]:
        context = CallContext(self._backend, self._hub, subscriber, request_id)
        try:
            async with (
                asyncio.timeout(self._limits.answer_timeout_s),
                self._pools[method.pool],
            ):
                result = await answer(context, method, values)
            return True, encode_result(request_id, result)
        except RpcError as error:
            return False, encode_error(request_id, error.code, error.data)
        except TimeoutError:
            return False, encode_error(request_id, INTERNAL_ERROR, "the node took too long to answer")
        except Exception:  # noqa: BLE001 - the one place where our own bug must not end a stranger's connection
            _log.exception("a method failed")
            return False, encode_error(request_id, INTERNAL_ERROR, "the node failed to answer; its log says why")
