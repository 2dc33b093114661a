"""Choosing what goes back, piece by piece, at the Sales screen."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainpos.console.screens.money_form import MoneyForm
from chainpos.console.screens.refund_items import ChooseItems
from chainpos.core.values.amount import Amount
from chainpos.store.shop_beside import ShopBeside
from chainpos.till.views import ItemView, TenderKind
from tests.console.looking import go, key_in, opened, settle, text_of
from tests.console.prepared_till import PIN, PreparedTill


def cny(minor: int) -> Amount:
    return Amount(minor, "CNY")


@pytest.mark.parametrize("language", ["en", pytest.param("zh", marks=pytest.mark.slow)])
async def test_ux11_items_are_refunded_piece_by_piece_with_pin_and_typed_amount(
    till: PreparedTill, tmp_path: Path, language: str
) -> None:
    till.items.items = (
        ItemView(place=1, name_en="Noodles", name_zh="牛肉面", pieces=3, refunded=1, due=cny(900)),
        ItemView(place=2, name_en="Tea\x1b[31m", name_zh="茶", pieces=1, refunded=0, due=cny(350)),
    )
    async with opened(till, tmp_path, language=language) as (app, pilot):
        await go(pilot, "sales")
        await key_in(pilot, "r")
        assert isinstance(app.screen, ChooseItems)
        await key_in(pilot, "enter")
        assert isinstance(app.screen, ChooseItems), "nothing is chosen"
        await key_in(pilot, "plus", "down", "space")
        text = text_of(app)
        assert "6.50" in text
        assert "\x1b" not in text
        await key_in(pilot, "enter")
        assert isinstance(app.screen, MoneyForm)
        assert "6.50" in text_of(app)
        await key_in(pilot, *"650", "tab", *PIN, "ctrl+y")
        await settle(pilot, 0.2)
    assert till.asked[-1] == ("refund", "K7Q2", cny(650), PIN, "650", "items 1x1,2x1")


async def test_another_amount_than_the_items_is_no_refund_of_items_and_a_key_goes_by_amount(
    till: PreparedTill, tmp_path: Path
) -> None:
    till.items.items = (ItemView(place=1, name_en="Noodles", name_zh="", pieces=1, refunded=0, due=cny(900)),)
    async with opened(till, tmp_path) as (app, pilot):
        await go(pilot, "sales")
        await key_in(pilot, "r", "a")
        assert isinstance(app.screen, MoneyForm)
        await key_in(pilot, *"100", "tab", *"100", "tab", *PIN, "ctrl+y")
        await settle(pilot, 0.2)
    assert till.asked[-1] == ("refund", "K7Q2", cny(100), PIN, "100")


async def test_pieces_that_come_to_more_than_can_go_back_are_not_taken_and_the_way_out_is_told(
    till: PreparedTill, tmp_path: Path
) -> None:
    till.items.items = (ItemView(place=1, name_en="Feast", name_zh="宴席", pieces=2, refunded=0, due=cny(999_998)),)
    async with opened(till, tmp_path) as (app, pilot):
        await go(pilot, "sales")
        await key_in(pilot, "r", "plus", "enter")
        assert isinstance(app.screen, ChooseItems)
        assert "can go back here: choose fewer" in text_of(app)
        await key_in(pilot, "a")
        assert isinstance(app.screen, MoneyForm)


async def test_ux11_items_of_a_bill_in_cash_go_back_from_the_drawer_named_in_the_book(
    till: PreparedTill, tmp_path: Path
) -> None:
    await till.bills.add("tea", "2")
    bill = await till.bills.receive(TenderKind.CASH, cny(2_400))
    await till.bills.leave()
    till.items.items = (ItemView(place=1, name_en="Jasmine tea", name_zh="茶", pieces=2, refunded=0, due=cny(2_400)),)
    async with opened(till, tmp_path) as (app, pilot):
        await go(pilot, "sales")
        await key_in(pilot, "slash", *"24.00", "enter", "r", "plus", "enter")
        assert isinstance(app.screen, MoneyForm)
        await key_in(pilot, *"1200", "enter", *PIN, "ctrl+y")
        assert "12.00 CNY given back by Cash." in text_of(app)
        (row,) = ShopBeside(till.shop.book.book).returns(bill.number)
    assert (row.amount_minor, row.reason) == (1_200, "items 1x1")
