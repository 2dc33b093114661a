"""The signed request and its link: nobody on the way can alter it, and one request has one link."""

from __future__ import annotations

import base64

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainpos.core.checkout.qr import SCREEN_VERSION, qr_modules
from chainpos.core.checkout.request import (
    MAX_LINK_CHARACTERS,
    Link,
    MalformedLink,
    SignedRequest,
    Terms,
    format_link,
    link_id,
    make_request,
    names,
    open_request,
    parse_link,
)
from chainpos.core.values.amount import Amount
from chainpos.errors import MalformedBytes
from chainpos.wallet.keys import Key

from .conftest import CHAIN

IDS = st.binary(min_size=32, max_size=32)


def test_a_request_is_read_back_by_whoever_fetches_it(signed: SignedRequest, terms: Terms) -> None:
    opened = open_request(CHAIN, signed.encoded, signed.signature)
    assert opened == signed
    assert opened.amount == terms.amount
    assert names(opened.link_id, opened.id)
    assert names(opened.link_id.lower(), opened.id)


def test_a_request_is_good_for_one_chain_and_one_till(signed: SignedRequest, customer: Key) -> None:
    with pytest.raises(MalformedBytes, match="did not sign"):
        open_request("other-chain", signed.encoded, signed.signature)
    with pytest.raises(MalformedBytes, match="did not sign"):
        open_request(CHAIN, signed.encoded, customer.sign(signed.encoded))
    with pytest.raises(MalformedBytes):
        open_request(CHAIN, signed.encoded, signed.signature[:-1])


def test_an_altered_amount_has_another_id_and_no_signature(signed: SignedRequest) -> None:
    altered = msgspec.structs.replace(signed.request, amount_minor=1_000_000)
    encoded = msgspec.msgpack.encode(altered)
    with pytest.raises(MalformedBytes):
        open_request(CHAIN, encoded, signed.signature)
    from chainpos.core.contracts.payments.messages import request_id

    assert not names(signed.link_id, request_id(CHAIN, encoded))


@pytest.mark.parametrize(
    "change",
    [
        {"amount": Amount(0, "CNY")},
        {"reference": ""},
        {"reference": "a b"},
        {"reference": "x" * 26},
        {"memo": "\x1b[2J"},
        {"memo": "x" * 81},
        {"expires_s": 0},
        {"expires_s": 10**10},
    ],
)
def test_terms_that_no_request_can_have_are_refused(till: Key, terms: Terms, change: dict[str, object]) -> None:
    with pytest.raises(MalformedBytes):
        make_request(terms._replace(**change), CHAIN, till.public_key, till.sign)  # type: ignore[arg-type]


@given(IDS, st.sampled_from(["127.0.0.1", "till-3.shop.example", "A" * 40]), st.integers(1, 65_535))
def test_a_link_reads_back_in_either_case_and_fits_the_screen(requested: bytes, host: str, port: int) -> None:
    text = format_link(host, port, link_id(requested))
    assert text == text.upper()
    assert len(text) <= MAX_LINK_CHARACTERS
    expected = Link(host.lower(), port, link_id(requested))
    assert parse_link(text) == parse_link(text.lower()) == parse_link(f" {text}\n") == expected
    assert names(expected.id, requested)


def test_the_longest_link_still_is_version_4(signed: SignedRequest) -> None:
    text = format_link("h" * (90 - 7 - 1 - 5 - 3 - 26), 65_535, signed.link_id)
    assert len(text) == 90
    assert len(qr_modules(text)) == 17 + 4 * SCREEN_VERSION


@given(IDS)
def test_an_id_has_one_spelling(requested: bytes) -> None:
    """The last of 26 characters carries three bits: the other 31 that share them are refused."""
    linked = link_id(requested)
    value = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".index(linked[-1])
    assert value % 4 == 0
    other = linked[:-1] + "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[value + 1]
    assert base64.b32decode(other + "======") == requested[:16]
    with pytest.raises(MalformedLink, match="mistyped"):
        parse_link(f"HTTP://HOST:1/P/{other}")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "HTTPS://HOST:1/P/" + "A" * 26,
        "HTTP://HOST:0/P/" + "A" * 26,
        "HTTP://HOST:65536/P/" + "A" * 26,
        "HTTP://HOST:1/P/" + "A" * 25,
        "HTTP://HOST:1/P/" + "A" * 27,
        "HTTP://HOST:1/P/" + "1" * 26,
        "HTTP://[::1]:1/P/" + "A" * 26,
        "HTTP://USER@HOST:1/P/" + "A" * 26,
        "HTTP://HOST:1/P/" + "A" * 26 + "?x=1",
        "HTTP://-HOST:1/P/" + "A" * 26,
        "HTTP://HOST:1/P/../P/" + "A" * 26,
        "ＨTTP://HOST:1/P/" + "A" * 26,
        "HTTP://ho\u017ft:1/P/" + "A" * 26,
    ],
)
def test_other_texts_are_no_links(text: str) -> None:
    with pytest.raises(MalformedLink):
        parse_link(text)


@given(st.text(max_size=120))
def test_any_text_is_a_link_or_refused(text: str) -> None:
    with pytest.raises(MalformedLink):
        parse_link(text)


def test_an_address_that_no_qr_can_carry_is_refused(signed: SignedRequest) -> None:
    with pytest.raises(MalformedLink):
        format_link("::1", 80, signed.link_id)
    with pytest.raises(MalformedLink, match="characters"):
        format_link("h" * 60, 80, signed.link_id)
