"""The pilot without its screen: the same processes, a till driven by this program, and a report of what happened.

Each payment goes request, link, wallet, block, the peer's own verification, settlement. It refuses to call a run right
unless every payment was, both nodes agree, and the audit finds nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from chainpos.core.checkout.matching import SaleState
from chainpos.core.values.amount import Amount
from chainpos.errors import UserFacingError
from chainpos.inspect.source import StoreSource
from chainpos.node.clock import SystemClock
from chainpos.pilot.audit import Audited, deposits_at_genesis
from chainpos.pilot.comet_network import pilot_of
from chainpos.pilot.network import PilotFolder, PilotNetwork
from chainpos.store.chain import ChainReader
from chainpos.till.counter import Till
from chainpos.till.identity import Noticed

PAYMENT_TIMEOUT_S: Final = 30.0
SETTLING_TIMEOUT_S: Final = 40.0
AGREEING_TIMEOUT_S: Final = 10.0
OFFICES_TIMEOUT_S: Final = 60.0
# What the offices do, and the event or the code by which the ledger shows it.
OFFICES_DO: Final = {
    "governance": "governance.enacted",
    "alert": "compliance.alert",
    "frozen": "frozen_account",
    "payout_confirmed": "settlement.payout_confirmed",
    "payout_failed": "settlement.payout_failed",
}
# Short enough that a run sees its money settle; the contract allows no shorter one.
CYCLE_S: Final = 10
MILLISECOND_NS: Final = 1_000_000
FIRST_MINOR: Final = 450
Progress = Callable[[str], None]


class PaidRow(msgspec.Struct):
    """One payment; milliseconds since the wallet's broadcast, as this till saw them."""

    reference: str
    amount_minor: int
    currency: str
    height: int
    seen_ms: float | None
    paid_ms: float
    confirmed_ms: float


class RefusedRow(msgspec.Struct):
    """A payment that did not come about."""

    reference: str
    code: int
    reason: str = ""


class _Watched:
    """One sale's moments, as they are noticed."""

    def __init__(self) -> None:
        self.at_ns: dict[SaleState, int] = {}
        self.height = 0
        self.code = 0
        self.broadcast_ns = 0
        self.reason = ""
        self.changed = asyncio.Event()


class HeadlessRun:
    """One run over a prepared folder."""

    def __init__(self, paths: PilotFolder, network: PilotNetwork, *, progress: Progress) -> None:
        self._paths = paths
        self._network = network
        self._progress = progress
        self._sales: dict[str, _Watched] = {}
        self._offices: dict[str, int] = {}
        self._offices_failed: list[str] = []

    async def run(self, payments: int, *, offices: bool = False) -> dict[str, Any]:
        """The report of `payments` payments, one after another; "ok" says whether all was right.

        With `offices`, the city's offices act as well, and the shop's payouts are sent and come back.
        """
        try:
            await self._network.start(*(["--offices"] if offices else []))
            till = Till.open(self._paths.till, SystemClock(), observer=self._notice)
            await till.start()
            hearing = asyncio.create_task(self._hear(), name="hear the citizens")
            try:
                paid, refused = await self._sell(till, payments)
                settled = await self._settle(till)
                if offices:
                    settled |= await self._pay_out(till)
                    await self._wait_for_the_offices()
                audited = await self._agreed()
            finally:
                hearing.cancel()
                await till.stop()
            report = self._report(paid, refused, settled, audited)
            if offices:
                self._report_offices(report)
            return report
        finally:
            await self._network.stop()

    async def _sell(self, till: Till, payments: int) -> tuple[list[PaidRow], list[RefusedRow]]:
        paid: list[PaidRow] = []
        refused: list[RefusedRow] = []
        currency = till.counter().shop.currency
        for number in range(payments):
            amount = Amount(FIRST_MINOR + number % 40 * 25, currency)
            sale = await till.request(amount)
            watched = self._sales.setdefault(sale.reference, _Watched())
            self._network.children["citizens"].tell({"pay": sale.link})
            try:
                async with asyncio.timeout(PAYMENT_TIMEOUT_S):
                    while SaleState.CONFIRMED not in watched.at_ns and not watched.code and not watched.reason:
                        watched.changed.clear()
                        await watched.changed.wait()
                paid_row = _row(sale.reference, amount, watched)
            except TimeoutError:
                paid_row = None
                watched.reason = watched.reason or "timed_out"
            if paid_row is None:
                refused.append(RefusedRow(sale.reference, watched.code, watched.reason))
            else:
                paid.append(paid_row)
            await till.dismiss()
            self._progress(f"{number + 1} of {payments} payments, {len(refused)} refused")
        return paid, refused

    async def _settle(self, till: Till) -> dict[str, Any]:
        """Wait until nothing is pending: the cycle closed, and the shop's money is its own."""
        until = time.monotonic() + SETTLING_TIMEOUT_S
        while True:
            view = await till.settlement()
            if view.pending.minor == 0 or time.monotonic() > until:
                return {
                    "pending_minor": view.pending.minor,
                    "available_minor": view.available.minor,
                    "payout_requested_minor": view.payout_requested.minor,
                    "paid_out_minor": view.paid_out.minor,
                    "height": view.height,
                }
            self._progress(f"waiting for the cycle to settle {view.pending}")
            await asyncio.sleep(0.5)

    async def _pay_out(self, till: Till) -> dict[str, Any]:
        """Ask for two payouts of the shop's money: the bank sends both, and the second one comes back."""
        half = Amount((await till.settlement()).available.minor // 2, till.counter().shop.currency)
        if half.minor:
            await till.request_payout(half)
            await till.request_payout(half)
        until = time.monotonic() + SETTLING_TIMEOUT_S
        while True:
            view = await till.settlement()
            if view.payout_requested.minor == 0 or time.monotonic() > until:
                states = [row.state for row in reversed(view.payouts)]
                return {
                    "available_minor": view.available.minor,
                    "payout_requested_minor": view.payout_requested.minor,
                    "paid_out_minor": view.paid_out.minor,
                    "payouts": states,
                }
            self._progress("waiting for the bank to decide the payouts")
            await asyncio.sleep(0.5)

    async def _wait_for_the_offices(self) -> None:
        until = time.monotonic() + OFFICES_TIMEOUT_S
        while set(self._offices) < set(OFFICES_DO) and time.monotonic() < until:
            self._progress(f"waiting for the offices: {', '.join(sorted(set(OFFICES_DO) - set(self._offices)))}")
            await asyncio.sleep(0.2)

    def _report_offices(self, report: dict[str, Any]) -> None:
        """What the offices did, each looked up in the shop's own store and not taken from who says so."""
        with ChainReader.open(self._paths.peer.database) as reader:
            source = StoreSource(reader, "peer")
            missing = [did for did in OFFICES_DO if not _is_there(source, self._offices.get(did, 0), did)]
        report["city"] = dict(self._offices)
        if missing:
            told = "; ".join([f"the ledger does not have: {', '.join(missing)}", *self._offices_failed])
            report["invariants"] = told if report["invariants"] == "ok" else f"{report['invariants']}; {told}"

    def _notice(self, noticed: Noticed) -> None:
        watched = self._sales.setdefault(noticed.reference, _Watched())
        watched.at_ns.setdefault(noticed.state, noticed.monotonic_ns)
        if noticed.state is SaleState.PAID:
            watched.height = noticed.height
        if noticed.state is SaleState.REFUSED:
            watched.code = noticed.code
        watched.changed.set()

    async def _hear(self) -> None:
        async for facts in self._network.children["citizens"].lines():
            if facts.get("event") == "office":
                self._offices[str(facts["did"])] = int(facts["height"])
                continue
            if facts.get("event") == "office_failed":
                self._offices_failed.append(f"{facts['work']}: {facts['why']}")
                continue
            watched = self._sales.setdefault(str(facts.get("reference", "")), _Watched())
            if facts.get("event") == "broadcast":
                watched.broadcast_ns = int(facts["monotonic_ns"])
            elif facts.get("event") == "end" and facts.get("end") not in ("paid", "unknown", "unpaid"):
                watched.code = watched.code or int(facts.get("code", 0))
                watched.reason = str(facts.get("reason") or facts["end"])
                watched.changed.set()

    async def _agreed(self) -> dict[str, Audited]:
        """What each store holds, when all hold the same or time is up: the last block may still be on its way."""
        until = time.monotonic() + AGREEING_TIMEOUT_S
        while True:
            audited = await asyncio.to_thread(self._paths.audited)
            if len({(each.height, each.app_hash) for each in audited.values()}) == 1 or time.monotonic() > until:
                return audited
            await asyncio.sleep(0.2)

    def _report(
        self, paid: list[PaidRow], refused: list[RefusedRow], settled: dict[str, Any], audited: dict[str, Audited]
    ) -> dict[str, Any]:
        faults = [fault for each in audited.values() for fault in each.faults]
        before = deposits_at_genesis(self._paths.peer.database)
        faults += [
            f"there were {before} minor units at genesis, and those that are or were paid out are {found}"
            for found in sorted({each.deposits_minor + each.paid_out_minor for each in audited.values()} - {before})
        ]
        if len({(each.height, each.app_hash) for each in audited.values()}) != 1:
            faults.append("the nodes are not at the same state")
        if settled["pending_minor"]:
            faults.append("money is still pending after a cycle")
        return {
            "payments": [msgspec.to_builtins(row) for row in paid],
            "refused": [msgspec.to_builtins(row) for row in refused],
            "latency_ms": {"paid_p50": percentile(paid, 50), "paid_p99": percentile(paid, 99)},
            "nodes": {name: _node(each) for name, each in audited.items()},
            "settlement": settled,
            "invariants": "; ".join(faults) or "ok",
        }


def percentile(rows: list[PaidRow], percent: int) -> float | None:
    """The nearest-rank percentile of broadcast to PAID, in ms; None of nothing."""
    ordered = sorted(row.paid_ms for row in rows)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)] if ordered else None


def _row(reference: str, amount: Amount, watched: _Watched) -> PaidRow | None:
    paid_ns, confirmed_ns = watched.at_ns.get(SaleState.PAID), watched.at_ns.get(SaleState.CONFIRMED)
    if paid_ns is None or confirmed_ns is None:
        return None

    def since_ms(at_ns: int) -> float:
        return round((at_ns - watched.broadcast_ns) / MILLISECOND_NS, 2)

    seen_ns = watched.at_ns.get(SaleState.SEEN)
    return PaidRow(
        reference,
        amount.minor,
        amount.currency,
        watched.height,
        None if seen_ns is None else since_ms(seen_ns),
        since_ms(paid_ns),
        since_ms(confirmed_ns),
    )


def _is_there(source: StoreSource, height: int, did: str) -> bool:
    found = source.found(height) if height else None
    if found is None:
        return False
    kind = OFFICES_DO[did]
    return any(result.log == kind or any(event.type == kind for event in result.events) for result in found.results)


def _node(audited: Audited) -> dict[str, Any]:
    return {"height": audited.height, "app_hash": audited.app_hash}


async def run_headless(
    folder: Path,
    merchant: str,
    payments: int,
    *,
    engine: str = "embedded",
    offices: bool = False,
    progress: Progress,
) -> dict[str, Any]:
    """Prepare `folder` and run on this engine, "embedded" or "cometbft". Raises UserFacingError."""
    if payments < 0:
        raise UserFacingError("A run has no fewer than 0 payments.", next_step="Give --payments a number.")
    paths, network = pilot_of(folder, merchant, engine)
    await asyncio.to_thread(paths.prepare, merchant, cycle_s=CYCLE_S)
    return await HeadlessRun(paths, network, progress=progress).run(payments, offices=offices)
