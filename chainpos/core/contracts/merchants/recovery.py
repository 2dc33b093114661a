"""Another owner for a shop whose owner's key was lost: by its acquirer, after a time in which the old key may object.

They refuse whoever may not, a second recovery, and an objection to what the regulator upheld.
"""

from __future__ import annotations

from typing import Final

import msgspec

from chainpos.core.contracts.context import Context
from chainpos.core.contracts.merchants import codes, events, port
from chainpos.core.contracts.merchants.messages import (
    CancelOwnerRecovery,
    CompleteOwnerRecovery,
    StartOwnerRecovery,
    UpholdOwnerRecovery,
)
from chainpos.core.contracts.merchants.records import (
    CLOSED,
    DELAYS,
    MERCHANTS,
    ONLY,
    OWNER_RECOVERIES,
    Merchant,
    OwnerRecovery,
    delays_in_force,
    merchant_key,
)
from chainpos.core.values.hashes import PUBLIC_KEY_BYTES

MAX_REFERENCE_BYTES: Final = 64


def start(ctx: Context, message: StartOwnerRecovery) -> bytes:
    """The old owner's key does nothing but object, and the new one takes over after the waiting time in force."""
    merchant = _of_acquirer(ctx, message.merchant)
    ctx.require(merchant.status != CLOSED, codes.MERCHANT_CLOSED)
    ctx.require(len(message.owner) == PUBLIC_KEY_BYTES, codes.BAD_OWNER_KEY)
    ctx.require(message.owner != merchant.owner, codes.OWNER_UNCHANGED)
    port.require_no_recovery(ctx, message.merchant)
    begun_s = ctx.block.time_s
    ready_s = begun_s + delays_in_force(ctx.get(DELAYS, ONLY), begun_s).owner_recovery_s
    ctx.put(OWNER_RECOVERIES, merchant_key(message.merchant), OwnerRecovery(message.owner, begun_s, ready_s))
    ctx.emit(events.OWNER_RECOVERY_STARTED, merchant=message.merchant, owner=message.owner, ready_s=ready_s)
    return b""


def complete(ctx: Context, message: CompleteOwnerRecovery) -> bytes:
    """The new key is the owner's from the next transaction on, the old one nobody's."""
    merchant = _of_acquirer(ctx, message.merchant)
    recovery = _pending(ctx, message.merchant)
    ctx.require(ctx.block.time_s >= recovery.ready_s, codes.OWNER_RECOVERY_NOT_READY)
    key = merchant_key(message.merchant)
    ctx.delete(OWNER_RECOVERIES, key)
    ctx.put(MERCHANTS, key, msgspec.structs.replace(merchant, owner=recovery.owner))
    ctx.emit(events.OWNER_CHANGED, merchant=message.merchant, before=merchant.owner, owner=recovery.owner)
    return b""


def uphold(ctx: Context, message: UpholdOwnerRecovery) -> bytes:
    """The old key can object no more; the waiting time is as long as it was, and the acquirer may still cancel."""
    ctx.ports.governance.require_role(ctx, "regulator", ctx.signer)
    port.found(ctx, message.merchant)
    reference = message.legal_reference
    ctx.require_text(reference, codes.BAD_OWNER_RULING, max_bytes=MAX_REFERENCE_BYTES)
    recovery = _pending(ctx, message.merchant)
    ctx.require(not recovery.upheld_by, codes.OWNER_RECOVERY_UPHELD, recovery.upheld_by)
    upheld = msgspec.structs.replace(recovery, upheld_by=reference)
    ctx.put(OWNER_RECOVERIES, merchant_key(message.merchant), upheld)
    ctx.emit(events.OWNER_RECOVERY_UPHELD, merchant=message.merchant, legal_reference=reference)
    return b""


def cancel(ctx: Context, message: CancelOwnerRecovery) -> bytes:
    """The old owner's key acts again."""
    merchant = port.found(ctx, message.merchant)
    is_owner = merchant.owner == ctx.signer
    may = is_owner or ctx.ports.institutions.is_signer(ctx, merchant.acquirer, ctx.signer)
    ctx.require(may, codes.NOT_OWNER_OR_ACQUIRER)
    recovery = _pending(ctx, message.merchant)
    if is_owner:
        ctx.require(not recovery.upheld_by, codes.OWNER_RECOVERY_UPHELD, recovery.upheld_by)
    ctx.delete(OWNER_RECOVERIES, merchant_key(message.merchant))
    ctx.emit(events.OWNER_RECOVERY_CANCELLED, merchant=message.merchant)
    return b""


def _of_acquirer(ctx: Context, merchant: str) -> Merchant:
    record = port.found(ctx, merchant)
    ctx.ports.institutions.require_signer(ctx, record.acquirer, ctx.signer)
    return record


def _pending(ctx: Context, merchant: str) -> OwnerRecovery:
    return ctx.found(ctx.get(OWNER_RECOVERIES, merchant_key(merchant)), codes.NO_OWNER_RECOVERY)
