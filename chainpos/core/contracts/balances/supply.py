"""How much each issuer issued and redeemed, and what it owes and holds: pure, over all records, for reports.

It refuses nothing.
"""

from __future__ import annotations

from typing import NamedTuple

from chainpos.core.contracts.balances.records import ACCOUNTS, CENTRAL_BANK, SUPPLY, parse_account, read_account_key
from chainpos.core.contracts.context import Scan

_DEPOSITS = ("customer", "merchant", "fees")


class SupplyLine(NamedTuple):
    """One issuer (an institution, or CENTRAL_BANK) in one currency; all in minor units.

    `outstanding_minor` is issued less redeemed, below zero where depositors were paid by others' money. `owed_minor`
    is what its depositors hold (for the central bank: all reserves); `reserve_minor` its own central-bank money.
    """

    issuer: str
    currency: str
    issued_minor: int
    redeemed_minor: int
    owed_minor: int
    reserve_minor: int

    @property
    def outstanding_minor(self) -> int:
        """Issued less redeemed."""
        return self.issued_minor - self.redeemed_minor


def supply_lines(scan: Scan) -> tuple[SupplyLine, ...]:
    """Every issuer and currency with a supply, deposits or a reserve, ascending."""
    owed: dict[tuple[str, str], int] = {}
    reserves: dict[tuple[str, str], int] = {}
    for key, held in scan.records(ACCOUNTS):
        name, currency = read_account_key(key)
        account = parse_account(name)
        if account.kind in _DEPOSITS:
            line = account.institution, currency
            owed[line] = owed.get(line, 0) + held.balance_minor
        elif account.kind == "reserve":
            reserves[account.holder, currency] = held.balance_minor
            line = CENTRAL_BANK, currency
            owed[line] = owed.get(line, 0) + held.balance_minor
    supplies = {}
    for key, supply in scan.records(SUPPLY):
        issuer, _, code = key.decode().rpartition("/")
        supplies[issuer, code] = supply.issued_minor, supply.redeemed_minor
    return tuple(
        SupplyLine(*line, *supplies.get(line, (0, 0)), owed.get(line, 0), reserves.get(line, 0))
        for line in sorted(owed | reserves | dict.fromkeys(supplies, 0))
    )
