"""What governance may decide, between people and the ledger: a change from its fields, and its fields in words.

It refuses a kind that there is not, and fields that are not exactly those of the change.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import inspect as shapes

from chainpos.core.contracts.registry import CHANGES
from chainpos.inspect.fields import Fields, struct_fields


class ChangeRefused(ValueError):
    """Fields that make no change of that kind."""


def change_of(kind: str, document: object) -> msgspec.Struct:
    """The change whose fields a JSON document names; bytes are hexadecimal. Raises ChangeRefused."""
    known = CHANGES.get(kind)
    if known is None:
        raise ChangeRefused(f"{kind!r} is none of {', '.join(CHANGES)}")
    try:
        return msgspec.convert(_ordered(shapes.type_info(known.type), document, kind), known.type)
    except (msgspec.ValidationError, TypeError, ValueError) as error:
        raise ChangeRefused(str(error)) from error


def change_words(kind: str, encoded: bytes) -> Fields:
    """A change's fields for people; as hex where this version does not know it."""
    known = CHANGES.get(kind)
    if known is None:
        return (("change", encoded.hex()),)
    try:
        return struct_fields(msgspec.msgpack.decode(encoded, type=known.type))
    except msgspec.MsgspecError:
        return (("change", encoded.hex()),)


def change_fields() -> dict[str, dict[str, str]]:
    """The fields of every kind of change, each with its shape in words."""
    return {
        kind: {field.name: _words(field.type) for field in _struct(shapes.type_info(known.type)).fields}
        for kind, known in CHANGES.items()
    }


def _struct(shape: shapes.Type) -> shapes.StructType:
    if not isinstance(shape, shapes.StructType):
        raise TypeError(f"{shape} is no struct")
    return shape


def _ordered(shape: shapes.Type, value: Any, path: str) -> Any:
    """The value as msgspec wants an array struct: objects as arrays in the fields' order, hexadecimal as bytes."""
    if isinstance(shape, shapes.StructType):
        if not isinstance(value, dict):
            raise ChangeRefused(f"{path} is an object with {', '.join(field.name for field in shape.fields)}")
        names = [field.name for field in shape.fields]
        if set(value) != set(names):
            raise ChangeRefused(f"{path} has exactly {', '.join(names)}")
        return [_ordered(field.type, value[field.name], f"{path}.{field.name}") for field in shape.fields]
    if isinstance(shape, shapes.BytesType):
        if not isinstance(value, str):
            raise ChangeRefused(f"{path} is hexadecimal")
        return bytes.fromhex(value)
    if isinstance(shape, shapes.VarTupleType) and isinstance(value, list):
        return [_ordered(shape.item_type, each, f"{path}[{index}]") for index, each in enumerate(value)]
    if isinstance(shape, shapes.TupleType) and isinstance(value, list) and len(value) == len(shape.item_types):
        return [_ordered(each, part, path) for each, part in zip(shape.item_types, value, strict=True)]
    return value


def _words(shape: shapes.Type) -> str:
    if isinstance(shape, shapes.StructType):
        return "{" + ", ".join(f"{field.name}: {_words(field.type)}" for field in shape.fields) + "}"
    if isinstance(shape, shapes.VarTupleType):
        return f"[{_words(shape.item_type)}, …]"
    if isinstance(shape, shapes.TupleType):
        return f"[{', '.join(_words(each) for each in shape.item_types)}]"
    if isinstance(shape, shapes.UnionType):
        return " or ".join(_words(each) for each in shape.types)
    simple = {
        shapes.BytesType: "hexadecimal", shapes.StrType: "text", shapes.IntType: "number",
        shapes.BoolType: "true or false", shapes.NoneType: "null",
    }  # fmt: skip
    return simple.get(type(shape), type(shape).__name__)
