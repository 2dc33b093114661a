"""Every refund, with where its money came from. A record stays as long as its payment's."""

from __future__ import annotations

from typing import Final

import msgspec

from chainpos.core.contracts.ports import Placement
from chainpos.core.state.tables import Table


class RefundRecord(msgspec.Struct, frozen=True, array_like=True):
    """Key: the payment's ID and the refund's reference. Amounts in minor units of the payment's currency.

    The merchant gave `net_minor`, and got `fee_*_minor` back. `debtor`, `batch` and `entry` say where that came from
    (ports.Placement): the payment's own batch, or what was available.
    """

    merchant: str
    signer: bytes
    amount_minor: int
    fee_acquirer_minor: int
    fee_network_minor: int
    debtor: str
    batch: int
    entry: int
    reason: str
    height: int
    time_s: int

    @property
    def placement(self) -> Placement:
        """Where the merchant's money came from."""
        return Placement(self.debtor, self.batch, self.entry)

    @property
    def net_minor(self) -> int:
        """What the merchant gave."""
        return self.amount_minor - self.fee_acquirer_minor - self.fee_network_minor


def refund_key(payment_id: bytes, reference: str) -> bytes:
    """The record's key."""
    return payment_id + reference.encode()


REFUNDS: Final = Table("refunds", b"rf", RefundRecord, chosen_keys=True)
