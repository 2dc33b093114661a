"""Fees as genesis names them: app_state's section "fees". It refuses rules out of order and unknown currencies."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, Literal

import msgspec

from chainpos.core.contracts.context import Context, decode_section, genesis_row
from chainpos.core.contracts.fees.records import (
    COMPARISONS,
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
from chainpos.core.values.amount import MAX_MINOR
from chainpos.core.values.currency import CURRENCIES
from chainpos.core.values.text import check_text

_Ppm = Annotated[int, msgspec.Meta(ge=0, le=MILLION)]
_Minor = Annotated[int, msgspec.Meta(ge=0, le=MAX_MINOR)]
_Seconds = Annotated[int, msgspec.Meta(ge=0)]
_Class = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_]{1,32}\Z")]


class _Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    ppm: _Ppm
    from_s: _Seconds = 0
    minimum_minor: _Minor = 0
    maximum_minor: _Minor = MAX_MINOR
    network_share_ppm: _Ppm = 0


class _Schedule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    fee_class: _Class
    instruments: tuple[Literal["dynamic_qr", "static_qr", "customer_code"], ...]
    currencies: tuple[str, ...]
    rules: Annotated[tuple[_Rule, ...], msgspec.Meta(min_length=1, max_length=MAX_RULES)]


class _Rate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    ppm: _Ppm
    from_s: _Seconds = 0


class _Comparison(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name_en: str
    name_zh: str
    rates: Annotated[tuple[_Rate, ...], msgspec.Meta(min_length=1, max_length=MAX_RULES)]


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    schedules: tuple[_Schedule, ...] = ()
    comparisons: tuple[_Comparison, ...] = ()


def load_genesis(ctx: Context, section: Any) -> None:
    """Writes schedules and comparisons. Raises ValueError with the path of what is wrong."""
    fees = decode_section(section, _Section)
    for index, schedule in enumerate(fees.schedules):
        with genesis_row(f"schedules[{index}]"):
            _add_schedule(ctx, schedule)
    for index, comparison in enumerate(fees.comparisons):
        with genesis_row(f"comparisons[{index}]"):
            _add_comparison(ctx, index, comparison)


def _add_schedule(ctx: Context, schedule: _Schedule) -> None:
    rules = tuple(
        FeeRule(rule.from_s, rule.ppm, rule.minimum_minor, rule.maximum_minor, rule.network_share_ppm)
        for rule in schedule.rules
    )
    _check_dates([rule.from_s for rule in rules])
    if any(rule.minimum_minor > rule.maximum_minor for rule in rules):
        raise ValueError("a minimum above its maximum")
    for currency in schedule.currencies:
        if currency not in CURRENCIES:
            raise ValueError(f"unknown currency {currency!r}")
        for instrument in schedule.instruments:
            key = schedule_key(schedule.fee_class, instrument, currency)
            if ctx.get(SCHEDULES, key) is not None:
                raise ValueError(f"given twice for {instrument} in {currency}")
            ctx.put(SCHEDULES, key, FeeSchedule(rules))


def _add_comparison(ctx: Context, index: int, comparison: _Comparison) -> None:
    rates = tuple(PublishedRate(rate.from_s, rate.ppm) for rate in comparison.rates)
    _check_dates([rate.from_s for rate in rates])
    name_en = check_text(comparison.name_en, min_bytes=1, max_bytes=MAX_NAME_BYTES)
    name_zh = check_text(comparison.name_zh, min_bytes=1, max_bytes=MAX_NAME_BYTES)
    ctx.put(COMPARISONS, comparison_key(index), Comparison(name_en, name_zh, rates))


def _check_dates(dates: list[int]) -> None:
    if not all(earlier < later for earlier, later in pairwise(dates)):
        raise ValueError("dates do not ascend")
