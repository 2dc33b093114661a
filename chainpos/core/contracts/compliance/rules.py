"""Freeze, release, agree. They refuse whoever may not, an order without a reference, a freeze without an end.

A freeze needs the regulator and the subject's institution. The regulator's order alone holds for 72 hours, so that
money does not leave while the institution reads it; but not twice in 30 days against the same subject.
"""

from __future__ import annotations

from typing import Final

import msgspec

from chainpos.core.contracts.compliance import codes, port
from chainpos.core.contracts.compliance.events import FREEZE_AGREED, FROZEN, RELEASE_ORDERED, RELEASED
from chainpos.core.contracts.compliance.messages import Agree, Freeze, Release
from chainpos.core.contracts.compliance.records import FREEZES, INTERIM_REST_S, INTERIM_S
from chainpos.core.contracts.compliance.records import Freeze as FreezeRecord
from chainpos.core.contracts.context import Context
from chainpos.core.contracts.ports import account_subject, merchant_subject
from chainpos.core.values.hashes import ADDRESS_BYTES
from chainpos.errors import Rejected

MAX_REFERENCE_BYTES: Final = 64
MAX_FREEZE_S: Final = 2 * 366 * 86_400
_ACCOUNT: Final = account_subject(b"")
_MERCHANT: Final = merchant_subject("")


def freeze(ctx: Context, message: Freeze) -> bytes:
    """The subject's money does not move until the interim's end; until `until_s` once the institution agrees."""
    _checked(ctx, message.legal_reference)
    now_s = ctx.block.time_s
    ctx.require(0 < message.until_s - now_s <= MAX_FREEZE_S, codes.BAD_FREEZE_EXPIRY)
    named, _ = _subject(ctx, message.subject)
    ctx.require(port.freeze_in_force(ctx, message.subject) is None, codes.ALREADY_FROZEN)
    before = ctx.get(FREEZES, message.subject)
    interim_s = 0 if before is None else before.interim_s
    until_s = now_s
    if interim_s == 0 or now_s >= interim_s + INTERIM_REST_S:
        interim_s, until_s = now_s, min(message.until_s, now_s + INTERIM_S)
    record = FreezeRecord(message.legal_reference, now_s, until_s, ctx.signer, message.until_s, interim_s=interim_s)
    ctx.put(FREEZES, message.subject, record)
    ctx.emit(
        FROZEN,
        subject=named,
        legal_reference=message.legal_reference,
        until_s=until_s,
        ordered_until_s=message.until_s,
    )
    return b""


def release(ctx: Context, message: Release) -> bytes:
    """The subject's money moves again: at once where only the regulator had frozen it, else when it is agreed to."""
    _checked(ctx, message.legal_reference)
    named, _ = _subject(ctx, message.subject)
    frozen = ctx.found(port.freeze_in_force(ctx, message.subject), codes.NOT_FROZEN)
    if not frozen.agreed_by:
        # It stays on record: who has used up the interim may not begin another at once.
        now_s = ctx.block.time_s
        withdrawn = msgspec.structs.replace(
            frozen,
            until_s=now_s,
            ordered_until_s=now_s,
            release_reference=message.legal_reference,
            released_by=ctx.signer,
        )
        ctx.put(FREEZES, message.subject, withdrawn)
        ctx.emit(RELEASED, subject=named, legal_reference=message.legal_reference)
        return b""
    ordered = msgspec.structs.replace(frozen, release_reference=message.legal_reference, released_by=ctx.signer)
    ctx.put(FREEZES, message.subject, ordered)
    ctx.emit(RELEASE_ORDERED, subject=named, legal_reference=message.legal_reference)
    return b""


def agree(ctx: Context, message: Agree) -> bytes:
    """The freeze holds as long as it was ordered to, or the subject is free."""
    ctx.require_text(message.legal_reference, codes.BAD_LEGAL_REFERENCE, max_bytes=MAX_REFERENCE_BYTES)
    named, institution = _subject(ctx, message.subject)
    ctx.ports.institutions.require_signer(ctx, institution, ctx.signer)
    record = ctx.found(ctx.get(FREEZES, message.subject), codes.NOTHING_TO_AGREE)
    now_s = ctx.block.time_s
    if record.agreed_by:
        is_awaited = now_s < record.until_s and record.release_reference == message.legal_reference
        ctx.require(is_awaited, codes.NOTHING_TO_AGREE)
        ctx.put(FREEZES, message.subject, msgspec.structs.replace(record, until_s=now_s))
        ctx.emit(RELEASED, subject=named, legal_reference=message.legal_reference)
        return b""
    ctx.require(record.legal_reference == message.legal_reference, codes.NOTHING_TO_AGREE)
    ctx.require(now_s < min(record.ordered_until_s, record.from_s + INTERIM_S), codes.AGREEMENT_LATE)
    agreed = msgspec.structs.replace(
        record, until_s=record.ordered_until_s, agreed_by=ctx.signer, agreed_s=now_s, interim_s=0
    )
    ctx.put(FREEZES, message.subject, agreed)
    ctx.emit(FREEZE_AGREED, subject=named, legal_reference=message.legal_reference, until_s=agreed.until_s)
    return b""


def _checked(ctx: Context, legal_reference: str) -> None:
    ctx.ports.governance.require_role(ctx, "regulator", ctx.signer)
    ctx.require_text(legal_reference, codes.BAD_LEGAL_REFERENCE, max_bytes=MAX_REFERENCE_BYTES)


def _subject(ctx: Context, subject: bytes) -> tuple[str, str]:
    """The subject as text, an account's address in hex or a merchant, and its institution. It must exist."""
    named = subject[1:]
    if subject.startswith(_ACCOUNT) and len(named) == ADDRESS_BYTES:
        return named.hex(), ctx.ports.customers.institution_of(ctx, named)
    if subject.startswith(_MERCHANT) and named.isascii():
        merchant = named.decode()
        return merchant, ctx.ports.merchants.acquirer_of(ctx, merchant)
    raise Rejected(codes.BAD_SUBJECT)
