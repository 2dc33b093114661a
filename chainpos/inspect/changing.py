"""What-if's changes, as a person writes them: "message.amount_minor=1300", "record:customers:ADDRESS.tier=II".

It refuses a field that there is not, a value that does not fit the field, and a record of no known table.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import msgspec

from chainpos.core.chain.envelope import Body, decode_envelope, encode_envelope
from chainpos.core.contracts.payments.messages import decode_request, encode_request
from chainpos.core.contracts.registry import MESSAGES, TABLES
from chainpos.core.state.tables import Table
from chainpos.core.values.amount import AmountError, parse_amount
from chainpos.core.values.currency import CURRENCIES, UnknownCurrency
from chainpos.core.values.hashes import SIGNATURE_BYTES
from chainpos.core.values.text import clean
from chainpos.core.values.timestamps import MalformedTime, parse_rfc3339
from chainpos.errors import EXIT_USAGE, MalformedBytes, UserFacingError
from chainpos.inspect.fields import amount_text, currency_of_key, key_text, record_fields

MAX_CHANGES: Final = 32
_NONE: Final = "none"
_NUMBER_BYTES: Final = 4
# No field of a message or a record holds a number beyond these.
_LEAST: Final = -(2**63)
_MOST: Final = 2**63 - 1


class Change(NamedTuple):
    """One change: `place` is "message", "time" or a record's full key; `path` the fields down to the one changed."""

    place: str | bytes
    path: tuple[str, ...]
    text: str


class Changed(NamedTuple):
    """What the changes come to; `told` says each in words."""

    wire: bytes
    time_ns: int
    records: dict[bytes, bytes | None]
    told: tuple[str, ...]


def parse_change(text: str) -> Change:
    """One change as written. Raises UserFacingError."""
    left, equals, value = text.partition("=")
    if not equals:
        raise refused(f"{text!r} is no change", "Write FIELD=VALUE.")
    if left == "time":
        return Change("time", (), value)
    if left.startswith("message."):
        return Change("message", tuple(left.split(".")[1:]), value)
    if left.startswith("record:"):
        table, _, rest = left[len("record:") :].partition(":")
        return _record_change(table, rest, value)
    raise refused(f"{text!r} changes nothing known", "Begin with time=, message. or record:TABLE:KEY.")


def apply_changes(
    changes: tuple[Change, ...], wire: bytes, time_ns: int, record_of: Callable[[bytes], bytes | None]
) -> Changed:
    """The transaction, the block's time and the records as they would have been. Raises UserFacingError."""
    if len(changes) > MAX_CHANGES:
        raise refused(f"{len(changes)} changes at once", f"Make at most {MAX_CHANGES}.")
    records: dict[bytes, bytes | None] = {}
    told = []
    for change in changes:
        if change.place == "time":
            time_ns = _time(change.text)
            told.append(f"block time → {clean(change.text)}")
        elif change.place == "message":
            wire, line = _with_message(wire, change)
            told.append(line)
        else:
            key = bytes(change.place) if isinstance(change.place, bytes) else b""
            before = records[key] if key in records else record_of(key)
            records[key], line = _with_record(key, before, change)
            told.append(line)
    return Changed(wire, time_ns, records, tuple(told))


def parse_record_key(table_name: str, key: str) -> bytes:
    """A record's full key from its table's name and its key as screens show it, or in hex. Raises UserFacingError."""
    table = {table.name: table for table in TABLES}.get(table_name)
    if table is None:
        known = ", ".join(sorted(each.name for each in TABLES))
        raise refused(f"There is no table {table_name!r}", f"The tables are {known}.")
    return table.full_key(_key_bytes(key))


def _key_bytes(key: str) -> bytes:
    if key.startswith("0x"):
        return _hex(key[2:])
    head, space, reference = key.partition(" ")
    if head == "account" and space:
        return b"a" + _hex(reference)
    if len(head) in (40, 64) and all(digit in "0123456789abcdef" for digit in head):
        return _hex(head) + reference.encode()
    parts = key.split("/")
    if len(parts) > 1 and parts[-1].isdecimal():
        number = _whole(parts[-1])
        if number >= 1 << 8 * _NUMBER_BYTES:
            raise refused(f"{clean(parts[-1])!r} is too big a number", f"Write one below {1 << 8 * _NUMBER_BYTES}.")
        return "/".join((*parts[:-1], "")).encode() + number.to_bytes(_NUMBER_BYTES, "big")
    return key.encode()


def _record_change(table: str, rest: str, value: str) -> Change:
    key, path = _split_path(rest)
    return Change(parse_record_key(table, key), tuple(part for part in path.split(".") if part), value)


def _split_path(rest: str) -> tuple[str, str]:
    """Key and path. A key may have dots itself: the path is the tail that looks like field names and numbers."""
    parts = rest.split(".")
    at = len(parts)
    while at > 1 and parts[at - 1].replace("_", "").isalnum() and not parts[at - 1].isupper():
        at -= 1
    return ".".join(parts[:at]), ".".join(parts[at:])


def _with_message(wire: bytes, change: Change) -> tuple[bytes, str]:
    try:
        body = decode_envelope(wire).body
        known = MESSAGES[body.kind]
        message: msgspec.Struct = msgspec.msgpack.decode(body.message, type=known.type)
    except (MalformedBytes, KeyError, msgspec.DecodeError) as error:
        raise refused("This transaction's message cannot be read", "Change the time or a record instead.") from error
    before = _shown_at(message, change.path)
    if change.path[:1] == ("request",) and len(change.path) > 1:
        encoded = getattr(message, "request", b"")
        try:
            request = with_field(decode_request(encoded), change.path[1:], change.text)
            changed = msgspec.structs.replace(message, request=encode_request(request))
        except (MalformedBytes, TypeError) as error:
            raise refused(f"A request cannot be like that: {error}", "Choose another value.") from error
    else:
        changed = with_field(message, change.path, change.text)
    raw = msgspec.msgpack.encode(changed)
    try:
        msgspec.msgpack.decode(raw, type=known.type)
    except msgspec.ValidationError as error:
        raise refused(f"A message cannot be like that: {clean(str(error))}", "Choose another value.") from error
    # Nobody signed this: a run that is only imagined takes its signatures as good.
    changed_wire = encode_envelope(
        Body(
            version=body.version,
            chain_id=body.chain_id,
            signer=body.signer,
            expires_s=body.expires_s,
            nonce=body.nonce,
            kind=body.kind,
            message=raw,
        ),
        lambda _: bytes(SIGNATURE_BYTES),
    )
    return changed_wire, f"message {'.'.join(change.path)}: {before} → {_shown_at(changed, change.path)}"


def _with_record(full_key: bytes, before: bytes | None, change: Change) -> tuple[bytes | None, str]:
    name = key_text(full_key)
    if not change.path:
        if change.text != _NONE:
            raise refused("A record as a whole can only be taken away", "Write =none, or name a field.")
        return None, f"{name}: taken away"
    if before is None:
        raise refused(f"There is no record {name} at that height", "Check the key, or choose another height.")
    table = next(table for table in TABLES if table.prefix == full_key[: len(table.prefix)])
    record = table.decode(before)
    currency = currency_of_key(full_key)
    changed = with_field(record, change.path, change.text, currency)
    shown, would = _shown_at(record, change.path, currency), _shown_at(changed, change.path, currency)
    after = _encoded(table, changed)
    if record_fields(full_key, after) is None:
        raise refused(f"{name} cannot be like that", "Choose another value.")
    return after, f"{name} {'.'.join(change.path)}: {shown} → {would}"


def _encoded(table: Table[Any], record: Any) -> bytes:
    encoded = table.encode(record)
    try:
        table.decode(encoded)
    except MalformedBytes as error:
        raise refused(f"A record of {table.name} cannot be like that", "Choose another value.") from error
    return encoded


def with_field(value: Any, path: tuple[str, ...], text: str, currency: str = "") -> Any:
    """`value` with the field at `path` set from text; a number picks a part of a list. Raises UserFacingError.

    `currency` is that of amounts within a value that names none itself.
    """
    if not path:
        return _leaf(value, text)
    name, rest = path[0], path[1:]
    if isinstance(value, msgspec.Struct) and name in value.__struct_fields__:
        current = getattr(value, name)
        named = getattr(value, "currency", "")
        currency = named if isinstance(named, str) and named in CURRENCIES else currency
        if not rest and name.endswith("_minor"):
            return msgspec.structs.replace(value, **{name: _minor(current, text, currency)})
        return msgspec.structs.replace(value, **{name: with_field(current, rest, text, currency)})
    if isinstance(value, tuple) and name.isdecimal() and int(name) < len(value):
        at = int(name)
        return (*value[:at], with_field(value[at], rest, text, currency), *value[at + 1 :])
    known = ", ".join(value.__struct_fields__) if isinstance(value, msgspec.Struct) else "a number within the list"
    raise refused(f"There is no field {clean(name)!r}", f"Choose from: {known}.")


def _minor(current: Any, text: str, currency: str) -> Any:
    """Amounts as screens show them, "12.50", where the currency is known; minor units as a bare number otherwise."""
    if "." in text:
        try:
            return parse_amount(text, currency).minor
        except (AmountError, UnknownCurrency) as error:
            raise refused(f"{text!r} is no amount in {clean(currency)}", "Write minor units as a number.") from error
    return _leaf(0 if current is None else current, text)


def _leaf(current: Any, text: str) -> Any:
    if text == _NONE:
        return None
    if isinstance(current, bool):
        if text not in ("yes", "no"):
            raise refused(f"{text!r} is neither yes nor no", "Write yes or no.")
        return text == "yes"
    if isinstance(current, int) or current is None:
        return _whole(text)
    if isinstance(current, bytes):
        return _hex(text)
    if isinstance(current, str):
        return text
    raise refused("That is not one field", "Name a field within it.")


def _whole(text: str) -> int:
    try:
        number = int(text)
    except ValueError as error:
        raise refused(f"{clean(text)!r} is no whole number", "Write one.") from error
    if not _LEAST <= number <= _MOST:
        raise refused(f"{clean(text)!r} is too big a number", f"Write one from {_LEAST} to {_MOST}.")
    return number


def _shown_at(value: Any, path: tuple[str, ...], currency: str = "") -> str:
    for name in path:
        named = getattr(value, "currency", "")
        currency = named if isinstance(named, str) and named in CURRENCIES else currency
        if name == "request" and isinstance(value, msgspec.Struct) and len(path) > 1:
            try:
                value = decode_request(getattr(value, "request", b""))
            except MalformedBytes:
                return "?"
        elif isinstance(value, msgspec.Struct):
            value = getattr(value, name, None)
        elif isinstance(value, tuple) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
    if isinstance(value, int) and path[-1:] and path[-1].endswith("_minor"):
        return amount_text(value, currency)
    return value.hex() if isinstance(value, bytes) else clean(str(value))


def _time(text: str) -> int:
    try:
        return parse_rfc3339(text)
    except MalformedTime as error:
        raise refused(f"{text!r} is no time", "Write it as 2026-03-02T09:30:00Z.") from error


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise refused(f"{clean(text)!r} is not hexadecimal", "Write two digits for each byte.") from error


def refused(what: str, next_step: str) -> UserFacingError:
    """Something was asked for that cannot be."""
    return UserFacingError(f"{what}.", next_step=next_step, money_moved="", exit_code=EXIT_USAGE)
