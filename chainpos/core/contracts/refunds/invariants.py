"""What holds of all refunds: each is of something, within its own bounds, out of one place.

That their sum stays within the payment is the payment's own invariant.
"""

from __future__ import annotations

from chainpos.core.contracts.context import Scan, Violation
from chainpos.core.contracts.refunds.records import REFUNDS


def refunds_are_whole(scan: Scan) -> list[Violation]:
    """A refund gave something, took no more of the fee than it gave, and came out of one place."""
    found = []
    for key, refund in scan.records(REFUNDS):
        fees = (refund.fee_acquirer_minor, refund.fee_network_minor)
        one_place = (refund.batch > 0) == (refund.debtor != "") and (refund.entry > 0) == (refund.debtor == "")
        if refund.amount_minor <= 0 or min(fees) < 0 or sum(fees) > refund.amount_minor or not one_place:
            found.append(Violation("refunds_are_whole", f"refund {key.hex()}"))
    return found
