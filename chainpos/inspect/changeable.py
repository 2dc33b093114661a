"""What of a transaction's run could be changed for a what-if: its message, the block's time, each record that it read.

It refuses nothing: what cannot be read has no fields to change. Changes name a field as changing.py reads it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

import msgspec

from chainpos.core.chain.envelope import decode_envelope
from chainpos.core.contracts.customers.records import TIERS
from chainpos.core.contracts.payments.messages import decode_request
from chainpos.core.contracts.registry import MESSAGES, TABLES_BY_PREFIX
from chainpos.core.state.tables import PREFIX_BYTES
from chainpos.core.values.amount import MAX_MINOR, Amount, AmountError, format_amount, parse_amount
from chainpos.core.values.currency import CURRENCIES, UnknownCurrency
from chainpos.core.values.text import clean
from chainpos.core.values.timestamps import format_rfc3339
from chainpos.errors import MalformedBytes, Rejected, UserFacingError
from chainpos.inspect.changing import Change, parse_record_key
from chainpos.inspect.fields import currency_of_key, key_text
from chainpos.inspect.source import ChainSource
from chainpos.inspect.steps import READ, Trace

MESSAGE: Final = "message"
TIME: Final = "time"
MAX_PARTS: Final = 32


class Changeable(msgspec.Struct, frozen=True, kw_only=True):
    """One field. `group` is "time", "message" or a record's name; `value` as a person would write it.

    `choices` are values that make sense, where they are few; `currency` that of an amount.
    """

    group: str
    name: str
    value: str
    place: str | bytes
    path: tuple[str, ...]
    currency: str = ""
    choices: tuple[str, ...] = ()

    def to(self, text: str) -> Change:
        """The change of this field to a text as a person writes it: "99" beside "90.00 CNY" is 99 yuan."""
        if self.currency:
            # What is no amount, the change itself says.
            with suppress(AmountError, UnknownCurrency):
                text = str(parse_amount(text, self.currency).minor)
        return Change(self.place, self.path, text)


def changeable(source: ChainSource, trace: Trace) -> tuple[Changeable, ...]:
    """The block's time, the message's fields, then those of each record that the run read, in that order."""
    found = [Changeable(group=TIME, name=TIME, value=format_rfc3339(trace.time_ns), place=TIME, path=())]
    block = source.found(trace.height)
    if block is not None and 0 <= trace.index < len(block.block.txs):
        found += _of_message(block.block.txs[trace.index])
    tiers = tuple(
        sorted(
            clean(key[PREFIX_BYTES:].decode("utf-8", "replace")) for key, _ in source.records_under(TIERS.prefix, 50)
        )
    )
    for key in _keys(trace):
        found += _of_record(key, source.record_at(key, trace.height - 1), tiers)
    return tuple(found)


def _keys(trace: Trace) -> list[bytes]:
    """The records that the run read, each once. A name that does not lead back to its key is left out."""
    keys: dict[bytes, None] = {}
    for step in trace.steps:
        if step.kind != READ:
            continue
        table, _, named = step.key.partition(" ")
        try:
            key = parse_record_key(table, named)
        except (UserFacingError, OverflowError):
            continue
        if key_text(key) == step.key:
            keys[key] = None
    return list(keys)


def _of_message(wire: bytes) -> Iterator[Changeable]:
    try:
        body = decode_envelope(wire).body
        message = msgspec.msgpack.decode(body.message, type=MESSAGES[body.kind].type)
    except (MalformedBytes, Rejected, KeyError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return
    for path, value, currency in _leaves(message, ""):
        if path == ("request",) and isinstance(value, bytes):
            try:
                inside = list(_leaves(decode_request(value), ""))
            except MalformedBytes:
                continue
            for inner, each, its in inside:
                yield _field(MESSAGE, MESSAGE, ("request", *inner), each, its)
        else:
            yield _field(MESSAGE, MESSAGE, path, value, currency)


def _of_record(key: bytes, value: bytes | None, tiers: tuple[str, ...]) -> Iterator[Changeable]:
    table = TABLES_BY_PREFIX.get(key[:PREFIX_BYTES])
    if table is None or value is None:
        return
    try:
        record = table.decode(value)
    except MalformedBytes:
        return
    for path, each, currency in _leaves(record, currency_of_key(key)):
        yield _field(key_text(key), key, path, each, currency, tiers if path[-1:] == ("tier",) else ())


def _leaves(value: Any, currency: str, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any, str]]:
    """(path, value, currency) of each single value within one."""
    if isinstance(value, msgspec.Struct):
        named = getattr(value, "currency", "")
        inner = named if isinstance(named, str) and named in CURRENCIES else currency
        for name in value.__struct_fields__:
            yield from _leaves(getattr(value, name), inner, (*path, name))
    elif isinstance(value, tuple | list):
        for at, part in enumerate(value[:MAX_PARTS]):
            yield from _leaves(part, currency, (*path, str(at)))
    else:
        yield path, value, currency


def _field(
    group: str, place: str | bytes, path: tuple[str, ...], value: Any, currency: str, choices: tuple[str, ...] = ()
) -> Changeable:
    name = ".".join(path)
    money = currency if name.endswith("_minor") else ""
    if isinstance(value, bool):
        text, choices = ("yes" if value else "no"), ("yes", "no")
    elif isinstance(value, bytes):
        text = value.hex()
    elif money and isinstance(value, int) and 0 <= value <= MAX_MINOR:
        text = format_amount(Amount(value, money), with_currency=False).replace(",", "")
    else:
        text = "none" if value is None else clean(str(value))
    return Changeable(
        group=group, name=name, value=text, place=place, path=path, currency=money, choices=choices
    )  # fmt: skip
