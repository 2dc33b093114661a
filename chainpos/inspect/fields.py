"""Records and messages in the field's own terms: names and texts, never bytes. All text is cleaned here.

It refuses nothing: what this version cannot read is shown as hex.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from chainpos.core.contracts.customers import records as customers
from chainpos.core.contracts.governance import records as governance
from chainpos.core.contracts.institutions import records as institutions
from chainpos.core.contracts.merchants import records as merchants
from chainpos.core.contracts.payments.messages import decode_code, decode_request
from chainpos.core.contracts.registry import TABLES_BY_PREFIX
from chainpos.core.state.tables import PREFIX_BYTES
from chainpos.core.values.amount import MAX_MINOR, Amount, format_amount
from chainpos.core.values.currency import CURRENCIES
from chainpos.core.values.text import clean
from chainpos.core.values.timestamps import (
    MAX_TIME_S,
    SECOND_NS,
    MalformedTime,
    format_rfc3339,
    format_rfc3339_at,
    parse_rfc3339,
)
from chainpos.errors import MalformedBytes

Fields = tuple[tuple[str, str], ...]
MAX_TEXT: Final = 240
MAX_DIGITS: Final = 20
_MAX_PARTS: Final = 64
# What the numbers of a standing mean; a number that is not here stays one.
_STANDINGS: Final[dict[type[msgspec.Struct], dict[int, str]]] = {
    customers.Customer: {customers.OPEN: "open", customers.LOCKED: "locked", customers.CLOSED: "closed"},
    governance.Proposal: {governance.OPEN: "open", governance.ENACTED: "enacted", governance.WITHDRAWN: "withdrawn"},
    institutions.Institution: {institutions.ACTIVE: "active", institutions.SUSPENDED: "suspended"},
    merchants.Merchant: {
        merchants.OPEN: "open", merchants.SUSPENDED: "suspended", merchants.CLOSED: "closed"
    },
    merchants.Till: {merchants.OPEN: "open", merchants.REVOKED: "revoked"},
}  # fmt: skip


def key_text(full_key: bytes) -> str:
    """A record's name: its table, then its key, as text where it is text."""
    table = TABLES_BY_PREFIX.get(full_key[:PREFIX_BYTES])
    if table is None:
        return full_key.hex()
    return f"{table.name} {_key(full_key[PREFIX_BYTES:])}".strip()


def table_name(full_key: bytes) -> str:
    """The table that a record belongs to."""
    table = TABLES_BY_PREFIX.get(full_key[:PREFIX_BYTES])
    return "?" if table is None else table.name


def record_fields(full_key: bytes, value: bytes | None) -> Fields | None:
    """A record's fields; None where there is none."""
    if value is None:
        return None
    table = TABLES_BY_PREFIX.get(full_key[:PREFIX_BYTES])
    if table is None:
        return (("bytes", value.hex()[:MAX_TEXT]),)
    try:
        return struct_fields(table.decode(value), currency_of_key(full_key))
    except MalformedBytes:
        return (("bytes", value.hex()[:MAX_TEXT]),)


def struct_fields(struct: msgspec.Struct, currency: str = "") -> Fields:
    """The fields of a record or a message. Amounts carry their currency where it is known, times are RFC 3339."""
    named = getattr(struct, "currency", "")
    if isinstance(named, str) and named in CURRENCIES:
        currency = named
    standing = _STANDINGS.get(type(struct), {})
    return tuple((name, _field(name, getattr(struct, name), currency, standing)) for name in struct.__struct_fields__)


def message_fields(message: msgspec.Struct) -> Fields:
    """A message's fields; the request and the code that it carries are opened."""
    found: list[tuple[str, str]] = []
    for name in message.__struct_fields__:
        value = getattr(message, name)
        inner = _opened(name, value)
        if inner is None:
            found.append((name, _text(name, value, _currency(message))))
        else:
            found += [(f"{name}.{key}", text) for key, text in struct_fields(inner)]
    return tuple(found)


def attribute_fields(attributes: Iterable[tuple[str, str]]) -> Fields:
    """An event's attributes, cleaned; amounts as amounts, in the currency that the event names."""
    told = tuple((clean(name), clean(value)) for name, value in attributes)
    return in_currency(told, dict(told).get("currency", ""))


def in_currency(fields: Fields, currency: str) -> Fields:
    """Fields whose bare amounts are of a currency; as they are where that is ""."""
    return tuple((name, _attribute(name, value, currency)) for name, value in fields)


def by_clock(fields: Fields, offset_s: int) -> Fields:
    """Fields whose times are told by a clock so far east of UTC, which each names: "2026-03-02T09:30:00+08:00"."""
    return tuple((name, _by_clock(name, value, offset_s)) for name, value in fields)


def _by_clock(name: str, value: str, offset_s: int) -> str:
    if name.rpartition(".")[2] != "time" and not name.endswith(("_s", "_ns")):
        return value
    try:
        return format_rfc3339_at(parse_rfc3339(value), offset_s)
    except MalformedTime:
        return value


def _attribute(name: str, value: str, currency: str) -> str:
    whole = value.removeprefix("-")
    if name.endswith("_minor") and whole.isascii() and whole.isdecimal() and len(whole) < MAX_DIGITS:
        return amount_text(int(value), currency)
    return value


def amount_text(minor: int, currency: str) -> str:
    """An amount of either sign, with its currency where that is known."""
    if currency not in CURRENCIES or not -MAX_MINOR <= minor <= MAX_MINOR:
        return str(minor)
    sign = "-" if minor < 0 else ""
    return sign + format_amount(Amount(abs(minor), currency))


def _opened(name: str, value: Any) -> msgspec.Struct | None:
    if not isinstance(value, bytes):
        return None
    try:
        if name == "request":
            return decode_request(value)
        if name == "code":
            return decode_code(value)
    except MalformedBytes:
        pass
    return None


def _currency(struct: msgspec.Struct) -> str:
    named = getattr(struct, "currency", "")
    return named if isinstance(named, str) else ""


def _field(name: str, value: Any, currency: str, standing: dict[int, str]) -> str:
    if name in ("status", "state") and isinstance(value, int) and value in standing:
        return f"{standing[value]} ({value})"
    return _text(name, value, currency)


def _text(name: str, value: Any, currency: str) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, bytes):
        return value.hex()[: MAX_TEXT - 1] + "…" if len(value.hex()) > MAX_TEXT else value.hex()
    if isinstance(value, int):
        if name.endswith("_minor"):
            return amount_text(value, currency)
        if name.endswith("_s") and SECOND_NS // 100 < value <= MAX_TIME_S:
            return format_rfc3339(value * SECOND_NS)
        if name.endswith("_ns") and 0 < value <= MAX_TIME_S * SECOND_NS:
            return format_rfc3339(value)
        return str(value)
    if isinstance(value, str):
        return clean(value, max_characters=MAX_TEXT)
    if isinstance(value, msgspec.Struct):
        return "(" + ", ".join(f"{key}={text}" for key, text in struct_fields(value, currency)) + ")"
    if isinstance(value, tuple | list):
        shown = [_text(name, part, currency) for part in value[:_MAX_PARTS]]
        return "[" + "; ".join(shown) + ("; …" if len(value) > _MAX_PARTS else "") + "]"
    return "none" if value is None else clean(str(value), max_characters=MAX_TEXT)


def _key(key: bytes) -> str:
    try:
        text = key.decode("ascii")
    except UnicodeDecodeError:
        text = ""
    if text and text.isprintable():
        return clean(text, max_characters=MAX_TEXT)
    # "HF01/CNY/" and a number of four bytes, or 32 bytes of an ID and a reference.
    head, tail = key[:-4], key[-4:]
    if head.endswith(b"/") and head.isascii():
        return f"{clean(head.decode())}{int.from_bytes(tail, 'big')}"
    if len(key) > 32 and key[32:].isascii():
        return f"{key[:32].hex()} {clean(key[32:].decode())}"
    if key[:1] in (b"a", b"m") and len(key) == 21:
        return f"account {key[1:].hex()}"
    return key.hex()


def currency_of_key(full_key: bytes) -> str:
    """The currency that a record is kept by, where it stands in its key: of accounts, batches, positions; else ""."""
    for part in full_key[PREFIX_BYTES:].split(b"/"):
        if len(part) == 3 and part.isascii() and part.decode() in CURRENCIES:
            return part.decode()
    return ""
