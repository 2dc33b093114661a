"""Protobuf messages by a table: which field of which struct has which number. Structs in, bytes out, and back.

It passes over fields that it does not know, as protobuf asks of a reader, so that another version of CometBFT can
still talk; it refuses a known field of another wire type, whatever is cut short, and lists that are too long.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

from chainpos.core.chain.protobuf import FIXED64, LENGTH, MAX_INT64, VARINT, Reader, read_timestamp, timestamp, varint
from chainpos.errors import MalformedBytes

T = TypeVar("T")
MAX_ITEMS: Final = 1_000_000
_FIXED32: Final = 5
_MAX_VARINT_BYTES: Final = 10

UINT: Final = "uint"
INT: Final = "int"
BOOL: Final = "bool"
BYTES: Final = "bytes"
TEXT: Final = "text"
TIME: Final = "time"
# A message that somebody else encodes and decodes.
RAW: Final = "raw"


class Field(NamedTuple):
    """A field's number and what it holds: one of the kinds above, or a struct of the same table."""

    number: int
    kind: str | type[Any]
    many: bool = False


Fields: TypeAlias = Mapping[str, Field]
Table: TypeAlias = Mapping[type[Any], Fields]


class Codec:
    """Encodes and decodes the structs of one table."""

    def __init__(self, table: Table) -> None:
        """Fields must stand in the order of their numbers."""
        self._writing = {
            kind: tuple([(name, field, _tag(field)) for name, field in fields.items()])
            for kind, fields in table.items()
        }
        self._reading = {
            kind: {field.number: (name, field) for name, field in fields.items()} for kind, fields in table.items()
        }

    def encode(self, message: Any) -> bytes:
        """The message's bytes: ascending fields, zero values left out; a struct that is None is left out too."""
        out: list[bytes] = []
        for name, field, tag in self._writing[type(message)]:
            value = getattr(message, name)
            if field.many:
                for item in value:
                    # An item counts, also where it is empty.
                    encoded = self._encoded(field.kind, item)
                    out += (tag, varint(len(encoded)), encoded)
            elif field.kind in (UINT, INT, BOOL):
                if value:
                    out += (tag, varint(int(value)))
            elif value is not None and (value or field.kind not in (BYTES, TEXT)):
                encoded = self._encoded(field.kind, value)
                out += (tag, varint(len(encoded)), encoded)
        return b"".join(out)

    def decode(self, kind: type[T], data: bytes) -> T:
        """The inverse of `encode`. Raises MalformedBytes."""
        fields = self._reading[kind]
        # A struct's own default may be another than protobuf's.
        values: dict[str, Any] = {name: False for name, field in fields.values() if field.kind == BOOL}
        position, end = 0, len(data)
        while position < end:
            tag, position = read_varint(data, position)
            raw, position = _value(data, position, tag & 7)
            if (known := fields.get(tag >> 3)) is None:
                continue
            name, field = known
            if field.many:
                items = values.setdefault(name, [])
                if len(items) >= MAX_ITEMS:
                    raise MalformedBytes(f"more than {MAX_ITEMS} items")
                items.append(self._decoded(field.kind, tag & 7, raw))
            else:
                # Of a field that comes twice, protobuf takes the last.
                values[name] = self._decoded(field.kind, tag & 7, raw)
        return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})

    def _encoded(self, kind: str | type[Any], value: Any) -> bytes:
        if kind in (BYTES, RAW):
            return bytes(value)
        if kind == TEXT:
            return str(value).encode()
        return timestamp(value) if kind == TIME else self.encode(value)

    def _decoded(self, kind: str | type[Any], wire_type: int, raw: int | bytes) -> Any:
        if kind in (UINT, INT, BOOL):
            if not isinstance(raw, int) or wire_type != VARINT:
                raise MalformedBytes("a number of another kind")
            if kind == BOOL:
                return raw != 0
            return raw - 2**64 if kind == INT and raw > MAX_INT64 else raw
        if not isinstance(raw, bytes):
            raise MalformedBytes("a number where bytes belong")
        if isinstance(kind, type):
            return self.decode(kind, raw)
        if kind == TIME:
            return read_timestamp(Reader(raw))
        return _text(raw) if kind == TEXT else raw


def read_varint(data: bytes, position: int) -> tuple[int, int]:
    """A varint and the position after it. Raises MalformedBytes."""
    value = 0
    for count in range(_MAX_VARINT_BYTES):
        if position + count >= len(data):
            raise MalformedBytes("a number is cut short")
        byte = data[position + count]
        value |= (byte & 0x7F) << 7 * count
        if byte < 0x80:
            return value & (2**64 - 1), position + count + 1
    raise MalformedBytes("a number is longer than 64 bits")


def _tag(field: Field) -> bytes:
    is_number = not field.many and field.kind in (UINT, INT, BOOL)
    return varint(field.number << 3 | (VARINT if is_number else LENGTH))


def _value(data: bytes, position: int, wire_type: int) -> tuple[int | bytes, int]:
    if wire_type == VARINT:
        return read_varint(data, position)
    if wire_type == LENGTH:
        length, position = read_varint(data, position)
    elif wire_type in (FIXED64, _FIXED32):
        length = 8 if wire_type == FIXED64 else 4
    else:
        raise MalformedBytes(f"wire type {wire_type}")
    if length > len(data) - position:
        raise MalformedBytes("a field is cut short")
    return data[position : position + length], position + length


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise MalformedBytes("text that is not UTF-8") from error
