"""An act whose asker is cut off while the book is being written: what the till knows is what its book has."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from chainpos.core.contracts.payments.messages import Cancel
from chainpos.core.values.amount import Amount
from chainpos.store.shop import ShopBook
from chainpos.store.shop_bills import BillRow
from chainpos.till.bill_views import TenderKind
from chainpos.till.book_thread import BookThread
from chainpos.till.outbox import Outbox
from chainpos.till.whole import whole
from chainpos.wallet.keys import demo_key
from tests.till.bill_shop import BillShop

from .conftest import HandClock, cny
from .shift_shop import shift_shop
from .test_staff import till_on

TIMEOUT_S = 30.0


@contextlib.asynccontextmanager
async def cut_off(book: BookThread, act: Awaitable[object]) -> AsyncIterator[None]:
    """Whoever asked for the act is cut off while the disk is at work on its first write; then the act is at its end."""
    stored: Any = book.book
    begun, slow, writing = threading.Event(), threading.Event(), book.book.writing

    def write_slowly() -> contextlib.AbstractContextManager[Any]:
        begun.set()
        assert slow.wait(TIMEOUT_S)
        return writing()

    stored.writing = write_slowly
    asked = asyncio.ensure_future(act)
    try:
        assert await asyncio.to_thread(begun.wait, TIMEOUT_S)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
    finally:
        slow.set()
        stored.writing = writing
    # All its calls follow each other closely.
    for _ in range(10):
        await book.call(lambda: None)
        await asyncio.sleep(0)
    yield
    assert book.failure is None


@pytest.mark.parametrize("act", ["add", "undo", "receive", "receive all", "show_code", "park", "give_up", "give back"])
async def test_a_bill_whose_form_is_closed_while_it_is_booked_is_at_the_counter_as_in_the_book(
    tmp_path: Path, act: str
) -> None:
    shop = BillShop(tmp_path)
    bills = shop.bills
    await bills.add("tea")
    if act == "give back":
        await bills.receive(TenderKind.CASH, cny(500))
    acts: dict[str, Callable[[], Awaitable[object]]] = {
        "add": lambda: bills.add_amount(cny(50)),
        "undo": bills.undo,
        "receive": lambda: bills.receive(TenderKind.CASH, cny(500)),
        "receive all": lambda: bills.receive(TenderKind.CASH, cny(1_200)),
        "show_code": bills.show_code,
        "park": bills.leave,
        "give_up": bills.give_up,
        "give back": bills.return_parts,
    }
    before = bills.stored.bill(1)
    known = bills._open[1]
    async with cut_off(shop.book, acts[act]()):
        booked: BillRow | None = bills.stored.bill(1)
        assert booked != before
        assert (known.row, known.tenders) == (booked, bills.stored.tenders(1))
    # And the next customer is served.
    await bills.leave()
    await bills.add("egg")
    await bills.receive(TenderKind.CASH, cny(250))
    await shop.close()


async def test_a_shift_whose_closing_is_cut_off_is_closed_at_the_till_too_and_the_next_one_opens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with shift_shop(tmp_path, monkeypatch, online=True) as shop:
        await shop.bills.add("tea")
        await shop.bills.receive(TenderKind.CASH, cny(1_200))
        async with cut_off(shop.book, shop.shifts.close(cny(1_200))):
            assert (await shop.shifts.closed_numbers(), shop.shifts.number) == ((1,), 0)
        async with cut_off(shop.book, shop.shifts.open(cny(0))):
            assert shop.shifts.number == 2
        assert (await shop.shifts.close(cny(0))).number == 2


async def test_what_was_signed_for_somebody_who_is_gone_is_on_its_way(tmp_path: Path) -> None:
    book = BookThread(ShopBook(tmp_path / "shop.db"))
    box = Outbox(book, HandClock(), demo_key("till"), "test-chain", bytes)
    async with cut_off(book, box.sign("refunds.refund", Cancel(b"request"), expires_s=2**32, number=3)):
        assert len(book.book.waiting()) == 1
        assert box.waits_for("refunds.refund", 3)
    await book.close()
    book.book.close()


async def test_a_sale_that_is_in_the_book_is_watched_also_where_nobody_waits_for_its_code_any_more(
    tmp_path: Path,
) -> None:
    till = till_on(ShopBook(tmp_path / "shop.db"), tmp_path)
    await till.shifts.open(Amount(0, "CNY"))
    async with cut_off(till._run.book, till.request(cny(100))):
        assert [row.number for row in till._run.book.book.watched_sales()] == [1]
        assert till._run.desk.find_number(1) is not None
    await till.stop()


async def test_an_act_tells_who_waits_what_it_came_to_and_what_went_wrong() -> None:
    @whole
    async def halve(number: int) -> int:
        await asyncio.sleep(0)
        if number % 2:
            raise ValueError("odd")
        return number // 2

    assert await halve(6) == 3
    with pytest.raises(ValueError, match="odd"):
        await halve(7)


async def test_between_the_parts_of_a_whole_act_nobody_elses_turn_comes() -> None:
    """A view of the till that was drawn there would show a sale booked and not in hand."""
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    @whole
    async def part() -> int:
        return turns

    @whole
    async def act() -> tuple[int, int]:
        return await part(), turns

    beside = asyncio.create_task(others())
    await asyncio.sleep(0)
    first, then = await act()
    beside.cancel()
    assert (first > 0, first) == (True, then)
