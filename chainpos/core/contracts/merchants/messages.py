"""What may be asked of merchants: the acquirer certifies and suspends, the owner keeps keys, terms and tills."""

from __future__ import annotations

from typing import Final, Protocol

import msgspec

from chainpos.core.chain.signatures import Signature
from chainpos.core.contracts.ports import merchant_subject
from chainpos.core.contracts.possession import possession_claim

MAX_MERCHANT_BYTES: Final = 16


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


class RotateOwner(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Kind "merchants.rotate_owner", signed by the present owner's key.

    `owner` acts from the next transaction on; `proof` is its signature (possession.possession_bytes of the subject).
    """

    merchant: str
    owner: bytes
    proof: bytes


class ChangeTerms(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Kind "merchants.change_terms", signed by the owner: in force after the delay in force, unless cancelled."""

    merchant: str
    settlement_mode: str
    payout_account: str


class CancelTerms(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Kind "merchants.cancel_terms", signed by the owner or the acquirer, before the terms are in force."""

    merchant: str


class Certify(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Kind "merchants.certify", signed by the acquirer: another certificate, after the delay in force for terms.

    All of it, changed or not; the fields are Register's.
    """

    merchant: str
    name_en: str
    name_zh: str
    category: str
    city: str
    fee_class: str


class CancelCertificate(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Kind "merchants.cancel_certificate", signed by the owner or the acquirer, before the certificate is in force."""

    merchant: str


class Suspend(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Kind "merchants.suspend", signed by the acquirer: the shop takes, returns and draws nothing until reopened."""

    merchant: str
    reason: str


class Reopen(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Kind "merchants.reopen", signed by the acquirer."""

    merchant: str


class Close(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Kind "merchants.close", signed by the owner or the acquirer: for good. No money may be left."""

    merchant: str


class SetTillLimits(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Kind "merchants.set_till_limits", signed by the owner: from the next transaction on."""

    merchant: str
    till: bytes
    max_payment_minor: int
    refund_daily_minor: int


class StartOwnerRecovery(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Kind "merchants.start_owner_recovery", signed by the acquirer: a lost owner's key. Fields as of RotateOwner."""

    merchant: str
    owner: bytes
    proof: bytes


class CompleteOwnerRecovery(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Kind "merchants.complete_owner_recovery", signed by the acquirer after the waiting time."""

    merchant: str


class UpholdOwnerRecovery(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Kind "merchants.uphold_owner_recovery", signed by a regulator who heard both: the old key can object no more.

    `legal_reference` is 1 to 64 bytes of safe text.
    """

    merchant: str
    legal_reference: str


class CancelOwnerRecovery(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Kind "merchants.cancel_owner_recovery", signed by the old owner's key, which acts again; or by the acquirer."""

    merchant: str


class _OfMerchant(Protocol):
    @property
    def merchant(self) -> str: ...


def new_owner_claim(chain_id: str, message: RotateOwner | StartOwnerRecovery) -> tuple[Signature, ...]:
    """The new owner's own signature."""
    return possession_claim(chain_id, merchant_subject(message.merchant), message.owner, message.proof)


def about_merchant(message: _OfMerchant) -> dict[str, str]:
    """By what a refusal is found: the merchant, where it is such a name at all."""
    name = message.merchant
    return {"merchant": name} if len(name) <= MAX_MERCHANT_BYTES and name.isascii() and name.isalnum() else {}
