"""What payments tell. A till follows PAID by `request` and `reference`, a merchant by `merchant`."""

from __future__ import annotations

from typing import Final

from chainpos.core.contracts.context import Context
from chainpos.core.contracts.payments.messages import Request
from chainpos.core.contracts.payments.records import Payment

PAID: Final = "payments.paid"
CANCELLED: Final = "payments.cancelled"


def tell_paid(ctx: Context, payment_id: bytes, payment: Payment) -> None:
    """One payment was made."""
    ctx.emit(
        PAID,
        payment=payment_id,
        request=payment.request_id,
        reference=payment.reference,
        merchant=payment.merchant,
        till=payment.till_key,
        payer=payment.payer,
        institution=payment.institution,
        acquirer=payment.acquirer,
        currency=payment.currency,
        amount_minor=payment.amount_minor,
        tip_minor=payment.tip_minor,
        fee_minor=payment.fee_acquirer_minor + payment.fee_network_minor,
        instrument=payment.instrument,
        debtor=payment.debtor,
        batch=payment.batch,
    )


def tell_cancelled(ctx: Context, requested: bytes, request: Request) -> None:
    """A request will not be paid any more."""
    ctx.emit(
        CANCELLED,
        request=requested,
        reference=request.reference,
        merchant=request.merchant,
        till=request.till_key,
        currency=request.currency,
        amount_minor=request.amount_minor,
    )
