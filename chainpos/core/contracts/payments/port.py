"""What payments offer refunds: a recorded payment, and counting what went back (ports.PaymentsPort)."""

from __future__ import annotations

import msgspec

from chainpos.core.contracts.context import Context
from chainpos.core.contracts.payments.codes import UNKNOWN_PAYMENT
from chainpos.core.contracts.payments.records import PAYMENTS
from chainpos.core.contracts.ports import FeeSplit, PaymentFacts
from chainpos.errors import StateMismatch


def payment(ctx: Context, payment_id: bytes) -> PaymentFacts:
    """A payment on the ledger. Raises Rejected(UNKNOWN_PAYMENT)."""
    return ctx.found(ctx.get(PAYMENTS, payment_id), UNKNOWN_PAYMENT).facts(payment_id)


def record_refund(ctx: Context, payment_id: bytes, refund_minor: int, fee_returned: FeeSplit) -> None:
    """Count a refund to its payment. Raises StateMismatch where more would go back than came: the caller checks."""
    before = ctx.found(ctx.get(PAYMENTS, payment_id), UNKNOWN_PAYMENT)
    after = msgspec.structs.replace(
        before,
        refunded_minor=before.refunded_minor + refund_minor,
        fee_refunded_acquirer_minor=before.fee_refunded_acquirer_minor + fee_returned.acquirer_minor,
        fee_refunded_network_minor=before.fee_refunded_network_minor + fee_returned.network_minor,
    )
    if (
        refund_minor <= 0
        or after.refunded_minor > after.paid_minor
        or not 0 <= after.fee_refunded_acquirer_minor <= after.fee_acquirer_minor
        or not 0 <= after.fee_refunded_network_minor <= after.fee_network_minor
    ):
        raise StateMismatch(f"a refund of {refund_minor} does not fit payment {payment_id.hex()}")
    ctx.put(PAYMENTS, payment_id, after)
