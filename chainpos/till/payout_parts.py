"""Which payments make up a payout, and what the shop's sales would have cost elsewhere. Pure, over rows and records.

Every unit of a payout is told: own sales by name; the rest, of other tills, tips, refunds and payouts that came back,
as a sum. It refuses nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from chainpos.core.contracts.fees.records import MILLION, Comparison
from chainpos.core.contracts.ports import Placement
from chainpos.core.contracts.settlement.records import Payout, first_payout
from chainpos.core.values.amount import Amount
from chainpos.core.values.text import clean
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.store.shop import SaleRow
from chainpos.till.views import ElsewhereRow, PartRow, PayoutParts

# The last moment that a book can hold.
_ALWAYS_NS: Final = 2**63 - 1


def payout_parts(number: int, payouts: tuple[Payout, ...], sales: Iterable[SaleRow], currency: str) -> PayoutParts:
    """What payout `number`, from 1, is made of. `payouts` are all of the shop's, `sales` its paid ones."""
    payout = payouts[number - 1]
    parts = tuple(
        PartRow(clean(row.reference), Amount(row.amount_minor - row.fee_minor, currency), row.paid_ns)
        for row in sales
        if first_payout(Placement(row.debtor, row.batch, row.entry), payouts) == number
    )
    own_minor = sum(part.net.minor for part in parts)
    others_minor = payout.amount_minor + payout.closing_minor - payout.opening_minor - own_minor
    return PayoutParts(
        number=number,
        amount=Amount(payout.amount_minor, currency),
        opening=Amount(payout.opening_minor, currency),
        closing=Amount(payout.closing_minor, currency),
        sales=parts,
        others_minor=others_minor,
    )


def cost_elsewhere(
    comparisons: Iterable[Comparison], takings_minor: Callable[[int, int], int], currency: str
) -> tuple[ElsewhereRow, ...]:
    """What the takings would have cost in each other way, by the rates that were published at the time.

    `takings_minor(from_ns, until_ns)` is what was taken in between. To the nearest minor unit of the sum.
    """
    rows = []
    for comparison in comparisons:
        ends = [rate.from_s * SECOND_NS for rate in comparison.rates[1:]] + [_ALWAYS_NS]
        millionths = sum(
            takings_minor(rate.from_s * SECOND_NS, end) * rate.ppm
            for rate, end in zip(comparison.rates, ends, strict=True)
        )
        cost = Amount((millionths + MILLION // 2) // MILLION, currency)
        rows.append(ElsewhereRow(clean(comparison.name_en), clean(comparison.name_zh), cost))
    return tuple(rows)
