"""What holds of settlement: obligations and batches agree, and a merchant's money is in exactly one state."""

from __future__ import annotations

from collections import defaultdict

from chainpos.core.contracts.balances.records import ACCOUNTS, parse_account, read_account_key
from chainpos.core.contracts.context import Scan, Violation
from chainpos.core.contracts.settlement.records import (
    BATCHES,
    CYCLES,
    FAILED,
    FIRST_BATCH,
    OBLIGATIONS,
    PAID_OUT,
    PAYOUTS,
    POSITIONS,
    REQUESTED,
    batch_key,
)


def batches_are_the_sum_of_obligations(scan: Scan) -> list[Violation]:
    """A batch owes what its obligations say, to those it names; and is due what others' say."""
    owed: dict[bytes, int] = defaultdict(int)
    due: dict[bytes, int] = defaultdict(int)
    creditors: dict[bytes, list[str]] = defaultdict(list)
    found = []
    for key, obligation in scan.records(OBLIGATIONS):
        debtor, creditor, currency = key.decode().split("/")
        owed[batch_key(debtor, currency)] += obligation.amount_minor
        due[batch_key(creditor, currency)] += obligation.amount_minor
        creditors[batch_key(debtor, currency)].append(creditor)
        if obligation.amount_minor <= 0 or debtor == creditor:
            found.append(Violation("batches_are_the_sum_of_obligations", f"obligation {key.decode()}"))
    batches = dict(scan.records(BATCHES))
    for key in sorted({**owed, **due, **batches}):
        batch = batches.get(key, FIRST_BATCH)
        if (
            (batch.owed_minor, batch.due_minor) != (owed[key], due[key])
            or list(batch.creditors) != sorted(creditors[key])
            or (batch.rolled_over_times and not batch.owed_minor)
            or batch.number < 1
        ):
            found.append(Violation("batches_are_the_sum_of_obligations", f"batch {key.decode()}"))
    return found


def money_is_in_one_state(scan: Scan) -> list[Violation]:
    """A merchant's account holds what is pending, available and requested; payouts are what the position says."""
    held: dict[str, int] = defaultdict(int)
    for key, account in scan.records(ACCOUNTS):
        name, currency = read_account_key(key)
        read = parse_account(name)
        if read.kind == "merchant":
            held[f"{read.holder}/{currency}"] += account.balance_minor
    payouts: dict[tuple[str, str], int] = defaultdict(int)
    count: dict[str, int] = defaultdict(int)
    for key, payout in scan.records(PAYOUTS):
        owner = key[:-5].decode()
        payouts[owner, payout.state] += payout.amount_minor
        count[owner] += 1
    broken = {owner for owner, state in payouts if state not in (REQUESTED, PAID_OUT, FAILED)}
    for key, position in scan.records(POSITIONS):
        owner = key.decode()
        parts = [position.available_minor, position.requested_minor, *(part.amount_minor for part in position.pending)]
        debtors = [part.debtor for part in position.pending]
        if (
            position.held_minor != held.pop(owner, 0)
            or min(parts) < 0
            or debtors != sorted({*debtors})
            or position.requested_minor != payouts[owner, REQUESTED]
            or position.paid_out_minor != payouts[owner, PAID_OUT]
            or position.payouts != count[owner]
        ):
            broken.add(owner)
    broken |= {owner for owner, minor in held.items() if minor}
    return [Violation("money_is_in_one_state", f"position {owner}") for owner in sorted(broken)]


def pending_money_is_owed(scan: Scan) -> list[Violation]:
    """What merchants wait for from a debtor is at most what it owes in its open batch."""
    batches = dict(scan.records(BATCHES))
    waiting: dict[bytes, int] = defaultdict(int)
    for key, position in scan.records(POSITIONS):
        currency = key.decode().rpartition("/")[2]
        for part in position.pending:
            debtor = batch_key(part.debtor, currency)
            if part.batch >= batches.get(debtor, FIRST_BATCH).number:
                waiting[debtor] += part.amount_minor
    return [
        Violation("pending_money_is_owed", f"{key.decode()}: {minor} is waited for")
        for key, minor in sorted(waiting.items())
        if minor > batches.get(key, FIRST_BATCH).owed_minor
    ]


def nettings_add_up(scan: Scan) -> list[Violation]:
    """Of every netting: what was owed settled or was rolled over, and reserves moved from some to others, no more."""
    found = []
    for key, cycle in scan.records(CYCLES):
        gains = sum([leg.amount_minor for leg in cycle.legs if leg.amount_minor > 0])
        if (
            sum([leg.amount_minor for leg in cycle.legs]) != 0
            or gains != cycle.moved_minor
            or cycle.gross_minor != cycle.settled_minor + cycle.rolled_over_minor
            or not 0 <= cycle.moved_minor <= cycle.settled_minor
            or cycle.rolled_over_minor != sum([each.owed_minor for each in cycle.rolled_over])
        ):
            found.append(Violation("nettings_add_up", f"netting {key[:3].decode()} {int.from_bytes(key[4:], 'big')}"))
    return found
