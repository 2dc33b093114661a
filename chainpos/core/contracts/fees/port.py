"""What fees offer other capabilities: a quote now, and what of a fee goes back with a refund (ports.FeesPort)."""

from __future__ import annotations

from chainpos.core.contracts.context import Context
from chainpos.core.contracts.fees.codes import NO_FEE_AGREED
from chainpos.core.contracts.fees.records import SCHEDULES, in_force, schedule_key
from chainpos.core.contracts.fees.rules import fee_of, returned_so_far
from chainpos.core.contracts.ports import FeeSplit, PaymentFacts
from chainpos.errors import Rejected


def quote(ctx: Context, fee_class: str, instrument: str, currency: str, amount_minor: int) -> FeeSplit:
    """What the merchant pays for receiving the amount now. Raises Rejected(NO_FEE_AGREED)."""
    schedule = ctx.views[SCHEDULES][schedule_key(fee_class, instrument, currency)]
    rule = None if schedule is None else in_force(schedule.rules, ctx.block.time_s)
    if rule is None:
        raise Rejected(NO_FEE_AGREED, f"{fee_class} {instrument} {currency}")
    return fee_of(rule, amount_minor)


def returned(ctx: Context, payment: PaymentFacts, refund_minor: int) -> FeeSplit:  # noqa: ARG001 - the port's shape
    """What of the payment's fee goes back to the merchant with a further refund of `refund_minor`."""
    after = returned_so_far(payment.fee, payment.amount_minor, payment.refunded_minor + refund_minor)
    before = payment.fee_refunded
    return FeeSplit(after.acquirer_minor - before.acquirer_minor, after.network_minor - before.network_minor)
