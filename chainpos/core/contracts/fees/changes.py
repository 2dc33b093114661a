"""What governance decides of fees: a later rule of one schedule, a later rate that others publish. None is ever edited.

It refuses, as a change that cannot be, bounds out of order, and a date that does not follow the last one scheduled.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from chainpos.core.contracts.context import Change, Context
from chainpos.core.contracts.dated import followed
from chainpos.core.contracts.fees.records import (
    COMPARISONS,
    MAX_COMPARISONS,
    MAX_NAME_BYTES,
    MAX_RULES,
    MILLION,
    SCHEDULES,
    Comparison,
    FeeRule,
    FeeSchedule,
    PublishedRate,
    comparison_key,
    schedule_key,
)
from chainpos.core.contracts.ports import CUSTOMER_CODE, DYNAMIC_QR, STATIC_QR
from chainpos.core.values.amount import MAX_MINOR
from chainpos.core.values.currency import CURRENCIES
from chainpos.core.values.text import is_safe
from chainpos.core.values.timestamps import MAX_TIME_S
from chainpos.errors import MalformedBytes

SCHEDULE_CHANGED: Final = "fees.schedule_changed"
RATE_PUBLISHED: Final = "fees.rate_published"
_CLASS: Final = re.compile(r"[a-z0-9_]{1,32}", re.ASCII)


class SetFeeRule(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Change "fees.schedule": what this kind of payment costs this class of merchants from the second `from_s` on.

    `ppm` millionths of the amount within bounds in minor units, of which `network_share_ppm` millionths are the
    network's.
    """

    fee_class: str
    instrument: str
    currency: str
    from_s: int
    ppm: int
    minimum_minor: int
    maximum_minor: int
    network_share_ppm: int


class SetPublishedRate(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Change "fees.comparison": what being paid elsewhere costs from the second `from_s` on, in millionths.

    `number` is that of a comparison there is, from 0, or the next one's; names are 1 to 96 bytes of safe text.
    """

    number: int
    name_en: str
    name_zh: str
    from_s: int
    ppm: int


def set_published_rate(ctx: Context, change: SetPublishedRate) -> None:
    """The comparison has one rate more, and these names; it is made where it is the next. Raises MalformedBytes."""
    number = change.number
    is_next = 0 <= number < MAX_COMPARISONS
    if not is_next or (number and ctx.get(COMPARISONS, comparison_key(number - 1)) is None):
        raise MalformedBytes("no such comparison, nor the next")
    if not all(
        is_safe(name) and 1 <= len(name.encode()) <= MAX_NAME_BYTES for name in (change.name_en, change.name_zh)
    ):
        raise MalformedBytes("a name that cannot be shown")
    before = ctx.get(COMPARISONS, comparison_key(number))
    rates = () if before is None else before.rates
    is_later = change.from_s <= MAX_TIME_S and (not rates or rates[-1].from_s < change.from_s)
    if not is_later or not 0 <= change.ppm <= MILLION:
        raise MalformedBytes("a rate that cannot be, or a date that does not follow the last one")
    begun = sum([each.from_s <= ctx.block.time_s for each in rates])
    kept = followed(rates, PublishedRate(change.from_s, change.ppm), begun=begun, at_most=MAX_RULES)
    ctx.put(COMPARISONS, comparison_key(number), Comparison(change.name_en, change.name_zh, kept))
    ctx.emit(RATE_PUBLISHED, number=number, name=change.name_en, from_s=change.from_s, ppm=change.ppm)


def set_fee_rule(ctx: Context, change: SetFeeRule) -> None:
    """The schedule has one rule more, and is made where there was none. Raises MalformedBytes."""
    is_known = change.instrument in (DYNAMIC_QR, STATIC_QR, CUSTOMER_CODE) and change.currency in CURRENCIES
    if not is_known or _CLASS.fullmatch(change.fee_class) is None:
        raise MalformedBytes("no such class, presentation or currency")
    is_share = 0 <= change.ppm <= MILLION and 0 <= change.network_share_ppm <= MILLION
    if not is_share or not 0 <= change.minimum_minor <= change.maximum_minor <= MAX_MINOR:
        raise MalformedBytes("shares or bounds that cannot be")
    key = schedule_key(change.fee_class, change.instrument, change.currency)
    before = ctx.get(SCHEDULES, key)
    rules = () if before is None else before.rules
    if change.from_s > MAX_TIME_S or (rules and rules[-1].from_s >= change.from_s):
        raise MalformedBytes("a date that does not follow the last one scheduled")
    rule = FeeRule(change.from_s, change.ppm, change.minimum_minor, change.maximum_minor, change.network_share_ppm)
    begun = sum([each.from_s <= ctx.block.time_s for each in rules])
    ctx.put(SCHEDULES, key, FeeSchedule(followed(rules, rule, begun=begun, at_most=MAX_RULES)))
    ctx.emit(
        SCHEDULE_CHANGED,
        fee_class=change.fee_class,
        instrument=change.instrument,
        currency=change.currency,
        from_s=change.from_s,
        ppm=change.ppm,
    )


def _from_s(change: SetFeeRule | SetPublishedRate) -> int:
    return change.from_s


CHANGES: Final = (
    Change("fees.schedule", SetFeeRule, set_fee_rule, _from_s),
    Change("fees.comparison", SetPublishedRate, set_published_rate, _from_s),
)
