"""What the counter shows for a view, what was keyed and the time: one pure function, so that no screen decides it.

It refuses to show PAID for anything but a sale that the till says is paid, and a QR that can no longer be paid.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from chainpos.core.values.amount import Amount
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.till.views import BillState, BillView, SaleState, SaleView

PAID_STAYS_NS: Final = 2 * SECOND_NS
# How long a payment is named beside the next sale.
PAID_NAMED_NS: Final = 12 * SECOND_NS


class Stage(Enum):
    """What stands on the counter."""

    ENTRY = "entry"
    RINGING = "ringing"  # a bill is made
    PART = "part"  # a part of a bill came in, the rest is still due
    TAKEN = "taken"  # a bill is complete, its last part beside the ledger: never the word PAID
    WAITING = "waiting"
    CHARGING = "charging"
    SEEN = "seen"
    PROVED = "proved"
    PAID = "paid"
    REFUSED = "refused"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"


FINISHED: Final = frozenset({Stage.TAKEN, Stage.PAID, Stage.PROVED, Stage.EXPIRED, Stage.CANCELLED, Stage.REFUNDED})
_STAGES: Final = {
    SaleState.WAITING: Stage.WAITING,
    SaleState.SEEN: Stage.SEEN,
    SaleState.PROVED: Stage.PROVED,
    SaleState.PAID: Stage.PAID,
    SaleState.CONFIRMED: Stage.PAID,
    SaleState.REFUSED: Stage.REFUSED,
    SaleState.EXPIRED: Stage.EXPIRED,
    SaleState.CANCELLED: Stage.CANCELLED,
    SaleState.PART_REFUNDED: Stage.REFUNDED,
    SaleState.REFUNDED: Stage.REFUNDED,
}

_MONEY: Final = frozenset({SaleState.PAID, SaleState.CONFIRMED, SaleState.PART_REFUNDED, SaleState.REFUNDED})


@dataclass(frozen=True)
class LastPaid:
    """The newest payment we rang for, and when it was first shown."""

    sale: SaleView
    since_ns: int


@dataclass(frozen=True)
class Showing:
    """`sale` is None where there is none. `left_ns` is the time to expiry where that matters.

    `also_paid` is named beside it; `bill` is what was rung up.
    """

    stage: Stage
    amount: Amount | None = None
    sale: SaleView | None = None
    left_ns: int = 0
    payable: bool = False
    also_paid: SaleView | None = None
    bill: BillView | None = None

    @property
    def shows_code(self) -> bool:
        """Whether the QR is on the screen."""
        return self.stage is Stage.WAITING


def showing(
    sale: SaleView | None,
    keyed: Amount | None,
    now_ns: int,
    *,
    last_paid: LastPaid | None = None,
    again: str = "",
    bill: BillView | None = None,
) -> Showing:
    """What to show. `keyed` is None while nothing is keyed; `again` names a refused sale whose code was asked back."""
    if bill is not None and (stage := _stage_of(bill, sale)) is not None:
        amount = {Stage.PART: bill.remaining, Stage.TAKEN: bill.change if bill.change.minor else bill.charged}
        due = amount.get(stage, bill.charged)
        return Showing(stage, keyed or due, also_paid=_named(last_paid, None, now_ns), bill=bill)
    shown = _of_sale(sale, keyed, now_ns, last_paid, again)
    return replace(shown, bill=bill) if bill is not None and bill.lines and shown.sale is not None else shown


def _stage_of(bill: BillView, sale: SaleView | None) -> Stage | None:
    """Where the bill decides what is shown; None where its sale on the ledger does, or there is nothing on it."""
    if bill.state is BillState.COMPLETE:
        return Stage.TAKEN if sale is None else None
    if not bill.lines:
        return None
    ended = sale is None or sale.state in _MONEY
    if ended and bill.received.minor:
        return Stage.PART
    return Stage.RINGING if ended or bill.state is BillState.RINGING else None


def _of_sale(
    sale: SaleView | None, keyed: Amount | None, now_ns: int, last_paid: LastPaid | None, again: str
) -> Showing:
    if sale is None and keyed is None and last_paid and now_ns - last_paid.since_ns < PAID_STAYS_NS:
        sale = last_paid.sale
    if sale is None:
        return Showing(Stage.ENTRY, keyed, also_paid=_named(last_paid, None, now_ns))
    left_ns = sale.expires_ns - now_ns
    stage = _STAGES[sale.state]
    payable = sale.state in {SaleState.WAITING, SaleState.REFUSED} and left_ns > 0 and sale.qr is not None
    if stage is Stage.WAITING and left_ns <= 0:
        stage = Stage.EXPIRED
    if stage is Stage.WAITING and sale.presented == "code":
        # Taken and not answered: there is nothing for the customer to scan, and the goods are not paid.
        stage = Stage.CHARGING
    if stage is Stage.REFUSED and payable and again == sale.reference:
        stage = Stage.WAITING
    if keyed is not None and stage in FINISHED:
        # The next sale is being keyed; the finished one stays beside it.
        return Showing(stage, keyed, sale, also_paid=_named(last_paid, sale, now_ns))
    return Showing(stage, sale.amount, sale, max(left_ns, 0), payable, _named(last_paid, sale, now_ns))


def _named(last_paid: LastPaid | None, sale: SaleView | None, now_ns: int) -> SaleView | None:
    if last_paid is None or now_ns - last_paid.since_ns >= PAID_NAMED_NS:
        return None
    if sale is not None and sale.reference == last_paid.sale.reference:
        return None
    return last_paid.sale
