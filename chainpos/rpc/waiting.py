"""What a node says of its mempool: values without code, bounded by whoever makes them."""

from __future__ import annotations

import msgspec


class WaitingReport(msgspec.Struct, frozen=True):
    """A transaction in the mempool: its hash, its signer's address (both hex), since when (ns), and of what kind.

    `forwarded` says that an upstream holds it too.
    """

    hash: str
    address: str
    kind: str
    size_bytes: int
    since_ns: int
    forwarded: bool = False


class SignerReport(msgspec.Struct, frozen=True):
    """What waits of one signer: its address (hex), how many transactions and bytes, since when the oldest (ns)."""

    address: str
    transactions: int
    size_bytes: int
    oldest_ns: int


class MempoolReport(msgspec.Struct, frozen=True):
    """What `chainpos_mempool` says: who waits, those with the most first, and the transactions, the oldest first.

    `total` counts them all; the lists are bounded.
    """

    total: int = 0
    total_bytes: int = 0
    most: int = 0
    signers: tuple[SignerReport, ...] = ()
    oldest: tuple[WaitingReport, ...] = ()
