"""Everybody in the sample city who is not at this counter: customers, the clearing desk, the banks, the other shops.

Run as `python -m chainpos.pilot.citizens GENESIS VALIDATOR PEER MERCHANT [--pay] [--bustle] [--offices]`. On stdin it
takes orders to pay a link, on stdout it says what was sent and how it ended. It ends when its stdin does.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import secrets
import sys
import time
from pathlib import Path
from typing import Any, Final

from chainpos.core.chain.genesis import load_genesis
from chainpos.core.checkout.request import open_request
from chainpos.core.contracts.settlement.messages import Close, ConfirmPayout, FailPayout
from chainpos.core.contracts.settlement.records import PAYOUTS, POSITIONS, REQUESTED, payout_key, position_key
from chainpos.errors import ChainposError, UserFacingError
from chainpos.node.clock import SystemClock
from chainpos.pilot.acts import Hands
from chainpos.pilot.city import City, Customer, load_catalogue, load_city
from chainpos.pilot.genesis import CURRENCY, customer_key, institution_key, role_key
from chainpos.pilot.network import guest
from chainpos.pilot.offices import CLOSED, Offices
from chainpos.pilot.processes import Facts, hear, say
from chainpos.pilot.resources import sample_data
from chainpos.rpc.client import Disconnected, RpcClient, RpcError
from chainpos.wallet.client import Wallet
from chainpos.wallet.network import Network
from chainpos.wallet.offer import RefusedOffer

LOOK_S: Final = 0.4
THINK_S: Final = (1.2, 3.5)
BUSTLE_S: Final = (2.0, 6.0)
DESK_S: Final = 1.0
BANK_DELAY_S: Final = 4.0
# What a bank sent and is in no block by then, it sends again.
BANK_AGAIN_S: Final = 20.0
# The counter's second payout comes back: whoever tries the demo should see that, too.
FAILED_PAYOUT: Final = 2
_log = logging.getLogger(__name__)


class Citizens:
    """One process plays them all; each customer signs with their own key."""

    def __init__(self, city: City, network: Network, peer: str, merchant: str) -> None:
        self._city = city
        self._network = network
        self._peer = peer
        self._merchant = city.merchant(merchant)
        self._hands = Hands(network.chain_id, lambda: secrets.token_bytes(16))
        self._random = random.Random()
        self._known: set[bytes] = set()
        # From when on the bank decides a payout; on the monotonic clock.
        self._decides_at: dict[int, float] = {}
        home = guest(city, merchant)
        # The person at the keyboard has this wallet; nobody else pays from it.
        self._customers = [row for row in city.customers if row.customer != home and row.city == self._merchant.city]

    async def obey(self, group: asyncio.TaskGroup) -> None:
        """Pay what whoever started this process says; return when that process is gone."""
        async for order in hear():
            if isinstance(order.get("pay"), str):
                group.create_task(self._pay(order["pay"], order), name="pay")

    async def watch_the_counter(self) -> None:
        """Customers come to the counter by themselves and pay what it shows."""
        async with asyncio.TaskGroup() as group:
            while True:
                with contextlib.suppress(ChainposError, Disconnected, RpcError):
                    for link in await self._new_links():
                        think_s = self._random.uniform(*THINK_S)
                        group.create_task(self._pay_later(link, think_s), name="think")
                await asyncio.sleep(LOOK_S)

    async def bustle(self) -> None:
        """The other shops of the city sell too."""
        shops = [row for row in self._city.merchants if row.merchant != self._merchant.merchant]
        goods = {row.catalogue: load_catalogue(sample_data(), row.catalogue) for row in shops}
        number = 0
        while True:
            await asyncio.sleep(self._random.uniform(*BUSTLE_S))
            shop = self._random.choice(shops)
            minor, now_s, number = self._random.choice(goods[shop.catalogue]).price_minor, int(time.time()), number + 1
            sale = self._hands.request(shop, minor, f"{shop.merchant}-{now_s}-{number}", now_s)
            buyer = self._random.choice([row for row in self._city.customers if row.city == shop.city])
            wire = (self._hands.charge if self._random.random() < 0.2 else self._hands.pay)(sale, buyer, now_s)
            await self._send(wire)

    async def clear(self) -> None:
        """The clearing desk closes each cycle as soon as the contract lets it; the bank sends payouts."""
        while True:
            await asyncio.sleep(DESK_S)
            now_s = int(time.time())
            await self._send(self._hands.sign(role_key("operator"), "settlement.close", Close("", CURRENCY), now_s))
            await self._decide_payouts(now_s)

    async def _decide_payouts(self, now_s: int) -> None:
        shop = self._merchant
        with contextlib.suppress(UserFacingError):
            await self._network.sync()
            position = await self._network.record(POSITIONS, position_key(shop.merchant, CURRENCY))
            if position.record is None or position.record.requested_minor == 0:
                return
            for number in range(position.record.payouts, 0, -1):
                payout = await self._network.record(PAYOUTS, payout_key(shop.merchant, CURRENCY, number))
                if payout.record is None or payout.record.state != REQUESTED:
                    continue
                moment = time.monotonic()
                if moment < self._decides_at.setdefault(number, moment + BANK_DELAY_S):
                    continue
                self._decides_at[number] = moment + BANK_AGAIN_S
                key = institution_key(shop.acquirer)
                if number == FAILED_PAYOUT:
                    failed = FailPayout(shop.merchant, CURRENCY, number, CLOSED)
                    await self._send(self._hands.sign(key, "settlement.fail_payout", failed, now_s))
                else:
                    sent = ConfirmPayout(shop.merchant, CURRENCY, number, f"BANK{now_s}{number:04d}")
                    await self._send(self._hands.sign(key, "settlement.confirm_payout", sent, now_s))

    async def act_for_the_city(self) -> None:
        """Governance, regulator and banks do once what a network has them for."""

        def told(what: str, height: int) -> None:
            say({"event": "office", "did": what, "height": height})

        def failed(work: str, why: str) -> None:
            say({"event": "office_failed", "work": work, "why": why})

        await Offices(self._city, self._network, self._hands, self._merchant, told, failed).day()

    async def _send(self, wire: bytes) -> None:
        with contextlib.suppress(UserFacingError):
            answer = await self._network.broadcast(wire)
            _log.debug("sent: code %d", answer.code)

    async def _new_links(self) -> list[str]:
        client = await RpcClient.connect(f"ws://{self._peer}/websocket", 3.0)
        try:
            published = await client.requests()
        finally:
            await client.close()
        fresh = [row for row in published if row.request not in self._known]
        self._known.update(row.request for row in fresh)
        return [self._link(row.request, row.signature) for row in fresh]

    def _link(self, encoded: bytes, signature: bytes) -> str:
        signed = open_request(self._network.chain_id, encoded, signature)
        return f"HTTP://{self._peer}/P/{signed.link_id}"

    async def _pay_later(self, link: str, think_s: float) -> None:
        await asyncio.sleep(think_s)
        await self._pay(link, {})

    async def _pay(self, link: str, order: Facts) -> None:
        buyer = self._buyer(order)
        wallet = Wallet(self._network, customer_key(buyer.customer).public_key, key=customer_key(buyer.customer))
        told: dict[str, Any] = {"link": link, "customer": buyer.customer}
        try:
            offer = await wallet.offer(link)
            told["reference"] = offer.signed.request.reference
            say({**told, "event": "broadcast", "monotonic_ns": time.monotonic_ns()})
            result = await wallet.pay(offer)
            say({**told, "event": "end", "end": result.end.value, "code": result.code, "height": result.height})
        except RefusedOffer as error:
            say({**told, "event": "end", "end": "refused_offer", "reason": error.reason})
        except UserFacingError as error:
            say({**told, "event": "end", "end": "failed", "reason": error.what})

    def _buyer(self, order: Facts) -> Customer:
        named = order.get("customer")
        for row in self._city.customers:
            if row.customer == named:
                return row
        return self._random.choice(self._customers)


async def run(genesis: bytes, validator: str, peer: str, merchant: str, options: list[str]) -> None:
    """Play the city until stdin ends."""
    doc = load_genesis(genesis)
    network = Network(doc, (validator,), SystemClock())
    citizens = Citizens(load_city(sample_data()), network, peer, merchant)
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(citizens.clear(), name="clearing desk")]
            if "--pay" in options:
                tasks.append(group.create_task(citizens.watch_the_counter(), name="customers"))
            if "--bustle" in options:
                tasks.append(group.create_task(citizens.bustle(), name="other shops"))
            if "--offices" in options:
                tasks.append(group.create_task(citizens.act_for_the_city(), name="offices"))
            say({"ready": True})
            await citizens.obey(group)
            for task in tasks:
                task.cancel()
    finally:
        await network.close()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    asyncio.run(run(Path(sys.argv[1]).read_bytes(), sys.argv[2], sys.argv[3], sys.argv[4], sys.argv[5:]))
