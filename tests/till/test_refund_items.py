"""Refunds by item: the pieces of a bill go back for exactly what they cost, and none goes back twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainpos.core.checkout.matching import SaleState
from chainpos.core.values.amount import Amount
from chainpos.errors import UserFacingError
from chainpos.store.shop import ShopBook
from chainpos.store.shop_catalogue import ShopCatalogue
from chainpos.till.refund_items import MAX_REASON_BYTES, RefundItems
from chainpos.till.views import ItemView

from .bill_shop import ARTICLES
from .conftest import PIN, Shop, cny, offer_of, online, sale_where

SUMS: RefundItems = RefundItems.__new__(RefundItems)


def item(place: int, pieces: int, refunded: int, due: int) -> ItemView:
    return ItemView(place=place, name_en="x", name_zh="", pieces=pieces, refunded=refunded, due=cny(due))


@given(due=st.integers(0, 10**12), pieces=st.integers(1, 500), order=st.data())
def test_pieces_that_go_back_a_few_at_a_time_come_to_exactly_what_they_cost(
    due: int, pieces: int, order: st.DataObject
) -> None:
    back, total = 0, 0
    while back < pieces:
        some = order.draw(st.integers(1, pieces - back))
        amount = SUMS.amount([item(1, pieces, back, due)], {1: some})
        assert 0 <= amount.minor <= due
        back, total = back + some, total + amount.minor
    assert total == due
    with pytest.raises(UserFacingError, match="not left"):
        SUMS.amount([item(1, pieces, back, due)], {1: 1})


@given(chosen=st.dictionaries(st.integers(1, 500), st.integers(0, 9_999), max_size=40))
def test_a_reason_fits_the_ledger_and_names_no_article(chosen: dict[int, int]) -> None:
    reason = SUMS.reason(chosen)
    assert len(reason.encode()) <= MAX_REASON_BYTES
    assert set(reason) <= set("items 0123456789x,")


async def test_an_item_of_a_paid_bill_goes_back_and_is_known_to_have_gone_back(shop: Shop) -> None:
    with ShopBook.open(shop.till_home().book_path) as book:
        ShopCatalogue(book).put(ARTICLES)
    till = await shop.open_till()
    await online(till)
    await till.bills.add("soup", "3")
    await till.bills.add("tea")
    sale = await till.bills.show_code()
    assert sale is not None
    wallet = shop.wallet("erin")
    await wallet.pay(await offer_of(wallet, sale.link))
    await sale_where(till, sale.reference, SaleState.CONFIRMED)
    items = await till.items.of(sale.reference)
    assert [(each.place, each.pieces, each.refunded) for each in items] == [(1, 3, 0), (2, 1, 0)]
    assert sum(each.due.minor for each in items) == sale.amount.minor
    chosen = {1: 2}
    amount = till.items.amount(items, chosen)
    done = await till.refund(
        sale.reference, amount, pin=PIN, typed_amount=str(amount.minor), reason=till.items.reason(chosen)
    )
    assert (done.state, done.refunded) == (SaleState.PART_REFUNDED, amount)
    again = await till.items.of(sale.reference)
    assert [(each.place, each.refunded) for each in again] == [(1, 2), (2, 0)]
    with pytest.raises(UserFacingError, match="not left"):
        till.items.amount(again, {1: 2})
    rest = till.items.amount(again, {1: 1, 2: 1})
    assert rest == Amount(sale.amount.minor - amount.minor, "CNY")
    # A sale from the keypad has no items.
    assert await till.items.of((await till.request(cny(1))).reference) == ()
