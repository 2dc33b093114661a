"""Freeze and release. They refuse whoever is no regulator, an order without a reference, a freeze without an end."""

from __future__ import annotations

from typing import Final

from chainpos.core.contracts.compliance import codes, port
from chainpos.core.contracts.compliance.events import FROZEN, RELEASED
from chainpos.core.contracts.compliance.messages import Freeze, Release
from chainpos.core.contracts.compliance.records import FREEZES
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
    """The subject's money does not move until `until_s`."""
    _checked(ctx, message.legal_reference)
    ctx.require(0 < message.until_s - ctx.block.time_s <= MAX_FREEZE_S, codes.BAD_FREEZE_EXPIRY)
    named = _require_subject(ctx, message.subject)
    ctx.require(port.freeze_in_force(ctx, message.subject) is None, codes.ALREADY_FROZEN)
    record = FreezeRecord(message.legal_reference, ctx.block.time_s, message.until_s, ctx.signer)
    ctx.put(FREEZES, message.subject, record)
    ctx.emit(FROZEN, subject=named, legal_reference=message.legal_reference, until_s=message.until_s)
    return b""


def release(ctx: Context, message: Release) -> bytes:
    """The subject's money moves again from the next transaction on."""
    _checked(ctx, message.legal_reference)
    named = _require_subject(ctx, message.subject)
    ctx.require(port.freeze_in_force(ctx, message.subject) is not None, codes.NOT_FROZEN)
    ctx.delete(FREEZES, message.subject)
    ctx.emit(RELEASED, subject=named, legal_reference=message.legal_reference)
    return b""


def _checked(ctx: Context, legal_reference: str) -> None:
    ctx.ports.governance.require_role(ctx, "regulator", ctx.signer)
    ctx.require_text(legal_reference, codes.BAD_LEGAL_REFERENCE, max_bytes=MAX_REFERENCE_BYTES)


def _require_subject(ctx: Context, subject: bytes) -> str:
    """The subject as text: an account's address in hex, or a merchant. It must exist."""
    named = subject[1:]
    if subject.startswith(_ACCOUNT) and len(named) == ADDRESS_BYTES:
        ctx.ports.customers.party(ctx, named)
        return named.hex()
    if subject.startswith(_MERCHANT) and named.isascii():
        merchant = named.decode()
        ctx.ports.merchants.require_known(ctx, merchant)
        return merchant
    raise Rejected(codes.BAD_SUBJECT)
