"""What may be asked of customers: an institution opens an account for one."""

from __future__ import annotations

import msgspec


class Open(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Kind "customers.open", signed by the institution.

    `key` is the customer's 32-byte public key, whose address becomes the account; `tier` and `code_class` name rows
    of the network's limits; `attestation` is a salted commitment of 32 bytes to what the institution knows of them.
    """

    institution: str
    key: bytes
    tier: str
    code_class: str
    attestation: bytes
