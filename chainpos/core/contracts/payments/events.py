"""What payments tell. A till follows PAID by `request` and `reference`, a merchant by `merchant`."""

from __future__ import annotations

from typing import Final

from chainpos.core.chain.results import Event, EventAttribute
from chainpos.core.contracts.context import Context
from chainpos.core.contracts.payments.messages import Request
from chainpos.core.contracts.payments.records import Payment

PAID: Final = "payments.paid"
CANCELLED: Final = "payments.cancelled"


def tell_paid(ctx: Context, payment_id: bytes, payment: Payment) -> None:
    """One payment was made. Written out, as `Context.emit` would cost twice as much and payments are the many."""
    ctx.events.append(
        Event(
            PAID,
            (
                EventAttribute("payment", payment_id.hex()),
                EventAttribute("request", payment.request_id.hex()),
                EventAttribute("reference", payment.reference),
                EventAttribute("merchant", payment.merchant),
                EventAttribute("till", payment.till_key.hex()),
                EventAttribute("payer", payment.payer.hex()),
                EventAttribute("institution", payment.institution),
                EventAttribute("acquirer", payment.acquirer),
                EventAttribute("currency", payment.currency),
                EventAttribute("amount_minor", str(payment.amount_minor)),
                EventAttribute("tip_minor", str(payment.tip_minor)),
                EventAttribute("fee_minor", str(payment.fee_acquirer_minor + payment.fee_network_minor)),
                EventAttribute("instrument", payment.instrument),
            ),
        )
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
