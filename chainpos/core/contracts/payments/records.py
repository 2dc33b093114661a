"""Every payment, with all that support and settlement ask of it; and requests that were cancelled.

A payment's record stays; a cancellation is forgotten once its request could not be paid anyway.
"""

from __future__ import annotations

from typing import Final

import msgspec

from chainpos.core.contracts.ports import FeeSplit, Party, PaymentFacts, Placement
from chainpos.core.state.tables import Table
from chainpos.core.values.timestamps import MAX_TIME_S


class Payment(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Key: the payment's ID. Amounts in minor units of `currency`; the fee is of `amount_minor` alone.

    `acquirer` and `institution` held the merchant's and the payer's money when it was made. `debtor`, `batch` and
    `entry` say where the merchant's money went (ports.Placement). `time_s` is the block's.
    """

    request_id: bytes
    merchant: str
    acquirer: str
    till_key: bytes
    reference: str
    payer: bytes
    institution: str
    currency: str
    amount_minor: int
    tip_minor: int
    fee_acquirer_minor: int
    fee_network_minor: int
    instrument: str
    debtor: str
    batch: int
    entry: int
    height: int
    time_s: int
    refunded_minor: int = 0
    fee_refunded_acquirer_minor: int = 0
    fee_refunded_network_minor: int = 0

    @property
    def placement(self) -> Placement:
        """Where the merchant's money went."""
        return Placement(self.debtor, self.batch, self.entry)

    @property
    def paid_minor(self) -> int:
        """What the payer paid, the tip included."""
        return self.amount_minor + self.tip_minor

    @property
    def net_minor(self) -> int:
        """What the merchant received, before any refund."""
        return self.amount_minor + self.tip_minor - self.fee_acquirer_minor - self.fee_network_minor

    def facts(self, payment_id: bytes) -> PaymentFacts:
        """As other capabilities see it."""
        return PaymentFacts(
            payment_id=payment_id,
            merchant=self.merchant,
            acquirer=self.acquirer,
            payer=Party(self.payer, self.institution),
            currency=self.currency,
            amount_minor=self.amount_minor,
            tip_minor=self.tip_minor,
            fee=FeeSplit(self.fee_acquirer_minor, self.fee_network_minor),
            refunded_minor=self.refunded_minor,
            fee_refunded=FeeSplit(self.fee_refunded_acquirer_minor, self.fee_refunded_network_minor),
            placement=self.placement,
        )


class Cancellation(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Key: the request's ID. `expires_s` is the request's, or the last second there is."""

    merchant: str
    till_key: bytes
    reference: str
    height: int
    time_s: int
    expires_s: int


class OfflineCap(msgspec.Struct, frozen=True, array_like=True):
    """The most that one code accepted without the network may pay in one currency, in minor units."""

    currency: str
    payment_minor: int


class OfflineStep(msgspec.Struct, frozen=True, array_like=True):
    """From the second `effective_from_s` of block time: a code that a till accepted in its minute is taken so many
    seconds after that, up to these caps; none is, in a currency without one."""

    effective_from_s: int
    window_s: int
    caps: tuple[OfflineCap, ...]

    def cap_minor(self, currency: str) -> int:
        """The most in a currency, 0 for nothing."""
        return next((cap.payment_minor for cap in self.caps if cap.currency == currency), 0)


class OfflineSchedule(msgspec.Struct, frozen=True, array_like=True):
    """The bounds by date, ascending."""

    steps: tuple[OfflineStep, ...] = ()

    def in_force(self, time_s: int) -> OfflineStep:
        """What holds at a second: nothing is taken late where governance has said nothing."""
        return next((step for step in reversed(self.steps) if step.effective_from_s <= time_s), OfflineStep(0, 0, ()))


def _expiry(cancellation: Cancellation) -> int:
    return cancellation.expires_s


NEVER_S: Final = MAX_TIME_S
PAYMENTS: Final = Table("payments", b"pp", Payment, chosen_keys=True)
CANCELLED: Final = Table("payments.cancelled", b"pc", Cancellation, expires=_expiry, chosen_keys=True)
OFFLINE_CODES: Final = Table("payments.offline_codes", b"po", OfflineSchedule)
# The one key of that table.
ONLY: Final = b""
MAX_OFFLINE_STEPS: Final = 64
# Well within the day for which a spent code is remembered, so that none is taken twice.
MAX_WINDOW_S: Final = 12 * 3_600
