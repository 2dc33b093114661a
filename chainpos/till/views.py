"""What the screens see: frozen values, nothing to call. They hold no text in any language but names from the ledger.

Amounts are `Amount`; times are Unix nanoseconds; text that came from outside has been cleaned already.
"""

from __future__ import annotations

import msgspec

from chainpos.core.checkout.matching import SaleState
from chainpos.core.values.amount import Amount
from chainpos.inspect.views import (
    Alarm,
    BlockRow,
    LegView,
    Link,
    NetworkView,
    NodeView,
    Sentence,
    TransactionRow,
    UpstreamRow,
    ValidatorRow,
    WatchRow,
)
from chainpos.till.bill_views import (
    ArticleView,
    BesideView,
    BillState,
    BillView,
    HeldView,
    KindView,
    LineView,
    PartState,
    PartView,
    TakenView,
    TaxView,
    TenderKind,
)
from chainpos.till.roles import AT_EASE, StaffView

__all__ = [
    "Alarm",
    "ArticleView",
    "BesideView",
    "BillState",
    "BillView",
    "BlockRow",
    "CounterView",
    "FaultView",
    "HeldView",
    "ItemView",
    "KindView",
    "LegView",
    "LineView",
    "Link",
    "NetworkView",
    "NodeView",
    "PaperView",
    "PartState",
    "PartView",
    "PayoutRow",
    "PendingRow",
    "PrinterView",
    "ProofView",
    "Qr",
    "SaleState",
    "SaleView",
    "Sentence",
    "SettlementView",
    "ShopView",
    "StaffView",
    "TakenView",
    "TaxView",
    "TenderKind",
    "TransactionRow",
    "UpstreamRow",
    "ValidatorRow",
    "WatchRow",
]


class Qr(msgspec.Struct, frozen=True):
    """A QR's dark modules, row by row, without its quiet zone; `text` is what it says."""

    text: str
    modules: tuple[tuple[bool, ...], ...]


class EmvcoView(msgspec.Struct, frozen=True):
    """A sale's code as EMVCo's, None where it has none, and whether the cashier chose to show that one."""

    qr: Qr | None = None
    chosen: bool = False


class SaleView(msgspec.Struct, frozen=True, kw_only=True):
    """One sale. `height` is that of the block it was paid in; `problem` the last refusal."""

    reference: str
    amount: Amount
    state: SaleState
    created_ns: int
    expires_ns: int
    link: str = ""
    qr: Qr | None = None
    payer: str = ""  # shortened account address
    paid_ns: int = 0
    height: int = 0
    tx_hash: str = ""
    fee: Amount | None = None
    refunded: Amount | None = None
    problem: Sentence | None = None
    presented: str = "link"  # or "code": the customer's, scanned; or "wall": received without a request
    staff: str = ""
    money_state: str = ""  # "pending" | "available" | "payout_requested" | "paid_out", of what was received


class ShopView(msgspec.Struct, frozen=True, kw_only=True):
    """Whose counter this is."""

    merchant: str
    name_en: str
    name_zh: str
    till: str
    currency: str
    demo: bool = False


class ProofView(msgspec.Struct, frozen=True):
    """How much of a proof was scanned: `have` of `of` codes. With the last one: which sale it proves, what was paid."""

    have: int
    of: int
    reference: str = ""
    amount: Amount | None = None


class PrinterView(msgspec.Struct, frozen=True, kw_only=True):
    """How the printer stands: `waiting` jobs, and what keeps it from printing.

    `problem` is "", "unreachable", "no_paper", "cover_open", "error", "no_driver" or "unsure"; with "_begun" where some
    of a job may be on paper, or may come by itself once the printer is mended.
    """

    is_set: bool = False
    problem: str = ""
    waiting: int = 0


class PaperView(msgspec.Struct, frozen=True, kw_only=True):
    """A receipt to look at: its lines, and the codes that carry its proof, none before it is confirmed.

    `beside` is one of what was paid beside the ledger, which proves nothing of it: its codes never come.
    """

    reference: str
    lines: tuple[str, ...]
    codes: tuple[Qr, ...] = ()
    printed: int = 0
    beside: bool = False


class ItemView(msgspec.Struct, frozen=True, kw_only=True):
    """An item of a paid bill: its place from 1, how many pieces, how many went back, what all of them cost."""

    place: int
    name_en: str
    name_zh: str
    pieces: int
    refunded: int
    due: Amount


class FaultView(msgspec.Struct, frozen=True):
    """Something wrong with this till: `kind` is "book", "clock_ahead" or "clock_behind", by so many seconds.

    Or "not_added" or "taken_out": the shop `reason` does not, or does no longer, have this till's key.
    """

    kind: str
    seconds: int = 0
    reason: str = ""


class CounterView(msgspec.Struct, frozen=True, kw_only=True):
    """The counter: the sale and the bill in hand, if any, the last few sales, and the bills set aside.

    `staff` is who is signed in, `shift` the open shift's number, 0 for none.
    """

    shop: ShopView
    network: NetworkView
    sale: SaleView | None = None
    recent: tuple[SaleView, ...] = ()
    bill: BillView | None = None
    held: tuple[HeldView, ...] = ()
    taken: tuple[TakenView, ...] = ()
    staff: StaffView = AT_EASE
    shift: int = 0
    printer: PrinterView = PrinterView()
    faults: tuple[FaultView, ...] = ()


class PendingRow(msgspec.Struct, frozen=True):
    """Money that waits for one debtor's batch to settle; `rolled_over` if its last cycle could not settle it."""

    debtor: str
    amount: Amount
    rolled_over: bool


class PayoutRow(msgspec.Struct, frozen=True):
    """One payout. `state` is "requested", "paid_out" or "failed"."""

    number: int
    amount: Amount
    state: str
    requested_ns: int
    bank_reference: str = ""
    reason: str = ""


class PartRow(msgspec.Struct, frozen=True):
    """A sale of this till that a payout is made of, with what it came to after fees."""

    reference: str
    net: Amount
    paid_ns: int


class PayoutParts(msgspec.Struct, frozen=True, kw_only=True):
    """What a payout is made of: `opening` and all parts come to `amount` and `closing`, which was left over.

    `others_minor`, of either sign, are other tills' sales, tips, refunds, and payouts that came back.
    """

    number: int
    amount: Amount
    opening: Amount
    closing: Amount
    sales: tuple[PartRow, ...]
    others_minor: int


class NetRow(msgspec.Struct, frozen=True):
    """What a settlement moved on an institution's reserve: above zero it received."""

    institution: str
    delta_minor: int


class CycleView(msgspec.Struct, frozen=True, kw_only=True):
    """The last settlement: what was owed, what of it settled, the reserves that moved for it, and so what was saved."""

    number: int
    time_ns: int
    gross: Amount
    settled: Amount
    moved: Amount
    saved: Amount
    rolled_over: tuple[str, ...]
    nets: tuple[NetRow, ...]


class ElsewhereRow(msgspec.Struct, frozen=True):
    """What this shop's sales would have cost in another way of being paid, by its published rates."""

    name_en: str
    name_zh: str
    cost: Amount


class SettlementView(msgspec.Struct, frozen=True, kw_only=True):
    """Where the shop's money is. Every unit is in exactly one of the four states."""

    height: int
    pending: Amount
    available: Amount
    payout_requested: Amount
    paid_out: Amount
    pending_by_debtor: tuple[PendingRow, ...] = ()
    payouts: tuple[PayoutRow, ...] = ()
    fees_total: Amount | None = None
    next_cutoff_ns: int = 0
    last_cycle: CycleView | None = None
    elsewhere: tuple[ElsewhereRow, ...] = ()
