"""The receipt: what is known, in the width of the paper, and nothing that a stranger's text could do to it."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainpos.core.checkout.receipt import Receipt, Seller, receipt_lines, width
from chainpos.core.checkout.request import SignedRequest
from chainpos.core.contracts.payments.records import Payment

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


def test_confirmation_tip_and_refund_appear_when_they_are_known(signed: SignedRequest, payment: Payment) -> None:
    tipped = msgspec.structs.replace(payment, tip_minor=100, refunded_minor=50)
    text = "\n".join(receipt_lines(Receipt(SELLER, signed, tipped, confirmed_height=8)))
    for part in ("Confirmed", "Tip", "13.50 CNY", "0.50 CNY"):
        assert part in text
    assert "Transaction" not in text


@given(
    columns=st.integers(24, 60),
    name=st.text(max_size=60),
    memo=st.text(max_size=90),
    institution=st.text(max_size=40),
)
def test_no_text_from_outside_breaks_the_paper(
    signed: SignedRequest, columns: int, name: str, memo: str, institution: str
) -> None:
    hostile = msgspec.structs.replace(signed, request=msgspec.structs.replace(signed.request, memo=memo))
    request = signed.request
    payment = Payment(
        signed.id, request.merchant, "bank-a", request.till_key, request.reference, bytes(20), institution,
        request.currency, 2**62, 0, 3, 1, request.instrument, "bank-b", 1, 0, 2**62, 1,
    )  # fmt: skip
    seller = msgspec.structs.replace(SELLER, name_en=name, name_zh=name)
    for line in receipt_lines(Receipt(seller, hostile, payment, bytes(32), 3), columns):
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
