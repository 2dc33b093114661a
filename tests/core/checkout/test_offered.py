"""What a wallet scans: the link, or an EMVCo code around it that must say what the till signed."""

from __future__ import annotations

import msgspec
import pytest

from chainpos.core.checkout.emvco import Additional, MalformedCode, build, parse
from chainpos.core.checkout.offered import CodeSeller, disagreement, read_offered, request_code
from chainpos.core.checkout.request import MalformedLink, SignedRequest, format_link
from chainpos.core.values.amount import Amount

SELLER = CodeSeller("Camphor Lane Bakery", "Hefei", "5462")


def test_an_emvco_code_leads_to_the_same_request_as_the_link(signed: SignedRequest) -> None:
    text = request_code(signed, SELLER, "till.example", 26657)
    link = format_link("till.example", 26657, signed.link_id)
    offered = read_offered(text)
    assert offered.link == read_offered(link).link
    assert offered.code is not None
    assert offered.code.amount == signed.amount
    assert offered.code.additional == Additional(reference=signed.request.reference)
    assert disagreement(offered.code, signed) == ""


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"amount": Amount(1249, "CNY")}, "amount"),
        ({"currency": "USD", "amount": None}, "currency"),
        ({"additional": Additional(reference="OTHER")}, "reference"),
    ],
)
def test_a_code_that_says_something_else_than_its_request_is_named(
    signed: SignedRequest, changes: dict[str, object], named: str
) -> None:
    code = parse(request_code(signed, SELLER, "till.example", 26657))
    assert disagreement(msgspec.structs.replace(code, **changes), signed) == named


def test_a_code_of_another_request_is_named(signed: SignedRequest) -> None:
    code = parse(request_code(signed, SELLER, "till.example", 26657))
    other = msgspec.structs.replace(signed, id=bytes(32))
    assert disagreement(code, other) == "link"


def test_a_code_of_another_network_is_refused(signed: SignedRequest) -> None:
    code = parse(request_code(signed, SELLER, "till.example", 26657))
    foreign = msgspec.structs.replace(code.accounts[0], fields=(("00", "cn.other"), ("01", "1")))
    with pytest.raises(MalformedLink, match="another payment network"):
        read_offered(build(msgspec.structs.replace(code, accounts=(foreign,))))


@pytest.mark.parametrize("text", ["", "0002016304ABCD", "hello", "000201" + "9" * 3000])
def test_what_is_neither_is_refused(text: str) -> None:
    with pytest.raises(MalformedLink):
        read_offered(text)


def test_a_name_that_no_code_can_carry_is_refused(signed: SignedRequest) -> None:
    with pytest.raises(MalformedCode):
        request_code(signed, CodeSeller("樟树巷面包房", "Hefei", "5462"), "till.example", 26657)
