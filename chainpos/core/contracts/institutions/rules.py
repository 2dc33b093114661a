"""What an institution is registered as, its key, and its central-bank money.

They refuse whoever does not hold the role or the key, a name that is taken, and reserves that are not there.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from chainpos.core.contracts.balances import port as balances
from chainpos.core.contracts.balances.records import CENTRAL_BANK, reserve_account
from chainpos.core.contracts.context import Context
from chainpos.core.contracts.institutions import codes, port
from chainpos.core.contracts.institutions.events import KEY_CHANGED, RESERVE_DRAINED, RESERVE_FUNDED
from chainpos.core.contracts.institutions.messages import DrainReserve, FundReserve, Register, RotateKey
from chainpos.core.contracts.institutions.records import (
    ACTIVE,
    DIRECTORY,
    DIRECTORY_KEY,
    INSTITUTIONS,
    KINDS,
    MAX_INSTITUTIONS,
    DebitCap,
    Directory,
    Institution,
    institution_key,
)
from chainpos.core.values.amount import MAX_MINOR
from chainpos.core.values.hashes import PUBLIC_KEY_BYTES

MAX_NAME_BYTES: Final = 64
_INSTITUTION_ID: Final = re.compile(r"[a-z][a-z0-9]{2,15}", re.ASCII)


def rotate_key(ctx: Context, message: RotateKey) -> bytes:
    """The new key acts for the institution from the next transaction on, the old one for nobody."""
    port.require_signer(ctx, message.institution, ctx.signer)
    replace_key(ctx, message.institution, message.key)
    return b""


def replace_key(ctx: Context, institution: str, key: bytes) -> None:
    """Write the institution's new key, whoever asked for it: itself or governance."""
    record = port.found(ctx, institution)
    ctx.require(len(key) == PUBLIC_KEY_BYTES, codes.BAD_INSTITUTION_KEY)
    ctx.require(record.key != key, codes.INSTITUTION_KEY_UNCHANGED)
    ctx.put(INSTITUTIONS, institution_key(institution), msgspec.structs.replace(record, key=key))
    ctx.emit(KEY_CHANGED, institution=institution, before=record.key, key=key)


def add(ctx: Context, message: Register) -> None:
    """Write the institution's record, whoever asked for it: governance or genesis."""
    ctx.require(_INSTITUTION_ID.fullmatch(message.institution) is not None, codes.BAD_INSTITUTION_ID)
    for name in (message.name_en, message.name_zh):
        ctx.require_text(name, codes.BAD_INSTITUTION_NAME, max_bytes=MAX_NAME_BYTES)
    ctx.require(message.kind in KINDS, codes.BAD_INSTITUTION_KIND)
    ctx.require(len(message.key) == PUBLIC_KEY_BYTES, codes.BAD_INSTITUTION_KEY)
    caps = debit_caps(ctx, message.debit_caps)
    key = institution_key(message.institution)
    ctx.require(ctx.get(INSTITUTIONS, key) is None, codes.INSTITUTION_EXISTS)
    names = port.all_institutions(ctx)
    ctx.require(len(names) < MAX_INSTITUTIONS, codes.TOO_MANY_INSTITUTIONS)
    ctx.put(DIRECTORY, DIRECTORY_KEY, Directory(tuple(sorted((*names, message.institution)))))
    record = Institution(message.name_en, message.name_zh, message.kind, message.key, ACTIVE, caps)
    ctx.put(INSTITUTIONS, key, record)


def debit_caps(ctx: Context, caps: tuple[tuple[str, int], ...]) -> tuple[DebitCap, ...]:
    """The caps by ascending currency. Raises Rejected: BAD_DEBIT_CAP, UNKNOWN_CURRENCY."""
    taken: dict[str, int] = {}
    for currency, cap_minor in caps:
        balances.require_currency(ctx, currency)
        ctx.require(0 <= cap_minor <= MAX_MINOR and currency not in taken, codes.BAD_DEBIT_CAP)
        taken[currency] = cap_minor
    return tuple(DebitCap(currency, taken[currency]) for currency in sorted(taken))


def fund_reserve(ctx: Context, message: FundReserve) -> bytes:
    """The institution's reserve account holds `amount_minor` more central-bank money: what waited for it settles."""
    account = _checked_reserve(ctx, message)
    balances.issue(ctx, CENTRAL_BANK, account, message.currency, message.amount_minor)
    _tell(ctx, RESERVE_FUNDED, message)
    ctx.ports.settlement.settle_with_new_reserves(ctx, message.institution, message.currency)
    return b""


def drain_reserve(ctx: Context, message: DrainReserve) -> bytes:
    """The institution's reserve account holds `amount_minor` less."""
    account = _checked_reserve(ctx, message)
    balances.redeem(ctx, CENTRAL_BANK, account, message.currency, message.amount_minor)
    _tell(ctx, RESERVE_DRAINED, message)
    return b""


def _checked_reserve(ctx: Context, message: FundReserve | DrainReserve) -> str:
    ctx.ports.governance.require_role(ctx, "central_bank", ctx.signer)
    balances.require_amount(ctx, message.amount_minor, message.currency)
    balances.require_reference(ctx, message.reference)
    port.found(ctx, message.institution)
    return reserve_account(message.institution)


def _tell(ctx: Context, kind: str, message: FundReserve | DrainReserve) -> None:
    ctx.emit(
        kind,
        institution=message.institution,
        currency=message.currency,
        amount_minor=message.amount_minor,
        reference=message.reference,
    )
