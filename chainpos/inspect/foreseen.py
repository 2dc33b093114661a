"""Which records a block's transactions will have looked at, told from their recorded results.

So that history is asked once for all of them, and not three thousand times. It refuses nothing and decides nothing:
what is not foreseen is read when it is asked for, and what is foreseen in vain was read in vain.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from chainpos.core.chain.envelope import decode_envelope
from chainpos.core.chain.results import Event
from chainpos.core.contracts.balances.events import POSTED, decode_legs
from chainpos.core.contracts.balances.records import ACCOUNTS, account_key
from chainpos.core.contracts.compliance.records import FREEZES
from chainpos.core.contracts.customers.records import CUSTOMER_KEYS, CUSTOMERS
from chainpos.core.contracts.merchants.records import MERCHANTS, TILLS, merchant_key
from chainpos.core.contracts.payments.events import PAID
from chainpos.core.contracts.payments.records import CANCELLED, PAYMENTS
from chainpos.core.contracts.ports import account_subject, merchant_subject
from chainpos.core.contracts.replay import BODIES
from chainpos.core.contracts.settlement.records import POSITIONS, position_key
from chainpos.errors import MalformedBytes
from chainpos.inspect.source import Found


def foreseen_keys(found: Found, count: int) -> tuple[bytes, ...]:
    """Full keys of records that the first `count` transactions of a block look at, ascending; payments' above all."""
    keys: set[bytes] = set()
    for wire, result in zip(found.block.txs[:count], found.results[:count], strict=True):
        try:
            envelope = decode_envelope(wire)
            keys.add(BODIES.full_key(envelope.body_hash))
            keys.add(CUSTOMER_KEYS.full_key(envelope.body.signer))
            for event in result.events:
                keys.update(_of_event(event))
        except (MalformedBytes, ValueError):
            # A transaction that is none reads nothing; a damaged result is for whoever compares it to say.
            continue
    return tuple(sorted(keys))


def _of_event(event: Event) -> Iterator[bytes]:
    if event.type == POSTED:
        told = _told(event)
        currency = told.get("currency", "")
        for leg in decode_legs(told.get("legs", "")):
            yield ACCOUNTS.full_key(account_key(leg.account, currency))
    elif event.type == PAID:
        told = _told(event)
        payer, merchant = bytes.fromhex(told.get("payer", "")), told.get("merchant", "")
        yield PAYMENTS.full_key(bytes.fromhex(told.get("payment", "")))
        yield CANCELLED.full_key(bytes.fromhex(told.get("request", "")))
        yield CUSTOMERS.full_key(payer)
        yield FREEZES.full_key(account_subject(payer))
        yield MERCHANTS.full_key(merchant_key(merchant))
        yield TILLS.full_key(bytes.fromhex(told.get("till", "")))
        yield FREEZES.full_key(merchant_subject(merchant))
        yield POSITIONS.full_key(position_key(merchant, told.get("currency", "")))


def _told(event: Event) -> Mapping[str, str]:
    return {attribute.key: attribute.value for attribute in event.attributes}
