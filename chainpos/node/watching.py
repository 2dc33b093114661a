"""What an operator should hear of before it hurts: the disk, the clock, upstreams, the mempool, silent validators.

It decides nothing and keeps no history: each look says what is so now, and `Condition` keeps since when.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from chainpos.core.chain.block import Block
from chainpos.core.chain.commit import ABSENT
from chainpos.core.chain.evidence import DUPLICATE_VOTE, misdeeds_of
from chainpos.core.chain.tip import ChainTip
from chainpos.core.execution import MISBEHAVED
from chainpos.store.chain import ChainReader
from chainpos.store.chain_ranges import heights_telling

DISK_LOW: Final = "disk_low"
NO_UPSTREAM: Final = "no_upstream"
CLOCK_SKEW: Final = "clock_skew"
MEMPOOL_FULL: Final = "mempool_full"
VALIDATOR_SILENT: Final = "validator_silent"
DOUBLE_SIGN: Final = "double_sign"
MONEY_BROKEN: Final = "money_broken"
LEAST_FREE_BYTES: Final = 1_000_000_000
# A block's time is a median of validators' clocks: ours is wrong if that is so far ahead.
MOST_AHEAD_NS: Final = 10_000_000_000
ALONE_NS: Final = 10_000_000_000
SILENT_BLOCKS: Final = 20
_FULL_PERCENT: Final = 90


def disk_low(folder: Path) -> str | None:
    """How much room is left where the chain lies, if that is little."""
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return None
    return f"{free // 10_000_000 / 100:.2f} GB free" if free < LEAST_FREE_BYTES else None


def clock_skew(tip: ChainTip, now_ns: int) -> str | None:
    """How many seconds the last block is ahead of this machine's clock, if that cannot be right."""
    ahead_ns = tip.time_ns - now_ns
    return f"{ahead_ns // 1_000_000_000} s behind the last block" if ahead_ns > MOST_AHEAD_NS else None


def mempool_full(waiting: int, most: int) -> str | None:
    """How many transactions wait, if there is hardly room for more."""
    return f"{waiting} of {most}" if waiting * 100 >= most * _FULL_PERCENT else None


class Alone:
    """For how long no upstream has answered."""

    def __init__(self) -> None:
        self._since_ns = -1

    def look(self, upstreams: int, connected: int, steady_ns: int) -> str | None:
        """That none answers, once it has been so for a while. `steady_ns` is of a clock that never jumps."""
        if not upstreams or connected:
            self._since_ns = -1
            return None
        if self._since_ns < 0:
            self._since_ns = steady_ns
        return f"none of {upstreams} answers" if steady_ns - self._since_ns >= ALONE_NS else None


class Signing:
    """Which validators have not signed for how many blocks on end."""

    def __init__(self) -> None:
        self._missed: dict[bytes, int] = {}

    def look(self, tip: ChainTip) -> str | None:
        """The validators that have been silent for long, after each block."""
        commit = tip.commit
        if commit is None or tip.is_genesis:
            return None
        signed = {vote.address for vote in commit.signatures if vote.flag != ABSENT}
        members = tip.last_validators.validators
        self._missed = {
            each.address: 0 if each.address in signed else self._missed.get(each.address, 0) + 1 for each in members
        }
        silent = [address.hex().upper() for address, count in self._missed.items() if count >= SILENT_BLOCKS]
        return f"{len(silent)} of {len(members)}: {silent[0]}" if silent else None


def proved_before(reader: ChainReader, limit: int) -> list[tuple[str, int]]:
    """What `double_signs` told of the last blocks that told anything, ascending, each with its block's time in ns.

    A node that begins with a snapshot, or prunes, has not the first blocks. Raises StoreError.
    """
    found: list[tuple[str, int]] = []
    for height in reversed(heights_telling(reader, f"{MISBEHAVED}.validator", limit)):
        stored = reader.block(height)
        if stored is not None:
            block = Block.decode(stored.block)
            found += [(detail, block.header.time_ns) for detail in double_signs(block)]
    return found[-limit:]


def is_validator(detail: str, tip: ChainTip) -> bool:
    """Whether who is named by what `double_signs` told signs the next block."""
    address, _, _ = detail.partition(" ")
    return any(each.address.hex().upper() == address for each in tip.validators.validators)


def double_signs(block: Block) -> Iterator[str]:
    """Who is proved by this block to have signed twice, and at which height."""
    for misdeed in misdeeds_of(block.evidence):
        if misdeed.kind == DUPLICATE_VOTE:
            proof = block.header.height
            yield f"{misdeed.address.hex().upper()} at height {misdeed.height}, proved in block {proof}"
