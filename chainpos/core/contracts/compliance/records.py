"""What is frozen, by whose order, with whose agreement and until when; what is watched for, and what it found."""

from __future__ import annotations

from typing import Final

import msgspec

from chainpos.core.state.tables import Table

# How long a regulator's order alone may hold, and how long before it may do so again against the same subject.
INTERIM_S: Final = 72 * 3_600
INTERIM_REST_S: Final = 30 * 86_400
MAX_ALERT_RULES: Final = 16
MAX_ALERT_STEPS: Final = 16


class Freeze(msgspec.Struct, frozen=True, array_like=True):
    """A freeze, in force before the second `until_s` of block time; it stays on record when it has run out.

    `ordered_by` is the regulator's 32-byte key and `ordered_until_s` the end that it ordered. Until the subject's
    institution has agreed (`agreed_by`, its key), `until_s` is the interim's end: `from_s` itself where an interim
    was used up lately. `release_reference` and `released_by` are an order to release that awaits agreement.
    """

    legal_reference: str
    from_s: int
    until_s: int
    ordered_by: bytes
    ordered_until_s: int
    agreed_by: bytes = b""
    agreed_s: int = 0
    release_reference: str = ""
    released_by: bytes = b""
    # When an order alone last held it; 0 never.
    interim_s: int = 0


class AlertRule(msgspec.Struct, frozen=True, array_like=True):
    """What is told when one account pays so within one window of `window_s` seconds (windows begin at its multiples).

    Counted are payments in `currency` of `at_least_minor` to `at_most_minor`. Told is when they are `count` or more,
    and their sum `total_minor` or more; either is 0 where it does not matter. A velocity rule counts all payments, a
    structuring rule those just below a limit.
    """

    name: str
    currency: str
    window_s: int
    at_least_minor: int
    at_most_minor: int
    count: int
    total_minor: int


class AlertStep(msgspec.Struct, frozen=True, array_like=True):
    """The rules that are watched from the second `effective_from_s` of block time until the next step."""

    effective_from_s: int
    rules: tuple[AlertRule, ...]


class AlertSchedule(msgspec.Struct, frozen=True, array_like=True):
    """Alert rules by date, ascending."""

    steps: tuple[AlertStep, ...] = ()


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """What an account paid so far in the window that began at `window_from_s`, as one rule counts it."""

    rule: str
    window_from_s: int
    count: int
    total_minor: int
    is_told: bool


class Activity(msgspec.Struct, frozen=True, array_like=True):
    """The marks of one account, at most one for each rule in force when it last paid."""

    marks: tuple[Mark, ...]


class Alert(msgspec.Struct, frozen=True, array_like=True):
    """That an account fulfilled a rule: with which transaction, and what was counted by then. It stops nothing."""

    rule: str
    currency: str
    window_from_s: int
    count: int
    total_minor: int
    time_s: int
    height: int
    tx_hash: bytes


# By subject: `account_subject` or `merchant_subject` in ports.
FREEZES: Final = Table("freezes", b"cf", Freeze)
ALERT_RULES: Final = Table("alert_rules", b"cr", AlertSchedule)
ONLY: Final = b""
# By the 20-byte account.
ACTIVITY: Final = Table("activity", b"ca", Activity)
ALERTS: Final = Table("alerts", b"cl", Alert)


def alert_key(account: bytes, rule: str, window_from_s: int) -> bytes:
    """The key in ALERTS: an account's alerts lie together."""
    return b"%s/%s/%s" % (account, rule.encode(), window_from_s.to_bytes(8, "big"))


def rules_in_force(schedule: AlertSchedule, time_s: int) -> tuple[AlertRule, ...]:
    """What is watched at `time_s`."""
    for step in reversed(schedule.steps):
        if step.effective_from_s <= time_s:
            return step.rules
    return ()
