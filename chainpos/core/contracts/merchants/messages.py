"""What may be asked of merchants: an acquirer registers one, its owner adds tills, either revokes them."""

from __future__ import annotations

import msgspec


class Register(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Kind "merchants.register", signed by the acquirer.

    `merchant` is 4 to 16 of A-Z and 0-9; names are 1 to 64 bytes of safe text, the city 1 to 32; `category` is four
    digits of ISO 18245; `owner` a 32-byte public key; `settlement_mode` "instant" or "netted"; `payout_account` the
    acquirer's reference for the bank account, 4 to 34 of A-Z, 0-9 and "-".
    """

    merchant: str
    acquirer: str
    name_en: str
    name_zh: str
    category: str
    city: str
    owner: bytes
    fee_class: str
    settlement_mode: str
    payout_account: str


class AddTill(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Kind "merchants.add_till", signed by the owner. `till` is the device's 32-byte public key.

    `label` is 1 to 32 bytes of safe text; limits are in minor units of the payment's currency.
    """

    merchant: str
    till: bytes
    label: str
    max_payment_minor: int
    refund_daily_minor: int


class RevokeTill(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Kind "merchants.revoke_till", signed by the owner or the acquirer: for good, from the next transaction on."""

    merchant: str
    till: bytes
