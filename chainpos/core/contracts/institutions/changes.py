"""What governance decides of institutions: who is one, its standing, its caps, its key when that was lost.

They refuse names that are taken or not plain, and what would change nothing.
"""

from __future__ import annotations

from typing import Final

import msgspec

from chainpos.core.contracts.context import Change, Context
from chainpos.core.contracts.institutions import codes, port, rules
from chainpos.core.contracts.institutions.events import CAPS_CHANGED, REGISTERED, REINSTATED, SUSPENDED
from chainpos.core.contracts.institutions.messages import Register
from chainpos.core.contracts.institutions.records import ACTIVE, INSTITUTIONS, institution_key
from chainpos.core.contracts.institutions.records import SUSPENDED as STATUS_SUSPENDED

MAX_REASON_BYTES: Final = 64


class SetStanding(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Change "institutions.standing": suspended, it may not act, its customers not pay, its merchants not be paid."""

    institution: str
    is_suspended: bool
    reason: str


class SetDebitCaps(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Change "institutions.debit_caps": (currency, minor units); a currency that is not named has a cap of zero.

    A cap below what is owed already takes nothing back: nothing more may be owed until the next cycle.
    """

    institution: str
    debit_caps: tuple[tuple[str, int], ...]


class ReplaceKey(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Change "institutions.key": another 32-byte key acts for the institution, which lost its own."""

    institution: str
    key: bytes


def register(ctx: Context, change: Register) -> None:
    """The institution may act from the next transaction on."""
    rules.add(ctx, change)
    ctx.emit(REGISTERED, institution=change.institution, kind=change.kind, key=change.key)


def set_standing(ctx: Context, change: SetStanding) -> None:
    """The institution is suspended, or in good standing again, from the next transaction on."""
    record = port.found(ctx, change.institution)
    ctx.require_text(change.reason, codes.BAD_STANDING_REASON, max_bytes=MAX_REASON_BYTES)
    status = STATUS_SUSPENDED if change.is_suspended else ACTIVE
    ctx.require(record.status != status, codes.STANDING_UNCHANGED)
    ctx.put(INSTITUTIONS, institution_key(change.institution), msgspec.structs.replace(record, status=status))
    kind = SUSPENDED if change.is_suspended else REINSTATED
    ctx.emit(kind, institution=change.institution, reason=change.reason)


def set_debit_caps(ctx: Context, change: SetDebitCaps) -> None:
    """It may owe all others together so much, from the next transaction on."""
    record = port.found(ctx, change.institution)
    caps = rules.debit_caps(ctx, change.debit_caps)
    ctx.put(INSTITUTIONS, institution_key(change.institution), msgspec.structs.replace(record, debit_caps=caps))
    named = ",".join(f"{cap.currency}:{cap.cap_minor}" for cap in caps)
    ctx.emit(CAPS_CHANGED, institution=change.institution, caps=named)


def replace_key(ctx: Context, change: ReplaceKey) -> None:
    """The new key acts for the institution."""
    rules.replace_key(ctx, change.institution, change.key)


CHANGES: Final = (
    Change("institutions.register", Register, register),
    Change("institutions.standing", SetStanding, set_standing),
    Change("institutions.debit_caps", SetDebitCaps, set_debit_caps),
    Change("institutions.key", ReplaceKey, replace_key),
)
