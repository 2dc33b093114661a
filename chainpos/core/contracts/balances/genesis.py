"""Money that exists at genesis: deposits that institutions issued, reserves that the central bank issued."""

from __future__ import annotations

from typing import Any

import msgspec

from chainpos.core.contracts.balances import codes, port
from chainpos.core.contracts.balances.records import CENTRAL_BANK, customer_account, reserve_account
from chainpos.core.contracts.context import Context, HexAddress, decode_section, genesis_row


class _Issue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    institution: str
    account: HexAddress
    currency: str
    amount_minor: int


class _Reserve(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    institution: str
    currency: str
    amount_minor: int


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    issues: tuple[_Issue, ...] = ()
    reserves: tuple[_Reserve, ...] = ()


def load_genesis(ctx: Context, section: Any) -> None:
    """Writes the opening balances; each goes through the checks of its rule but for the signature."""
    read = decode_section(section, _Section)
    for index, reserve in enumerate(read.reserves):
        with genesis_row(f"reserves[{index}]"):
            ctx.ports.institutions.require_known(ctx, reserve.institution)
            account = reserve_account(reserve.institution)
            port.issue(ctx, CENTRAL_BANK, account, reserve.currency, reserve.amount_minor)
    for index, row in enumerate(read.issues):
        with genesis_row(f"issues[{index}]"):
            _issue(ctx, row)


def _issue(ctx: Context, row: _Issue) -> None:
    address = bytes.fromhex(row.account)
    party = ctx.ports.customers.party(ctx, address)
    ctx.require(party.institution == row.institution, codes.WRONG_INSTITUTION)
    account = customer_account(address, row.institution)
    port.require_amount(ctx, row.amount_minor, row.currency)
    after_minor = port.balance(ctx, account, row.currency) + row.amount_minor
    ctx.ports.customers.require_room(ctx, address, after_minor, row.currency)
    port.issue(ctx, row.institution, account, row.currency, row.amount_minor)
