"""What merchants offer: their terms, whether a key is a till or the owner, how much a till has returned today.

It refuses shops that are not open and tills that are not, or no longer, the shop's.
"""

from __future__ import annotations

from msgspec.structs import replace

from chainpos.core.contracts.context import Context
from chainpos.core.contracts.merchants import codes
from chainpos.core.contracts.merchants.records import (
    MERCHANTS,
    OPEN,
    OWNER_RECOVERIES,
    TILLS,
    Merchant,
    Till,
    merchant_key,
)
from chainpos.core.contracts.network import today
from chainpos.core.contracts.ports import MerchantTerms
from chainpos.errors import Rejected


def found(ctx: Context, merchant: str) -> Merchant:
    """The merchant's record, whatever its status. Raises Rejected(UNKNOWN_MERCHANT)."""
    return ctx.found(ctx.get(MERCHANTS, merchant_key(merchant)), codes.UNKNOWN_MERCHANT)


def terms(ctx: Context, merchant: str) -> MerchantTerms:
    """Of an open merchant. Raises Rejected: UNKNOWN_MERCHANT, MERCHANT_NOT_OPEN, INSTITUTION_SUSPENDED."""
    record = ctx.views[MERCHANTS][merchant_key(merchant)]
    if record is None or record.status != OPEN:
        raise Rejected(codes.UNKNOWN_MERCHANT if record is None else codes.MERCHANT_NOT_OPEN)
    ctx.ports.institutions.require_active(ctx, record.acquirer)
    mode = record.at(ctx.block.time_s)[0] if record.following else record.settlement_mode
    record = record.as_of(ctx.block.time_s) if record.recertified else record
    return MerchantTerms(merchant, record.acquirer, record.fee_class, mode)


def payout_account(ctx: Context, merchant: str) -> str:
    """Where its money is paid out to, by the terms of this second. Raises Rejected(UNKNOWN_MERCHANT)."""
    return found(ctx, merchant).at(ctx.block.time_s)[1]


def acquirer_of(ctx: Context, merchant: str) -> str:
    """The acquirer of a merchant, open or not. Raises Rejected(UNKNOWN_MERCHANT)."""
    return found(ctx, merchant).acquirer


def require_till(ctx: Context, merchant: str, till_key: bytes) -> int:
    """The most that the till takes in one payment, in minor units. Raises Rejected: UNKNOWN_TILL, TILL_REVOKED."""
    return _active_till(ctx, merchant, till_key).max_payment_minor


def require_owner(ctx: Context, merchant: str, public_key: bytes) -> None:
    """Raises Rejected: UNKNOWN_MERCHANT, NOT_OWNER, OWNER_RECOVERY_PENDING."""
    ctx.require(found(ctx, merchant).owner == public_key, codes.NOT_OWNER)
    require_no_recovery(ctx, merchant)


def is_owner(ctx: Context, merchant: str, public_key: bytes) -> bool:
    """Whether the key acts as the owner's: not while it is being replaced. Raises Rejected(UNKNOWN_MERCHANT)."""
    return found(ctx, merchant).owner == public_key and ctx.get(OWNER_RECOVERIES, merchant_key(merchant)) is None


def require_no_recovery(ctx: Context, merchant: str) -> None:
    """Raises Rejected(OWNER_RECOVERY_PENDING)."""
    ctx.require(ctx.get(OWNER_RECOVERIES, merchant_key(merchant)) is None, codes.OWNER_RECOVERY_PENDING)


def count_refund(ctx: Context, merchant: str, till_key: bytes, amount_minor: int) -> None:
    """Count a refund to the till's day. Raises Rejected: UNKNOWN_TILL, TILL_REVOKED, OVER_TILL_REFUND_LIMIT."""
    till = _active_till(ctx, merchant, till_key)
    day = today(ctx)
    refunded_minor = amount_minor + (till.refunded_minor if till.refund_day == day else 0)
    ctx.require(refunded_minor <= till.refund_daily_minor, codes.OVER_TILL_REFUND_LIMIT)
    ctx.put(TILLS, till_key, replace(till, refund_day=day, refunded_minor=refunded_minor))


def _active_till(ctx: Context, merchant: str, till_key: bytes) -> Till:
    till = ctx.views[TILLS][till_key]
    if till is None or till.merchant != merchant:
        raise Rejected(codes.UNKNOWN_TILL)
    if till.status != OPEN:
        raise Rejected(codes.TILL_REVOKED)
    return till
