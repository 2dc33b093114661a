"""What must hold over all accounts: movements balance, supply is what was issued less what was redeemed."""

from __future__ import annotations

from collections import defaultdict

from chainpos.core.contracts.balances.records import (
    ACCOUNTS,
    CENTRAL_BANK,
    CENTRAL_PREFIX,
    SUPPLY,
    account_key,
    central_issued_account,
    is_contra,
    issued_account,
    read_account_key,
    within_limits,
)
from chainpos.core.contracts.context import Scan, Violation


def postings_sum_to_zero(scan: Scan) -> list[Violation]:
    """In each currency, central-bank money and deposits each sum to zero over all accounts."""
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for key, account in scan.records(ACCOUNTS):
        name, currency = read_account_key(key)
        ledger = "central-bank money" if name.startswith(CENTRAL_PREFIX) else "deposits"
        sums[ledger, currency] += account.balance_minor
    return [
        Violation("postings_sum_to_zero", f"{ledger} in {currency} sum to {total}")
        for (ledger, currency), total in sorted(sums.items())
        if total != 0
    ]


def no_negative_balance(scan: Scan) -> list[Violation]:
    """No account is below zero but the contra accounts, and none is beyond what a record can hold."""
    return [
        Violation("no_negative_balance", f"{key.decode()} holds {account.balance_minor}")
        for key, account in scan.records(ACCOUNTS)
        if (account.balance_minor < 0 and not is_contra(read_account_key(key)[0]))
        or not within_limits(account.balance_minor)
    ]


def supply_is_issued_less_redeemed(scan: Scan) -> list[Violation]:
    """Each contra account is below zero by exactly what its issuer issued and did not redeem."""
    contra = {
        key: account.balance_minor for key, account in scan.records(ACCOUNTS) if is_contra(read_account_key(key)[0])
    }
    wrong = []
    for key, supply in scan.records(SUPPLY):
        issuer, _, currency = key.decode().rpartition("/")
        name = central_issued_account() if issuer == CENTRAL_BANK else issued_account(issuer)
        outstanding_minor = supply.issued_minor - supply.redeemed_minor
        recorded_minor = contra.pop(account_key(name, currency), 0)
        if recorded_minor != -outstanding_minor or min(supply.issued_minor, supply.redeemed_minor) < 0:
            wrong.append(f"{key.decode()}: {outstanding_minor} outstanding, contra {recorded_minor}")
    wrong += [f"{key.decode()} has no supply record" for key in sorted(contra)]
    return [Violation("supply_is_issued_less_redeemed", detail) for detail in wrong]
