"""Customers, which key signs for which of them, dated limits of tiers and classes, and what was agreed beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from chainpos.core.state.tables import Table
from chainpos.core.values.amount import MAX_MINOR

OPEN: Final = 1
LOCKED: Final = 2
CLOSED: Final = 3
# Printed codes can be swapped by anyone with a sticker; their class is the lowest whatever the customer's own.
STATIC_CLASS: Final = "D"
MAX_STEPS: Final = 64
# How long an account stays locked before a new key takes it over, where governance and genesis name no other time:
# time for whoever holds the old one to object.
RECOVERY_S: Final = 72 * 3_600
MIN_RECOVERY_S: Final = 60
MAX_RECOVERY_S: Final = 90 * 86_400
ONLY: Final = b""


class DayUsage(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a customer paid on one day of the network in one currency, in minor units.

    `spent_minor` is all of it; of that, `code_minor` by shown codes and `static_minor` to printed ones.
    """

    currency: str
    day: int
    spent_minor: int
    code_minor: int
    static_minor: int


class Customer(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """`key` is the 32-byte public key that signs now; `status` OPEN, LOCKED or CLOSED.

    `attestation` is the institution's salted commitment (32 bytes) to what it knows of the person: no personal data.
    `usage` has at most one entry for each currency.
    """

    key: bytes
    institution: str
    tier: str
    code_class: str
    status: int
    attestation: bytes
    usage: tuple[DayUsage, ...] = ()


class KeyHolder(msgspec.Struct, frozen=True, array_like=True):
    """The 20-byte account that a key signs for, or signed for: it does so while it is the account's present key.

    The record stays when the key is given up, so that a key is never anybody's twice.
    """

    account: bytes


class TierLimits(msgspec.Struct, frozen=True, array_like=True):
    """A tier's limits in one currency, in minor units; None where they are agreed and not set by the network."""

    currency: str
    single_minor: int | None
    daily_minor: int | None
    balance_minor: int | None


class TierStep(msgspec.Struct, frozen=True, array_like=True):
    """The limits that hold from the second `effective_from_s` of block time until the next step."""

    effective_from_s: int
    limits: tuple[TierLimits, ...]


class TierSchedule(msgspec.Struct, frozen=True, array_like=True):
    """A tier's limits by date, ascending."""

    steps: tuple[TierStep, ...]


class ClassCap(msgspec.Struct, frozen=True, array_like=True):
    """What may be paid in a day by codes of a class in one currency, in minor units; None where it is agreed."""

    currency: str
    daily_minor: int | None


class ClassStep(msgspec.Struct, frozen=True, array_like=True):
    """The caps that hold from the second `effective_from_s` of block time until the next step."""

    effective_from_s: int
    caps: tuple[ClassCap, ...]


class ClassSchedule(msgspec.Struct, frozen=True, array_like=True):
    """A code class' caps by date, ascending."""

    steps: tuple[ClassStep, ...]


class AgreedLimits(msgspec.Struct, frozen=True, array_like=True):
    """What an institution agreed with a customer in one currency, for where the network sets no limit; None is none.

    `code_daily_minor` is the cap of shown codes for a class that the network leaves to agreement.
    """

    currency: str
    single_minor: int | None
    daily_minor: int | None
    balance_minor: int | None
    code_daily_minor: int | None


class Agreed(msgspec.Struct, frozen=True, array_like=True):
    """A customer's agreed limits, by ascending currency."""

    limits: tuple[AgreedLimits, ...]


class Recovery(msgspec.Struct, frozen=True, array_like=True):
    """A lost key that is being replaced by `key`: not before the second `ready_s`, while the old one can object.

    `was_locked` says that the account was locked before: then it stays so, whoever objects. `upheld_by` is the legal
    reference under which the regulator upheld it: then the old key can object no more.
    """

    key: bytes
    started_s: int
    ready_s: int
    was_locked: bool = False
    upheld_by: str = ""


class RecoveryStep(msgspec.Struct, frozen=True, array_like=True):
    """How many seconds a recovery waits that begins at the second `effective_from_s` or later."""

    effective_from_s: int
    waiting_s: int


class RecoverySchedule(msgspec.Struct, frozen=True, array_like=True):
    """The waiting times of recoveries by date, ascending."""

    steps: tuple[RecoveryStep, ...] = ()


CUSTOMERS: Final = Table("customers", b"cu", Customer, chosen_keys=True)
CUSTOMER_KEYS: Final = Table("customer_keys", b"ck", KeyHolder, chosen_keys=True)
TIERS: Final = Table("wallet_tiers", b"ct", TierSchedule)
CODE_CLASSES: Final = Table("code_classes", b"cc", ClassSchedule)
# By the 20-byte account.
AGREED: Final = Table("agreed_limits", b"cg", Agreed)
RECOVERIES: Final = Table("recoveries", b"cv", Recovery)
RECOVERY_TIMES: Final = Table("recovery_times", b"cw", RecoverySchedule)


def waiting_in_force(schedule: RecoverySchedule | None, time_s: int) -> int:
    """How many seconds a recovery waits that begins at `time_s`."""
    for step in reversed(() if schedule is None else schedule.steps):
        if step.effective_from_s <= time_s:
            return step.waiting_s
    return RECOVERY_S


def static_above(schedules: Mapping[str, Sequence[ClassStep]]) -> list[str]:
    """Where, at any date, printed codes' class has a cap above another's: "class currency", in their order.

    A cap that is left to agreement is above all others. A currency that either class does not name is not compared.
    """
    static = schedules.get(STATIC_CLASS, ())
    found = []
    for name in sorted(schedules):
        dates = [step.effective_from_s for step in (*static, *schedules[name])]
        for date_s in sorted(dates):
            theirs = _caps_at(schedules[name], date_s)
            found += [
                f"{name} {currency}"
                for currency, cap_minor in _caps_at(static, date_s).items()
                if currency in theirs and cap_minor > theirs[currency]
            ]
    return list(dict.fromkeys(found))


def _caps_at(steps: Sequence[ClassStep], time_s: int) -> dict[str, int]:
    for step in reversed(steps):
        if step.effective_from_s <= time_s:
            return {cap.currency: MAX_MINOR if cap.daily_minor is None else cap.daily_minor for cap in step.caps}
    return {}
