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


# Time for whoever still has the owner's key to notice that a thief has sent the shop's money elsewhere.
TERMS_DELAY_S: Final = 24 * 3_600


class NextTerms(msgspec.Struct, frozen=True, array_like=True):
    """How a shop is settled from the second `effective_from_s` of block time on."""

    effective_from_s: int
    settlement_mode: str
    payout_account: str


class Merchant(msgspec.Struct, frozen=True, array_like=True):
    """A shop. Names, category (ISO 18245) and city are what its acquirer certifies; `owner` is a 32-byte public key.

    `status` is OPEN, SUSPENDED or CLOSED; `tills` counts the keys ever added. `following` has one entry while other
    terms are announced, or have begun: so the terms at a second are those of `at`.
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


MERCHANTS: Final = Table("merchants", b"me", Merchant)
# By the till's key alone: so no device is the till of two shops.
TILLS: Final = Table("tills", b"mt", Till)


def merchant_key(merchant: str) -> bytes:
    """The record's key in MERCHANTS."""
    return merchant.encode()
