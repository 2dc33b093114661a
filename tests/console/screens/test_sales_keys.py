"""Keys of the list of sales that cannot be done with the one under the cursor say why, and are not offered."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainpos.console.screens.sales import SalesScreen
from chainpos.till.views import SaleView
from tests.console.looking import go, key_in, opened, text_of
from tests.console.prepared_till import PreparedTill


@pytest.mark.parametrize(("language", "pressed"), [("en", "r"), ("zh", "R"), ("en", "v"), ("zh", "p")])
async def test_a_key_that_only_a_paid_sale_has_says_so_of_another(
    till: PreparedTill, tmp_path: Path, language: str, pressed: str
) -> None:
    async with opened(till, tmp_path, language=language) as (app, pilot):
        await go(pilot, "sales")
        await key_in(pilot, "down", "down", pressed)
        assert isinstance(app.screen, SalesScreen)
        sale = app.screen.found.present
        assert isinstance(sale, SaleView)
        name = "sales.only_paid" if pressed in "rR" else "sales.no_receipt"
        words = app.texts(name, state=app.texts(f"sale_state.{sale.state.value}"))
        assert "".join(words.split()) in "".join(text_of(app).split())
        await key_in(pilot, "up")
        assert "".join(words.split()) not in "".join(text_of(app).split())
        assert [each for each in till.asked if each[0] in ("refund", "print", "look")] == []


async def test_who_prints_without_a_printer_is_told_how_a_receipt_is_had(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await go(pilot, "sales")
        await key_in(pilot, "p")
        shown = " ".join(text_of(app).split())
        assert "This till has no printer (till.json names it). v, then s saves the receipt as a file." in shown
        assert "Print" not in shown
