"""What must hold of customers: keys and accounts name each other, deposits have owners, days are counted rightly."""

from __future__ import annotations

from itertools import pairwise

from chainpos.core.contracts.balances.records import ACCOUNTS, parse_account, read_account_key
from chainpos.core.contracts.context import Scan, Violation
from chainpos.core.contracts.customers.records import (
    CLOSED,
    CODE_CLASSES,
    CUSTOMER_KEYS,
    CUSTOMERS,
    LOCKED,
    MAX_RECOVERY_S,
    MAX_STEPS,
    MIN_RECOVERY_S,
    ONLY,
    RECOVERIES,
    RECOVERY_TIMES,
    TIERS,
    DayUsage,
    Recovery,
    RecoverySchedule,
    static_above,
    waiting_in_force,
)
from chainpos.core.values.hashes import address_of


def keys_and_accounts_agree(scan: Scan) -> list[Violation]:
    """Every account's present key signs for it alone, and its first key names it; no key is of none."""
    present = {account: customer.key for account, customer in scan.records(CUSTOMERS)}
    holders = {key: holder.account for key, holder in scan.records(CUSTOMER_KEYS)}
    found = [account.hex() for account, key in present.items() if holders.get(key) != account]
    found += [key.hex() for key, account in holders.items() if account not in present]
    firsts = {address_of(key): account for key, account in holders.items()}
    found += [account.hex() for account in present if firsts.get(account) != account]
    return [Violation("keys_and_accounts_agree", each) for each in found]


def deposits_have_owners(scan: Scan) -> list[Violation]:
    """Every customer's deposit belongs to an account of that institution."""
    institutions = {account.hex(): customer.institution for account, customer in scan.records(CUSTOMERS)}
    found = []
    for key, _ in scan.records(ACCOUNTS):
        account = parse_account(read_account_key(key)[0])
        if account.kind == "customer" and institutions.get(account.holder) != account.institution:
            found.append(Violation("deposits_have_owners", key.decode()))
    return found


def days_are_counted_once(scan: Scan) -> list[Violation]:
    """A day's payments by code and to printed codes are part of all it paid; each currency has one entry."""
    found = []
    for account, customer in scan.records(CUSTOMERS):
        currencies = [usage.currency for usage in customer.usage]
        if len(set(currencies)) != len(currencies) or not all(_adds_up(usage) for usage in customer.usage):
            found.append(Violation("days_are_counted_once", account.hex()))
    return found


def _adds_up(usage: DayUsage) -> bool:
    parts_minor = usage.code_minor + usage.static_minor
    return min(usage.code_minor, usage.static_minor) >= 0 and parts_minor <= usage.spent_minor


def limits_ascend_by_date(scan: Scan) -> list[Violation]:
    """Every schedule of limits has a step, and its steps ascend by date."""
    dates = [(key, [step.effective_from_s for step in tier.steps]) for key, tier in scan.records(TIERS)]
    dates += [(key, [step.effective_from_s for step in row.steps]) for key, row in scan.records(CODE_CLASSES)]
    return [
        Violation("limits_ascend_by_date", key.decode())
        for key, seconds in dates
        if not seconds or any(later <= earlier for earlier, later in pairwise(seconds))
    ]


def closed_accounts_hold_nothing(scan: Scan) -> list[Violation]:
    """An account was closed empty, and nothing came to it since."""
    closed = {account.hex(): True for account, customer in scan.records(CUSTOMERS) if customer.status == CLOSED}
    found = []
    for key, held in scan.records(ACCOUNTS) if closed else ():
        account = parse_account(read_account_key(key)[0])
        if account.kind == "customer" and account.holder in closed and held.balance_minor != 0:
            found.append(Violation("closed_accounts_hold_nothing", key.decode()))
    return found


def recoveries_lock(scan: Scan) -> list[Violation]:
    """While a lost key is being replaced the account is locked, and its waiting time is what was in force."""
    recoveries = dict(scan.records(RECOVERIES))
    if not recoveries:
        return []
    times = dict(scan.records(RECOVERY_TIMES)).get(ONLY)
    statuses = {account: customer.status for account, customer in scan.records(CUSTOMERS)}
    return [
        Violation("recoveries_lock", account.hex())
        for account, recovery in recoveries.items()
        if statuses.get(account) != LOCKED or not _waits(recovery, times)
    ]


def _waits(recovery: Recovery, times: RecoverySchedule | None) -> bool:
    waiting_s = recovery.ready_s - recovery.started_s
    if times is not None and len(times.steps) == MAX_STEPS:
        return MIN_RECOVERY_S <= waiting_s <= MAX_RECOVERY_S  # the step that it began under may be forgotten
    return waiting_s == waiting_in_force(times, recovery.started_s)


def printed_codes_have_the_lowest_cap(scan: Scan) -> list[Violation]:
    """At no date may more be paid to printed QR codes than by codes of another class."""
    schedules = {key.decode(): schedule.steps for key, schedule in scan.records(CODE_CLASSES)}
    return [Violation("printed_codes_have_the_lowest_cap", each) for each in static_above(schedules)]


def customers_have_limits(scan: Scan) -> list[Violation]:
    """Every customer's tier and class of codes are the network's."""
    tiers, classes = dict(scan.records(TIERS)), dict(scan.records(CODE_CLASSES))
    return [
        Violation("customers_have_limits", account.hex())
        for account, customer in scan.records(CUSTOMERS)
        if customer.tier.encode() not in tiers or customer.code_class.encode() not in classes
    ]
