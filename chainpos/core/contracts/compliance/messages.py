"""What may be asked of compliance: to freeze, to release, and to agree to either."""

from __future__ import annotations

import msgspec


class Freeze(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Kind "compliance.freeze", signed by a regulator: an order, which holds at once for 72 hours at most.

    `subject` is "a" and a 20-byte account, or "m" and a merchant; `legal_reference` is 1 to 64 bytes of safe text;
    `until_s` is a second of block time within two years. It holds that long once the institution has agreed.
    """

    subject: bytes
    legal_reference: str
    until_s: int


class Release(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Kind "compliance.release", signed by a regulator, with the reference of the order that releases.

    What the institution has not agreed to is released at once; else it is released when the institution agrees.
    """

    subject: bytes
    legal_reference: str


class Agree(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Kind "compliance.agree", signed by the account's institution or the merchant's acquirer.

    `legal_reference` is that of the order to freeze or to release which it agrees to.
    """

    subject: bytes
    legal_reference: str
