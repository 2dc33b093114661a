"""Protocol Buffers by hand: only what CometBFT's messages need, written and read in the one canonical form.

The reader refuses everything else: fields out of order or unknown, zero values written out, varints longer than
they need be, lengths beyond the limit that the caller names. So reading and writing again gives the same bytes.
"""

from __future__ import annotations

from typing import Final

from chainpos.core.values.timestamps import MAX_TIME_S, SECOND_NS, ZERO_TIME_S
from chainpos.errors import MalformedBytes

VARINT: Final = 0
FIXED64: Final = 1
LENGTH: Final = 2
MAX_INT64: Final = 2**63 - 1
MIN_INT64: Final = -(2**63)
_MAX_VARINT_BYTES: Final = 10
# Made once: these are written millions of times. Every field number met here is below 16, so a tag is one byte.
_ONE_BYTE: Final = tuple(bytes((value,)) for value in range(0x80))
_VARINT_TAGS: Final = tuple(bytes((field << 3 | VARINT,)) for field in range(16))
_FIXED64_TAGS: Final = tuple(bytes((field << 3 | FIXED64,)) for field in range(16))
_LENGTH_TAGS: Final = tuple(bytes((field << 3 | LENGTH,)) for field in range(16))


def varint(value: int) -> bytes:
    """`value` as a base-128 varint; a negative int64 takes ten bytes, as protobuf has it. Raises OverflowError."""
    if 0 <= value < 0x80:
        return _ONE_BYTE[value]
    if not MIN_INT64 <= value < 2**64:
        raise OverflowError(f"{value} does not fit in 64 bits")
    rest = value & 0xFFFF_FFFF_FFFF_FFFF
    out = bytearray()
    while rest >= 0x80:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def put_uint(field: int, value: int) -> bytes:
    """A varint field; nothing for zero. Negative values are written as int64."""
    return _VARINT_TAGS[field] + varint(value) if value else b""


def put_bytes(field: int, value: bytes) -> bytes:
    """A bytes field; nothing for an empty value."""
    return _LENGTH_TAGS[field] + varint(len(value)) + value if value else b""


def put_text(field: int, value: str) -> bytes:
    """A string field, UTF-8; nothing for an empty value."""
    return put_bytes(field, value.encode())


def put_message(field: int, encoded: bytes) -> bytes:
    """A sub-message that is written even when empty, as gogoproto does with non-nullable ones."""
    return _LENGTH_TAGS[field] + varint(len(encoded)) + encoded


def put_sfixed64(field: int, value: int) -> bytes:
    """A little-endian 8-byte field; nothing for zero."""
    return _FIXED64_TAGS[field] + value.to_bytes(8, "little", signed=True) if value else b""


def delimited(encoded: bytes) -> bytes:
    """A whole message with its length in front. Source: CometBFT libs/protoio `MarshalDelimited`."""
    return varint(len(encoded)) + encoded


def timestamp(time_ns: int) -> bytes:
    """google.protobuf.Timestamp of a block time. Raises OverflowError outside years 1 to 9999."""
    seconds, nanos = divmod(time_ns, SECOND_NS)
    if not ZERO_TIME_S <= seconds <= MAX_TIME_S:
        raise OverflowError(f"{time_ns} ns is outside years 1 to 9999")
    return put_uint(1, seconds) + put_uint(2, nanos)


def read_timestamp(reader: Reader) -> int:
    """Nanoseconds since 1970. Raises MalformedBytes outside years 1 to 9999."""
    seconds, nanos = reader.int64(1), reader.int64(2)
    reader.end()
    if not ZERO_TIME_S <= seconds <= MAX_TIME_S or not 0 <= nanos < SECOND_NS:
        raise MalformedBytes("a time outside years 1 to 9999")
    return seconds * SECOND_NS + nanos


class Reader:
    """Reads one message's fields in ascending order. Ask for each possible field in turn, then call `end`.

    Every method raises MalformedBytes for what is not canonical. An absent field reads as its zero value.
    """

    __slots__ = ("_data", "_end", "_position")

    def __init__(self, data: bytes, start: int = 0, end: int | None = None) -> None:
        self._data = data
        self._position = start
        self._end = len(data) if end is None else end

    def end(self) -> None:
        """Nothing may be left: no unknown field, none out of order, none twice."""
        if self._position != self._end:
            raise MalformedBytes("unknown, repeated or unordered field")

    def _varint(self) -> int:
        data, position, end = self._data, self._position, self._end
        value = shift = 0
        for count in range(_MAX_VARINT_BYTES):
            if position >= end:
                raise MalformedBytes("a number is cut short")
            byte = data[position]
            position += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                if (byte == 0 and count) or value >= 2**64:
                    raise MalformedBytes("a number is not in its shortest form")
                self._position = position
                return value
            shift += 7
        raise MalformedBytes("a number is longer than 64 bits")

    def _next_is(self, field: int, wire_type: int) -> bool:
        if self._position < self._end and self._data[self._position] == field << 3 | wire_type:
            self._position += 1
            return True
        return False

    def _slice_end(self, max_bytes: int) -> int:
        length = self._varint()
        if length > max_bytes:
            raise MalformedBytes(f"a field of {length} bytes where {max_bytes} are allowed")
        end = self._position + length
        if end > self._end:
            raise MalformedBytes("a field is cut short")
        return end

    def uint(self, field: int, *, max_value: int = 2**64 - 1) -> int:
        """An unsigned varint field, 0..max_value."""
        if not self._next_is(field, VARINT):
            return 0
        value = self._varint()
        if value == 0:
            raise MalformedBytes("a zero is written out")
        if value > max_value:
            raise MalformedBytes(f"{value} is over {max_value}")
        return value

    def int64(self, field: int) -> int:
        """A signed varint field; negative numbers take ten bytes."""
        value = self.uint(field)
        return value - 2**64 if value > MAX_INT64 else value

    def int32(self, field: int) -> int:
        """A signed varint field within 32 bits; negative numbers take ten bytes."""
        value = self.int64(field)
        if not -(2**31) <= value < 2**31:
            raise MalformedBytes(f"{value} does not fit in 32 bits")
        return value

    def sfixed64(self, field: int) -> int:
        """A signed little-endian 8-byte field."""
        if not self._next_is(field, FIXED64):
            return 0
        end = self._position + 8
        if end > self._end:
            raise MalformedBytes("a number is cut short")
        value = int.from_bytes(self._data[self._position : end], "little", signed=True)
        self._position = end
        if value == 0:
            raise MalformedBytes("a zero is written out")
        return value

    def bytes_(self, field: int, max_bytes: int) -> bytes:
        """A bytes field of at most `max_bytes`."""
        if not self._next_is(field, LENGTH):
            return b""
        end = self._slice_end(max_bytes)
        if end == self._position:
            raise MalformedBytes("an empty field is written out")
        value = self._data[self._position : end]
        self._position = end
        return value

    def text(self, field: int, max_bytes: int) -> str:
        """A string field of at most `max_bytes` of UTF-8."""
        try:
            return self.bytes_(field, max_bytes).decode()
        except UnicodeDecodeError as error:
            raise MalformedBytes("text that is not UTF-8") from error

    def message(self, field: int) -> Reader:
        """A sub-message that must be there, even if empty."""
        found = self.optional_message(field)
        if found is None:
            raise MalformedBytes(f"field {field} is missing")
        return found

    def optional_message(self, field: int) -> Reader | None:
        """A sub-message, or None where it is absent."""
        if not self._next_is(field, LENGTH):
            return None
        end = self._slice_end(self._end)
        reader = Reader(self._data, self._position, end)
        self._position = end
        return reader

    def repeated_messages(self, field: int, max_count: int) -> list[Reader]:
        """All sub-messages of one repeated field, at most `max_count`."""
        found: list[Reader] = []
        while (reader := self.optional_message(field)) is not None:
            if len(found) == max_count:
                raise MalformedBytes(f"more than {max_count} items")
            found.append(reader)
        return found

    def repeated_bytes(self, field: int, max_count: int, max_bytes: int) -> list[bytes]:
        """All values of one repeated bytes field, at most `max_count` of at most `max_bytes`; they may be empty."""
        found: list[bytes] = []
        while self._next_is(field, LENGTH):
            if len(found) == max_count:
                raise MalformedBytes(f"more than {max_count} items")
            end = self._slice_end(max_bytes)
            found.append(self._data[self._position : end])
            self._position = end
        return found

    def rest(self) -> bytes:
        """All bytes not yet read, which are left where they are."""
        return self._data[self._position : self._end]
