"""What holds of all payments: each request is paid at most once, and never more goes back than was paid."""

from __future__ import annotations

from chainpos.core.contracts.context import Scan, Violation
from chainpos.core.contracts.payments.records import PAYMENTS
from chainpos.core.contracts.ports import STATIC_QR


def a_request_is_paid_at_most_once(scan: Scan) -> list[Violation]:
    """A payment of a request that is payable once stands under the request's own ID, where only one has room."""
    return [
        Violation("a_request_is_paid_at_most_once", f"payment {payment_id.hex()}")
        for payment_id, payment in scan.records(PAYMENTS)
        if (payment.request_id == payment_id) == (payment.instrument == STATIC_QR)
    ]


def refunds_stay_within_what_was_paid(scan: Scan) -> list[Violation]:
    """Neither more money nor more of a fee went back than came; no part of a payment is below zero."""
    found = []
    for payment_id, payment in scan.records(PAYMENTS):
        bounds = (
            (payment.refunded_minor, payment.paid_minor),
            (payment.fee_refunded_acquirer_minor, payment.fee_acquirer_minor),
            (payment.fee_refunded_network_minor, payment.fee_network_minor),
            (payment.fee_acquirer_minor + payment.fee_network_minor, payment.amount_minor),
        )
        if payment.tip_minor < 0 or not all(0 <= part <= whole for part, whole in bounds):
            found.append(Violation("refunds_stay_within_what_was_paid", f"payment {payment_id.hex()}"))
    return found
