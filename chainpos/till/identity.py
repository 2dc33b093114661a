"""Whose till it is, what the network certified of it, and what it tells whoever listens. Values, nothing to call."""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from chainpos.core.checkout.matching import SaleState
from chainpos.core.contracts.merchants.records import REVOKED, Merchant, Till


class Certified(msgspec.Struct, frozen=True):
    """What the network certified of the merchant, and the till's label."""

    name_en: str = ""
    name_zh: str = ""
    till_label: str = ""
    city: str = ""
    category: str = ""


# Why no code of this till can be paid, by its node's own ledger.
NOT_ADDED: Final = "not_added"
TAKEN_OUT: Final = "taken_out"


class Noticed(NamedTuple):
    """The till noticed that a sale reached a state. `monotonic_ns` is `time.monotonic_ns` at that moment."""

    reference: str
    request_id: bytes
    state: SaleState
    monotonic_ns: int
    height: int
    code: int


class Identity(NamedTuple):
    """Whose desk it is: the chain, the merchant, the till's public key, and where its links point."""

    chain_id: str
    merchant: str
    till_key: bytes
    link_host: str
    link_port: int


def stranger_as(identity: Identity, merchant: Merchant | None, till: Till | None) -> str:
    """Why the ledger takes nothing that this till's key signs, by the records of shop and key; "" where it does."""
    if merchant is None or till is None or till.merchant != identity.merchant:
        return NOT_ADDED
    return TAKEN_OUT if till.status == REVOKED else ""
