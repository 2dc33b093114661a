"""Merchants from registration to closing, their owners, terms and tills.

They refuse names that could mislead a payer's screen, anybody but the acquirer and the owner, and closing a shop that
still has money.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from chainpos.core.contracts.balances import port as balances
from chainpos.core.contracts.balances.records import merchant_account
from chainpos.core.contracts.context import Context
from chainpos.core.contracts.merchants import codes, events, port
from chainpos.core.contracts.merchants.events import REGISTERED, TILL_ADDED, TILL_REVOKED
from chainpos.core.contracts.merchants.messages import (
    AddTill,
    CancelCertificate,
    CancelTerms,
    Certify,
    ChangeTerms,
    Close,
    Register,
    Reopen,
    RevokeTill,
    RotateOwner,
    SetTillLimits,
    Suspend,
)
from chainpos.core.contracts.merchants.records import (
    CLOSED,
    DELAYS,
    MAX_TILLS,
    MERCHANTS,
    ONLY,
    OPEN,
    REVOKED,
    SETTLEMENT_MODES,
    SUSPENDED,
    TILLS,
    Merchant,
    NextCertificate,
    NextTerms,
    Till,
    delays_in_force,
    merchant_key,
)
from chainpos.core.contracts.network import today
from chainpos.core.contracts.ports import merchant_subject
from chainpos.core.values.amount import MAX_MINOR
from chainpos.core.values.currency import CURRENCIES
from chainpos.core.values.hashes import PUBLIC_KEY_BYTES
from chainpos.errors import Rejected

MAX_NAME_BYTES: Final = 64
MAX_CITY_BYTES: Final = 32
MAX_LABEL_BYTES: Final = 32
MAX_REASON_BYTES: Final = 64
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
    _check_certificate(ctx, message)
    ctx.require(len(message.owner) == PUBLIC_KEY_BYTES, codes.BAD_OWNER_KEY)
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
    _check_limits(ctx, message)
    ctx.require(ctx.get(TILLS, message.till) is None, codes.TILL_KEY_IN_USE)
    ctx.require(merchant.tills < MAX_TILLS, codes.TOO_MANY_TILLS)
    ctx.put(MERCHANTS, merchant_key(message.merchant), msgspec.structs.replace(merchant, tills=merchant.tills + 1))
    till = Till(message.merchant, message.label, message.max_payment_minor, message.refund_daily_minor, OPEN)
    ctx.put(TILLS, message.till, till)


def revoke_till(ctx: Context, message: RevokeTill) -> bytes:
    """The device may do nothing from the next transaction on; its requests that wait are refused."""
    _require_either(ctx, message.merchant)
    till = ctx.get(TILLS, message.till)
    if till is None or till.merchant != message.merchant:
        raise Rejected(codes.UNKNOWN_TILL)
    ctx.require(till.status == OPEN, codes.TILL_REVOKED)
    ctx.put(TILLS, message.till, msgspec.structs.replace(till, status=REVOKED))
    ctx.emit(TILL_REVOKED, merchant=message.merchant, till=message.till)
    return b""


def set_till_limits(ctx: Context, message: SetTillLimits) -> bytes:
    """The till has these limits from the next transaction on; what it returned today counts."""
    port.require_owner(ctx, message.merchant, ctx.signer)
    till = ctx.get(TILLS, message.till)
    if till is None or till.merchant != message.merchant:
        raise Rejected(codes.UNKNOWN_TILL)
    ctx.require(till.status == OPEN, codes.TILL_REVOKED)
    _check_limits(ctx, message)
    after = msgspec.structs.replace(
        till,
        max_payment_minor=message.max_payment_minor,
        refund_daily_minor=message.refund_daily_minor,
        limits_day=today(ctx),
    )
    ctx.put(TILLS, message.till, after)
    ctx.emit(
        events.TILL_LIMITS_CHANGED,
        merchant=message.merchant,
        till=message.till,
        max_payment_minor=message.max_payment_minor,
        refund_daily_minor=message.refund_daily_minor,
    )
    return b""


def rotate_owner(ctx: Context, message: RotateOwner) -> bytes:
    """The new key is the owner's from the next transaction on, the old one nobody's."""
    port.require_owner(ctx, message.merchant, ctx.signer)
    merchant = _not_closed(ctx, message.merchant)
    ctx.require(len(message.owner) == PUBLIC_KEY_BYTES, codes.BAD_OWNER_KEY)
    ctx.require(message.owner != merchant.owner, codes.OWNER_UNCHANGED)
    _keep(ctx, message.merchant, msgspec.structs.replace(merchant, owner=message.owner))
    ctx.emit(events.OWNER_CHANGED, merchant=message.merchant, before=merchant.owner, owner=message.owner)
    return b""


def change_terms(ctx: Context, message: ChangeTerms) -> bytes:
    """The shop is settled so after the delay in force. What was announced before and has not begun is replaced."""
    port.require_owner(ctx, message.merchant, ctx.signer)
    merchant = _not_closed(ctx, message.merchant)
    ctx.require(message.settlement_mode in SETTLEMENT_MODES, codes.BAD_SETTLEMENT_MODE)
    ctx.require(_PAYOUT_ACCOUNT.fullmatch(message.payout_account) is not None, codes.BAD_PAYOUT_ACCOUNT)
    mode, account = merchant.at(ctx.block.time_s)
    ctx.require((mode, account) != (message.settlement_mode, message.payout_account), codes.TERMS_UNCHANGED)
    effective_from_s = ctx.block.time_s + delays_in_force(ctx.get(DELAYS, ONLY), ctx.block.time_s).terms_s
    following = (NextTerms(effective_from_s, message.settlement_mode, message.payout_account),)
    after = msgspec.structs.replace(merchant, settlement_mode=mode, payout_account=account, following=following)
    _keep(ctx, message.merchant, after)
    ctx.emit(
        events.TERMS_ANNOUNCED,
        merchant=message.merchant,
        settlement_mode=message.settlement_mode,
        payout_account=message.payout_account,
        effective_from_s=effective_from_s,
    )
    return b""


def cancel_terms(ctx: Context, message: CancelTerms) -> bytes:
    """The shop keeps the terms that it has."""
    merchant = port.found(ctx, message.merchant)
    _require_either(ctx, message.merchant)
    is_pending = bool(merchant.following) and merchant.following[0].effective_from_s > ctx.block.time_s
    ctx.require(is_pending, codes.NO_TERMS_PENDING)
    _keep(ctx, message.merchant, msgspec.structs.replace(merchant, following=()))
    ctx.emit(events.TERMS_CANCELLED, merchant=message.merchant)
    return b""


def certify(ctx: Context, message: Certify) -> bytes:
    """All of this is certified after the delay in force. What was announced before and has not begun is replaced."""
    merchant = _of_acquirer(ctx, message.merchant).as_of(ctx.block.time_s)
    _check_certificate(ctx, message)
    named = msgspec.structs.astuple(message)[1:]
    is_other = named != (merchant.name_en, merchant.name_zh, merchant.category, merchant.city, merchant.fee_class)
    ctx.require(is_other, codes.CERTIFICATE_UNCHANGED)
    effective_from_s = ctx.block.time_s + delays_in_force(ctx.get(DELAYS, ONLY), ctx.block.time_s).terms_s
    following = (NextCertificate(effective_from_s, *named),)
    _keep(ctx, message.merchant, msgspec.structs.replace(merchant, recertified=following))
    ctx.emit(events.CERTIFICATE_ANNOUNCED, **msgspec.structs.asdict(message), effective_from_s=effective_from_s)
    return b""


def cancel_certificate(ctx: Context, message: CancelCertificate) -> bytes:
    """The shop stays certified as it is."""
    merchant = port.found(ctx, message.merchant)
    _require_either(ctx, message.merchant)
    is_pending = bool(merchant.recertified) and merchant.recertified[0].effective_from_s > ctx.block.time_s
    ctx.require(is_pending, codes.NO_CERTIFICATE_PENDING)
    _keep(ctx, message.merchant, msgspec.structs.replace(merchant, recertified=()))
    ctx.emit(events.CERTIFICATE_CANCELLED, merchant=message.merchant)
    return b""


def suspend(ctx: Context, message: Suspend) -> bytes:
    """The shop neither takes nor returns money, and draws none, until it is reopened."""
    merchant = _of_acquirer(ctx, message.merchant)
    ctx.require_text(message.reason, codes.BAD_SUSPENSION_REASON, max_bytes=MAX_REASON_BYTES)
    ctx.require(merchant.status == OPEN, codes.MERCHANT_NOT_OPEN)
    _keep(ctx, message.merchant, msgspec.structs.replace(merchant, status=SUSPENDED))
    ctx.emit(events.SUSPENDED, merchant=message.merchant, reason=message.reason)
    return b""


def reopen(ctx: Context, message: Reopen) -> bytes:
    """A suspended shop sells again."""
    merchant = _of_acquirer(ctx, message.merchant)
    ctx.require(merchant.status == SUSPENDED, codes.NOT_SUSPENDED)
    _keep(ctx, message.merchant, msgspec.structs.replace(merchant, status=OPEN))
    ctx.emit(events.REOPENED, merchant=message.merchant)
    return b""


def close(ctx: Context, message: Close) -> bytes:
    """The shop's number is never used again. Its payments stay on record, and can no longer be refunded here."""
    _require_either(ctx, message.merchant)
    merchant = _not_closed(ctx, message.merchant)
    port.require_no_recovery(ctx, message.merchant)
    ctx.ports.compliance.require_free(ctx, merchant_subject(message.merchant))
    deposit = merchant_account(message.merchant, merchant.acquirer)
    for currency in CURRENCIES:
        ctx.require(balances.balance(ctx, deposit, currency) == 0, codes.MERCHANT_NOT_EMPTY, currency)
    _keep(ctx, message.merchant, msgspec.structs.replace(merchant, status=CLOSED))
    ctx.emit(events.CLOSED, merchant=message.merchant)
    return b""


def _check_certificate(ctx: Context, message: Register | Certify) -> None:
    for name in (message.name_en, message.name_zh):
        ctx.require_text(name, codes.BAD_MERCHANT_NAME, max_bytes=MAX_NAME_BYTES)
    ctx.require(_CATEGORY.fullmatch(message.category) is not None, codes.BAD_CATEGORY)
    ctx.require_text(message.city, codes.BAD_CITY, max_bytes=MAX_CITY_BYTES)
    ctx.require(_FEE_CLASS.fullmatch(message.fee_class) is not None, codes.BAD_FEE_CLASS)


def _check_limits(ctx: Context, message: AddTill | SetTillLimits) -> None:
    for limit_minor in (message.max_payment_minor, message.refund_daily_minor):
        ctx.require(0 <= limit_minor <= MAX_MINOR, codes.BAD_TILL_LIMITS)


def _require_either(ctx: Context, merchant: str) -> None:
    acquirer = port.acquirer_of(ctx, merchant)
    if not ctx.ports.institutions.is_signer(ctx, acquirer, ctx.signer):
        is_owner = port.found(ctx, merchant).owner == ctx.signer
        ctx.require(is_owner, codes.NOT_OWNER_OR_ACQUIRER)
        port.require_no_recovery(ctx, merchant)


def _of_acquirer(ctx: Context, merchant: str) -> Merchant:
    record = port.found(ctx, merchant)
    ctx.ports.institutions.require_signer(ctx, record.acquirer, ctx.signer)
    ctx.require(record.status != CLOSED, codes.MERCHANT_CLOSED)
    return record


def _not_closed(ctx: Context, merchant: str) -> Merchant:
    record = port.found(ctx, merchant)
    ctx.require(record.status != CLOSED, codes.MERCHANT_CLOSED)
    return record


def _keep(ctx: Context, merchant: str, record: Merchant) -> None:
    ctx.put(MERCHANTS, merchant_key(merchant), record)
