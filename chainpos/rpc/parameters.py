"""A method's parameters, out of JSON (named or in order) or out of a URI, in CometBFT's forms.

It refuses a 64-bit integer written as a JSON number, a list of another length than the method's, hex where a number is
wanted, and anything over the limits. What is not given has Go's zero value, or None where CometBFT has a pointer.
Source: CometBFT rpc/jsonrpc/server/http_json_handler.go `jsonParamsToArgs`, http_uri_handler.go `httpParamsToArgs`,
libs/json/decoder.go.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

import msgspec

from chainpos.errors import ChainposError
from chainpos.rpc.shapes.scalars import MAX_INT64

Kind = Literal["integer", "optional_integer", "boolean", "text", "base64", "hex"]
Value = int | bool | str | bytes | None

_ZERO: Final[dict[str, Value]] = {
    "integer": 0,
    "optional_integer": None,
    "boolean": False,
    "text": "",
    "base64": b"",
    "hex": b"",
}
_INTEGER = re.compile(r"-?[0-9]{1,20}")
_MAX_SHOWN_CHARACTERS: Final = 40
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Parameter(NamedTuple):
    """A parameter's name and what it holds. "base64" and "hex" are bytes, and say how JSON writes them."""

    name: str
    kind: Kind


class BadParameters(ChainposError):
    """Parameters of the wrong form; the text says which and what was expected."""


def from_json(declared: tuple[Parameter, ...], params: bytes) -> list[Value]:
    """The values in the order in which the method declares them. `params` is JSON, empty when there was none.

    Names that the method does not have are passed over, as in CometBFT. Raises BadParameters.
    """
    if not params:
        return [_ZERO[one.kind] for one in declared]
    named = _decoded(params, dict[str, msgspec.Raw] | list[msgspec.Raw] | None)
    if isinstance(named, list):
        if len(named) != len(declared):
            names = " ".join(one.name for one in declared)
            raise BadParameters(f"expected {len(declared)} parameters ([{names}]), got {len(named)}")
        return [_json_value(one, bytes(raw)) for one, raw in zip(declared, named, strict=True)]
    found = named or {}
    return [_json_value(one, bytes(found[one.name])) if one.name in found else _ZERO[one.kind] for one in declared]


def from_uri(declared: tuple[Parameter, ...], arguments: Mapping[str, str]) -> list[Value]:
    """The values out of a URI's query: height=5 or "5", hash=0xAB.., text in double quotes. Raises BadParameters."""
    return [_uri_value(one, arguments[one.name]) if arguments.get(one.name) else _ZERO[one.kind] for one in declared]


def _decoded(document: bytes, shape: object) -> dict[str, msgspec.Raw] | list[msgspec.Raw] | None:
    try:
        found = msgspec.json.decode(document, type=shape)
    except _UNREADABLE as error:
        raise BadParameters("unknown type for JSON params. Expected map or array") from error
    if found is None or isinstance(found, dict | list):
        return found
    raise BadParameters("unknown type for JSON params. Expected map or array")


def _json_value(declared: Parameter, document: bytes) -> Value:
    if document == b"null":
        return _ZERO[declared.kind]
    if declared.kind in ("integer", "optional_integer"):
        return _integer(declared, document)
    if declared.kind == "boolean":
        return _scalar(declared, document, bool)
    text = _scalar(declared, document, str)
    if declared.kind == "text" or not isinstance(text, str):
        return text
    try:
        if declared.kind == "hex":
            return binascii.unhexlify(text)
        return binascii.a2b_base64(text, strict_mode=True)
    except ValueError as error:
        raise BadParameters(f"{declared.name}: not {declared.kind}") from error


def _scalar(declared: Parameter, document: bytes, shape: type[bool] | type[str]) -> bool | str:
    try:
        return msgspec.json.decode(document, type=shape)
    except _UNREADABLE as error:
        wanted = "true or false" if shape is bool else "a string"
        raise BadParameters(f"{declared.name}: expected {wanted}") from error


def _integer(declared: Parameter, document: bytes) -> int:
    shown = document[:_MAX_SHOWN_CHARACTERS].decode("ascii", "replace")
    if len(document) < 2 or document[:1] != b'"' or document[-1:] != b'"':
        raise BadParameters(f'invalid 64-bit integer encoding "{shown}", expected string')
    text = document[1:-1].decode("ascii", "replace")
    if _INTEGER.fullmatch(text) is None or not -MAX_INT64 - 1 <= int(text) <= MAX_INT64:
        raise BadParameters(f"{declared.name}: {shown} is not a 64-bit integer")
    return int(text)


def _uri_value(declared: Parameter, text: str) -> Value:
    number = declared.kind in ("integer", "optional_integer")
    if number and _INTEGER.fullmatch(text):
        return _integer(declared, f'"{text}"'.encode())
    if text[:2].lower() == "0x":
        if number or declared.kind == "boolean":
            raise BadParameters(f"got a hex string arg, but expected '{declared.kind}'")
        return _uri_hex(declared, text)
    quoted = len(text) >= 2 and text[0] == text[-1] == '"'
    if quoted and declared.kind in ("base64", "hex"):
        # In a URI a quoted byte string is the characters themselves.
        found = _scalar(declared, text.encode("utf-8", "replace"), str)
        return found.encode("utf-8", "replace") if isinstance(found, str) else found
    return _json_value(declared, text.encode("utf-8", "replace"))


def _uri_hex(declared: Parameter, text: str) -> Value:
    try:
        value = binascii.unhexlify(text[2:])
        return value.decode() if declared.kind == "text" else value
    except ValueError as error:
        raise BadParameters(f"{declared.name}: not hex") from error
