"""What the screens see: frozen values, nothing to call. They hold no text in any language but names from the ledger.

Amounts are `Amount`; times are Unix nanoseconds; text that came from outside has been cleaned already.
"""

from __future__ import annotations

from enum import Enum

import msgspec

from chainpos.core.values.amount import Amount


class SaleState(Enum):
    """Where one sale stands. Only PAID and CONFIRMED mean money: both follow a block that our own peer verified."""

    WAITING = "waiting"  # the QR is shown
    SEEN = "seen"  # a payment is in a mempool: not paid yet
    PAID = "paid"  # in a verified block
    CONFIRMED = "confirmed"  # the next header committed to the state after it
    REFUSED = "refused"  # a payment was tried and the contract said no; the request may still be payable
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    PART_REFUNDED = "part_refunded"
    REFUNDED = "refunded"


class Link(Enum):
    """How the till's own peer stands to the network."""

    ONLINE = "online"
    SYNCING = "syncing"
    OFFLINE = "offline"  # no upstream answers, or our own node does not
    HALTED = "halted"  # our node found a divergence and stopped


class Sentence(msgspec.Struct, frozen=True):
    """A code and what it means: what happened, then what to do. For a refusal, no money moved."""

    code: int
    name: str
    what_en: str
    what_zh: str
    next_en: str
    next_zh: str


class Qr(msgspec.Struct, frozen=True):
    """A QR's dark modules, row by row, without its quiet zone; `text` is what it says."""

    text: str
    modules: tuple[tuple[bool, ...], ...]


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
    money_state: str = ""  # "pending" | "available" | "payout_requested" | "paid_out", of what was received


class NetworkView(msgspec.Struct, frozen=True, kw_only=True):
    """For the status bar of every screen. `known_height` is what our peer has verified itself."""

    link: Link
    chain_id: str
    known_height: int
    target_height: int = 0
    tip_time_ns: int = 0
    halted_reason: str = ""


class ShopView(msgspec.Struct, frozen=True, kw_only=True):
    """Whose counter this is."""

    merchant: str
    name_en: str
    name_zh: str
    till: str
    currency: str
    demo: bool = False


class CounterView(msgspec.Struct, frozen=True, kw_only=True):
    """The counter: the sale in hand, if any, and the last few."""

    shop: ShopView
    network: NetworkView
    sale: SaleView | None = None
    recent: tuple[SaleView, ...] = ()


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


class LegView(msgspec.Struct, frozen=True):
    """One leg of a balanced movement; `minor` is signed."""

    account: str
    minor: int
    currency: str


class TransactionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One transaction in a block. `code` 0 is accepted."""

    hash: str
    height: int
    index: int
    kind: str
    code: int
    summary: str = ""
    amount: Amount | None = None
    legs: tuple[LegView, ...] = ()
    events: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()
    problem: Sentence | None = None


class BlockRow(msgspec.Struct, frozen=True):
    """One verified block."""

    height: int
    hash: str
    time_ns: int
    transactions: int
    proposer: str
    app_hash: str


class UpstreamRow(msgspec.Struct, frozen=True):
    """One node that our peer follows, and what it thinks of it. `verdict` is "" or a code such as forged_header."""

    address: str
    connected: bool
    height: int
    verdict: str
    since_ns: int = 0
    latency_ms: int = 0


class ValidatorRow(msgspec.Struct, frozen=True):
    """One validator and whether it signed the tip."""

    address: str
    power: int
    signed: bool


class Alarm(msgspec.Struct, frozen=True):
    """Something an operator should know: a code with arguments, and since when."""

    code: str
    detail: str
    since_ns: int = 0


class NodeView(msgspec.Struct, frozen=True, kw_only=True):
    """The Node screen: verification is what this machine checked itself."""

    network: NetworkView
    moniker: str
    mode: str  # "validator" | "peer"
    version: str
    app_hash: str
    verified_blocks: int
    verified_signatures: int
    mempool_transactions: int
    mempool_bytes: int
    store_bytes: int
    blocks_per_minute: tuple[int, ...] = ()
    upstreams: tuple[UpstreamRow, ...] = ()
    validators: tuple[ValidatorRow, ...] = ()
    alarms: tuple[Alarm, ...] = ()
