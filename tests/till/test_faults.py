"""Faults of the machine, each injected for real: a full disk, a damaged book, a wrong clock."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from pathlib import Path

import msgspec
import pytest

from chainpos.core.checkout.matching import SaleState
from chainpos.core.contracts.merchants.messages import AddTill, RevokeTill
from chainpos.errors import EXIT_CORRUPT, UserFacingError
from chainpos.store.shop import ShopBook
from chainpos.till import running
from chainpos.till.counter import Till
from chainpos.till.home import TillHome, TillSettings
from chainpos.till.views import Link
from chainpos.till.wall_sheet import wall_sheet
from chainpos.wallet.paying import End
from tests.core.blocks import transaction
from tests.core.contracts.conftest import CNY

from .conftest import (
    MERCHANT,
    TIMEOUT_S,
    ShiftedClock,
    Shop,
    cny,
    offer_of,
    online,
    sale_where,
    signing_key,
    view_where,
)
from .test_staff import till_on
from .test_wall import pay_by, received


async def sell_on(till: Till) -> None:
    """Until it is refused."""
    for _ in range(2_000):
        await till.request(cny(1))


async def told(shop: Shop, reference: str, state: SaleState) -> None:
    async with asyncio.timeout(TIMEOUT_S):
        while state not in shop.states(reference):  # noqa: ASYNC110 - the till tells an observer
            await asyncio.sleep(0.02)


async def test_a_full_disk_closes_sales_says_so_and_loses_none_that_was_shown(shop: Shop) -> None:
    till = await shop.open_till()
    await online(till)
    shown = await till.request(cny(1250))
    # SQLite's own "disk is full", as from a full disk.
    db = till._run.book.book._db
    (row,) = db.query("PRAGMA page_count")
    db.execute(f"PRAGMA max_page_count = {row['page_count']}").fetchall()
    with pytest.raises(UserFacingError, match="full"):
        await sell_on(till)
    view = await view_where(till, lambda view: any(fault.kind == "book" for fault in view.faults))
    assert "full" in view.faults[0].reason
    with pytest.raises(UserFacingError, match="cannot be written") as refused:
        await till.request(cny(1))
    assert "Make room" in refused.value.next_step
    # What was shown before is watched all the same, and is money when the ledger has it.
    wallet = shop.wallet("erin")
    await wallet.pay(await offer_of(wallet, shown.link))
    await told(shop, shown.reference, SaleState.PAID)
    await shop.close_till(till)
    till = await shop.open_till()
    await online(till)
    assert (await till.sales(shown.reference))[0].state in (SaleState.PAID, SaleState.CONFIRMED)
    assert till.counter().faults == ()
    await till.request(cny(1))


def held(book: ShopBook) -> sqlite3.Connection:
    """Another program that writes into the book, and does not end; the till waits for it a moment only."""
    book._db.execute("PRAGMA busy_timeout = 200").fetchall()
    other = sqlite3.connect(book.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    return other


@pytest.mark.parametrize("cause", ["held", "full"])
async def test_a_book_that_can_be_written_again_opens_the_sales_by_itself_with_nothing_lost_or_doubled(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, cause: str
) -> None:
    monkeypatch.setattr(running, "MEND_S", 0.05)
    till = await shop.open_till()
    await online(till)
    shown = await till.request(cny(1250))
    book = till._run.book.book
    db = book._db
    other = held(book)
    if cause == "full":
        other.execute("ROLLBACK")
        (row,) = db.query("PRAGMA page_count")
        db.execute(f"PRAGMA max_page_count = {row['page_count']}").fetchall()
    with pytest.raises(UserFacingError, match=r"full|another program") as refused:
        await sell_on(till)
    assert "by themselves" in refused.value.next_step
    number = book.next_number()
    # PAID is said as ever, and the book cannot take it.
    wallet = shop.wallet("erin")
    await wallet.pay(await offer_of(wallet, shown.link))
    await told(shop, shown.reference, SaleState.CONFIRMED)
    assert [fault.kind for fault in till.counter().faults] == ["book"]
    if cause == "full":
        db.execute("PRAGMA max_page_count = 1000000").fetchall()
    else:
        other.execute("ROLLBACK")
    other.close()
    await view_where(till, lambda view: not view.faults)
    assert (await till.request(cny(300))).state is SaleState.WAITING
    row_in_book = book.sale(shown.reference)
    assert row_in_book is not None
    assert row_in_book.state == SaleState.CONFIRMED.value
    kinds = [fact.kind for fact in book.facts(row_in_book.number)]
    assert (kinds.count("paid"), kinds.count("confirmed"), len(kinds)) == (1, 1, len(set(kinds)))
    assert book.next_number() == number + 1


@pytest.mark.slow
async def test_a_payment_by_the_wall_that_cannot_be_booked_stops_nothing_and_is_booked_once_it_can_be(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "CATCH_UP_PAUSE_NS", 10**8)
    till = await shop.open_till()
    await online(till)
    shown = await till.request(cny(1250))
    text = (await wall_sheet(shop.till_home())).text
    other = held(till._run.book.book)
    assert (await pay_by(shop, "erin", text, cny(1830))).end is End.PAID
    view = await view_where(till, lambda view: bool(view.faults))
    assert "another program holds it" in view.faults[0].reason
    # The connection breaks, and the till looks round with a book that fails.
    await shop.peer.stop()
    await view_where(till, lambda view: view.network.link is Link.OFFLINE)
    await shop.restart_peer()
    await online(till)
    # The customer before the counter pays what it shows.
    wallet = shop.wallet("bob")
    await wallet.pay(await offer_of(wallet, shown.link))
    await sale_where(till, shown.reference, SaleState.CONFIRMED)
    assert await received(till, 0) == ()
    other.execute("ROLLBACK")
    other.close()
    assert [sale.amount for sale in await received(till)] == [cny(1830)]
    await shop.close_till(till)
    till = await shop.open_till()
    await online(till)
    assert {(sale.presented, sale.amount.minor, sale.state) for sale in await till.sales()} == {
        ("wall", 1830, SaleState.PAID), ("link", 1250, SaleState.CONFIRMED),
    }  # fmt: skip


async def test_a_till_whose_book_another_program_holds_at_its_start_looks_for_its_node_all_the_same(
    tmp_path: Path,
) -> None:
    book = ShopBook(tmp_path / "shop.db")
    till = till_on(book, tmp_path)
    other = held(book)
    await till.start()
    view = await view_where(till, lambda view: bool(view.faults))
    assert (view.faults[0].kind, view.network.link) == ("book", Link.OFFLINE)
    other.close()
    await till.stop()


async def test_what_cannot_be_put_aside_stays_on_the_counter_whole(tmp_path: Path) -> None:
    book = ShopBook(tmp_path / "shop.db")
    till = till_on(book, tmp_path)
    await till.bills.add_amount(cny(700))
    await till.bills.show_code()
    other = held(book)
    for put_aside in (till.dismiss, till.bills.park):
        with pytest.raises(UserFacingError, match=r"cannot be written: another program holds it\."):
            await put_aside()
        view = till.counter()
        assert view.sale is not None
        assert view.bill is not None
        assert view.held == ()
    other.close()
    await till.stop()


async def test_a_damaged_book_is_said_with_the_way_out_and_an_empty_one_begins(shop: Shop) -> None:
    till = await shop.open_till()
    await till.request(cny(1250))
    await shop.close_till(till)
    path = shop.till_home().book_path
    content = bytearray(path.read_bytes())
    content[:32] = bytes(32)
    path.write_bytes(content)
    with pytest.raises(UserFacingError, match="is damaged") as refused:
        await shop.open_till()
    assert refused.value.exit_code == EXIT_CORRUPT
    assert "the ledger still has every payment" in refused.value.next_step
    path.rename(path.with_suffix(".damaged"))
    till = await shop.open_till()
    await online(till)
    assert (await till.request(cny(1))).state is SaleState.WAITING


@pytest.mark.slow
async def test_pages_that_rot_within_the_book_close_the_sales(shop: Shop) -> None:
    till = await shop.open_till()
    await online(till)
    for _ in range(60):
        await till.request(cny(1))
    await shop.close_till(till)
    path = shop.till_home().book_path
    with ShopBook.open(path) as book:
        (row,) = book._db.query("SELECT rootpage FROM sqlite_schema WHERE name = 'facts'")
        (size,) = book._db.query("PRAGMA page_size")
    content = bytearray(path.read_bytes())
    at = (row["rootpage"] - 1) * size["page_size"]
    content[at : at + size["page_size"]] = b"\xff" * size["page_size"]
    path.write_bytes(content)
    till = await shop.open_till()
    with pytest.raises(UserFacingError, match=r"malformed|cannot be written"):
        await till.request(cny(1))
    view = await view_where(till, lambda view: bool(view.faults))
    assert view.faults[0].kind == "book_broken"
    # A damaged book may take one write and lose the next: nobody opens the sales by trying.
    await till._run.book.mend()
    with pytest.raises(UserFacingError, match="cannot be written") as refused:
        await till.request(cny(1))
    assert "Restore a copy" in refused.value.next_step


@pytest.mark.parametrize(("shift_s", "kind"), [(3_600, "clock_ahead"), (-3_600, "clock_behind"), (0, "")])
async def test_a_wrong_clock_is_held_against_verified_blocks_and_said(shop: Shop, shift_s: int, kind: str) -> None:
    till = await shop.open_till(clock=ShiftedClock(shift_s), life_s=7_200)
    await online(till)
    sale = await till.request(cny(1250))
    wallet = shop.wallet("erin")
    await wallet.pay(await offer_of(wallet, sale.link))
    await sale_where(till, sale.reference, SaleState.CONFIRMED)
    if not kind:
        assert till.counter().faults == ()
        return
    view = await view_where(till, lambda view: bool(view.faults))
    (fault,) = view.faults
    assert (fault.kind, 3_500 < fault.seconds < 3_700) == (kind, True)


async def act_as_owner(shop: Shop, message: msgspec.Struct, nonce: int) -> None:
    client = await shop.nodes.client(shop.peer)
    wire = transaction(message, f"{MERCHANT}.owner", nonce=nonce, expires_s=int(time.time()) + 300)
    await shop.in_block(client, (await client.broadcast_tx_sync(wire)).hash)


async def test_a_till_that_is_not_the_shops_sells_nothing_and_says_so_until_its_key_is_added(shop: Shop) -> None:
    home, key = TillHome(shop.folder / "new"), signing_key("new till")
    home.create(shop.genesis, TillSettings(MERCHANT, shop.peer.rpc, CNY), key)
    ShopBook.open(home.book_path).close()
    till = Till.open(home)
    shop._tills.append(till)
    # Nobody knows yet: such a till sells, as offline.
    assert (await till.request(cny(1))).state is SaleState.WAITING
    await till.start()
    view = await view_where(till, lambda view: bool(view.faults))
    assert [(fault.kind, fault.reason) for fault in view.faults] == [("not_added", MERCHANT)]
    assert view.network.link is Link.ONLINE
    with pytest.raises(UserFacingError, match="no code can be paid") as refused:
        await till.request(cny(1250))
    assert (refused.value.money_moved, "add this till's key" in refused.value.next_step) == ("No money moved.", True)
    assert len(await till.sales()) == 1
    await act_as_owner(shop, AddTill(MERCHANT, key.public_key, "Counter 2", 100_000, 0), 1)
    assert (await view_where(till, lambda view: not view.faults)).shop.till == "Counter 2"
    assert (await till.request(cny(1250))).state is SaleState.WAITING


@pytest.mark.slow
async def test_a_till_that_the_owner_took_out_sells_nothing_and_says_so_while_its_node_is_online(shop: Shop) -> None:
    till = await shop.open_till()
    await online(till)
    await act_as_owner(shop, RevokeTill(MERCHANT, signing_key(f"{MERCHANT}.till").public_key), 2)
    assert [fault.kind for fault in (await view_where(till, lambda view: bool(view.faults))).faults] == ["taken_out"]
    with pytest.raises(UserFacingError, match="has taken this till out"):
        await till.request(cny(1))
    await shop.peer.stop()
    await view_where(till, lambda view: view.network.link is Link.OFFLINE and not view.faults)
    assert (await till.request(cny(1))).state is SaleState.WAITING
