"""What a proposed rule would have done to recorded payments, before anyone votes on it. Pure: facts in, answers out.

Alert rules tell and stop nothing; limits stop. It refuses facts that are not in the order of their time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from chainpos.core.contracts.compliance.records import AlertRule, Mark
from chainpos.core.contracts.compliance.watching import counted
from chainpos.core.values.timestamps import DAY_S

SINGLE: Final = "single"
DAILY: Final = "daily"


class PaidFact(NamedTuple):
    """One payment of the past: who paid (20 bytes), when (seconds of block time), how much with the tip."""

    payment_id: bytes
    time_s: int
    account: bytes
    currency: str
    amount_minor: int


class WouldAlert(NamedTuple):
    """That a payment would have fulfilled a rule, and what the rule had counted by then."""

    fact: PaidFact
    rule: str
    window_from_s: int
    payments: int
    total_minor: int


class TrialLimits(NamedTuple):
    """Limits on trial, in minor units of one currency; None is no limit. They hold for all the facts' accounts."""

    currency: str
    single_minor: int | None
    daily_minor: int | None


class WouldStop(NamedTuple):
    """That a payment would have been refused, by which limit, and by how much it was over."""

    fact: PaidFact
    limit: str
    over_minor: int


def would_alert(rules: tuple[AlertRule, ...], facts: Iterable[PaidFact]) -> Iterator[WouldAlert]:
    """Every alert of `rules` over `facts`, which come by ascending time. Raises ValueError where they do not."""
    marks: dict[bytes, tuple[Mark, ...]] = {}
    for fact in in_order(facts):
        before = marks.get(fact.account, ())
        marks[fact.account], told = counted(rules, before, fact.time_s, fact.currency, fact.amount_minor)
        for mark in told:
            yield WouldAlert(fact, mark.rule, mark.window_from_s, mark.count, mark.total_minor)


def would_stop(limits: TrialLimits, facts: Iterable[PaidFact], *, utc_offset_s: int) -> Iterator[WouldStop]:
    """Every payment that `limits` would have refused. What is refused does not count to its day.

    `utc_offset_s` is the network's, by which days begin. Raises ValueError where facts are out of order.
    """
    spent: dict[tuple[bytes, int], int] = {}
    for fact in in_order(facts):
        if fact.currency != limits.currency:
            continue
        day = fact.account, (fact.time_s + utc_offset_s) // DAY_S
        after_minor = spent.get(day, 0) + fact.amount_minor
        if limits.single_minor is not None and fact.amount_minor > limits.single_minor:
            yield WouldStop(fact, SINGLE, fact.amount_minor - limits.single_minor)
        elif limits.daily_minor is not None and after_minor > limits.daily_minor:
            yield WouldStop(fact, DAILY, after_minor - limits.daily_minor)
        else:
            spent[day] = after_minor


def in_order(facts: Iterable[PaidFact]) -> Iterator[PaidFact]:
    """`facts` as they are. Raises ValueError at one that is earlier than the one before it."""
    latest_s = None
    for fact in facts:
        if latest_s is not None and fact.time_s < latest_s:
            raise ValueError("facts go back in time")
        latest_s = fact.time_s
        yield fact
