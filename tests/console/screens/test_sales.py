"""Sales: finding one, reading it, refunding it (ux 9, 11). Enter alone never refunds."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from textual.widgets import Input

from chainpos.console.screens.money_form import MoneyForm
from chainpos.console.widgets.facts import Facts
from chainpos.console.widgets.way import Way
from chainpos.core.values.amount import Amount
from chainpos.till.views import PrinterView, SaleState, TenderKind
from tests.console.looking import go, key_in, opened, scan, settle, text_of
from tests.console.prepared_figures import cny
from tests.console.prepared_till import PIN, PreparedTill


async def test_ux11_a_sale_is_found_by_amount_or_reference_while_typing(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await go(pilot, "sales")
        await key_in(pilot, "slash", *"h3")
        shown = text_of(app)
        assert "H3ZD" in shown
        assert "K7Q2" not in shown
        await key_in(pilot, "escape")
        assert "K7Q2" in text_of(app)
        await key_in(pilot, "slash", *"zzz")
        assert "Nothing matches “zzz”." in text_of(app)


async def test_the_sale_under_the_cursor_is_told_in_full(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path, size=(120, 40)) as (app, pilot):
        await go(pilot, "sales")
        await key_in(pilot, "down", "down", "down")
        shown = text_of(app)
        for part in ("T5RW", "The customer sent", "Refused because"):
            assert part in shown


async def test_ux9_a_refund_needs_the_amount_twice_and_the_pin_and_a_key_of_its_own(
    till: PreparedTill, tmp_path: Path
) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await go(pilot, "sales")
        await key_in(pilot, "r", *"500", "enter", *"500", "enter", *PIN)
        assert not any(asked[0] == "refund" for asked in till.asked)
        await key_in(pilot, "enter", "enter", "enter")
        assert not any(asked[0] == "refund" for asked in till.asked)
        assert "Enter alone does not refund" in text_of(app)
        await key_in(pilot, "ctrl+y")
        assert till.asked[-1] == ("refund", "K7Q2", cny(500), PIN, "500")
        assert "Refund of 5.00 CNY sent for sale K7Q2." in text_of(app)
        assert "Part refunded" in text_of(app)


@pytest.mark.parametrize(
    ("amount", "again", "pin", "says"),
    [
        ("500", "501", PIN, "The two amounts differ."),
        ("999999", "999999", PIN, "At most 12.50 CNY can be refunded."),
        ("500", "500", "", "Enter the PIN."),
        ("0", "0", PIN, "This sends money back"),
    ],
)
async def test_ux9_a_refund_that_is_not_complete_cannot_be_sent(
    till: PreparedTill, tmp_path: Path, amount: str, again: str, pin: str, says: str
) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await go(pilot, "sales")
        await key_in(pilot, "r")
        for field, value in (("#form-amount", amount), ("#form-again", again), ("#form-pin", pin)):
            app.screen.query_one(field, Input).value = value
        await settle(pilot)
        assert app.screen.query_one("#confirm", Way).disabled
        await key_in(pilot, "ctrl+y")
        assert not any(asked[0] == "refund" for asked in till.asked)
        assert says in text_of(app)


async def test_a_wrong_pin_is_told_where_it_was_typed_and_is_not_kept(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await go(pilot, "sales")
        await key_in(pilot, "r", *"500", "enter", *"500", "enter", *"0000", "ctrl+y")
        assert isinstance(app.screen, MoneyForm)
        assert "The PIN is wrong." in text_of(app)
        assert app.screen.query_one("#form-pin", Input).value == ""


async def test_the_pin_is_not_shown(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await go(pilot, "sales")
        await key_in(pilot, "r")
        app.screen.query_one("#form-pin", Input).value = PIN
        await settle(pilot)
        assert PIN not in text_of(app)


async def test_a_sale_that_was_not_paid_offers_no_refund(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await go(pilot, "sales")
        await key_in(pilot, "down", "down", "r")
        assert not isinstance(app.screen, MoneyForm)
        assert "Refund" not in text_of(app).splitlines()[-1]


async def test_a_scanned_receipt_is_looked_for(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await go(pilot, "sales")
        await scan(pilot, "RECEIPT-H3ZD")
        assert app.screen.query_one("#find", Input).value == "RECEIPT-H3ZD"


async def _cash_sale(till: PreparedTill) -> str:
    await till.bills.add("tea")
    bill = await till.bills.receive(TenderKind.CASH, cny(2_000))
    await till.bills.leave()
    return bill.reference


async def test_ux11_a_bill_paid_in_cash_is_in_the_list_and_says_that_it_is_beside_the_ledger(
    till: PreparedTill, tmp_path: Path
) -> None:
    reference = await _cash_sale(till)
    async with opened(till, tmp_path, size=(120, 40)) as (app, pilot):
        await go(pilot, "sales")
        await key_in(pilot, "slash", *"12.00", "enter")
        shown = text_of(app)
        assert "◆ Cash" in shown
        assert "Beside the ledger: no network knows of it" in " ".join(shown.split())
        assert "Jasmine tea" in shown
        await key_in(pilot, "v")
        assert till.asked[-1] == ("look", reference)
        await key_in(pilot, "escape")
        till.push(printer=PrinterView(is_set=True))
        await settle(pilot)
        await key_in(pilot, "p")
        assert till.asked[-1] == ("print", reference)


async def test_ux11_cash_of_a_bill_beside_the_ledger_is_given_back_with_the_amount_twice_and_a_pin(
    till: PreparedTill, tmp_path: Path
) -> None:
    reference = await _cash_sale(till)
    async with opened(till, tmp_path) as (app, pilot):
        await go(pilot, "sales")
        await key_in(pilot, "slash", *"12.00", "enter", "r", *"500", "enter", *"500", "enter", *PIN)
        assert "By Cash, at most 12.00 CNY." in text_of(app)
        await key_in(pilot, "enter")
        assert await _given_back(till, reference) == cny(0)
        await key_in(pilot, "ctrl+y")
        assert "5.00 CNY given back by Cash." in text_of(app)
        assert await _given_back(till, reference) == cny(500)


async def _given_back(till: PreparedTill, reference: str) -> Amount:
    (bill,) = await till.bills.beside.found(reference, 1)
    return bill.returned


async def _mixed_sale(till: PreparedTill) -> str:
    """12.00, of which 5.00 in cash; the ledger's sale is the newest."""
    await till.bills.add("tea")
    await till.bills.receive(TenderKind.CASH, cny(500))
    assert await till.bills.show_code() is not None
    till.move_sale(SaleState.CONFIRMED)
    sale = till.view.sale
    assert sale is not None
    till.book = (sale, *till.book)
    await till.bills.leave()
    return sale.reference


async def test_ux11_of_a_sale_paid_in_part_in_cash_r_asks_which_part_goes_back_each_the_way_it_came(
    till: PreparedTill, tmp_path: Path
) -> None:
    reference = await _mixed_sale(till)
    async with opened(till, tmp_path) as (app, pilot):
        await go(pilot, "sales")
        await key_in(pilot, "r")
        rows = [" ".join(row.split()) for row in text_of(app).splitlines()]
        assert any("Which part goes back?" in row and reference in row for row in rows)
        assert any("Code: to the payer's account 7.00 7.00" in row for row in rows)
        assert any("Cash: from the drawer 5.00 5.00" in row for row in rows)
        await key_in(pilot, "down", "enter")
        assert "By Cash, at most 5.00 CNY." in text_of(app)
        await key_in(pilot, *"500", "enter", *"500", "enter", *PIN, "enter", "ctrl+y")
        assert "5.00 CNY given back by Cash." in text_of(app)
        assert not any(asked[0] == "refund" for asked in till.asked)
        told = {fact.label: fact.value for fact in app.screen.query_one("#sale", Facts).facts}
        assert told["sales.given_back"] == "Cash 5.00 CNY"
        # What is left is the ledger's alone: nothing more is asked than for any sale.
        await key_in(pilot, "r")
        assert "Paid 7.00 CNY, refunded so far 0.00 CNY." in text_of(app)


async def test_the_cash_of_a_sale_whose_ledger_part_is_refunded_can_still_be_given_back(
    till: PreparedTill, tmp_path: Path
) -> None:
    await _mixed_sale(till)
    refunded = msgspec.structs.replace(till.book[0], state=SaleState.REFUNDED, refunded=cny(700))
    till.book = (refunded, *till.book[1:])
    async with opened(till, tmp_path) as (app, pilot):
        await go(pilot, "sales")
        await key_in(pilot, "r")
        assert "By Cash, at most 5.00 CNY." in text_of(app)
        await key_in(pilot, *"500", "enter", *"500", "enter", *PIN, "ctrl+y")
        told = {fact.label: fact.value for fact in app.screen.query_one("#sale", Facts).facts}
        assert (told["sales.refunded"], told["sales.given_back"]) == ("7.00 CNY", "Cash 5.00 CNY")
        await key_in(pilot, "r")
        assert not isinstance(app.screen, MoneyForm)
