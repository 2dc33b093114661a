"""Processes that stop, and processes that are killed without warning, while payments run."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import sqlite3

import pytest

from chainpos.core.checkout.matching import SaleState
from chainpos.errors import UserFacingError
from chainpos.pilot.processes import Child, start
from chainpos.rpc.client import Disconnected, RpcClient
from chainpos.rpc.protocol import RpcError
from chainpos.store.shop import ShopBook
from chainpos.till.views import Link
from chainpos.wallet.paying import End
from tests.acceptance.conftest import Pilot, accounts, require_whole_and_alike, until, view_where, yuan
from tests.seeds import seeds

PAID = (SaleState.PAID, SaleState.CONFIRMED)
VICTIMS = ("validator", "peer", "till", "citizens")


@pytest.mark.slow
async def test_a_validator_that_stops_in_mid_sale_means_offline_and_never_paid_until_it_is_back(pilot: Pilot) -> None:
    till = await pilot.open_till()
    await view_where(till, lambda view: view.network.link is Link.ONLINE)
    first = await till.request(yuan(300))
    payer = pilot.wallet(pilot.customers[0].customer)
    assert (await payer.pay(await payer.offer(first.link))).end is End.PAID
    await view_where(till, lambda view: view.sale is not None and view.sale.state is SaleState.CONFIRMED)
    await till.dismiss()
    sale = await till.request(yuan(1250))
    other = pilot.wallet(pilot.customers[1].customer, pilot.network.peer_address)
    offer = await other.offer(sale.link)
    height = till.counter().network.known_height

    await pilot.network.children["validator"].stop()
    offline = await view_where(till, lambda view: view.network.link is Link.OFFLINE)
    assert offline.network.known_height == height
    result = await other.pay(offer, wait_s=2)
    assert result.end in (End.UNPAID, End.UNKNOWN)
    later = await till.request(yuan(200))  # selling goes on, unpaid
    await asyncio.sleep(1)
    assert till.counter().network.link is Link.OFFLINE
    assert till.counter().network.known_height == height
    for each in (sale, later):
        assert not set(PAID) & set(pilot.states(each.reference))

    await pilot.network.start_validator()
    await view_where(
        till, lambda view: any(row.reference == sale.reference and row.state in PAID for row in view.recent)
    )
    assert pilot.states(sale.reference).count(SaleState.PAID) == 1
    await view_where(till, lambda view: view.network.link is Link.ONLINE)
    assert not set(PAID) & set(pilot.states(later.reference))
    await pilot.close_till(till)
    await pilot.network.stop()
    assert require_whole_and_alike(pilot.paths).payments.total() == 2


class Street:
    """A till that sells without end, customers who pay and pay again where they were not sure, and what was said."""

    def __init__(self, pilot: Pilot) -> None:
        self.pilot = pilot
        self.requested: dict[str, str] = {}
        self.acknowledged: set[str] = set()
        self.receipts: set[str] = set()
        self.ended: dict[str, End] = {}
        self.kills = 0
        self._acknowledged_before: set[str] = set()
        self._number = itertools.count()

    async def open(self, group: asyncio.TaskGroup) -> None:
        await self.pilot.network.start_citizens("--bustle")
        await self.open_till(group)

    async def open_till(self, group: asyncio.TaskGroup) -> None:
        arguments = ("-m", "tests.acceptance.till_process", str(self.pilot.paths.till.folder))
        till = await start("till", arguments, log=self.pilot.paths.log("till"))
        self.pilot.network.children["till"] = till
        group.create_task(self.listen(till, group))

    async def listen(self, till: Child, group: asyncio.TaskGroup) -> None:
        async for facts in till.lines():
            if "requested" in facts:
                self.requested[facts["reference"]] = facts["requested"]
                group.create_task(self.pay(facts["reference"], facts["requested"]))
            elif "paid" in facts:
                self.acknowledged.add(facts["paid"])

    async def pay(self, reference: str, link: str) -> None:
        """One customer, who tries again with a new transaction for as long as the answer is not final."""
        customers = self.pilot.customers
        wallet = self.pilot.wallet(customers[next(self._number) % len(customers)].customer)
        for _ in range(12):
            try:
                result = await wallet.pay(await wallet.offer(link), wait_s=2)
            except UserFacingError:
                await asyncio.sleep(0.3)
                continue
            self.ended[reference] = result.end
            if result.end is End.PAID:
                self.receipts.add(reference)
                return
            if result.end in (End.REFUSED, End.REFUSED_AT_DOOR):
                return

    async def kill(self, victim: str, group: asyncio.TaskGroup) -> None:
        network = self.pilot.network
        child = network.children[victim]
        child.kill()
        await child.process.wait()
        self.kills += 1
        self._acknowledged_before = set(self.acknowledged)
        match victim:
            case "validator":
                await network.start_validator()
            case "peer":
                await network.start_peer()
            case "citizens":
                await network.start_citizens("--bustle")
            case _:
                await self.open_till(group)

    async def sells_again(self) -> bool:
        """Whether a sale was acknowledged since the last kill."""
        return self.acknowledged > self._acknowledged_before

    async def close(self) -> None:
        """No more sales; wait until both nodes are level and the till has seen all of it."""
        till = self.pilot.network.children["till"]
        till.tell({"stop": True})
        await self.pilot.network.children["citizens"].stop()
        await until(self._level)
        # A till that was killed between saying PAID and writing it down learns it again from its own node.
        await until(self._in_book)
        till.tell({"end": True})
        await till.process.wait()

    async def _in_book(self) -> bool:
        await asyncio.sleep(0.2)
        return self.receipts | self.acknowledged <= self.paid_in_book()

    def paid_in_book(self) -> set[str]:
        path = self.pilot.paths.till.book_path
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as book:
            rows = book.execute("SELECT reference FROM sales WHERE state IN ('paid', 'confirmed')").fetchall()
        return {reference for (reference,) in rows}

    async def _level(self) -> bool:
        found = set()
        for address in (self.pilot.network.validator_address, self.pilot.network.peer_address):
            with contextlib.suppress(Disconnected, RpcError):
                async with await RpcClient.connect(f"ws://{address}/websocket") as client:
                    report = await client.report()
                    found.add((report.height, report.app_hash, report.mempool_transactions))
        return len(found) == 1 and next(iter(found))[2] == 0


async def sell_while_killing(pilot: Pilot, victims: list[str], pauses_s: list[float]) -> Street:
    """Sell, kill each victim after its pause and start it again, then hold the ledger and the book to what was said."""
    before = accounts(pilot.paths.validator.database)
    street = Street(pilot)
    async with asyncio.TaskGroup() as group:
        await street.open(group)
        await asyncio.sleep(1)
        for victim, pause_s in zip(victims, pauses_s, strict=True):
            await asyncio.sleep(pause_s)
            await street.kill(victim, group)
        await until(street.sells_again)
        await street.close()
    await pilot.network.stop()
    ledger = require_whole_and_alike(pilot.paths)
    after = accounts(pilot.paths.validator.database)
    assert sum(max(minor, 0) for minor in after.values()) == sum(max(minor, 0) for minor in before.values())
    assert street.acknowledged
    assert ledger.payments.total() >= len(street.acknowledged | street.receipts)
    with ShopBook.open(pilot.paths.till.book_path) as book:
        sales = {row.reference: row for row in book.sales(limit=100_000)}
    assert set(street.requested) <= set(sales)  # a request that was shown is in the book
    for reference in street.acknowledged | street.receipts:
        row = sales[reference]
        assert SaleState(row.state) in PAID, (reference, row.state)
        assert ledger.payments[row.request_id] == 1
    for row in sales.values():
        if SaleState(row.state) in PAID:
            assert ledger.payments[row.request_id] == 1, row.reference
    print(
        f"{street.kills} kills, {len(street.requested)} requests, {len(street.receipts)} receipts, "
        f"{len(street.acknowledged)} acknowledged, height {ledger.height}"
    )
    return street


@pytest.mark.slow
async def test_each_process_killed_in_turn_no_acknowledged_sale_is_missing_and_none_is_paid_twice(
    pilot: Pilot,
) -> None:
    await sell_while_killing(pilot, list(VICTIMS), [0.4, 0.7, 0.5, 0.3])


@pytest.mark.slow
@pytest.mark.parametrize("seed", seeds(1))
async def test_killed_at_random_moments_no_acknowledged_sale_is_missing_and_none_is_paid_twice(
    pilot: Pilot, seed: int
) -> None:
    draw = random.Random(seed)
    victims = [draw.choice(VICTIMS) for _ in range(24)]
    await sell_while_killing(pilot, victims, [draw.uniform(0.05, 1.2) for _ in victims])
