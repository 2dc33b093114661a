"""Fees as genesis names them: app_state's section "fees". It refuses rules out of order and unknown currencies."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, Final, Literal

import msgspec

from chainpos.core.contracts.context import Context, decode_section
from chainpos.core.contracts.fees.records import (
    COMPARISONS,
    MAX_RULES,
    SCHEDULES,
    Comparison,
    FeeRule,
    FeeSchedule,
    Minor,
    Ppm,
    PublishedRate,
    Seconds,
    schedule_key,
)
from chainpos.core.values.amount import MAX_MINOR
from chainpos.core.values.currency import CURRENCIES
from chainpos.core.values.text import HostileText, check_text

MAX_NAME_BYTES: Final = 96
_Class = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_]{1,32}\Z")]


class GenesisRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One dated rule; without bounds none apply."""

    ppm: Ppm
    from_s: Seconds = 0
    minimum_minor: Minor = 0
    maximum_minor: Minor = MAX_MINOR
    network_share_ppm: Ppm = 0


class GenesisSchedule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One schedule for some presentations in some currencies."""

    fee_class: _Class
    instruments: tuple[Literal["dynamic_qr", "static_qr", "customer_code"], ...]
    currencies: tuple[str, ...]
    rules: Annotated[tuple[GenesisRule, ...], msgspec.Meta(min_length=1, max_length=MAX_RULES)]


class GenesisRate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One published rate elsewhere."""

    ppm: Ppm
    from_s: Seconds = 0


class GenesisComparison(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What receipts compare with."""

    name_en: str
    name_zh: str
    rates: Annotated[tuple[GenesisRate, ...], msgspec.Meta(min_length=1, max_length=MAX_RULES)]


class GenesisFees(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole section."""

    schedules: tuple[GenesisSchedule, ...] = ()
    comparisons: tuple[GenesisComparison, ...] = ()


def load_genesis(ctx: Context, section: Any) -> None:
    """Write schedules and comparisons. Raises msgspec.ValidationError."""
    fees = decode_section(section, GenesisFees)
    for schedule in fees.schedules:
        rules = tuple(
            FeeRule(rule.from_s, rule.ppm, rule.minimum_minor, rule.maximum_minor, rule.network_share_ppm)
            for rule in schedule.rules
        )
        _check_dates([rule.from_s for rule in rules], schedule.fee_class)
        if any(rule.minimum_minor > rule.maximum_minor for rule in rules):
            raise msgspec.ValidationError(f"fee class {schedule.fee_class}: a minimum above its maximum")
        for currency in schedule.currencies:
            if currency not in CURRENCIES:
                raise msgspec.ValidationError(f"fee class {schedule.fee_class}: unknown currency {currency!r}")
            for instrument in schedule.instruments:
                key = schedule_key(schedule.fee_class, instrument, currency)
                if ctx.get(SCHEDULES, key) is not None:
                    raise msgspec.ValidationError(f"fee class {schedule.fee_class} twice for {instrument} {currency}")
                ctx.put(SCHEDULES, key, FeeSchedule(rules))
    for number, comparison in enumerate(fees.comparisons):
        rates = tuple(PublishedRate(rate.from_s, rate.ppm) for rate in comparison.rates)
        _check_dates([rate.from_s for rate in rates], "comparison")
        name_en, name_zh = _name(comparison.name_en), _name(comparison.name_zh)
        ctx.put(COMPARISONS, number.to_bytes(2, "big"), Comparison(name_en, name_zh, rates))


def _check_dates(dates: list[int], owner: str) -> None:
    if not all(earlier < later for earlier, later in pairwise(dates)):
        raise msgspec.ValidationError(f"{owner}: rules do not ascend by date")


def _name(text: str) -> str:
    try:
        return check_text(text, min_bytes=1, max_bytes=MAX_NAME_BYTES)
    except HostileText as error:
        raise msgspec.ValidationError(str(error)) from error
