"""Which of our requests an event names. It names them only: what became of them is looked up in our node's state."""

from __future__ import annotations

from chainpos.core.contracts.refunds.events import REFUNDED
from chainpos.rpc.backend import IncludedTransaction
from chainpos.rpc.client import ReceivedEvent


def payments_refunded(included: IncludedTransaction) -> list[bytes]:
    """The 32-byte IDs of the requests whose payments a transaction refunded."""
    values = [
        attribute.value
        for event in included.result.events
        if event.type == REFUNDED
        for attribute in event.attributes
        if attribute.key == "payment"
    ]
    return [bytes.fromhex(value) for value in values]


def attribute_bytes(event: ReceivedEvent, name: str) -> list[bytes]:
    """The values of an attribute that is written in hexadecimal; those that are not are left out."""
    found = []
    for text in event.attributes.get(name, ()):
        try:
            found.append(bytes.fromhex(text))
        except ValueError:
            continue
    return found
