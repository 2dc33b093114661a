"""Opening an account. It refuses a key that ever opened one, and a tier or class that the network does not have."""

from __future__ import annotations

from chainpos.core.contracts.context import Context
from chainpos.core.contracts.customers import codes
from chainpos.core.contracts.customers.events import OPENED
from chainpos.core.contracts.customers.messages import Open
from chainpos.core.contracts.customers.records import (
    CODE_CLASSES,
    CUSTOMER_KEYS,
    CUSTOMERS,
    OPEN,
    TIERS,
    Customer,
    KeyHolder,
)
from chainpos.core.values.hashes import HASH_BYTES, PUBLIC_KEY_BYTES, address_of


def open_account(ctx: Context, message: Open) -> bytes:
    """The new account's 20-byte address."""
    ctx.ports.institutions.require_signer(ctx, message.institution, ctx.signer)
    account = add(ctx, message)
    ctx.emit(OPENED, account=account, institution=message.institution, tier=message.tier)
    return account


def add(ctx: Context, message: Open) -> bytes:
    """Write the account's records, whoever asked for it: a rule or genesis. Its 20-byte address."""
    ctx.require(len(message.key) == PUBLIC_KEY_BYTES, codes.BAD_CUSTOMER_KEY)
    ctx.require(ctx.get(TIERS, message.tier.encode()) is not None, codes.UNKNOWN_TIER)
    ctx.require(ctx.get(CODE_CLASSES, message.code_class.encode()) is not None, codes.UNKNOWN_CODE_CLASS)
    ctx.require(len(message.attestation) == HASH_BYTES, codes.BAD_ATTESTATION)
    account = address_of(message.key)
    # Both are asked: a key that an account has given up still names that account, and one taken over signs for it.
    unused = ctx.get(CUSTOMERS, account) is None and ctx.get(CUSTOMER_KEYS, message.key) is None
    ctx.require(unused, codes.ACCOUNT_EXISTS)
    ctx.put(CUSTOMER_KEYS, message.key, KeyHolder(account))
    customer = Customer(message.key, message.institution, message.tier, message.code_class, OPEN, message.attestation)
    ctx.put(CUSTOMERS, account, customer)
    return account
