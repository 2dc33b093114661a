"""What may be asked of settlement: close a cycle, settle what was rolled over, pay a merchant's money out."""

from __future__ import annotations

from typing import Annotated

import msgspec

from chainpos.core.values.amount import MAX_MINOR

Minor = Annotated[int, msgspec.Meta(ge=0, le=MAX_MINOR)]
Number = Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)]


class Close(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Kind "settlement.close": net all open batches in a currency, after the cut-off.

    Signed by `institution`, any of them; or, where that is "", by a holder of the operator role.
    """

    institution: str
    currency: str


class Resolve(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Kind "settlement.resolve": settle batches that were rolled over and can settle now. Signed as `Close`."""

    institution: str
    currency: str


class RequestPayout(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Kind "settlement.request_payout", signed by the merchant's owner or one of its tills."""

    merchant: str
    currency: str
    amount_minor: Minor


class ConfirmPayout(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Kind "settlement.confirm_payout", signed by the acquirer: the money arrived, by its bank's reference."""

    merchant: str
    currency: str
    number: Number
    bank_reference: str


class FailPayout(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Kind "settlement.fail_payout", signed by the acquirer: the money could not be sent, and is available again."""

    merchant: str
    currency: str
    number: Number
    reason: str
