"""What a block may hold, judged before it is decided; no I/O, no clock.

It refuses what could only waste a block's room: what is not canonical, not for this chain, not in time, not signed,
and what is there twice. What the ledger says of the rest is execution's alone to judge.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from chainpos.core.chain.protobuf import varint
from chainpos.core.chain.signatures import VerifyBatch
from chainpos.core.contracts.context import BlockFacts
from chainpos.core.execution import read_transaction, signatures_of
from chainpos.core.values.hashes import sha256
from chainpos.engine.pace import STALE_VOTE_NS
from chainpos.errors import Rejected

MAX_BLOCK_TRANSACTIONS: Final = 2_000


def admissible(txs: Sequence[bytes], facts: BlockFacts, verify: VerifyBatch) -> list[bool]:
    """Which of the transactions a block at `facts` may hold; the same on every node, whatever its mempool knows."""
    seen: set[bytes] = set()
    answers = [True] * len(txs)
    claims, owners = [], []
    for index, wire in enumerate(txs):
        tx_hash = sha256(wire)
        if tx_hash in seen:
            answers[index] = False
            continue
        seen.add(tx_hash)
        try:
            read = read_transaction(wire, facts)
        except Rejected:
            answers[index] = False
            continue
        for claim in signatures_of(read.envelope, read.message):
            claims.append(claim)
            owners.append(index)
    for index, holds in zip(owners, verify(claims) if claims else (), strict=True):
        answers[index] = answers[index] and holds
    return answers


def chosen(txs: Sequence[bytes], facts: BlockFacts, verify: VerifyBatch, *, max_bytes: int) -> list[bytes]:
    """The transactions that go into a block, in the order in which they came; a later one never overtakes."""
    taken: list[bytes] = []
    for wire, holds in zip(txs, admissible(txs, facts, verify), strict=True):
        if not holds:
            continue
        # CometBFT types/tx.go `ComputeProtoSizeForTxs`: tag, length, bytes.
        max_bytes -= 1 + len(varint(len(wire))) + len(wire)
        if max_bytes < 0 or len(taken) == MAX_BLOCK_TRANSACTIONS:
            break
        taken.append(wire)
    return taken


def brings_time(block_time_ns: int, now_ns: int, *, waited_before: bool) -> bool:
    """Whether the block must be empty, so that the votes on it bring the present for the block that follows.

    `waited_before` says that the last block was empty although transactions waited: then the network is no quicker
    than this, or its clocks differ, and a second empty block would help nobody.
    """
    return now_ns - block_time_ns > STALE_VOTE_NS and not waited_before
