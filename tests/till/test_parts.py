"""The till's small parts: references, presented requests, searches, its folder, its book's thread, halting."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import msgspec
import pytest

from chainpos.core.chain.genesis import GenesisDoc, GenesisValidator, dump_genesis
from chainpos.core.chain.params import DEFAULT
from chainpos.core.checkout.matching import LedgerFacts, SaleState
from chainpos.core.checkout.request import Terms, make_request
from chainpos.core.contracts.payments.messages import request_id
from chainpos.core.contracts.payments.records import Payment
from chainpos.core.values.amount import Amount
from chainpos.errors import StoreError, UserFacingError
from chainpos.rpc.backend import NodeReport
from chainpos.store.shop import Fact, ShopBook
from chainpos.till.book_thread import BookThread
from chainpos.till.counter import Till
from chainpos.till.home import TillHome, TillSettings
from chainpos.till.sale_views import row_view, search_book
from chainpos.till.sales import LINK, Sale, new_row, presented_in, reference_for
from chainpos.till.settlement import NOTHING_KNOWN
from chainpos.till.views import Link
from chainpos.wallet.keys import demo_key
from tests.core.blocks import charge, issue, pay, transaction
from tests.core.contracts.conftest import CHAIN_ID

from .conftest import Shop, cny, online, view_where

T0 = 1_767_225_600_000_000_000  # 2026-01-01 00:00 UTC
TILL = demo_key("till/1")


def _sale(number: int = 1, minor: int = 1000, now_ns: int = T0) -> Sale:
    now_s = now_ns // 10**9
    terms = Terms("TEAHOUSE", f"s-{number}", Amount(minor, "CNY"), now_s, now_s + 120)
    signed = make_request(terms, CHAIN_ID, TILL.public_key, TILL.sign)
    return Sale(new_row(number, signed, LINK, now_ns), signed)


def test_a_reference_names_day_till_and_number_by_the_networks_own_day() -> None:
    assert reference_for(42, TILL.address, T0, 0)[:6] == "260101"
    assert reference_for(42, TILL.address, T0 - 1, 0)[:6] == "251231"
    assert reference_for(42, TILL.address, T0 - 1, 8 * 3600)[:6] == "260101"
    assert reference_for(42, TILL.address, T0, 0).endswith("-0042")
    assert len(reference_for(10**9, TILL.address, T0, 0)) <= 25


def test_which_request_a_transaction_presents() -> None:
    for message in (pay("S1"), charge("S1", nonce=1)):
        presented = presented_in(transaction(message, "alice", expires_s=77), CHAIN_ID)
        assert presented is not None
        assert presented.request_id == request_id(CHAIN_ID, message.request)
        assert presented.until_s == 77
    assert presented_in(transaction(issue(), "eastbank"), CHAIN_ID) is None
    assert presented_in(b"junk" * 30, CHAIN_ID) is None
    assert presented_in(transaction(issue(), "alice", kind="payments.pay"), CHAIN_ID) is None


def test_a_sale_changes_only_by_what_is_known_of_it() -> None:
    sale = _sale()
    now_s = T0 // 10**9
    assert not sale.rejudge(5, now_s)
    sale.seen(b"h" * 32, now_s + 60, 0)
    assert sale.rejudge(5, now_s)
    assert sale.row.state == "seen"
    # What sat in the mempool past its own expiry is not there any more.
    assert sale.rejudge(5, now_s + 66)
    assert sale.row.state == "waiting"
    sale.refused(b"h" * 32, 504)
    assert sale.rejudge(5, now_s)
    assert (sale.state, sale.row.problem_code) == (SaleState.REFUSED, 504)
    request = sale.signed.request
    payment = Payment(
        sale.signed.id, "TEAHOUSE", "eastbank", request.till_key, request.reference, bytes(20), "eastbank", "CNY",
        1000, 0, 3, 1, request.instrument, "", 0, 1, 7, now_s,
    )  # fmt: skip
    sale.facts = LedgerFacts(7, now_s, payment)
    assert sale.rejudge(7, now_s)
    assert (sale.state, sale.final, sale.row.fee_minor, sale.row.problem_code) == (SaleState.PAID, False, 4, 0)
    assert sale.rejudge(8, now_s)
    assert (sale.state, sale.final, sale.row.watched) == (SaleState.CONFIRMED, True, False)
    assert not sale.rejudge(9, now_s)


def test_the_sales_list_is_searched_by_what_a_cashier_remembers(tmp_path: Path) -> None:
    with ShopBook(tmp_path / "shop.db") as book:
        for number, minor in ((1, 1250), (2, 125_000), (3, 700)):
            sale = _sale(number, minor, T0 + number * 3_600 * 10**9)
            book.add_sale(sale.row, Fact("requested", T0))

        def numbers(search: str, offset_s: int = 0) -> list[int]:
            return [row.number for row in search_book(book, search, "CNY", offset_s, 10)]

        assert numbers("") == [3, 2, 1]
        assert numbers("12.50") == [1]
        assert numbers("1250") == [2, 1]  # keyed it is 12.50, written 1,250.00
        assert numbers("s-2") == [2]
        assert numbers("02:00") == [2]
        assert numbers("9:00", 8 * 3600) == [1]
        assert numbers("９：００", 8 * 3600) == []
        assert numbers("\x1b[2J") == []
        assert numbers("%") == []
        view = row_view(book.sales()[0], NOTHING_KNOWN)
        assert (view.fee, view.refunded, view.money_state, view.qr) == (None, None, "", None)


def _genesis(*, demo: bool) -> bytes:
    app_state = json.dumps({"network": {"demo": demo, "utc_offset_s": 28_800}}).encode()
    validator = GenesisValidator(demo_key("validator").public_key, 10)
    return dump_genesis(GenesisDoc(CHAIN_ID, T0, 1, DEFAULT, (validator,), app_state=app_state))


def test_a_tills_folder_refuses_demo_keys_on_a_real_network_and_what_it_does_not_know(tmp_path: Path) -> None:
    settings = TillSettings("TEAHOUSE", "127.0.0.1:1", "CNY")
    with pytest.raises(UserFacingError, match="demo key"):
        TillHome(tmp_path / "a").create(_genesis(demo=False), settings, TILL)
    home = TillHome(tmp_path / "b")
    home.create(_genesis(demo=True), settings, TILL)
    assert home.settings() == settings
    assert home.key().demo
    home.genesis_path.write_bytes(_genesis(demo=False))
    with pytest.raises(UserFacingError, match="demo key"):
        home.key()
    home.settings_path.write_text('{"merchant":"X","node":"h:1","currency":"CNY","colour":"red"}')
    with pytest.raises(UserFacingError, match="not right"):
        home.settings()
    unknown = msgspec.structs.replace(settings, currency="XXX")
    with pytest.raises(UserFacingError, match="currency"):
        home.save_settings(unknown)
    home.settings_path.write_bytes(msgspec.json.encode(unknown))
    with pytest.raises(UserFacingError, match="currency"):
        home.settings()
    with pytest.raises(UserFacingError, match="no till"):
        TillHome(tmp_path / "c").settings()


def test_an_address_that_no_qr_can_carry_is_refused_when_the_till_opens(tmp_path: Path) -> None:
    home = TillHome(tmp_path / "a")
    settings = TillSettings("TEAHOUSE", "127.0.0.1:1", "CNY", link_address="-bad-:80")
    home.create(_genesis(demo=True), settings, TILL)
    with pytest.raises(UserFacingError, match="No QR code"):
        Till.open(home)
    # The book was let go again.
    ShopBook.open(home.book_path).close()


async def test_once_the_book_cannot_be_written_the_till_says_so(tmp_path: Path) -> None:
    with ShopBook(tmp_path / "shop.db") as book:
        thread = BookThread(book)
        thread.require_sound()
        thread.post(lambda: None)

        def fails() -> None:
            raise StoreError("the disk is full")

        thread.post(fails)
        await thread.call(lambda: None)
        with pytest.raises(UserFacingError, match="disk is full"):
            thread.require_sound()
        await thread.close()


async def test_a_till_whose_book_fails_sells_nothing(shop: Shop) -> None:
    till = await shop.open_till()
    await online(till)
    till._run.book.failure = StoreError("disk full")
    with pytest.raises(UserFacingError, match="cannot be written") as refused:
        await till.request(cny(100))
    assert refused.value.money_moved == "No money moved."
    till._run.book.failure = None


async def test_a_halted_node_and_a_contradiction_of_our_own_stop_the_selling(shop: Shop) -> None:
    till = await shop.open_till()
    await online(till)
    report = NodeReport(
        mode="peer", state="halted", chain_id=CHAIN_ID, moniker="m", version="v", height=4,
        halted_reason="wrong_app_hash at 5",
    )  # fmt: skip
    await till._run.desk.take_report(report)
    view = till.counter()
    assert (view.network.link, view.network.halted_reason) == (Link.HALTED, "wrong_app_hash at 5")
    with pytest.raises(UserFacingError, match="stopped"):
        await till.request(cny(100))


async def test_a_payment_record_that_is_not_of_its_request_halts_the_till(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    till = await shop.open_till()
    await online(till)
    sale = await till.request(cny(1000))
    watched = till._run.desk.find(sale.reference)
    assert watched is not None
    request = watched.signed.request
    other = Payment(
        watched.signed.id, "TEAHOUSE", "eastbank", request.till_key, request.reference, bytes(20), "eastbank", "CNY",
        999, 0, 3, 1, request.instrument, "", 0, 1, 1, 0,
    )  # fmt: skip
    watched.facts = LedgerFacts(2, 0, other)
    view = await view_where(till, lambda seen: seen.network.link is Link.HALTED)
    assert "not a payment of that request" in view.network.halted_reason
    with pytest.raises(UserFacingError, match="stopped"):
        await till.request(cny(100))


async def test_a_bug_of_our_own_shows_as_halted_and_is_raised_at_the_end(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    till = await shop.open_till()
    await online(till)

    def breaks() -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(till._run.desk, "tick", breaks)
    view = await view_where(till, lambda seen: seen.network.link is Link.HALTED)
    assert view.network.halted_reason == "till: ZeroDivisionError"
    with pytest.raises(ExceptionGroup):
        await shop.close_till(till)


async def test_a_view_comes_for_every_change_and_the_stream_ends_with_the_till(shop: Shop) -> None:
    till = await shop.open_till()
    seen: list[int] = []

    async def watch() -> None:
        async for view in till.changes():
            seen.append(len(view.recent))

    watching = asyncio.create_task(watch())
    for _ in range(3):
        await till.request(cny(100))
    await view_where(till, lambda view: len(view.recent) == 3)
    await shop.close_till(till)
    async with asyncio.timeout(60):
        await watching
    assert seen[0] == 0
    assert seen[-1] == 3
