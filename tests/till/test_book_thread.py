"""Whoever waits at the counter comes before whoever looks into the book: a long look gives way to a sale."""

from __future__ import annotations

import asyncio
import sqlite3
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from chainpos.errors import StoreError, UserFacingError
from chainpos.store.shop import ShopBook
from chainpos.store.shop_errors import GaveWay, Unwritable
from chainpos.till.bill_views import TenderKind
from chainpos.till.book_thread import BookThread
from chainpos.till.sale_views import search_book

from .bill_shop import BillShop
from .conftest import Shop, cny, online, view_where

# A look of a second or so, in one statement.
LONG = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT count(*) AS number FROM n"
STEPS = 3_000_000


class Number(msgspec.Struct):
    number: int


@pytest.mark.parametrize("quick", ["a sale", "a list"])
async def test_a_sale_does_not_wait_for_a_long_look_nor_a_list_for_a_report_which_is_begun_anew_after_it(
    tmp_path: Path, quick: str
) -> None:
    thread = BookThread(ShopBook.open(tmp_path / "shop.db"))
    begun, order = asyncio.Event(), []
    loop = asyncio.get_running_loop()

    def look() -> list[Number]:
        loop.call_soon_threadsafe(begun.set)
        return thread.book.rows(LONG, [STEPS], Number)

    async def long() -> list[Number]:
        found = await (thread.read if quick == "a sale" else thread.study)(look)
        order.append("long")
        return found

    looking = asyncio.create_task(long())
    for number in range(3):
        await begun.wait()
        begun.clear()
        if quick == "a sale":
            await thread.call(lambda: thread.book.save_setting("sale", Number(number)))  # noqa: B023 - it is awaited
        else:
            await thread.read(lambda: thread.book.rows(LONG, [10], Number))
        order.append(f"quick {number}")
    assert [row.number for row in await looking] == [STEPS]
    assert order == ["quick 0", "quick 1", "quick 2", "long"]
    assert thread.failure is None
    await thread.close()
    thread.book.close()


def test_only_a_look_that_gives_way_is_left_off(tmp_path: Path) -> None:
    with ShopBook.open(tmp_path / "shop.db") as book:
        with pytest.raises(GaveWay):
            book.giving_way(lambda: book.rows(LONG, [100_000], Number), lambda: True)
        assert book.giving_way(lambda: search_book(book, "", "CNY", 0, 10), lambda: True) == []
        assert [row.number for row in book.rows(LONG, [100_000], Number)] == [100_000]


async def test_what_the_book_refuses_is_told_to_who_asked_and_closes_no_sales(tmp_path: Path) -> None:
    shop = BillShop(tmp_path)
    await shop.bills.add("tea")
    await shop.bills.receive(TenderKind.CASH, cny(1_200))
    row = shop.bills.stored.bill(1)
    assert row is not None
    with pytest.raises(UserFacingError, match="has it otherwise: a closed bill is not rewritten"):
        await shop.book.call(lambda: shop.bills.stored.put(row))
    shop.book.require_sound()
    # Where nobody waits for it, nobody else could be told.
    shop.book.post(lambda: shop.bills.stored.put(row))
    await shop.book.call(lambda: None)
    with pytest.raises(UserFacingError, match="cannot be written"):
        shop.book.require_sound()
    await shop.close()


async def test_what_could_not_be_written_is_written_in_its_order_before_anything_else_and_looks_go_on(
    tmp_path: Path,
) -> None:
    thread = BookThread(ShopBook.open(tmp_path / "shop.db"))
    book = thread.book
    book.save_setting("last", Number(0))
    other = sqlite3.connect(book.path, isolation_level=None)
    book._db.execute("PRAGMA busy_timeout = 10").fetchall()
    other.execute("BEGIN IMMEDIATE")
    written = []

    def write(number: int) -> None:
        book.save_setting("last", Number(number))
        written.append(number)

    for number in (1, 2):
        thread.post(partial(write, number))
    assert await thread.call(lambda: book.setting("last", Number)) == Number(0)
    await thread.mend()
    assert thread.passing
    other.execute("ROLLBACK")
    other.close()
    # It could be written now, and would stand before what happened before it.
    with pytest.raises(UserFacingError, match="another program holds it"):
        await thread.call(partial(write, 3))
    assert (written, await thread.read(lambda: book.setting("last", Number))) == ([], Number(0))
    await thread.mend()
    thread.require_sound()
    await thread.call(partial(write, 4))
    assert (written, book.setting("last", Number)) == ([1, 2, 4], Number(4))
    await thread.close()
    book.close()


async def test_the_code_of_a_request_waits_for_no_answer_of_the_node(shop: Shop) -> None:
    till = await shop.open_till()
    await online(till)
    never: Any = SimpleNamespace(publish_request=lambda *_: asyncio.Event().wait())
    till._run.connection.client = never
    sale = await asyncio.wait_for(till.sell(cny(100), ""), 0.5)
    asked = asyncio.create_task(till.request(cny(200)))
    await view_where(till, lambda view: view.sale is not None and view.sale.reference != sale.reference)
    assert not asked.done()
    assert (await asked).amount == cny(200)


async def test_damage_that_is_found_while_the_book_mends_is_not_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = ShopBook.open(tmp_path / "shop.db")
    thread = BookThread(book)
    thread.failure = Unwritable(book.path, sqlite3.OperationalError("full"))
    # Whoever asked before is told in the loop, while the book's own thread mends already.
    monkeypatch.setattr(book, "make_room", lambda: thread._remember(StoreError("a page is damaged")))
    await thread.mend()
    assert str(thread.failure) == "a page is damaged"
    with pytest.raises(UserFacingError, match="damaged"):
        thread.require_sound()
    await thread.close()
    book.close()
