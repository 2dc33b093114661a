"""Merchants and tills that exist from the first block on; each goes through its rule's checks but for the signature."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from chainpos.core.contracts.context import Context, HexKey, decode_section, genesis_row
from chainpos.core.contracts.merchants import rules
from chainpos.core.contracts.merchants.messages import AddTill, Register
from chainpos.core.contracts.merchants.records import (
    DELAYS,
    MAX_DELAY_S,
    MIN_DELAY_S,
    ONLY,
    OWNER_RECOVERY_S,
    TERMS_DELAY_S,
    DelaySchedule,
    DelayStep,
)

_Delay = Annotated[int, msgspec.Meta(ge=MIN_DELAY_S, le=MAX_DELAY_S)]


class _Till(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    key: HexKey
    label: str
    max_payment_minor: int
    refund_daily_minor: int


class _Merchant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    merchant: str
    acquirer: str
    name_en: str
    name_zh: str
    category: str
    city: str
    owner: HexKey
    fee_class: str
    settlement_mode: str
    payout_account: str
    tills: tuple[_Till, ...] = ()


class _Delays(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    terms_s: _Delay = TERMS_DELAY_S
    owner_recovery_s: _Delay = OWNER_RECOVERY_S


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    merchants: tuple[_Merchant, ...] = ()
    delays: _Delays | None = None


def load_genesis(ctx: Context, section: Any) -> None:
    """Writes the delays, where they are named, and the merchants with their tills."""
    read = decode_section(section, _Section)
    if read.delays is not None:
        step = DelayStep(0, read.delays.terms_s, read.delays.owner_recovery_s)
        ctx.put(DELAYS, ONLY, DelaySchedule((step,)))
    for index, row in enumerate(read.merchants):
        with genesis_row(f"merchants[{index}]"):
            ctx.ports.institutions.require_known(ctx, row.acquirer)
            rules.add_merchant(ctx, _message(row))
        for position, till in enumerate(row.tills):
            with genesis_row(f"merchants[{index}].tills[{position}]"):
                key = bytes.fromhex(till.key)
                limits = till.max_payment_minor, till.refund_daily_minor
                rules.append_till(ctx, AddTill(row.merchant, key, till.label, *limits))


def _message(row: _Merchant) -> Register:
    return Register(
        merchant=row.merchant,
        acquirer=row.acquirer,
        name_en=row.name_en,
        name_zh=row.name_zh,
        category=row.category,
        city=row.city,
        owner=bytes.fromhex(row.owner),
        fee_class=row.fee_class,
        settlement_mode=row.settlement_mode,
        payout_account=row.payout_account,
    )
