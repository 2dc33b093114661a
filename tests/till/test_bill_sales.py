"""A bill end to end: rung up on a real till, paid in cash and by a real wallet, told to the customer's display."""

from __future__ import annotations

import asyncio
import time

import pytest

from chainpos.core.checkout.matching import SaleState
from chainpos.errors import UserFacingError
from chainpos.store.shop import ShopBook
from chainpos.store.shop_catalogue import ShopCatalogue
from chainpos.till.bill_views import BillState, TenderKind
from chainpos.till.display import DisplayFile

from .bill_shop import ARTICLES
from .conftest import PIN, Shop, cny, offer_of, online, sale_where, view_where


async def test_a_bill_part_in_cash_and_part_by_a_wallet_survives_a_restart_and_completes(shop: Shop) -> None:
    home = shop.till_home()
    with ShopBook.open(home.book_path) as book:
        ShopCatalogue(book).put(ARTICLES)
    till = await shop.open_till()
    await till.bills.add("soup", "2")
    await till.bills.receive(TenderKind.CASH, cny(2_000))
    await shop.close_till(till)
    till = await shop.open_till()
    await online(till)
    resumed = till.counter().bill
    assert resumed is not None
    assert (resumed.state, resumed.remaining) == (BillState.PAYING, cny(3_100))
    sale = await till.bills.show_code()
    assert sale is not None
    display = DisplayFile(home.display_path)
    wallet = shop.wallet("erin")
    offer = await offer_of(wallet, sale.link)
    assert (offer.amount, offer.memo) == (cny(3_100), resumed.reference)
    await wallet.pay(offer)
    await sale_where(till, sale.reference, SaleState.CONFIRMED)
    view = await view_where(till, lambda seen: seen.bill is not None and seen.bill.state is BillState.COMPLETE)
    assert view.bill is not None
    assert view.bill.received == cny(5_100)
    deadline = time.monotonic() + 20
    told = None
    while time.monotonic() < deadline:
        told = display.read(time.time())
        if told is not None and told.bill is not None and told.bill.state is BillState.COMPLETE:
            break
        await asyncio.sleep(0.02)
    assert told is not None
    assert told.sale is not None
    assert told.sale.state in {SaleState.PAID, SaleState.CONFIRMED}
    booked = await till.bills.of_sale(sale.reference)
    assert booked is not None
    assert [line.sku for line in booked.lines] == ["soup"]
    await shop.close_till(till)
    assert not home.display_path.exists()


@pytest.mark.slow
async def test_both_parts_of_a_mixed_bill_go_back_at_once_and_the_report_reconciles(shop: Shop) -> None:
    """51.00: 20.00 in cash, 31.00 by a wallet. Back go 5.00 of the cash and 31.00 on the ledger, and after a restart no
    more of that."""
    home = shop.till_home()
    with ShopBook.open(home.book_path) as book:
        ShopCatalogue(book).put(ARTICLES)
    till = await shop.open_till()
    await online(till)
    await till.bills.add("soup", "2")
    await till.bills.receive(TenderKind.CASH, cny(2_000))
    sale = await till.bills.show_code()
    assert sale is not None
    wallet = shop.wallet("erin")
    await wallet.pay(await offer_of(wallet, sale.link))
    await sale_where(till, sale.reference, SaleState.CONFIRMED)
    bill = await till.bills.of_sale(sale.reference)
    assert bill is not None
    _, refunded = await asyncio.gather(
        till.bills.beside.give_back(bill.reference, TenderKind.CASH, cny(500), pin=PIN, typed_amount="500"),
        till.refund(sale.reference, cny(3_100), pin=PIN, typed_amount="3100"),
    )
    assert (refunded.state, refunded.refunded) == (SaleState.REFUNDED, cny(3_100))
    await shop.close_till(till)
    till = await shop.open_till()
    await online(till)
    with pytest.raises(UserFacingError, match=r"at most 0\.00 CNY can be refunded"):
        await till.refund(sale.reference, cny(1), pin=PIN, typed_amount="1")
    with pytest.raises(UserFacingError, match=r"at most 15\.00 CNY can be given back"):
        await till.bills.beside.give_back(bill.reference, TenderKind.CASH, cny(1_501), pin=PIN, typed_amount="1501")
    receipt = "\n".join(await till.paper.receipt(sale.reference))
    for part in ("20.00 CNY", "GIVEN BACK 已退 *", "5.00 CNY", "PAID 已付", "REFUNDED 已退", "31.00 CNY"):
        assert part in receipt
    z = await till.shifts.close(cny(1_500))
    assert (z.expected_minor, z.differences) == (1_500, ())
    assert [(each.name, each.received, each.returned) for each in z.by_tender] == [
        ("cash", cny(2_000), cny(500)), ("ledger", cny(3_100), cny(3_100)),
    ]  # fmt: skip
