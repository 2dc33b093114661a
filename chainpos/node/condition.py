"""How the node is: what it has done, what is wrong with it, and since when; the report that the Node screen shows.

It refuses to forget that it halted. Everything that it keeps is bounded.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from chainpos import __version__
from chainpos.core.chain.commit import ABSENT
from chainpos.core.chain.tip import ChainTip
from chainpos.node.config import Mode
from chainpos.node.ledger import Appended
from chainpos.node.minutes import Minutes
from chainpos.node.watching import DOUBLE_SIGN, VALIDATOR_SILENT, Signing, double_signs, is_validator
from chainpos.rpc.backend import AlarmReport, NodeReport, NodeState, UpstreamReport, ValidatorReport, WatchReport

MAX_ALARMS: Final = 50
STALE_TIP: Final = "stale_tip"
# Slower than any network that is well: CometBFT tries again several times in this time.
STALE_NS: Final = 10_000_000_000


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
        self._minutes = Minutes(started_ns)
        self._signing = Signing()

    def appended(self, appended: Appended, now_ns: int, waits_ms: Sequence[int] = ()) -> None:
        """A block was appended; `waits_ms` are of those of its transactions that had waited here."""
        block = appended.stored.block
        self.verified_blocks += 1
        self.executed_transactions += len(block.txs)
        self._minutes.block(len(block.txs), waits_ms, now_ns)
        self.hold(VALIDATOR_SILENT, self._signing.look(appended.tip), now_ns)
        self.proved([(detail, block.header.time_ns) for detail in double_signs(block)], appended.tip)

    def proved(self, misdeeds: Sequence[tuple[str, int]], tip: ChainTip) -> None:
        """Validators signed twice: each as (`double_signs`' words, the time of the block that proves it).

        The alarm lasts while they are validators, however often the node is started; their removal ends it.
        """
        for detail, time_ns in misdeeds:
            self.raise_alarm(DOUBLE_SIGN, detail, time_ns)
        told = [alarm.detail for alarm in self._alarms.values() if alarm.code == DOUBLE_SIGN]
        for detail in told:
            if not is_validator(detail, tip):
                self.clear_alarm(DOUBLE_SIGN, detail)

    def watch(self, waiting: int, height: int, steady_ns: int, now_ns: int) -> bool:
        """Whether the alarm `stale_tip` was just raised or cleared: no block comes although transactions wait.

        Too few validators may be there to decide. What waits is kept, and goes on when they are back. `steady_ns` is of
        a clock that never jumps. A node that halted by itself waits for nobody.
        """
        if self.halted_reason or not waiting or height != self._stale_height:
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

    def hold(self, code: str, detail: str | None, now_ns: int) -> bool:
        """There is one alarm of this code, with this detail, or none for None; whether one came or went.

        While it lasts its detail may change, and not its time.
        """
        held = next((alarm for alarm in self._alarms.values() if alarm.code == code), None)
        if held is not None and held.detail != detail:
            self.clear_alarm(code, held.detail)
        if detail is not None:
            self.raise_alarm(code, detail, now_ns if held is None else held.since_ns)
        return (held is None) != (detail is None)

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
        watched: tuple[WatchReport, ...] = (),
    ) -> NodeReport:
        """The node in its own words; `mempool` is its transactions and bytes."""
        blocks, transactions, waits_ms = self._minutes.series(now_ns)
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
            blocks_per_minute=blocks,
            transactions_per_minute=transactions,
            finality_ms=waits_ms,
            upstreams=upstreams,
            validators=_validators(tip),
            alarms=tuple(self._alarms.values()),
            watched=watched,
        )

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
