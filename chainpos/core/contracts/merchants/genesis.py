"""Merchants and tills that exist from the first block on; each goes through its rule's checks but for the signature."""

from __future__ import annotations

from typing import Any

import msgspec

from chainpos.core.contracts.context import Context, HexKey, decode_section, genesis_row
from chainpos.core.contracts.merchants import rules
from chainpos.core.contracts.merchants.messages import AddTill, Register


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


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    merchants: tuple[_Merchant, ...] = ()


def load_genesis(ctx: Context, section: Any) -> None:
    """Writes the merchants with their tills."""
    for index, row in enumerate(decode_section(section, _Section).merchants):
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
