"""What may be asked of customers: an institution opens accounts and answers for them; customers hold their keys."""

from __future__ import annotations

from typing import Protocol

import msgspec

from chainpos.core.chain.signatures import Signature
from chainpos.core.contracts.ports import account_subject
from chainpos.core.contracts.possession import possession_claim


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


class RotateKey(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Kind "customers.rotate_key", signed by the account's present key.

    `key` signs from the next transaction on; `proof` is its signature (possession.possession_bytes of the account's
    subject).
    """

    account: bytes
    key: bytes
    proof: bytes


class Lock(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Kind "customers.lock", signed by the account's key or its institution: a lost phone can no longer pay."""

    account: bytes


class Unlock(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Kind "customers.unlock", signed by the institution."""

    account: bytes


class StartRecovery(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Kind "customers.start_recovery", signed by the institution: locks the account at once. Fields as of RotateKey."""

    account: bytes
    key: bytes
    proof: bytes


class CompleteRecovery(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Kind "customers.complete_recovery", signed by the institution after the waiting time: the new key signs."""

    account: bytes


class CancelRecovery(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Kind "customers.cancel_recovery", signed by the old key, which then signs again; or by the institution."""

    account: bytes


class UpholdRecovery(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Kind "customers.uphold_recovery", signed by a regulator who heard both: the old key can object no more.

    `legal_reference` is 1 to 64 bytes of safe text.
    """

    account: bytes
    legal_reference: str


class Close(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Kind "customers.close", signed by the account's key or its institution. It must hold nothing."""

    account: bytes


class Reopen(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Kind "customers.reopen", signed by the institution, which has looked at the person's papers again."""

    account: bytes
    tier: str
    code_class: str
    attestation: bytes


class SetTier(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Kind "customers.set_tier", signed by the institution, with the commitment to the papers that it rests on."""

    account: bytes
    tier: str
    code_class: str
    attestation: bytes


class AgreeLimits(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Kind "customers.agree_limits", signed by the institution, in minor units of `currency`; null is no limit.

    They hold where the network leaves a tier's limit, or a class' cap of shown codes, to agreement.
    """

    account: bytes
    currency: str
    single_minor: int | None
    daily_minor: int | None
    balance_minor: int | None
    code_daily_minor: int | None


def new_key_claim(chain_id: str, message: RotateKey | StartRecovery) -> tuple[Signature, ...]:
    """The new key's own signature."""
    return possession_claim(chain_id, account_subject(message.account), message.key, message.proof)


class _OfAccount(Protocol):
    @property
    def account(self) -> bytes: ...


def about_account(message: _OfAccount) -> dict[str, str]:
    """By what a refusal is found: the account."""
    return {"account": message.account.hex()}
