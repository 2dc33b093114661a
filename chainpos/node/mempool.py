"""Transactions that wait for a block: first in, first out, bounded in count, in bytes and for each signer.

It refuses by code what has no room. Whether a transaction may pass at all was checked before it came here; it is
checked again by execution, which alone decides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import islice
from typing import Final

import msgspec

from chainpos.core.contracts.codes import BLOCK_FULL, TOO_MANY_WAITING
from chainpos.errors import Code

# CometBFT types/tx.go `ComputeProtoSizeForTxs`: a field's tag is one byte, and a length below 16,384 at most two.
_ENVELOPING_BYTES: Final = 3


class MempoolLimits(msgspec.Struct, frozen=True):
    """How much may wait: transactions in all, their bytes, and transactions of one signer."""

    max_transactions: int = 5_000
    max_bytes: int = 8_000_000
    max_per_signer: int = 128


class Waiting(msgspec.Struct, frozen=True):
    """One transaction that waits, `since_ns` (Unix time). `forwarded`: an upstream took it, or was heard to hold it."""

    wire: bytes
    hash: bytes
    signer: bytes
    expires_s: int
    gas_wanted: int
    forwarded: bool = False
    since_ns: int = 0


class Mempool:
    """Not safe for threads: it belongs to the event loop's."""

    def __init__(self, limits: MempoolLimits) -> None:
        self.limits = limits
        self.total_bytes = 0
        # A dict keeps the order of arrival, which is the order in which blocks take transactions.
        self._waiting: dict[bytes, Waiting] = {}
        self._per_signer: Counter[bytes] = Counter()

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, tx_hash: bytes) -> bool:
        return tx_hash in self._waiting

    def get(self, tx_hash: bytes) -> Waiting | None:
        """The waiting transaction of this hash, or None."""
        return self._waiting.get(tx_hash)

    def refusal(self, signer: bytes, size_bytes: int) -> Code | None:
        """Why a transaction of this signer and size has no room now, or None."""
        limits = self.limits
        if self._per_signer[signer] >= limits.max_per_signer:
            return TOO_MANY_WAITING
        if len(self._waiting) >= limits.max_transactions or self.total_bytes + size_bytes > limits.max_bytes:
            return BLOCK_FULL
        return None

    def add(self, waiting: Waiting) -> Code | None:
        """Let one transaction wait; the code of the refusal where there is no room. One that waits already stays."""
        if waiting.hash in self._waiting:
            return None
        refusal = self.refusal(waiting.signer, len(waiting.wire))
        if refusal is None:
            self._waiting[waiting.hash] = waiting
            self._per_signer[waiting.signer] += 1
            self.total_bytes += len(waiting.wire)
        return refusal

    def mark_forwarded(self, tx_hash: bytes) -> None:
        """An upstream took it."""
        waiting = self._waiting.get(tx_hash)
        if waiting is not None:
            self._waiting[tx_hash] = msgspec.structs.replace(waiting, forwarded=True)

    def per_signer(self) -> list[tuple[bytes, int, int, int]]:
        """(signer, transactions, bytes, since when the oldest waits) of everybody, those with the most first."""
        found: dict[bytes, tuple[int, int, int]] = {}
        for each in self._waiting.values():
            count, size, since_ns = found.get(each.signer, (0, 0, each.since_ns))
            found[each.signer] = count + 1, size + len(each.wire), min(since_ns, each.since_ns)
        ranked = sorted(found.items(), key=lambda item: (-item[1][0], item[1][2]))
        return [(signer, count, size, since_ns) for signer, (count, size, since_ns) in ranked]

    def first(self, count: int) -> list[Waiting]:
        """The first `count`, in order of arrival."""
        return list(islice(self._waiting.values(), count))

    def unforwarded(self) -> list[Waiting]:
        """What no upstream is known to hold, in order of arrival."""
        return [waiting for waiting in self._waiting.values() if not waiting.forwarded]

    def forget_forwarding(self) -> None:
        """The upstreams may have lost what they held: all that waits counts as not forwarded."""
        for tx_hash, waiting in self._waiting.items():
            if waiting.forwarded:
                self._waiting[tx_hash] = msgspec.structs.replace(waiting, forwarded=False)

    def take(self, *, max_bytes: int, max_gas: int, max_count: int) -> list[Waiting]:
        """What goes into the next block; it stays here until `remove`. `max_gas` -1 is no limit.

        It stops at the first that does not fit: a later, smaller one never overtakes.
        Source: CometBFT mempool/clist_mempool.go `ReapMaxBytesMaxGas`.
        """
        taken = []
        for waiting in islice(self._waiting.values(), max_count):
            max_bytes -= len(waiting.wire) + _ENVELOPING_BYTES
            if max_bytes < 0 or (max_gas >= 0 and waiting.gas_wanted > max_gas):
                break
            if max_gas >= 0:
                max_gas -= waiting.gas_wanted
            taken.append(waiting)
        return taken

    def remove(self, tx_hashes: Iterable[bytes]) -> None:
        """Forget what is in a block or can never be; unknown hashes are passed over."""
        for tx_hash in tx_hashes:
            waiting = self._waiting.pop(tx_hash, None)
            if waiting is None:
                continue
            self.total_bytes -= len(waiting.wire)
            self._per_signer[waiting.signer] -= 1
            if not self._per_signer[waiting.signer]:
                del self._per_signer[waiting.signer]

    def remove_expired(self, time_s: int) -> list[bytes]:
        """Forget what no block after `time_s` may take; their hashes."""
        expired = [tx_hash for tx_hash, waiting in self._waiting.items() if waiting.expires_s <= time_s]
        self.remove(expired)
        return expired
