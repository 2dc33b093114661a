"""The receipt: what is known, in the width of the paper, and nothing that a stranger's text could do to it."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainpos.core.checkout.cart import Cart, Discount, Line, Tax
from chainpos.core.checkout.receipt import Receipt, Seller, Tendered, proof_caption, receipt_lines, width
from chainpos.core.checkout.request import SignedRequest
from chainpos.core.contracts.payments.records import Payment
from chainpos.core.values.amount import Amount

from .conftest import CHAIN

SELLER = Seller("tea-house", "Old Street Tea House", "老街茶馆", CHAIN, utc_offset_s=8 * 3600)


def test_a_receipt_says_what_was_paid_to_whom_and_where_to_find_it(signed: SignedRequest, payment: Payment) -> None:
    lines = receipt_lines(Receipt(SELLER, signed, payment, tx_hash=bytes(range(32))))
    text = "\n".join(lines)
    for part in (
        "老街茶馆",
        "Old Street Tea House",
        "260101-0001",
        "12.50 CNY",
        "2026-01-01 08:00:05",
        "tea 茶",
        CHAIN,
    ):
        assert part in text
    assert signed.id.hex() in text.replace("\n", "").replace(" ", "")
    assert bytes(range(32)).hex() in text.replace("\n", "").replace(" ", "")
    assert "Confirmed" not in text
    assert "REFUNDED" not in text
    assert "0.04" not in text  # the shop's fee is not the customer's business


@pytest.mark.parametrize(
    ("offset_s", "local", "clock"),
    [
        (8 * 3600, "2026-01-01 08:00:05", "UTC+08:00"),
        (-12_600, "2025-12-31 20:30:05", "UTC-03:30"),
        (0, "2026-01-01 00:00:05", "UTC"),
    ],
)
def test_a_receipts_time_names_its_clock_beside_it_or_on_narrow_paper_below(
    signed: SignedRequest, payment: Payment, offset_s: int, local: str, clock: str
) -> None:
    receipt = Receipt(msgspec.structs.replace(SELLER, utc_offset_s=offset_s), signed, payment)
    for columns in (24, 32, 42, 48):
        lines = receipt_lines(receipt, columns)
        assert all(width(line) <= columns for line in lines)
        at = next(number for number, line in enumerate(lines) if line.startswith("Time"))
        told = " ".join(" ".join(lines[at : at + 3]).split())
        assert f"{local} {clock}" in told
        # A time and its clock are one thing: neither is torn.
        assert any(line.endswith(local) or f"{local} {clock}" in line for line in lines)
        if columns > 32:
            assert lines[at].endswith(f"{local} {clock}")


def test_confirmation_tip_and_refund_appear_when_they_are_known(signed: SignedRequest, payment: Payment) -> None:
    tipped = msgspec.structs.replace(payment, tip_minor=100, refunded_minor=50)
    text = "\n".join(receipt_lines(Receipt(SELLER, signed, tipped, confirmed_height=8)))
    for part in ("Confirmed", "Tip", "13.50 CNY", "0.50 CNY"):
        assert part in text
    assert "Transaction" not in text


def test_a_receipt_of_a_cart_says_what_was_sold_its_tax_and_what_was_paid_beside_the_ledger(
    signed: SignedRequest, payment: Payment
) -> None:
    noodles = Line(sku="N", name_en="Noodles", name_zh="牛肉面", unit_minor=1800, quantity=2000, tax=Tax(60_000))
    tea = Line(sku="T", name_en="Tea", name_zh="茶", unit_minor=990, quantity=1250, discount=Discount(minor=37))
    cart = Cart("CNY", (noodles, tea), tip_minor=200)
    others = (Tendered("Cash", "现金", Amount(3550, "CNY")),)
    lines = receipt_lines(Receipt(SELLER, signed, payment, cart=cart, others=others, copy=2))
    text = "\n".join(lines)
    for part in (
        "* COPY 副本 2 *", "牛肉面", "Noodles", "2 x 18.00", "36.00", "1.25 x 9.90", "12.38", "-0.37",
        "Tax 税 6% incl. 含", "2.04", "TOTAL 合计", "50.01 CNY", "2.00 CNY", "Cash 现金 *", "35.50 CNY",
        "* beside the ledger 账本之外",
    ):  # fmt: skip
        assert part in text
    assert all(width(line) <= 32 for line in lines)
    assert "GIVEN BACK" not in text
    back = receipt_lines(Receipt(SELLER, signed, payment, cart=cart, others=others, returned=Amount(550, "CNY")))
    assert "GIVEN BACK 已退 *       5.50 CNY" in back


def test_what_stands_beside_the_codes_says_what_they_prove_and_what_not() -> None:
    for columns in (24, 32, 48):
        lines = proof_caption(2, columns)
        assert all(width(line) <= columns for line in lines)
        text = "".join(line.replace(" ", "") for line in lines)
        assert "provesthepayment" in text
        assert "不证明" in text


@given(
    columns=st.integers(24, 60),
    name=st.text(max_size=60),
    memo=st.text(max_size=90),
    institution=st.text(max_size=40),
    copy=st.integers(0, 10**6),
)
def test_no_text_from_outside_breaks_the_paper(
    signed: SignedRequest, columns: int, name: str, memo: str, institution: str, copy: int
) -> None:
    hostile = msgspec.structs.replace(signed, request=msgspec.structs.replace(signed.request, memo=memo))
    request = signed.request
    payment = Payment(
        signed.id, request.merchant, "bank-a", request.till_key, request.reference, bytes(20), institution,
        request.currency, 2**62, 0, 3, 1, request.instrument, "bank-b", 1, 0, 2**62, 1,
    )  # fmt: skip
    seller = msgspec.structs.replace(SELLER, name_en=name, name_zh=name)
    cart = Cart("CNY", (Line(sku="X", name_en=name, name_zh=memo, unit_minor=2**40, quantity=9_999_999),))
    others = (Tendered(name, memo, Amount(2**62, "CNY")),)
    receipt = Receipt(seller, hostile, payment, bytes(32), 3, cart, others, copy)
    for line in receipt_lines(receipt, columns):
        assert width(line) <= columns
        assert not any(ord(character) < 32 or ord(character) == 127 for character in line)


@pytest.mark.parametrize(
    ("text", "columns"), [("", 0), ("abc", 3), ("茶", 2), ("，", 2), ("Ａ", 2), ("é", 1), ("🍵", 2)]
)
def test_chinese_takes_two_columns(text: str, columns: int) -> None:
    assert width(text) == columns


def test_too_narrow_a_paper_is_refused(signed: SignedRequest, payment: Payment) -> None:
    with pytest.raises(ValueError, match="24"):
        receipt_lines(Receipt(SELLER, signed, payment), 23)
