"""Merchants as certified by their acquirers, and the keys of their tills."""

from __future__ import annotations

from typing import Final

import msgspec

from chainpos.core.state.tables import Table

OPEN: Final = 1
SUSPENDED: Final = 2
CLOSED: Final = 3
REVOKED: Final = 2
INSTANT: Final = "instant"
NETTED: Final = "netted"
SETTLEMENT_MODES: Final = (INSTANT, NETTED)
MAX_TILLS: Final = 1_000
# Where governance and genesis name no other times. Terms wait so that whoever still has the owner's key can notice that
# a thief has sent the shop's money elsewhere; another owner waits so that the old one can object.
TERMS_DELAY_S: Final = 24 * 3_600
OWNER_RECOVERY_S: Final = 72 * 3_600
MIN_DELAY_S: Final = 60
MAX_DELAY_S: Final = 90 * 86_400
MAX_STEPS: Final = 64
ONLY: Final = b""


class NextTerms(msgspec.Struct, frozen=True, array_like=True):
    """How a shop is settled from the second `effective_from_s` of block time on."""

    effective_from_s: int
    settlement_mode: str
    payout_account: str


class NextCertificate(msgspec.Struct, frozen=True, array_like=True):
    """What the acquirer certifies of a shop from the second `effective_from_s` of block time on."""

    effective_from_s: int
    name_en: str
    name_zh: str
    category: str
    city: str
    fee_class: str


class Merchant(msgspec.Struct, frozen=True, array_like=True):
    """A shop. Names, category (ISO 18245), city and fee class are what its acquirer certifies; `owner` is a public key.

    `status` is OPEN, SUSPENDED or CLOSED; `tills` counts the keys ever added. `following` has one entry while other
    terms are announced, or have begun: so the terms at a second are those of `at`. `recertified` is the same of another
    certificate: what is certified at a second is in `as_of`.
    """

    acquirer: str
    name_en: str
    name_zh: str
    category: str
    city: str
    owner: bytes
    fee_class: str
    settlement_mode: str
    payout_account: str
    status: int
    tills: int = 0
    following: tuple[NextTerms, ...] = ()
    recertified: tuple[NextCertificate, ...] = ()

    def as_of(self, time_s: int) -> Merchant:
        """The shop with what is certified of it at a second of block time; what is still announced stays so."""
        if not self.recertified or self.recertified[0].effective_from_s > time_s:
            return self
        _, name_en, name_zh, category, city, fee_class = msgspec.structs.astuple(self.recertified[0])
        return msgspec.structs.replace(
            self, name_en=name_en, name_zh=name_zh, category=category, city=city, fee_class=fee_class, recertified=()
        )

    def at(self, time_s: int) -> tuple[str, str]:
        """Settlement mode and payout account at a second of block time."""
        if self.following and self.following[0].effective_from_s <= time_s:
            return self.following[0].settlement_mode, self.following[0].payout_account
        return self.settlement_mode, self.payout_account


class Till(msgspec.Struct, frozen=True, array_like=True):
    """A device's key: `status` is OPEN or REVOKED; amounts in minor units, `refunded_minor` of the day `refund_day`.

    `limits_day` is the day on which its limits last changed: on that day more may have been returned than they allow.
    """

    merchant: str
    label: str
    max_payment_minor: int
    refund_daily_minor: int
    status: int
    refund_day: int = 0
    refunded_minor: int = 0
    limits_day: int = 0


class OwnerRecovery(msgspec.Struct, frozen=True, array_like=True):
    """A shop's lost owner key that is being replaced by `owner`: not before the second `ready_s`.

    Until then the old key does nothing but object. `upheld_by` is the legal reference under which the regulator
    upheld it: then it cannot object any more.
    """

    owner: bytes
    started_s: int
    ready_s: int
    upheld_by: str = ""


class DelayStep(msgspec.Struct, frozen=True, array_like=True):
    """How many seconds changed terms, and another owner, wait that are announced at `effective_from_s` or later."""

    effective_from_s: int
    terms_s: int
    owner_recovery_s: int


class DelaySchedule(msgspec.Struct, frozen=True, array_like=True):
    """The delays by date, ascending."""

    steps: tuple[DelayStep, ...] = ()


MERCHANTS: Final = Table("merchants", b"me", Merchant, chosen_keys=True)
# By the till's key alone: so no device is the till of two shops.
TILLS: Final = Table("tills", b"mt", Till, chosen_keys=True)
# By merchant.
OWNER_RECOVERIES: Final = Table("owner_recoveries", b"mo", OwnerRecovery)
DELAYS: Final = Table("merchant_delays", b"md", DelaySchedule)


# The record's key in MERCHANTS.
merchant_key: Final = str.encode


def delays_in_force(schedule: DelaySchedule | None, time_s: int) -> DelayStep:
    """What is announced at `time_s` waits so long."""
    for step in reversed(() if schedule is None else schedule.steps):
        if step.effective_from_s <= time_s:
            return step
    return DelayStep(0, TERMS_DELAY_S, OWNER_RECOVERY_S)
