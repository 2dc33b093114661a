"""When the next block is due, and of which kind; no I/O, no clock of its own.

It refuses to make blocks that nobody needs: an empty block is due only to commit to what the block before it did, to
begin a chain, or to bring the block time to the present before a payment is judged by it.
"""

from __future__ import annotations

from enum import Enum
from typing import Final, NamedTuple

MILLISECOND_NS: Final = 1_000_000
DEFAULT_INTERVAL_MS: Final = 100
# A block's time is that of the vote on the block before it; a payment must not be judged by an older one than this.
STALE_VOTE_NS: Final = 2_000 * MILLISECOND_NS


class Kind(Enum):
    """Why a block is made."""

    TRANSACTIONS = "transactions"
    COMMITS = "commits"  # empty; its header carries the app hash and the results of the block before
    BRINGS_TIME = "brings_time"  # empty; its vote carries the present, for the block that follows
    BEGINS = "begins"  # the first two blocks of a chain, so that genesis records can be proved


class TipFacts(NamedTuple):
    """What the pace depends on. `blocks` counts from the initial height; `committed` says whether the next header
    would commit to nothing new, neither an app hash nor results; `vote_time_ns` is the time of the vote on the tip,
    which will be the next block's."""

    blocks: int
    committed: bool
    vote_time_ns: int


class Due(NamedTuple):
    """The next block, and how long to wait for it in ns: 0 is at once."""

    kind: Kind
    wait_ns: int


def next_block(
    tip: TipFacts, *, waiting: bool, now_ns: int, since_transactions_ns: int, interval_ns: int
) -> Due | None:
    """The block that is due next, or None while nothing needs one.

    `waiting` says whether transactions wait; `since_transactions_ns` how long ago, by a clock that never jumps, the
    last block with transactions was made. A clock set back (`now_ns` before the tip's vote) makes no block stale.
    """
    if tip.blocks < 2:
        return Due(Kind.BEGINS, 0)
    wait_ns = max(0, interval_ns - since_transactions_ns)
    if not tip.committed and not (waiting and wait_ns == 0):
        return Due(Kind.COMMITS, 0)
    if not waiting:
        return None
    if wait_ns == 0 and now_ns - tip.vote_time_ns > STALE_VOTE_NS:
        return Due(Kind.BRINGS_TIME, 0)
    return Due(Kind.TRANSACTIONS, wait_ns)
