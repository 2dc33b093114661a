"""How the node is: what it has done, what is wrong with it, and since when; the report that the Node screen shows.

It refuses to forget that it halted. Everything that it keeps is bounded.
"""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import Final

from chainpos import __version__
from chainpos.core.chain.commit import ABSENT
from chainpos.core.chain.tip import ChainTip
from chainpos.node.config import Mode
from chainpos.node.ledger import Appended
from chainpos.rpc.backend import AlarmReport, NodeReport, NodeState, UpstreamReport, ValidatorReport

MAX_ALARMS: Final = 50
MINUTES_KEPT: Final = 30
STALE_TIP: Final = "stale_tip"
# Slower than any network that is well: CometBFT tries again several times in this time.
STALE_NS: Final = 10_000_000_000
_MINUTE_NS: Final = 60_000_000_000


class Condition:
    """Counters and alarms of one run. Times are Unix ns."""

    def __init__(self, mode: Mode, chain_id: str, moniker: str, database: Path, started_ns: int) -> None:
        self.mode: Mode = mode
        self.chain_id = chain_id
        self.moniker = moniker
        self.started_ns = started_ns
        self.halted_reason = ""
        self.verified_blocks = 0
        self.executed_transactions = 0
        self._database = database
        self._stale = ""
        self._stale_height = 0
        self._fresh_ns = 0
        self._alarms: dict[tuple[str, str], AlarmReport] = {}
        # (minute, blocks in it), the newest last.
        self._minutes: deque[tuple[int, int]] = deque(maxlen=MINUTES_KEPT)

    def appended(self, appended: Appended, now_ns: int) -> None:
        """A block was appended."""
        self.verified_blocks += 1
        self.executed_transactions += len(appended.stored.block.txs)
        minute = now_ns // _MINUTE_NS
        if self._minutes and self._minutes[-1][0] == minute:
            self._minutes[-1] = (minute, self._minutes[-1][1] + 1)
        else:
            self._minutes.append((minute, 1))

    def watch(self, waiting: int, height: int, steady_ns: int, now_ns: int) -> bool:
        """Whether the alarm `stale_tip` was just raised or cleared: no block comes although transactions wait.

        Too few validators may be there to decide. What waits is kept, and goes on when they are back. `steady_ns` is of
        a clock that never jumps.
        """
        if not waiting or height != self._stale_height:
            self._stale_height, self._fresh_ns = height, steady_ns
            if self._stale:
                self.clear_alarm(STALE_TIP, self._stale)
                self._stale = ""
                return True
        if self._stale or steady_ns - self._fresh_ns < STALE_NS:
            return False
        self._stale = f"height {height}"
        self.raise_alarm(STALE_TIP, self._stale, now_ns)
        return True

    def raise_alarm(self, code: str, detail: str, now_ns: int) -> None:
        """Something that an operator should know; the same again keeps its first time."""
        self._alarms.setdefault((code, detail), AlarmReport(code, detail, now_ns))
        while len(self._alarms) > MAX_ALARMS:
            del self._alarms[next(iter(self._alarms))]

    def clear_alarm(self, code: str, detail: str) -> None:
        """It is over."""
        self._alarms.pop((code, detail), None)

    def halt(self, code: str, height: int, now_ns: int) -> None:
        """The node takes no more blocks. The first reason stays."""
        if not self.halted_reason:
            self.halted_reason = f"{code} at height {height}"
            self.raise_alarm("halted", self.halted_reason, now_ns)

    def state(self, tip: ChainTip, target_height: int, connected: int) -> NodeState:
        """In one word. A validator is online unless it halted; a peer is what its upstreams are."""
        if self.halted_reason:
            return "halted"
        if self.mode == "validator":
            return "online"
        if not connected:
            return "offline"
        return "syncing" if tip.height < target_height else "online"

    def report(
        self,
        tip: ChainTip,
        now_ns: int,
        *,
        target_height: int,
        connected: int,
        upstreams: tuple[UpstreamReport, ...],
        verified_signatures: int,
        mempool: tuple[int, int],
    ) -> NodeReport:
        """The node in its own words; `mempool` is its transactions and bytes."""
        return NodeReport(
            mode=self.mode,
            state=self.state(tip, target_height, connected),
            chain_id=self.chain_id,
            moniker=self.moniker,
            version=__version__,
            height=tip.height,
            target_height=max(tip.height, target_height),
            tip_time_ns=tip.time_ns,
            app_hash=tip.app_hash.hex().upper(),
            halted_reason=self.halted_reason,
            started_ns=self.started_ns,
            verified_blocks=self.verified_blocks,
            verified_signatures=verified_signatures,
            executed_transactions=self.executed_transactions,
            mempool_transactions=mempool[0],
            mempool_bytes=mempool[1],
            store_bytes=self._store_bytes(),
            blocks_per_minute=self._blocks_per_minute(now_ns),
            upstreams=upstreams,
            validators=_validators(tip),
            alarms=tuple(self._alarms.values()),
        )

    def _blocks_per_minute(self, now_ns: int) -> tuple[int, ...]:
        """The oldest first; a minute without blocks counts 0."""
        made = dict(self._minutes)
        this = now_ns // _MINUTE_NS
        first = max(self.started_ns // _MINUTE_NS, this - MINUTES_KEPT + 1)
        return tuple(made.get(minute, 0) for minute in range(first, this + 1))

    def _store_bytes(self) -> int:
        total = 0
        for path in (self._database, self._database.with_name(self._database.name + "-wal")):
            if path.exists():
                total += path.stat().st_size
        return total


def _validators(tip: ChainTip) -> tuple[ValidatorReport, ...]:
    if tip.is_genesis:
        return tuple(
            ValidatorReport(each.address.hex().upper(), each.power, False) for each in tip.validators.validators
        )
    votes = tip.commit.signatures if tip.commit is not None else ()
    signed = {vote.address for vote in votes if vote.flag != ABSENT}
    return tuple(
        ValidatorReport(each.address.hex().upper(), each.power, each.address in signed)
        for each in tip.last_validators.validators
    )
