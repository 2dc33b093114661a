"""A table names one kind of record: its key prefix and its shape. It refuses bytes that are not that shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, TypeVar

import msgspec

from chainpos.errors import MalformedBytes

R = TypeVar("R", bound=msgspec.Struct)
PREFIX_BYTES: Final = 2
_ENCODER: Final = msgspec.msgpack.Encoder()


class Table(Generic[R]):
    """Records of one type under one two-byte prefix; all prefixes have the same length, so none hides another.

    `expires`, where given, says at which Unix second a record may be forgotten: execution deletes it then.
    `chosen_keys` says that whoever sends a transaction picks the record's key, and can pick another: only such records
    are refused where a bucket is crowded (README.md, "Crowded buckets").
    """

    __slots__ = ("_decode", "chosen_keys", "expires", "name", "prefix", "record_type")

    def __init__(
        self,
        name: str,
        prefix: bytes,
        record_type: type[R],
        *,
        expires: Callable[[R], int] | None = None,
        chosen_keys: bool = False,
    ) -> None:
        if len(prefix) != PREFIX_BYTES:
            raise ValueError(f"a table's prefix is {PREFIX_BYTES} bytes")
        self.name = name
        self.prefix = prefix
        self.record_type = record_type
        self.expires = expires
        self.chosen_keys = chosen_keys
        self._decode = msgspec.msgpack.Decoder(record_type).decode

    def full_key(self, key: bytes) -> bytes:
        """The key under which the record is committed and proved."""
        return self.prefix + key

    def encode(self, record: R) -> bytes:
        """MessagePack of the record's fields, in their order."""
        return _ENCODER.encode(record)

    def decode(self, value: bytes) -> R:
        """The record. Raises MalformedBytes, as for a record of another version."""
        try:
            return self._decode(value)
        except (msgspec.ValidationError, msgspec.DecodeError) as error:
            raise MalformedBytes(f"not a record of {self.name}: {error}") from error
