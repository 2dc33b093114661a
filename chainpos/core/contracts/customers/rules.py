"""Accounts from opening to closing, and their keys.

They refuse a key that another account has or had, a tier or class that the network does not have, whoever may not, and
closing what still holds money. A lost key is replaced by the institution, after a time in which the old one may object.
"""

from __future__ import annotations

from typing import Final

import msgspec

from chainpos.core.contracts.balances import port as balances
from chainpos.core.contracts.balances.records import customer_account
from chainpos.core.contracts.context import Context
from chainpos.core.contracts.customers import codes, events
from chainpos.core.contracts.customers.messages import (
    AgreeLimits,
    CancelRecovery,
    Close,
    CompleteRecovery,
    Lock,
    Open,
    Reopen,
    RotateKey,
    SetTier,
    StartRecovery,
    Unlock,
    UpholdRecovery,
)
from chainpos.core.contracts.customers.port import agreed_limits
from chainpos.core.contracts.customers.records import (
    AGREED,
    CLOSED,
    CODE_CLASSES,
    CUSTOMER_KEYS,
    CUSTOMERS,
    LOCKED,
    ONLY,
    OPEN,
    RECOVERIES,
    RECOVERY_TIMES,
    TIERS,
    Agreed,
    AgreedLimits,
    Customer,
    KeyHolder,
    Recovery,
    waiting_in_force,
)
from chainpos.core.contracts.ports import account_subject
from chainpos.core.values.amount import MAX_MINOR
from chainpos.core.values.currency import CURRENCIES
from chainpos.core.values.hashes import HASH_BYTES, PUBLIC_KEY_BYTES, address_of

MAX_REFERENCE_BYTES: Final = 64


def open_account(ctx: Context, message: Open) -> bytes:
    """The new account's 20-byte address."""
    ctx.ports.institutions.require_signer(ctx, message.institution, ctx.signer)
    account = add(ctx, message)
    ctx.emit(events.OPENED, account=account, institution=message.institution, tier=message.tier)
    return account


def add(ctx: Context, message: Open) -> bytes:
    """Write the account's records, whoever asked for it: a rule or genesis. Its 20-byte address."""
    ctx.require(len(message.key) == PUBLIC_KEY_BYTES, codes.BAD_CUSTOMER_KEY)
    _check_standing(ctx, message)
    account = address_of(message.key)
    ctx.require(_is_unused(ctx, message.key), codes.ACCOUNT_EXISTS)
    ctx.put(CUSTOMER_KEYS, message.key, KeyHolder(account))
    customer = Customer(message.key, message.institution, message.tier, message.code_class, OPEN, message.attestation)
    ctx.put(CUSTOMERS, account, customer)
    return account


def rotate_key(ctx: Context, message: RotateKey) -> bytes:
    """The new key signs for the account from the next transaction on, the old one for nothing."""
    customer = _found(ctx, message.account)
    ctx.require(customer.key == ctx.signer, codes.NOT_CUSTOMER_OR_INSTITUTION)
    _require_not_closed(ctx, customer)
    ctx.require(customer.status == OPEN, codes.ACCOUNT_LOCKED)
    _check_new_key(ctx, message.key)
    _hand_over(ctx, message.account, customer, message.key)
    return b""


def lock(ctx: Context, message: Lock) -> bytes:
    """The account can receive and not pay, until its institution unlocks it."""
    customer = _found(ctx, message.account)
    _require_either(ctx, customer)
    _require_not_closed(ctx, customer)
    ctx.require(customer.status == OPEN, codes.ACCOUNT_LOCKED)
    _set_status(ctx, message.account, customer, LOCKED)
    ctx.emit(events.LOCKED, account=message.account)
    return b""


def unlock(ctx: Context, message: Unlock) -> bytes:
    """The account's key pays again."""
    customer = _of_signer(ctx, message.account)
    ctx.require(customer.status == LOCKED, codes.ACCOUNT_NOT_LOCKED)
    ctx.require(ctx.get(RECOVERIES, message.account) is None, codes.RECOVERY_PENDING)
    _set_status(ctx, message.account, customer, OPEN)
    ctx.emit(events.UNLOCKED, account=message.account)
    return b""


def start_recovery(ctx: Context, message: StartRecovery) -> bytes:
    """The account is locked, and may be handed over to the new key after the waiting time in force."""
    customer = _of_signer(ctx, message.account)
    _require_not_closed(ctx, customer)
    ctx.require(ctx.get(RECOVERIES, message.account) is None, codes.RECOVERY_PENDING)
    _check_new_key(ctx, message.key)
    ready_s = ctx.block.time_s + waiting_in_force(ctx.get(RECOVERY_TIMES, ONLY), ctx.block.time_s)
    recovery = Recovery(message.key, ctx.block.time_s, ready_s, was_locked=customer.status == LOCKED)
    ctx.put(RECOVERIES, message.account, recovery)
    _set_status(ctx, message.account, customer, LOCKED)
    ctx.emit(events.RECOVERY_STARTED, account=message.account, key=message.key, ready_s=ready_s)
    return b""


def complete_recovery(ctx: Context, message: CompleteRecovery) -> bytes:
    """The new key signs for the account, which is open again."""
    customer = _of_signer(ctx, message.account)
    recovery = ctx.found(ctx.get(RECOVERIES, message.account), codes.NO_RECOVERY)
    ctx.require(ctx.block.time_s >= recovery.ready_s, codes.RECOVERY_NOT_READY)
    # Asked again: somebody may have opened an account with it in between.
    _check_new_key(ctx, recovery.key)
    ctx.delete(RECOVERIES, message.account)
    _hand_over(ctx, message.account, msgspec.structs.replace(customer, status=OPEN), recovery.key)
    return b""


def uphold_recovery(ctx: Context, message: UpholdRecovery) -> bytes:
    """The old key can object no more; the waiting time is as long as it was, and the institution may still cancel."""
    ctx.ports.governance.require_role(ctx, "regulator", ctx.signer)
    _found(ctx, message.account)
    reference = message.legal_reference
    ctx.require_text(reference, codes.BAD_RULING_REFERENCE, max_bytes=MAX_REFERENCE_BYTES)
    recovery = ctx.found(ctx.get(RECOVERIES, message.account), codes.NO_RECOVERY)
    ctx.require(not recovery.upheld_by, codes.RECOVERY_UPHELD, recovery.upheld_by)
    ctx.put(RECOVERIES, message.account, msgspec.structs.replace(recovery, upheld_by=reference))
    ctx.emit(events.RECOVERY_UPHELD, account=message.account, legal_reference=reference)
    return b""


def cancel_recovery(ctx: Context, message: CancelRecovery) -> bytes:
    """The old key stays: open where it objected itself, locked where it was before or the institution thought again."""
    customer = _found(ctx, message.account)
    _require_either(ctx, customer)
    recovery = ctx.found(ctx.get(RECOVERIES, message.account), codes.NO_RECOVERY)
    if customer.key == ctx.signer:
        ctx.require(not recovery.upheld_by, codes.RECOVERY_UPHELD, recovery.upheld_by)
    ctx.delete(RECOVERIES, message.account)
    # A lock that came first is the institution's to undo: who found the phone has the old key.
    if customer.key == ctx.signer and not recovery.was_locked:
        _set_status(ctx, message.account, customer, OPEN)
    ctx.emit(events.RECOVERY_CANCELLED, account=message.account)
    return b""


def close(ctx: Context, message: Close) -> bytes:
    """The account neither pays nor receives; its key stays its own, so that it can be opened again."""
    customer = _found(ctx, message.account)
    _require_either(ctx, customer)
    _require_not_closed(ctx, customer)
    ctx.require(ctx.get(RECOVERIES, message.account) is None, codes.RECOVERY_PENDING)
    ctx.ports.compliance.require_free(ctx, account_subject(message.account))
    held_at = customer_account(message.account, customer.institution)
    for currency in CURRENCIES:
        ctx.require(balances.balance(ctx, held_at, currency) == 0, codes.ACCOUNT_NOT_EMPTY, currency)
    _set_status(ctx, message.account, customer, CLOSED)
    ctx.emit(events.CLOSED, account=message.account)
    return b""


def reopen(ctx: Context, message: Reopen) -> bytes:
    """The same account with the same key, on the tier and class that the papers allow now."""
    customer = _of_signer(ctx, message.account)
    ctx.require(customer.status == CLOSED, codes.ACCOUNT_NOT_CLOSED)
    _stand(ctx, message, msgspec.structs.replace(customer, status=OPEN))
    ctx.emit(events.REOPENED, account=message.account, tier=message.tier)
    return b""


def set_tier(ctx: Context, message: SetTier) -> bytes:
    """Other limits hold from the next transaction on. What is held above them may be spent, and no more come in."""
    customer = _of_signer(ctx, message.account)
    _require_not_closed(ctx, customer)
    _stand(ctx, message, customer)
    ctx.emit(
        events.TIER_CHANGED,
        account=message.account,
        before=customer.tier,
        tier=message.tier,
        code_class=message.code_class,
    )
    return b""


def agree_limits(ctx: Context, message: AgreeLimits) -> bytes:
    """Where the network sets no limit in this currency, these hold from the next transaction on."""
    customer = _of_signer(ctx, message.account)
    _require_not_closed(ctx, customer)
    balances.require_currency(ctx, message.currency)
    figures = message.single_minor, message.daily_minor, message.balance_minor, message.code_daily_minor
    for minor in figures:
        ctx.require(minor is None or 0 <= minor <= MAX_MINOR, codes.BAD_LIMITS)
    by_currency = {row.currency: row for row in agreed_limits(ctx, message.account)}
    by_currency[message.currency] = AgreedLimits(message.currency, *figures)
    ctx.put(AGREED, message.account, Agreed(tuple(by_currency[name] for name in sorted(by_currency))))
    ctx.emit(events.LIMITS_AGREED, account=message.account, currency=message.currency)
    return b""


def _found(ctx: Context, account: bytes) -> Customer:
    return ctx.found(ctx.get(CUSTOMERS, account), codes.UNKNOWN_CUSTOMER)


def _of_signer(ctx: Context, account: bytes) -> Customer:
    """The account, where the signer acts for its institution."""
    customer = _found(ctx, account)
    ctx.ports.institutions.require_signer(ctx, customer.institution, ctx.signer)
    return customer


def _require_either(ctx: Context, customer: Customer) -> None:
    may = customer.key == ctx.signer or ctx.ports.institutions.is_signer(ctx, customer.institution, ctx.signer)
    ctx.require(may, codes.NOT_CUSTOMER_OR_INSTITUTION)


def _require_not_closed(ctx: Context, customer: Customer) -> None:
    ctx.require(customer.status != CLOSED, codes.ACCOUNT_CLOSED)


def _is_unused(ctx: Context, key: bytes) -> bool:
    # Both are asked: a key is never used again, nor one whose address is an account's by chance.
    return ctx.get(CUSTOMERS, address_of(key)) is None and ctx.get(CUSTOMER_KEYS, key) is None


def _check_new_key(ctx: Context, key: bytes) -> None:
    ctx.require(len(key) == PUBLIC_KEY_BYTES, codes.BAD_CUSTOMER_KEY)
    ctx.require(_is_unused(ctx, key), codes.CUSTOMER_KEY_IN_USE)


def _check_standing(ctx: Context, message: Open | Reopen | SetTier) -> None:
    ctx.require(ctx.get(TIERS, message.tier.encode()) is not None, codes.UNKNOWN_TIER)
    ctx.require(ctx.get(CODE_CLASSES, message.code_class.encode()) is not None, codes.UNKNOWN_CODE_CLASS)
    ctx.require(len(message.attestation) == HASH_BYTES, codes.BAD_ATTESTATION)


def _stand(ctx: Context, message: Reopen | SetTier, customer: Customer) -> None:
    _check_standing(ctx, message)
    after = msgspec.structs.replace(
        customer, tier=message.tier, code_class=message.code_class, attestation=message.attestation
    )
    ctx.put(CUSTOMERS, message.account, after)


def _set_status(ctx: Context, account: bytes, customer: Customer, status: int) -> None:
    ctx.put(CUSTOMERS, account, msgspec.structs.replace(customer, status=status))


def _hand_over(ctx: Context, account: bytes, customer: Customer, key: bytes) -> None:
    ctx.put(CUSTOMER_KEYS, key, KeyHolder(account))
    ctx.put(CUSTOMERS, account, msgspec.structs.replace(customer, key=key))
    ctx.emit(events.KEY_CHANGED, account=account, before=customer.key, key=key)
