"""Registering merchants, and adding and revoking their tills.

They refuse names that could mislead a payer's screen, and anybody but the acquirer and the owner.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from chainpos.core.contracts.context import Context
from chainpos.core.contracts.merchants import codes, port
from chainpos.core.contracts.merchants.events import REGISTERED, TILL_ADDED, TILL_REVOKED
from chainpos.core.contracts.merchants.messages import AddTill, Register, RevokeTill
from chainpos.core.contracts.merchants.records import (
    MAX_TILLS,
    MERCHANTS,
    OPEN,
    REVOKED,
    SETTLEMENT_MODES,
    TILLS,
    Merchant,
    Till,
    merchant_key,
)
from chainpos.core.values.amount import MAX_MINOR
from chainpos.core.values.hashes import PUBLIC_KEY_BYTES
from chainpos.errors import Rejected

MAX_NAME_BYTES: Final = 64
MAX_CITY_BYTES: Final = 32
MAX_LABEL_BYTES: Final = 32
_MERCHANT_ID: Final = re.compile(r"[A-Z0-9]{4,16}", re.ASCII)
_CATEGORY: Final = re.compile(r"[0-9]{4}", re.ASCII)
_FEE_CLASS: Final = re.compile(r"[a-z0-9_]{1,32}", re.ASCII)
_PAYOUT_ACCOUNT: Final = re.compile(r"[A-Z0-9-]{4,34}", re.ASCII)


def register(ctx: Context, message: Register) -> bytes:
    """The merchant exists from the next transaction on; it has no till yet."""
    ctx.ports.institutions.require_signer(ctx, message.acquirer, ctx.signer)
    add_merchant(ctx, message)
    ctx.emit(REGISTERED, merchant=message.merchant, acquirer=message.acquirer, owner=message.owner)
    return b""


def add_merchant(ctx: Context, message: Register) -> None:
    """Write the merchant's record, whoever asked for it: a rule or genesis."""
    ctx.require(_MERCHANT_ID.fullmatch(message.merchant) is not None, codes.BAD_MERCHANT_ID)
    for name in (message.name_en, message.name_zh):
        ctx.require_text(name, codes.BAD_MERCHANT_NAME, max_bytes=MAX_NAME_BYTES)
    ctx.require(_CATEGORY.fullmatch(message.category) is not None, codes.BAD_CATEGORY)
    ctx.require_text(message.city, codes.BAD_CITY, max_bytes=MAX_CITY_BYTES)
    ctx.require(len(message.owner) == PUBLIC_KEY_BYTES, codes.BAD_OWNER_KEY)
    ctx.require(_FEE_CLASS.fullmatch(message.fee_class) is not None, codes.BAD_FEE_CLASS)
    ctx.require(message.settlement_mode in SETTLEMENT_MODES, codes.BAD_SETTLEMENT_MODE)
    ctx.require(_PAYOUT_ACCOUNT.fullmatch(message.payout_account) is not None, codes.BAD_PAYOUT_ACCOUNT)
    key = merchant_key(message.merchant)
    ctx.require(ctx.get(MERCHANTS, key) is None, codes.MERCHANT_EXISTS)
    ctx.put(
        MERCHANTS,
        key,
        Merchant(
            acquirer=message.acquirer,
            name_en=message.name_en,
            name_zh=message.name_zh,
            category=message.category,
            city=message.city,
            owner=message.owner,
            fee_class=message.fee_class,
            settlement_mode=message.settlement_mode,
            payout_account=message.payout_account,
            status=OPEN,
        ),
    )


def add_till(ctx: Context, message: AddTill) -> bytes:
    """The device may ask for money in the merchant's name from the next transaction on."""
    port.require_owner(ctx, message.merchant, ctx.signer)
    append_till(ctx, message)
    ctx.emit(TILL_ADDED, merchant=message.merchant, till=message.till, label=message.label)
    return b""


def append_till(ctx: Context, message: AddTill) -> None:
    """Write the till's record, whoever asked for it: a rule or genesis."""
    merchant = port.found(ctx, message.merchant)
    ctx.require(merchant.status == OPEN, codes.MERCHANT_NOT_OPEN)
    ctx.require(len(message.till) == PUBLIC_KEY_BYTES, codes.BAD_TILL_KEY)
    ctx.require_text(message.label, codes.BAD_TILL_LABEL, max_bytes=MAX_LABEL_BYTES)
    for limit_minor in (message.max_payment_minor, message.refund_daily_minor):
        ctx.require(0 <= limit_minor <= MAX_MINOR, codes.BAD_TILL_LIMITS)
    ctx.require(ctx.get(TILLS, message.till) is None, codes.TILL_KEY_IN_USE)
    ctx.require(merchant.tills < MAX_TILLS, codes.TOO_MANY_TILLS)
    ctx.put(MERCHANTS, merchant_key(message.merchant), msgspec.structs.replace(merchant, tills=merchant.tills + 1))
    till = Till(message.merchant, message.label, message.max_payment_minor, message.refund_daily_minor, OPEN)
    ctx.put(TILLS, message.till, till)


def revoke_till(ctx: Context, message: RevokeTill) -> bytes:
    """The device may do nothing from the next transaction on; its requests that wait are refused."""
    merchant = port.found(ctx, message.merchant)
    may_revoke = ctx.signer == merchant.owner or ctx.ports.institutions.is_signer(ctx, merchant.acquirer, ctx.signer)
    ctx.require(may_revoke, codes.NOT_OWNER_OR_ACQUIRER)
    till = ctx.get(TILLS, message.till)
    if till is None or till.merchant != message.merchant:
        raise Rejected(codes.UNKNOWN_TILL)
    ctx.require(till.status == OPEN, codes.TILL_REVOKED)
    ctx.put(TILLS, message.till, msgspec.structs.replace(till, status=REVOKED))
    ctx.emit(TILL_REVOKED, merchant=message.merchant, till=message.till)
    return b""
