"""When things fail in mid-sale: the till says so, never says PAID by guess, and the sale completes by itself after."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import pytest

from chainpos.core.checkout.matching import SaleState
from chainpos.core.contracts.refunds.messages import Refund
from chainpos.store.shop import ShopBook
from chainpos.till.sales import is_money
from chainpos.till.views import Link
from chainpos.wallet.paying import End
from tests.core.blocks import transaction

from .conftest import PIN, Shop, cny, offer_of, online, sale_where, view_where

DONE = (SaleState.PAID, SaleState.CONFIRMED)


async def test_without_its_node_the_till_is_offline_at_the_height_it_knows_and_sells_all_the_same(shop: Shop) -> None:
    till = await shop.open_till()
    known = (await online(till)).network.known_height
    await shop.peer.stop()
    view = await view_where(till, lambda seen: seen.network.link is Link.OFFLINE)
    assert view.network.known_height >= known > 0
    sale = await till.request(cny(1000))
    assert (sale.state, sale.link != "", sale.qr is not None) == (SaleState.WAITING, True, True)
    await shop.restart_peer()
    await online(till)
    # The request was published as soon as the node was back.
    wallet = shop.wallet("erin")
    result = await wallet.pay(await offer_of(wallet, sale.link))
    assert result.end is End.PAID
    assert (await sale_where(till, sale.reference, *DONE)).height == result.height


async def test_a_payment_made_while_the_till_was_away_from_its_node_is_found_by_query(shop: Shop) -> None:
    till = await shop.open_till()
    await online(till)
    sale = await till.request(cny(1000))
    wallet = shop.wallet("erin")
    offer = await wallet.offer(sale.link)
    await shop.peer.stop()
    await view_where(till, lambda seen: seen.network.link is Link.OFFLINE)
    result = await wallet.pay(offer)
    assert result.end is End.PAID
    assert SaleState.PAID not in shop.states(sale.reference)
    await shop.restart_peer()
    paid = await sale_where(till, sale.reference, SaleState.CONFIRMED)
    assert paid.height == result.height
    assert [state for state in shop.states(sale.reference) if state in DONE] in (list(DONE), [SaleState.CONFIRMED])
    book = await till.sales(sale.reference)
    assert book[0].tx_hash in (result.tx_hash.hex(), "")


async def test_with_the_validator_down_nothing_is_paid_and_the_sale_completes_when_it_is_back(shop: Shop) -> None:
    till = await shop.open_till()
    await online(till)
    sale = await till.request(cny(1000))
    wallet = shop.wallet("erin", shop.validator.rpc, shop.peer.rpc)
    offer = await wallet.offer(sale.link)
    await shop.validator.stop()
    view = await view_where(till, lambda seen: seen.network.link is Link.OFFLINE)
    assert view.network.known_height > 0
    paying = asyncio.create_task(wallet.pay(offer, wait_s=30))
    await asyncio.sleep(0.5)
    assert not set(shop.states(sale.reference)) & set(DONE)
    await shop.restart_validator()
    assert (await paying).end is End.PAID
    await sale_where(till, sale.reference, *DONE)
    await online(till)


async def test_a_refund_signed_offline_is_kept_and_made_when_the_network_is_back(shop: Shop) -> None:
    till = await shop.open_till()
    await online(till)
    sale = await till.request(cny(1000))
    wallet = shop.wallet("erin")
    await wallet.pay(await offer_of(wallet, sale.link))
    await sale_where(till, sale.reference, SaleState.CONFIRMED)
    await shop.peer.stop()
    await view_where(till, lambda seen: seen.network.link is Link.OFFLINE)
    refunding = asyncio.create_task(till.refund(sale.reference, cny(1000), pin=PIN, typed_amount="1000"))
    await asyncio.sleep(0.5)
    assert (await till.sales(sale.reference))[0].refunded is None
    await shop.restart_peer()
    assert (await refunding).state is SaleState.REFUNDED


async def test_a_refund_made_elsewhere_while_the_till_was_closed_shows_afterwards(shop: Shop) -> None:
    till = await shop.open_till()
    await online(till)
    sale = await till.request(cny(1000))
    wallet = shop.wallet("erin")
    await wallet.pay(await offer_of(wallet, sale.link))
    await sale_where(till, sale.reference, SaleState.CONFIRMED)
    request_id = bytes.fromhex(_request_id(shop, sale.reference))
    await shop.close_till(till)

    expires_s = int(time.time()) + 600
    wire = transaction(Refund(request_id, 400, "owner-1", ""), "TEAHOUSE.owner", nonce=7, expires_s=expires_s)
    client = await shop.nodes.client(shop.peer)
    assert (await client.broadcast_tx_sync(wire)).code == 0
    till = await shop.open_till()
    part = await sale_where(till, sale.reference, SaleState.PART_REFUNDED)
    assert part.refunded == cny(400)


def _request_id(shop: Shop, reference: str) -> str:
    return next(noticed.request_id.hex() for noticed in shop.noticed if noticed.reference == reference)


_TILL = """
import asyncio, sys
from pathlib import Path
from chainpos.core.values.amount import Amount
from chainpos.till.counter import Till
from chainpos.till.home import TillHome

async def main():
    till = Till.open(TillHome(Path(sys.argv[1])))
    await till.start()
    while True:
        sale = await till.request(Amount(1000, "CNY"))
        print(sale.reference, sale.link, flush=True)
        if sys.stdin.readline().strip() != "more":
            await asyncio.sleep(60)

asyncio.run(main())
"""


class _TillProcess:
    """A till in a process of its own, which says each sale's reference and link."""

    def __init__(self, process: Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, folder: Path) -> _TillProcess:
        arguments = (sys.executable, "-c", _TILL, str(folder))
        return cls(await asyncio.create_subprocess_exec(*arguments, stdin=PIPE, stdout=PIPE))

    async def sale(self) -> tuple[str, str]:
        assert self._process.stdout is not None
        async with asyncio.timeout(90):
            line = (await self._process.stdout.readline()).decode()
        reference, link = line.split()
        return reference, link

    def more(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(b"more\n")

    async def kill(self) -> None:
        os.kill(self._process.pid, signal.SIGKILL)
        await self._process.wait()


async def test_kill_9_of_the_till_loses_no_sale_and_the_one_in_hand_is_resumed(shop: Shop) -> None:
    """Three sales are shown; the till is killed; the first is paid while it is dead, the last after it is back."""
    home = shop.till_home()
    process = await _TillProcess.start(home.folder)
    shown = []
    for number in range(3):
        shown.append(await process.sale())
        if number < 2:
            process.more()
    wallet = shop.wallet("erin")
    offers = [await offer_of(wallet, link) for _, link in shown]
    await process.kill()
    assert (await wallet.pay(offers[0])).end is End.PAID
    till = await shop.open_till()
    hand = till.counter().sale
    assert hand is not None
    assert hand.reference == shown[2][0]
    assert hand.qr is not None
    await sale_where(till, shown[0][0], SaleState.CONFIRMED)
    assert (await wallet.pay(await offer_of(wallet, shown[2][1]))).end is End.PAID
    await sale_where(till, shown[2][0], SaleState.CONFIRMED)
    assert (await till.sales(shown[1][0]))[0].state is SaleState.WAITING
    await shop.close_till(till)
    with ShopBook.open(home.book_path) as book:
        assert book.damage() == []
        rows = {row.reference: row for row in book.sales()}
        assert [is_money(rows[reference]) for reference, _ in shown] == [True, False, True]


async def test_a_dismissed_sale_does_not_come_back_to_hand(shop: Shop) -> None:
    till = await shop.open_till()
    await till.request(cny(1000))
    await till.dismiss()
    await shop.close_till(till)
    till = await shop.open_till()
    assert till.counter().sale is None
    assert len(till.counter().recent) == 1


@pytest.mark.slow
async def test_a_till_starts_and_sells_when_its_node_was_never_there(shop: Shop) -> None:
    await shop.peer.stop()
    till = await shop.open_till()
    view = till.counter()
    assert (view.network.link, view.network.known_height) == (Link.OFFLINE, 0)
    sale = await till.request(cny(1000))
    assert sale.state is SaleState.WAITING
    await shop.restart_peer()
    await online(till)
    wallet = shop.wallet("erin")
    assert (await wallet.pay(await offer_of(wallet, sale.link))).end is End.PAID
    await sale_where(till, sale.reference, *DONE)
