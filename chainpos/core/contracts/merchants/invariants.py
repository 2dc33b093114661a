"""What must hold of merchants: every till has its shop, every merchant's deposit is one's at its acquirer."""

from __future__ import annotations

from chainpos.core.contracts.balances.records import ACCOUNTS, parse_account, read_account_key
from chainpos.core.contracts.context import Scan, Violation
from chainpos.core.contracts.merchants.records import (
    CLOSED,
    DELAYS,
    MAX_DELAY_S,
    MAX_STEPS,
    MAX_TILLS,
    MERCHANTS,
    MIN_DELAY_S,
    ONLY,
    OWNER_RECOVERIES,
    SETTLEMENT_MODES,
    TILLS,
    DelaySchedule,
    OwnerRecovery,
    delays_in_force,
)


def tills_have_merchants(scan: Scan) -> list[Violation]:
    """Every till belongs to a merchant, which counts it; no till returned more in a day than it might on that day."""
    counted: dict[str, int] = {}
    found = []
    for key, till in scan.records(TILLS):
        counted[till.merchant] = counted.get(till.merchant, 0) + 1
        is_within = till.refunded_minor <= till.refund_daily_minor or 0 < till.refund_day <= till.limits_day
        if till.refunded_minor < 0 or not is_within:
            found.append(Violation("tills_have_merchants", f"till {key.hex()} returned {till.refunded_minor}"))
    for key, merchant in scan.records(MERCHANTS):
        if counted.pop(key.decode(), 0) != merchant.tills or merchant.tills > MAX_TILLS:
            found.append(Violation("tills_have_merchants", f"{key.decode()} counts {merchant.tills}"))
    return found + [Violation("tills_have_merchants", f"no merchant {name}") for name in sorted(counted)]


def deposits_are_at_the_acquirer(scan: Scan) -> list[Violation]:
    """Every merchant's deposit is that of a registered merchant at its own acquirer."""
    acquirers = {key.decode(): merchant.acquirer for key, merchant in scan.records(MERCHANTS)}
    found = []
    for key, _ in scan.records(ACCOUNTS):
        account = parse_account(read_account_key(key)[0])
        if account.kind == "merchant" and acquirers.get(account.holder) != account.institution:
            found.append(Violation("deposits_are_at_the_acquirer", key.decode()))
    return found


def closed_shops_hold_nothing(scan: Scan) -> list[Violation]:
    """A shop was closed empty, and nothing came to it since."""
    closed = {key.decode(): True for key, merchant in scan.records(MERCHANTS) if merchant.status == CLOSED}
    found = []
    for key, held in scan.records(ACCOUNTS) if closed else ():
        account = parse_account(read_account_key(key)[0])
        if account.kind == "merchant" and account.holder in closed and held.balance_minor != 0:
            found.append(Violation("closed_shops_hold_nothing", key.decode()))
    return found


def owner_recoveries_wait(scan: Scan) -> list[Violation]:
    """An owner is being replaced only at a shop that is not closed, by another key, for the time that was in force."""
    recoveries = dict(scan.records(OWNER_RECOVERIES))
    if not recoveries:
        return []
    merchants, delays = dict(scan.records(MERCHANTS)), dict(scan.records(DELAYS)).get(ONLY)
    found = []
    for key, recovery in recoveries.items():
        merchant = merchants.get(key)
        is_open = merchant is not None and merchant.status != CLOSED and merchant.owner != recovery.owner
        if not is_open or not _waits(recovery, delays):
            found.append(Violation("owner_recoveries_wait", key.decode()))
    return found


def _waits(recovery: OwnerRecovery, delays: DelaySchedule | None) -> bool:
    waiting_s = recovery.ready_s - recovery.started_s
    if delays is not None and len(delays.steps) == MAX_STEPS:
        return MIN_DELAY_S <= waiting_s <= MAX_DELAY_S  # the step that it began under may be forgotten
    return waiting_s == delays_in_force(delays, recovery.started_s).owner_recovery_s


def shops_have_terms(scan: Scan) -> list[Violation]:
    """Every shop is settled in a way that exists, now and as announced; one announcement at most, of each kind."""
    found = []
    for key, merchant in scan.records(MERCHANTS):
        modes = [merchant.settlement_mode, *(terms.settlement_mode for terms in merchant.following)]
        if len(modes) > 2 or len(merchant.recertified) > 1 or any(mode not in SETTLEMENT_MODES for mode in modes):
            found.append(Violation("shops_have_terms", key.decode()))
    return found
