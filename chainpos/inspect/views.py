"""What support and the operator see: frozen values, nothing to call. They hold no text in any language.

Amounts are `Amount`; times are Unix nanoseconds; text that came from outside has been cleaned already.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

import msgspec

from chainpos.core.values.amount import Amount


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


class NetworkView(msgspec.Struct, frozen=True, kw_only=True):
    """For the status bar of every screen. `known_height` is what our peer has verified itself."""

    link: Link
    chain_id: str
    known_height: int
    target_height: int = 0
    tip_time_ns: int = 0
    halted_reason: str = ""


class LegView(msgspec.Struct, frozen=True):
    """One leg of a balanced movement; `minor` is signed."""

    account: str
    minor: int
    currency: str


class TransactionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One transaction in a block. `code` 0 is accepted; `time_ns` is the block's, 0 where that was not asked for."""

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
    time_ns: int = 0


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
    version: str = ""


class ValidatorRow(msgspec.Struct, frozen=True):
    """One validator and whether it signed the tip."""

    address: str
    power: int
    signed: bool


# The alarm of a node that takes no more blocks; its detail begins with the reason.
HALTED: Final = "halted"


class Alarm(msgspec.Struct, frozen=True):
    """Something an operator should know: a code with arguments, and since when."""

    code: str
    detail: str
    since_ns: int = 0

    @property
    def page(self) -> str:
        """The name of the page that explains it; of a node that halted, its reason's."""
        return self.detail.partition(" ")[0] if self.code == HALTED and self.detail else self.code


class PeerRow(msgspec.Struct, frozen=True):
    """One node that another is connected to, in that other's words."""

    address: str
    moniker: str
    version: str
    outbound: bool


class WatchRow(msgspec.Struct, frozen=True):
    """Something that the regulator looks at: `kind` is "alert", "frozen" or "released"; the rule's or order's name."""

    kind: str
    subject: str
    name: str
    height: int


class NodeView(msgspec.Struct, frozen=True, kw_only=True):
    """The Node screen: verification is what this machine checked itself.

    `generic` says that the node does not know our methods: what it cannot tell is empty. The three series are by
    minute, the oldest first.
    """

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
    transactions_per_minute: tuple[int, ...] = ()
    finality_ms: tuple[int, ...] = ()
    started_ns: int = 0
    generic: bool = False
    peers: tuple[PeerRow, ...] = ()
    upstreams: tuple[UpstreamRow, ...] = ()
    validators: tuple[ValidatorRow, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    watched: tuple[WatchRow, ...] = ()
