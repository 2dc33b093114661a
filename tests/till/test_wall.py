"""The code on the wall, from the sheet to the money: printed, scanned, paid with a typed amount, known at the till."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import msgspec
import pytest
import zxingcpp
from PIL import Image

from chainpos.core.checkout.matching import SaleState
from chainpos.core.contracts.customers.codes import OVER_STATIC_CAP
from chainpos.core.values.amount import Amount
from chainpos.errors import UserFacingError
from chainpos.store.shop import Fact, ShopBook
from chainpos.till.counter import Till
from chainpos.till.views import CounterView, SaleView
from chainpos.till.wall_sheet import sheet_bytes, wall_sheet
from chainpos.wallet.offer import RefusedOffer
from chainpos.wallet.paying import End, PaymentResult

from .conftest import PIN, Shop, cny, offer_of, online, view_where
from .test_staff import till_on


async def pay_by(shop: Shop, name: str, text: str, amount: Amount) -> PaymentResult:
    wallet = shop.wallet(name)
    offer = await offer_of(wallet, text)
    assert (offer.leaves_amount, offer.amount.minor) == (True, 0)
    return await wallet.pay(offer.choosing(amount))


async def received(till: Till, count: int = 1) -> tuple[SaleView, ...]:
    def walls(view: CounterView) -> tuple[SaleView, ...]:
        return tuple(sale for sale in view.recent if sale.presented == "wall")

    return walls(await view_where(till, lambda view: len(walls(view)) >= count))


async def test_a_code_on_the_wall_is_paid_with_a_typed_amount_and_stands_in_the_sales_as_received_without_a_request(
    shop: Shop, tmp_path: Path, chinese_font: Path
) -> None:
    assert chinese_font
    till = await shop.open_till()
    await online(till)
    output = tmp_path / "wall.png"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "chainpos", "till", "wall-qr", "--home", str(shop.till_home().folder), "-o", str(output),
        "--json", stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await process.communicate()
    told = json.loads(out)
    assert told["daily_minor"] == 50_000
    with Image.open(output) as sheet:
        (code,) = zxingcpp.read_barcodes(sheet.convert("L"), try_invert=False)
    assert code.text == told["code"]
    result = await pay_by(shop, "erin", code.text, cny(1830))
    assert result.end is End.PAID
    (sale,) = await received(till)
    assert (sale.amount, sale.state, sale.height) == (cny(1830), SaleState.PAID, result.height)
    assert shop.states(sale.reference) == [SaleState.PAID]
    lines = "\n".join((await till.paper.look(sale.reference)).lines)
    assert "18.30 CNY" in lines
    back = await till.refund(sale.reference, cny(800), pin=PIN, typed_amount="800")
    assert (back.state, back.refunded) == (SaleState.PART_REFUNDED, cny(800))


async def test_the_wall_has_its_own_lower_cap_which_the_ledger_keeps(shop: Shop) -> None:
    till = await shop.open_till()
    await online(till)
    text = (await wall_sheet(shop.till_home())).text
    assert (await pay_by(shop, "erin", text, cny(50_000))).end is End.PAID
    over = await pay_by(shop, "erin", text, cny(1))
    # By a node at its door, or in a block: whichever saw the first payment before.
    assert (over.end in (End.REFUSED_AT_DOOR, End.REFUSED), over.code) == (True, OVER_STATIC_CAP.number)
    assert [sale.amount for sale in await received(till)] == [cny(50_000)]
    # The same customer may still pay what the till asks for.
    sale = await till.request(cny(60_000))
    wallet = shop.wallet("erin")
    assert (await wallet.pay(await offer_of(wallet, sale.link))).end is End.PAID


async def test_what_was_paid_by_the_wall_while_the_till_was_closed_is_found_once(shop: Shop) -> None:
    till = await shop.open_till()
    await online(till)
    text = (await wall_sheet(shop.till_home())).text
    await shop.close_till(till)
    for minor in (700, 900):
        assert (await pay_by(shop, "erin", text, cny(minor))).end is End.PAID
    till = await shop.open_till()
    assert {sale.amount.minor for sale in await received(till, 2)} == {700, 900}
    await shop.close_till(till)
    till = await shop.open_till()
    await online(till)
    assert len([sale for sale in (await till.sales()) if sale.presented == "wall"]) == 2


@pytest.mark.slow
async def test_a_till_that_ends_after_a_payment_by_the_wall_has_its_code_in_hand_again(tmp_path: Path) -> None:
    """Else its bill would say that a code can still be paid, and no key would be there to cancel it."""
    book = ShopBook(tmp_path / "shop.db")
    till = till_on(book, tmp_path)
    await till.start()
    await till.bills.add_amount(cny(100))
    asked = await till.bills.show_code()
    assert asked is not None
    row = book.sale(asked.reference)
    assert row is not None
    by_wall = msgspec.structs.replace(
        row, number=2, reference="261128-LP-0002", request_id=b"w" * 32, presented="wall", state="paid", watched=False,
        created_ns=row.created_ns + 1, height=3,
    )  # fmt: skip
    book.add_sale(by_wall, Fact("received", 1))
    await till.stop()
    till = till_on(ShopBook(tmp_path / "shop.db"), tmp_path / "again")
    await till.start()
    sale = till.counter().sale
    assert sale is not None
    assert sale.reference == asked.reference
    await till.stop()


async def test_an_amount_is_typed_where_it_is_left_open_and_nowhere_else(shop: Shop) -> None:
    till = await shop.open_till()
    await online(till)
    wallet = shop.wallet("erin")
    offer = await offer_of(wallet, (await wall_sheet(shop.till_home())).text)
    with pytest.raises(UserFacingError, match="leaves the amount to you"):
        await wallet.pay(offer)
    for wrong in (cny(0), Amount(5, "HKD")):
        with pytest.raises(RefusedOffer):
            offer.choosing(wrong)
    sale = await till.request(cny(100))
    fixed = await offer_of(wallet, sale.link)
    with pytest.raises(RefusedOffer, match="asks for"):
        fixed.choosing(cny(99))
    assert fixed.choosing(cny(100)).amount == cny(100)


@pytest.mark.parametrize("kind", [".svg", ".pdf", ".png", ".exe"])
async def test_the_sheet_comes_as_svg_pdf_and_png_and_as_nothing_else(
    shop: Shop, kind: str, chinese_font: Path
) -> None:
    assert chinese_font
    await online(await shop.open_till())
    sheet = await wall_sheet(shop.till_home())
    if kind == ".exe":
        with pytest.raises(UserFacingError, match="can be written"):
            sheet_bytes(sheet, kind)
        return
    content = sheet_bytes(sheet._replace(titles=("<script>&\x1b[31m", "柳荫茶馆")), kind)
    assert content.startswith({".svg": b"<svg", ".pdf": b"%PDF", ".png": b"\x89PNG"}[kind])
    # In the others the words are dots.
    assert kind != ".svg" or not (b"<script>" in content or b"\x1b" in content)
