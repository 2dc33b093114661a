"""Dated fee rules per merchant class, presentation and currency; and, for comparison, what others publish.

A rule is never edited: a later one follows it, so that every past fee can be recomputed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol, TypeVar

import msgspec

from chainpos.core.state.tables import Table

MILLION: Final = 1_000_000
MAX_RULES: Final = 64
MAX_COMPARISONS: Final = 16
MAX_NAME_BYTES: Final = 96


class FeeRule(msgspec.Struct, frozen=True, array_like=True):
    """In force from `from_s` (unix seconds): `ppm` millionths of the amount, within bounds in minor units.

    `network_share_ppm` millionths of the fee are the network's, the rest the acquirer's.
    """

    from_s: int
    ppm: int
    minimum_minor: int
    maximum_minor: int
    network_share_ppm: int


class FeeSchedule(msgspec.Struct, frozen=True, array_like=True):
    """Rules by ascending date."""

    rules: tuple[FeeRule, ...]


class PublishedRate(msgspec.Struct, frozen=True, array_like=True):
    """What somebody else charges from `from_s` on, in millionths of the amount."""

    from_s: int
    ppm: int


class Comparison(msgspec.Struct, frozen=True, array_like=True):
    """A way of being paid elsewhere, by its name in both languages, and its published rates by ascending date."""

    name_en: str
    name_zh: str
    rates: tuple[PublishedRate, ...]


class _Dated(Protocol):
    @property
    def from_s(self) -> int: ...


D = TypeVar("D", bound=_Dated)


def in_force(rules: Sequence[D], time_s: int) -> D | None:
    """The last of `rules`, which ascend by date, that has begun at `time_s`; None before the first."""
    for rule in reversed(rules):
        if rule.from_s <= time_s:
            return rule
    return None


def schedule_key(fee_class: str, instrument: str, currency: str) -> bytes:
    """The key of one schedule. None of the three holds a zero byte."""
    return f"{currency}\0{instrument}\0{fee_class}".encode()


def comparison_key(number: int) -> bytes:
    """The key in COMPARISONS; numbers begin at 0."""
    return number.to_bytes(2, "big")


SCHEDULES: Final = Table("fees.schedules", b"fs", FeeSchedule)
COMPARISONS: Final = Table("fees.comparisons", b"fc", Comparison)
