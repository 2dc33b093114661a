"""Give back a payment, whole or in part, to the account that paid.

It refuses more than is left of the payment, a reference used before, and whoever is neither a till nor the owner. A
frozen shop returns nothing; to a frozen account money may go back, as a freeze is on what leaves it.
"""

from __future__ import annotations

import re
from typing import Final

from chainpos.core.contracts.balances.port import Leg, post
from chainpos.core.contracts.balances.records import NETWORK_HOLDER, customer_account, fee_account, merchant_account
from chainpos.core.contracts.context import Context
from chainpos.core.contracts.ports import PaymentFacts, merchant_subject
from chainpos.core.contracts.refunds import codes
from chainpos.core.contracts.refunds.events import tell_refunded
from chainpos.core.contracts.refunds.messages import Refund
from chainpos.core.contracts.refunds.records import REFUNDS, RefundRecord, refund_key

MAX_REASON_BYTES: Final = 80
_REFERENCE: Final = re.compile(r"[A-Za-z0-9._/#-]{1,25}", re.ASCII)


def refund(ctx: Context, message: Refund) -> bytes:
    """The payer has `amount_minor` more, the merchant as much less what of the fee comes back. Returns nothing."""
    amount_minor, reference = message.amount_minor, message.reference
    ctx.require(_REFERENCE.fullmatch(reference) is not None, codes.BAD_REFUND_REFERENCE)
    ctx.require_text(message.reason, codes.BAD_REFUND_REASON, max_bytes=MAX_REASON_BYTES, min_bytes=0)
    payment = ctx.ports.payments.payment(ctx, message.payment_id)
    terms = ctx.ports.merchants.terms(ctx, payment.merchant)
    key = refund_key(message.payment_id, reference)
    ctx.require(ctx.get(REFUNDS, key) is None, codes.ALREADY_REFUNDED)
    ctx.require(amount_minor > 0, codes.NOTHING_TO_REFUND)
    left_minor = payment.paid_minor - payment.refunded_minor
    ctx.require(amount_minor <= left_minor, codes.EXCEEDS_PAYMENT, f"{left_minor} left")
    if not ctx.ports.merchants.is_owner(ctx, payment.merchant, ctx.signer):
        ctx.ports.merchants.count_refund(ctx, payment.merchant, ctx.signer, amount_minor)
    ctx.ports.compliance.require_free(ctx, merchant_subject(payment.merchant))
    # The account may have moved to another institution since; it must still be there.
    payment = payment._replace(payer=ctx.ports.customers.party(ctx, payment.payer.account))
    fee = ctx.ports.fees.returned(ctx, payment, amount_minor)
    placement = ctx.ports.settlement.debit(ctx, terms, payment, amount_minor, amount_minor - fee.total_minor)
    record = RefundRecord(
        merchant=payment.merchant,
        signer=ctx.signer,
        amount_minor=amount_minor,
        fee_acquirer_minor=fee.acquirer_minor,
        fee_network_minor=fee.network_minor,
        debtor=placement.debtor,
        batch=placement.batch,
        entry=placement.entry,
        reason=message.reason,
        height=ctx.block.height,
        time_s=ctx.block.time_s,
    )
    _post(ctx, payment, record)
    ctx.ports.payments.record_refund(ctx, message.payment_id, amount_minor, fee)
    ctx.put(REFUNDS, key, record)
    tell_refunded(ctx, payment, reference, record)
    return b""


def _post(ctx: Context, payment: PaymentFacts, record: RefundRecord) -> None:
    acquirer, payer = payment.acquirer, payment.payer
    legs = (
        Leg(merchant_account(payment.merchant, acquirer), -record.net_minor),
        Leg(fee_account(acquirer, acquirer), -record.fee_acquirer_minor),
        Leg(fee_account(NETWORK_HOLDER, acquirer), -record.fee_network_minor),
        Leg(customer_account(payer.account, payer.institution), record.amount_minor),
    )
    post(ctx, payment.currency, legs)
