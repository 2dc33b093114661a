"""The arithmetic of fees, whole numbers throughout; the one place that rounds. It refuses nothing: `port.py` does.

Half of a minor unit and more rounds up. A fee is never more than its amount.
"""

from __future__ import annotations

from chainpos.core.contracts.fees.records import MILLION, Comparison, FeeRule, in_force
from chainpos.core.contracts.ports import FeeSplit


def share(amount: int, part: int, whole: int) -> int:
    """`amount` times `part` over `whole`, rounded half up. `part` is 0..`whole`, so the result is 0..`amount`."""
    return (2 * amount * part + whole) // (2 * whole)


def fee_of(rule: FeeRule, amount_minor: int) -> FeeSplit:
    """What the rule takes of the amount, and who earns it; the rounding of the split falls to the acquirer."""
    total = share(amount_minor, rule.ppm, MILLION)
    if total < rule.minimum_minor:
        total = rule.minimum_minor
    if total > rule.maximum_minor:
        total = rule.maximum_minor
    if total > amount_minor:
        total = amount_minor
    network = share(total, rule.network_share_ppm, MILLION)
    return FeeSplit(total - network, network)


def returned_so_far(fee: FeeSplit, amount_minor: int, refunded_minor: int) -> FeeSplit:
    """What of `fee` has gone back once `refunded_minor` of a payment of `amount_minor` has.

    The goods go back before the tip, which bore no fee. Both parts only ever grow with the refunds, by no more than
    the refund itself, and are the whole fee at the end: each is a rounded share of what is rounded once before it.
    """
    goods = min(refunded_minor, amount_minor)
    if not goods or not fee.total_minor:
        return FeeSplit(0, 0)
    total = share(fee.total_minor, goods, amount_minor)
    network = share(fee.network_minor, total, fee.total_minor)
    return FeeSplit(total - network, network)


def cost_elsewhere(comparison: Comparison, time_s: int, amount_minor: int) -> int | None:
    """What the same sale would have cost there at that time, in minor units; None if no rate was published yet."""
    rate = in_force(comparison.rates, time_s)
    return None if rate is None else share(amount_minor, rate.ppm, MILLION)
