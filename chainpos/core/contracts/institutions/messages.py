"""What may be asked of institutions: to move central-bank money, to replace a key; and how one is registered."""

from __future__ import annotations

import msgspec

from chainpos.core.chain.signatures import Signature
from chainpos.core.contracts.possession import institution_holder, possession_claim


class Register(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Change "institutions.register", which governance decides.

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


class RotateKey(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Kind "institutions.rotate_key", signed by the present key.

    `key` acts from the next transaction on; `proof` is its signature (possession.possession_bytes).
    """

    institution: str
    key: bytes
    proof: bytes


def new_key_claim(chain_id: str, message: RotateKey) -> tuple[Signature, ...]:
    """The new key's own signature."""
    return possession_claim(chain_id, institution_holder(message.institution), message.key, message.proof)
