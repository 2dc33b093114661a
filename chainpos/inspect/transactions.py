"""A block's transactions as rows: what each asked for, what came of it, which money moved.

It refuses nothing: what it cannot read is shown as what it is. All text is cleaned, as it came from outside.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from chainpos.core.chain.envelope import decode_envelope
from chainpos.core.chain.results import Event, TxResult
from chainpos.core.contracts.balances.events import POSTED, decode_legs
from chainpos.core.contracts.payments.messages import decode_request
from chainpos.core.contracts.payments.records import Payment
from chainpos.core.contracts.refunds.messages import Refund
from chainpos.core.contracts.registry import MESSAGES
from chainpos.core.values.amount import MAX_MINOR, Amount
from chainpos.core.values.currency import CURRENCIES
from chainpos.core.values.hashes import address_of, sha256
from chainpos.core.values.text import clean
from chainpos.errors import MalformedBytes, Rejected
from chainpos.inspect.fields import Fields, message_fields
from chainpos.inspect.sentences import sentence_of
from chainpos.inspect.views import LegView, TransactionRow

UNREADABLE: Final = "?"
_MAX_TEXT: Final = 120
# What tells one transaction from another at a glance, in this order, where its message has it.
_TELLING: Final = ("merchant", "institution", "reference", "tier", "role")


REFUND: Final = "refunds.refund"


def transaction_row(wire: bytes, result: TxResult, height: int, index: int) -> TransactionRow:
    """The row of one transaction."""
    kind, message = _read(wire)
    request = _request_of(message)
    return TransactionRow(
        hash=sha256(wire).hex(),
        height=height,
        index=index,
        kind=clean(kind),
        code=result.code,
        summary=clean(" ".join(_telling(message, request))),
        amount=_amount(message, request),
        legs=_legs(result.events),
        events=tuple(_event(event) for event in result.events),
        problem=sentence_of(result.code) if result.code else None,
    )


def refund_in(wire: bytes) -> Refund | None:
    """What a transaction asks to give back, where that is what it asks."""
    _, message = _read(wire)
    return message if isinstance(message, Refund) else None


def of_payment(row: TransactionRow, refund: Refund, payment: Payment) -> TransactionRow:
    """A refund's row with what its message leaves to the payment: whose it was, and the currency."""
    told = clean(f"{payment.merchant} {payment.reference} {refund.reference}")
    return msgspec.structs.replace(row, summary=told, amount=Amount(refund.amount_minor, payment.currency))


def payment_of(row: TransactionRow | None) -> str:
    """The ID, in hex, of the payment that a transaction made; "" where it made none."""
    events = () if row is None else row.events
    return next((dict(told).get("payment", "") for kind, told in events if kind == "payments.paid"), "")


class OpenedMessage(NamedTuple):
    """What a transaction asks, in the field's terms: its kind, its signer's account in hex, its message's fields."""

    kind: str
    signer: str
    fields: Fields


def opened_message(wire: bytes) -> OpenedMessage:
    """A transaction's own words, as far as they can be read."""
    kind, message = _read(wire)
    try:
        signer = address_of(decode_envelope(wire).body.signer).hex()
    except (MalformedBytes, Rejected):
        signer = ""
    return OpenedMessage(clean(kind), signer, () if message is None else message_fields(message))


def _read(wire: bytes) -> tuple[str, msgspec.Struct | None]:
    try:
        body = decode_envelope(wire).body
    except (MalformedBytes, Rejected):
        return UNREADABLE, None
    known = MESSAGES.get(body.kind)
    if known is None:
        return body.kind, None
    try:
        return body.kind, msgspec.msgpack.decode(body.message, type=known.type)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body.kind, None


def _request_of(message: msgspec.Struct | None) -> msgspec.Struct | None:
    encoded = getattr(message, "request", None)
    if not isinstance(encoded, bytes):
        return None
    try:
        return decode_request(encoded)
    except MalformedBytes:
        return None


def _telling(*structs: msgspec.Struct | None) -> list[str]:
    found: dict[str, None] = {}
    for name in _TELLING:
        for struct in structs:
            value = getattr(struct, name, None)
            if isinstance(value, str) and value:
                found[value] = None
    return list(found)


def _amount(*structs: msgspec.Struct | None) -> Amount | None:
    """What the message asked to move; the request's own amount where the message names none."""
    for struct in structs:
        minor, currency = getattr(struct, "amount_minor", None), getattr(struct, "currency", None)
        if isinstance(minor, int) and isinstance(currency, str) and currency in CURRENCIES and 0 <= minor <= MAX_MINOR:
            return Amount(minor, currency)
    return None


def _legs(events: tuple[Event, ...]) -> tuple[LegView, ...]:
    found: list[LegView] = []
    for event in events:
        if event.type != POSTED:
            continue
        attributes = {attribute.key: attribute.value for attribute in event.attributes}
        try:
            legs = decode_legs(attributes.get("legs", ""))
        except MalformedBytes:
            continue
        currency = clean(attributes.get("currency", ""))
        found += [LegView(clean(leg.account), leg.delta_minor, currency) for leg in legs]
    return tuple(found)


def _event(event: Event) -> tuple[str, tuple[tuple[str, str], ...]]:
    attributes = tuple(
        (clean(one.key, max_characters=_MAX_TEXT), clean(one.value, max_characters=_MAX_TEXT))
        for one in event.attributes
    )
    return clean(event.type, max_characters=_MAX_TEXT), attributes
