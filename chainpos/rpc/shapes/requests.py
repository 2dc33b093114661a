"""Merchants' requests in JSON: our own methods, in plain shapes. What a request says is not looked at here."""

from __future__ import annotations

import msgspec

from chainpos.rpc.backend import PublishedRequest
from chainpos.rpc.shapes.scalars import decode


class PublishedIdJson(msgspec.Struct):
    """The ID in a request's link."""

    id: str


class RequestsJson(msgspec.Struct):
    """The open requests, newest first."""

    requests: tuple[PublishedRequest, ...]


class RequestJson(msgspec.Struct):
    """What GET /p/ID answers."""

    request: bytes
    signature: bytes


def read_link_answer(body: bytes) -> PublishedRequest:
    """What GET /p/ID answered; its `id` is left empty, as it must be computed of the request. Raises MalformedBytes."""
    shape = decode(body, RequestJson)
    return PublishedRequest("", shape.request, shape.signature)
