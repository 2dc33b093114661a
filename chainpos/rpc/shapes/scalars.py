"""The scalars of CometBFT's JSON: integers as text, hex, times. It refuses spellings that CometBFT would not write.

Source: CometBFT libs/json/encoder.go, libs/bytes/bytes.go.
"""

from __future__ import annotations

import binascii
import re
from typing import Annotated, Final, TypeVar

import msgspec

from chainpos.core.chain.header import MAX_APP_HASH_BYTES
from chainpos.core.values.hashes import ADDRESS_BYTES, HASH_BYTES
from chainpos.core.values.timestamps import MalformedTime, format_rfc3339, parse_rfc3339
from chainpos.errors import MalformedBytes

MAX_INT64: Final = 2**63 - 1
MAX_UINT64: Final = 2**64 - 1
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,19})")

# msgspec leaves a default out by identity: a zero that is to be left out must be this object.
ZERO: Final = "0"

UInt32 = Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)]
Int32 = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
T = TypeVar("T")


def decode(document: bytes, shape: type[T]) -> T:
    """The JSON document as a Struct of shapes. Raises MalformedBytes."""
    try:
        return msgspec.json.decode(document, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedBytes(f"not the JSON of {shape.__name__}: {error}") from error


def hex_text(value: bytes) -> str:
    """Upper-case hex."""
    return value.hex().upper()


def read_hex(text: str, max_bytes: int) -> bytes:
    """The bytes of a hex text, at most `max_bytes`. Raises MalformedBytes."""
    if len(text) > 2 * max_bytes:
        raise MalformedBytes(f"over {max_bytes} bytes of hex")
    try:
        return binascii.unhexlify(text)
    except ValueError as error:
        raise MalformedBytes("not hex") from error


def read_hash(text: str) -> bytes:
    """A hash of 32 bytes, or none. Raises MalformedBytes."""
    value = read_hex(text, HASH_BYTES)
    if value and len(value) != HASH_BYTES:
        raise MalformedBytes("not a hash of 32 bytes")
    return value


def read_tx_hash(text: str) -> bytes:
    """A hash of 32 bytes. Raises MalformedBytes."""
    value = read_hash(text)
    if not value:
        raise MalformedBytes("a hash is missing")
    return value


def read_address(text: str) -> bytes:
    """An address of 20 bytes, or none. Raises MalformedBytes."""
    value = read_hex(text, ADDRESS_BYTES)
    if value and len(value) != ADDRESS_BYTES:
        raise MalformedBytes("not an address of 20 bytes")
    return value


def read_app_hash(text: str) -> bytes:
    """An app hash, whose length CometBFT leaves open. Raises MalformedBytes."""
    return read_hex(text, MAX_APP_HASH_BYTES)


def read_int64(text: str) -> int:
    """A signed 64-bit integer from its text. Raises MalformedBytes."""
    value = _integer(text)
    if not -MAX_INT64 - 1 <= value <= MAX_INT64:
        raise MalformedBytes("an integer over 64 bits")
    return value


def read_uint64(text: str) -> int:
    """An unsigned 64-bit integer from its text. Raises MalformedBytes."""
    value = _integer(text)
    if not 0 <= value <= MAX_UINT64:
        raise MalformedBytes("an integer over 64 bits, or below zero")
    return value


def read_count(text: str) -> int:
    """A signed 64-bit integer that is not below zero. Raises MalformedBytes."""
    value = read_int64(text)
    if value < 0:
        raise MalformedBytes("a count below zero")
    return value


def text_or_zero(value: int) -> str:
    """An integer's text, for a field that is left out at zero."""
    return str(value) if value else ZERO


def time_text(time_ns: int) -> str:
    """RFC 3339, nine decimals at most, in UTC."""
    return format_rfc3339(time_ns)


def read_time(text: str) -> int:
    """Nanoseconds since 1970. Raises MalformedBytes."""
    try:
        return parse_rfc3339(text)
    except MalformedTime as error:
        raise MalformedBytes(str(error)) from error


def nil_if_empty(value: bytes) -> bytes | None:
    """CometBFT's nil slice, which is null in JSON."""
    return value or None


def _integer(text: str) -> int:
    if _INTEGER.fullmatch(text) is None:
        raise MalformedBytes("not an integer")
    return int(text)
