"""Institutions that exist from the first block on; each goes through the checks of its rule but for the signature."""

from __future__ import annotations

from typing import Any

import msgspec

from chainpos.core.contracts.context import Context, HexKey, decode_section, genesis_row
from chainpos.core.contracts.institutions import rules
from chainpos.core.contracts.institutions.messages import Register


class _DebitCap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    currency: str
    cap_minor: int


class _Institution(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    institution: str
    name_en: str
    name_zh: str
    kind: str
    key: HexKey
    debit_caps: tuple[_DebitCap, ...] = ()


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    institutions: tuple[_Institution, ...] = ()


def load_genesis(ctx: Context, section: Any) -> None:
    """Writes the institutions and their directory."""
    for index, row in enumerate(decode_section(section, _Section).institutions):
        with genesis_row(f"institutions[{index}]"):
            caps = tuple((cap.currency, cap.cap_minor) for cap in row.debit_caps)
            key = bytes.fromhex(row.key)
            rules.add(ctx, Register(row.institution, row.name_en, row.name_zh, row.kind, key, caps))
