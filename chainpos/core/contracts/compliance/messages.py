"""What may be asked of compliance: to freeze and to release."""

from __future__ import annotations

import msgspec


class Freeze(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Kind "compliance.freeze", signed by a regulator.

    `subject` is "a" and a 20-byte account, or "m" and a merchant; `legal_reference` is 1 to 64 bytes of safe text;
    `until_s` is a second of block time within two years.
    """

    subject: bytes
    legal_reference: str
    until_s: int


class Release(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Kind "compliance.release", signed by a regulator, with the reference of the order that releases."""

    subject: bytes
    legal_reference: str
