"""What may be asked of refunds: give back a payment, whole or in part."""

from __future__ import annotations

from typing import Annotated

import msgspec

from chainpos.core.values.amount import MAX_MINOR
from chainpos.core.values.hashes import HASH_BYTES

PaymentId = Annotated[bytes, msgspec.Meta(min_length=HASH_BYTES, max_length=HASH_BYTES)]
Minor = Annotated[int, msgspec.Meta(ge=0, le=MAX_MINOR)]


class Refund(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Kind "refunds.refund", signed by a till of the merchant that was paid, or by its owner.

    `reference` is the shop's own, once per payment, so that sending a refund again cannot make it twice. `amount_minor`
    is in the payment's currency; `reason` is text of at most 80 bytes, or "".
    """

    payment_id: PaymentId
    amount_minor: Minor
    reference: str
    reason: str


def refund_subject(message: Refund) -> dict[str, str]:
    """By what a till finds the refusal of a refund."""
    return {"payment": message.payment_id.hex()}
