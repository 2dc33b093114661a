"""A payment that a block brings in the middle of a change at the counter: nothing of either is lost."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from chainpos.core.checkout.matching import SaleState
from chainpos.errors import UserFacingError
from chainpos.store.shop import ShopBook
from tests.till.bill_shop import BillShop

from .conftest import cny
from .test_staff import till_on

TIMEOUT_S = 90.0


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[BillShop]:
    made = BillShop(tmp_path)
    yield made
    await made.close()


@pytest.mark.parametrize("change", ["add", "undo", "park", "give_up", "show_code", "return_parts"])
async def test_a_late_payment_during_a_change_stands_in_the_book_as_at_the_counter(shop: BillShop, change: str) -> None:
    bills = shop.bills
    await bills.add("tea")
    await bills.add("tea")
    await bills.show_code()
    number = bills.stored.open_bills()[0].number
    # By this machine's clock alone: the ledger may still know better.
    await shop.becomes(1, SaleState.EXPIRED, final=False)
    await bills.add("bun")
    works: dict[str, Callable[[], Awaitable[object]]] = {
        "add": lambda: bills.add("egg"),
        "undo": bills.undo,
        "park": bills.park,
        "give_up": bills.give_up,
        "show_code": bills.show_code,
        "return_parts": bills.return_parts,
    }
    # The disk is slow: what is written waits until the block came.
    begun, slow = threading.Event(), threading.Event()

    def write_slowly() -> None:
        begun.set()
        assert slow.wait(TIMEOUT_S)

    shop.book.post(write_slowly)
    await asyncio.to_thread(begun.wait, TIMEOUT_S)
    try:
        changing = asyncio.ensure_future(works[change]())
        for _ in range(1_000):
            if shop.book._pool._work_queue.qsize():
                break
            await asyncio.sleep(0)
        paying = asyncio.create_task(shop.pay(1))
        await asyncio.sleep(0)
    finally:
        slow.set()
    await asyncio.gather(changing, paying, return_exceptions=True)
    assert changing.exception() is None or isinstance(changing.exception(), UserFacingError)
    await shop.book.call(lambda: None)
    assert shop.book.failure is None
    assert [tender.state for tender in bills.stored.tenders(number) if tender.sale == 1] == ["received"]
    booked = bills.stored.bill(number)
    assert booked is not None
    known = bills._open.get(number)
    if known is not None:
        assert (known.row.state, known.row.cart) == (booked.state, booked.cart)


@pytest.mark.slow
async def test_a_till_that_ends_with_a_bill_taken_up_again_has_its_waiting_code_in_hand(tmp_path: Path) -> None:
    """Also where a later sale was begun and put away: else the code could be paid, and no key would cancel it."""
    till = till_on(ShopBook(tmp_path / "shop.db"), tmp_path)
    await till.start()
    await till.bills.add_amount(cny(100))
    asked = await till.bills.show_code()
    assert asked is not None
    await till.bills.park()
    await till.request(cny(700))
    await till.dismiss()
    await till.bills.take_up(1)
    await till.stop()
    till = till_on(ShopBook(tmp_path / "shop.db"), tmp_path / "again")
    await till.start()
    sale = till.counter().sale
    assert sale is not None
    assert sale.reference == asked.reference
    await till.stop()
