"""What alert rules count and what they tell: pure, the same for a payment now and for one of last year.

It refuses nothing and stops nothing.
"""

from __future__ import annotations

from chainpos.core.contracts.compliance.records import AlertRule, Mark
from chainpos.core.values.amount import MAX_MINOR


def counted(
    rules: tuple[AlertRule, ...], marks: tuple[Mark, ...], time_s: int, currency: str, amount_minor: int
) -> tuple[tuple[Mark, ...], tuple[Mark, ...]]:
    """An account's marks after one more payment, and those of them that are told now.

    A window has one mark, and is told once. Marks of rules that are no longer watched are dropped.
    """
    before = {mark.rule: mark for mark in marks}
    after, told = [], []
    for rule in rules:
        mark = before.get(rule.name)
        if rule.currency == currency and rule.at_least_minor <= amount_minor <= rule.at_most_minor:
            window_from_s = time_s - time_s % rule.window_s
            if mark is None or mark.window_from_s != window_from_s:
                mark = Mark(rule.name, window_from_s, 0, 0, is_told=False)
            # A window of weeks may sum up to more than a record holds; there it stays, as it tells and stops nothing.
            count, total_minor = mark.count + 1, min(mark.total_minor + amount_minor, MAX_MINOR)
            is_reached = count >= rule.count and total_minor >= rule.total_minor
            after.append(Mark(rule.name, window_from_s, count, total_minor, mark.is_told or is_reached))
            if is_reached and not mark.is_told:
                told.append(after[-1])
        elif mark is not None:
            after.append(mark)
    return tuple(after), tuple(told)
