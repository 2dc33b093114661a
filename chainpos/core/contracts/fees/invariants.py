"""What holds of every schedule: rules ascend by date, bounds are in order."""

from __future__ import annotations

from itertools import pairwise

from chainpos.core.contracts.context import Scan, Violation
from chainpos.core.contracts.fees.records import COMPARISONS, MILLION, SCHEDULES, FeeRule


def _is_sound(rule: FeeRule) -> bool:
    return (
        0 <= rule.ppm <= MILLION
        and 0 <= rule.network_share_ppm <= MILLION
        and 0 <= rule.minimum_minor <= rule.maximum_minor
    )


def schedules_are_dated_in_order(scan: Scan) -> list[Violation]:
    """Every schedule has rules, by strictly ascending date, each with sound bounds; so has every published rate."""
    found = []
    for key, schedule in scan.records(SCHEDULES):
        ascending = all(a.from_s < b.from_s for a, b in pairwise(schedule.rules))
        if not schedule.rules or not ascending or not all(_is_sound(rule) for rule in schedule.rules):
            found.append(Violation("schedules_are_dated_in_order", f"schedule {key!r}"))
    for key, comparison in scan.records(COMPARISONS):
        if not comparison.rates or not all(a.from_s < b.from_s for a, b in pairwise(comparison.rates)):
            found.append(Violation("schedules_are_dated_in_order", f"comparison {key!r}"))
    return found
