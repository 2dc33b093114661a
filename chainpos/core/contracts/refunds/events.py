"""What refunds tell: money went back, by payment and by merchant."""

from __future__ import annotations

from typing import Final

from chainpos.core.contracts.context import Context
from chainpos.core.contracts.ports import PaymentFacts
from chainpos.core.contracts.refunds.records import RefundRecord

REFUNDED: Final = "refunds.refunded"


def tell_refunded(ctx: Context, payment: PaymentFacts, reference: str, refund: RefundRecord) -> None:
    """One refund was made; `refunded_minor` is the payment's sum by now, `source` where the merchant's money was."""
    ctx.emit(
        REFUNDED,
        payment=payment.payment_id,
        reference=reference,
        merchant=payment.merchant,
        signer=refund.signer,
        payer=payment.payer.account,
        institution=payment.payer.institution,
        currency=payment.currency,
        amount_minor=refund.amount_minor,
        refunded_minor=payment.refunded_minor + refund.amount_minor,
        fee_minor=refund.fee_acquirer_minor + refund.fee_network_minor,
        source="pending" if refund.debtor else "available",
    )
