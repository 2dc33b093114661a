"""Protocol Buffers read by hand for the independent verifiers: field number to its values. Imports no chainpos."""

from __future__ import annotations

from typing import Any


def read_uvarint(raw: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = raw[at]
        value |= (byte % 128) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def read_fields(raw: bytes) -> dict[int, list[Any]]:
    """Numbers for varint fields, bytes for the others; any order. Raises ValueError for other wire types."""
    fields: dict[int, list[Any]] = {}
    at = 0
    while at < len(raw):
        tag, at = read_uvarint(raw, at)
        value: Any
        if tag % 8 == 0:
            value, at = read_uvarint(raw, at)
        elif tag % 8 == 2:
            size, at = read_uvarint(raw, at)
            if at + size > len(raw):
                raise ValueError("cut short")
            value, at = raw[at : at + size], at + size
        else:
            raise ValueError(f"wire type {tag % 8}")
        fields.setdefault(tag // 8, []).append(value)
    return fields


def one(fields: dict[int, list[Any]], number: int, default: Any) -> Any:
    return fields.get(number, [default])[-1]
