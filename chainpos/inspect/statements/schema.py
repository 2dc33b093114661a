"""A bank message out of a plain tree: in the order and with the restrictions of its ISO 20022 schema, as XML bytes.

The schema is the dataclasses that pyiso20022 generates from the published one, with every restriction as metadata. It
refuses a tree with an element that the schema has not, without one that it needs, or with a value beyond its bounds.
The same tree gives the same bytes.
"""

from __future__ import annotations

import dataclasses
import importlib
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from chainpos.errors import EXIT_REFUSED, UserFacingError

CAMT_053: Final = "camt.053.001.08"
PAIN_001: Final = "pain.001.001.09"
PACS_004: Final = "pacs.004.001.10"
PACS_009: Final = "pacs.009.001.09"
_NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd:"
_SHOWN: Final = 3


def encode_message(message: str, tree: Mapping[str, Any]) -> bytes:
    """`tree` as a `message` ("camt.053.001.08"): keys are the schema's short names. Raises UserFacingError."""
    # Some hundred milliseconds of dataclasses, wanted by nobody but whoever writes a file.
    from xsdata.exceptions import ParserError
    from xsdata.formats.dataclass.parsers import DictDecoder
    from xsdata.formats.dataclass.parsers.config import ParserConfig
    from xsdata.formats.dataclass.serializers import XmlSerializer
    from xsdata.formats.dataclass.serializers.config import SerializerConfig

    config = ParserConfig(fail_on_unknown_properties=True, fail_on_converter_warnings=True)
    try:
        document = DictDecoder(config=config).decode(dict(tree), schema_document(message))
    except (ParserError, TypeError, ValueError) as error:
        raise _refused(message, str(error)) from error
    if faults := list(restrictions(document)):
        raise _refused(message, "; ".join(faults[:_SHOWN]))
    rendered: str = XmlSerializer(config=SerializerConfig(indent="  ")).render(
        document, ns_map={None: _NAMESPACE + message}
    )
    return rendered.encode()


def schema_document(message: str) -> Any:
    """The dataclass of a message's root."""
    name = message.replace(".", "_")
    return importlib.import_module(f"pyiso20022.{name.split('_', maxsplit=1)[0]}.{name}").Document


def restrictions(value: Any, path: str = "") -> Iterator[str]:
    """What of the schema's restrictions a message breaks, each with its place; nothing where it is valid."""
    if not dataclasses.is_dataclass(value):
        return
    given = 0
    for field in dataclasses.fields(value):
        part = getattr(value, field.name)
        name = f"{path}/{field.metadata.get('name', field.name)}"
        each = part if isinstance(part, list) else [] if part is None else [part]
        given += bool(each)
        yield from _counted(name, len(each), field.metadata)
        for one in each:
            yield from _bounded(name, one, field.metadata)
            yield from restrictions(one, name)
    if type(value).__name__.endswith("Choice") and given != 1:
        yield f"{path} is a choice of one, and has {given}"


def _counted(name: str, count: int, rules: Mapping[str, Any]) -> Iterator[str]:
    least = rules.get("min_occurs", 1 if rules.get("required") else 0)
    if count < least:
        yield f"{name} is missing"
    if count > rules.get("max_occurs", count):
        yield f"{name} is there {count} times"


def _bounded(name: str, value: Any, rules: Mapping[str, Any]) -> Iterator[str]:
    if isinstance(value, str):
        if not rules.get("min_length", 0) <= len(value) <= rules.get("max_length", len(value)):
            yield f"{name} has {len(value)} characters"
        if "pattern" in rules and not re.fullmatch(rules["pattern"], value):
            yield f"{name} does not have the form {rules['pattern']}"
    if isinstance(value, Decimal):
        _, digits, exponent = value.as_tuple()
        fraction = max(-exponent, 0) if isinstance(exponent, int) else 99
        if value < rules.get("min_inclusive", value):
            yield f"{name} is below {rules['min_inclusive']}"
        if max(len(digits), fraction) > rules.get("total_digits", 99) or fraction > rules.get("fraction_digits", 99):
            yield f"{name} has too many digits"


def _refused(message: str, why: str) -> UserFacingError:
    return UserFacingError(
        f"This cannot be said in a {message} message: {why}.",
        next_step="Take the CSV file instead, and tell us.",
        money_moved="",
        exit_code=EXIT_REFUSED,
    )
