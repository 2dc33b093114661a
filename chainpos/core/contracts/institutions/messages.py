"""What may be asked of institutions: to register one, and to move its central-bank money."""

from __future__ import annotations

import msgspec


class Register(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Kind "institutions.register", signed by an operator.

    `institution` is 3 to 16 small letters and digits, a letter first; names are 1 to 64 bytes of safe text; `kind` is
    "bank" or "wallet"; `key` is the 32-byte public key that will act for it; `debit_caps` are (currency, minor units),
    where a currency that is not named has a cap of zero.
    """

    institution: str
    name_en: str
    name_zh: str
    kind: str
    key: bytes
    debit_caps: tuple[tuple[str, int], ...]


class FundReserve(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Kind "institutions.fund_reserve", signed by the central bank. `reference` is 1 to 64 bytes of safe text."""

    institution: str
    currency: str
    amount_minor: int
    reference: str


class DrainReserve(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Kind "institutions.drain_reserve", signed by the central bank: the opposite of `FundReserve`."""

    institution: str
    currency: str
    amount_minor: int
    reference: str
