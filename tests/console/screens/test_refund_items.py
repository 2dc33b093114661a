"""Choosing what goes back, piece by piece, at the Sales screen."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainpos.console.screens.money_form import MoneyForm
from chainpos.console.screens.refund_items import ChooseItems
from chainpos.core.values.amount import Amount
from chainpos.till.views import ItemView
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
