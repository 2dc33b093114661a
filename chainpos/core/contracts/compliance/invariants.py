"""What must hold of freezes and alerts: orders have ends, what was told is on record."""

from __future__ import annotations

from itertools import pairwise

from chainpos.core.contracts.compliance.records import (
    ACTIVITY,
    ALERT_RULES,
    ALERTS,
    FREEZES,
    INTERIM_S,
    Freeze,
    alert_key,
)
from chainpos.core.contracts.context import Scan, Violation
from chainpos.core.contracts.ports import account_subject, merchant_subject
from chainpos.core.values.hashes import ADDRESS_BYTES

_ACCOUNT_BYTES = len(account_subject(b"")) + ADDRESS_BYTES


def freezes_have_an_order_and_an_end(scan: Scan) -> list[Violation]:
    """Every freeze names an account or a merchant, a legal reference and an end; alone an order holds 72 hours."""
    found = []
    for subject, freeze in scan.records(FREEZES):
        is_account = subject.startswith(account_subject(b"")) and len(subject) == _ACCOUNT_BYTES
        is_named = is_account or subject.startswith(merchant_subject(""))
        if not is_named or not _is_sound(freeze):
            found.append(Violation("freezes_have_an_order_and_an_end", subject.hex()))
    return found


def _is_sound(freeze: Freeze) -> bool:
    if not freeze.legal_reference or not freeze.from_s <= freeze.until_s <= freeze.ordered_until_s:
        return False
    if freeze.agreed_by:
        return freeze.from_s <= freeze.agreed_s < freeze.ordered_until_s
    return freeze.until_s <= freeze.from_s + INTERIM_S and 0 < freeze.interim_s <= freeze.from_s


def alerts_are_on_record(scan: Scan) -> list[Violation]:
    """An account has one mark for each rule, which counted what it sums; what a mark says was told, an alert tells."""
    alerts = dict(scan.records(ALERTS))
    found = []
    for account, activity in scan.records(ACTIVITY):
        names = [mark.rule for mark in activity.marks]
        if len(set(names)) != len(names):
            found.append(Violation("alerts_are_on_record", f"{account.hex()} has two marks of one rule"))
        for mark in activity.marks:
            alert = alerts.get(alert_key(account, mark.rule, mark.window_from_s))
            told = alert is not None and alert.count <= mark.count and alert.total_minor <= mark.total_minor
            # Not the other way round: a rule that went and came back counts anew beside the alert of before.
            if (mark.is_told and not told) or not 0 < mark.count <= mark.total_minor:
                found.append(Violation("alerts_are_on_record", f"{account.hex()} {mark.rule}"))
    return found


def alert_rules_ascend_by_date(scan: Scan) -> list[Violation]:
    """Steps ascend by date; within one, each rule has its own name."""
    found = []
    for _, schedule in scan.records(ALERT_RULES):
        seconds = [step.effective_from_s for step in schedule.steps]
        names = [[rule.name for rule in step.rules] for step in schedule.steps]
        ascends = all(earlier < later for earlier, later in pairwise(seconds))
        if not ascends or any(len(set(each)) != len(each) for each in names):
            found.append(Violation("alert_rules_ascend_by_date", str(seconds)))
    return found
