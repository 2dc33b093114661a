"""What an operator sees beside the node's own report: who waits, what lies on the disk, what the log says.

Frozen values; text from outside has been cleaned. Times are Unix ns.
"""

from __future__ import annotations

import msgspec


class SignerRow(msgspec.Struct, frozen=True):
    """What waits of one account; `oldest_ns` 0 where the node does not tell."""

    address: str
    transactions: int
    size_bytes: int
    oldest_ns: int = 0


class WaitingRow(msgspec.Struct, frozen=True):
    """One transaction that waits; `since_ns` 0 where the node does not tell."""

    hash: str
    address: str
    kind: str
    size_bytes: int
    since_ns: int = 0


class MempoolView(msgspec.Struct, frozen=True, kw_only=True):
    """The mempool by account and by age. `most` is what there is room for, 0 where the node does not tell.

    `told` counts the transactions that the rows are about: a node that is not ours shows its first ones alone.
    """

    total: int
    total_bytes: int
    told: int
    most: int = 0
    signers: tuple[SignerRow, ...] = ()
    oldest: tuple[WaitingRow, ...] = ()


class StorePart(msgspec.Struct, frozen=True):
    """One thing that takes room on the disk, by a name that screens have words for."""

    name: str
    size_bytes: int


class StoreView(msgspec.Struct, frozen=True, kw_only=True):
    """What lies in a node's home. `base` to `tip` are the heights whose blocks are here."""

    folder: str
    free_bytes: int
    base: int
    first: int
    tip: int
    transactions: int
    parts: tuple[StorePart, ...] = ()
    snapshots: tuple[int, ...] = ()
    evidence: tuple[str, ...] = ()


class LogLine(msgspec.Struct, frozen=True):
    """One line of a node's log. `level` is debug, info, warning, error or critical."""

    time_ns: int
    level: str
    origin: str
    what: str
