"""A shop that is certified otherwise: announced, objected to, in force; each refusal by its code, without a trace."""

from __future__ import annotations

import msgspec
import pytest

from chainpos.core.contracts import registry
from chainpos.core.contracts.institutions.codes import NOT_INSTITUTION_KEY
from chainpos.core.contracts.merchants import codes, port
from chainpos.core.contracts.merchants.changes import SetDelays
from chainpos.core.contracts.merchants.messages import CancelCertificate, Certify, Close
from chainpos.core.contracts.merchants.records import MERCHANTS, TERMS_DELAY_S, Merchant, NextCertificate
from chainpos.errors import Code
from tests.core.contracts.conftest import BANK, GENESIS_S, WALLET, World, events_of
from tests.core.contracts.deciding import decided

OWNER = "TEAHOUSE.owner"
NOW = Certify("TEAHOUSE", "Willow Tea House", "柳荫茶馆", "5814", "Hefei", "standard")
OAK = Certify("TEAHOUSE", "Oak Tea House", "橡树茶馆", "5499", "Kunming", "small")
CANCEL = CancelCertificate("TEAHOUSE")


def shop(world: World) -> Merchant:
    record = world.state.get(MERCHANTS, b"TEAHOUSE")
    assert record is not None
    return record.as_of(world.time_s)


def certified(world: World) -> Certify:
    found = shop(world)
    return Certify("TEAHOUSE", found.name_en, found.name_zh, found.category, found.city, found.fee_class)


def test_a_certificate_holds_a_day_after_it_is_announced(world: World) -> None:
    result = world.accepted(OAK, BANK)
    assert events_of(result, "merchants.certificate_announced") == [
        {
            "merchant": "TEAHOUSE", "name_en": "Oak Tea House", "name_zh": "橡树茶馆", "category": "5499",
            "city": "Kunming", "fee_class": "small", "effective_from_s": str(GENESIS_S + TERMS_DELAY_S),
        }
    ]  # fmt: skip
    world.advance(TERMS_DELAY_S - 1)
    assert certified(world) == NOW
    assert port.terms(world.context(), "TEAHOUSE").fee_class == "standard"
    world.advance(1)
    assert certified(world) == OAK
    terms = port.terms(world.context(), "TEAHOUSE")
    assert (terms.fee_class, terms.settlement_mode) == ("small", "netted")


def test_a_later_announcement_replaces_one_that_has_not_begun_and_keeps_one_that_has(world: World) -> None:
    world.accepted(OAK, BANK)
    elm = msgspec.structs.replace(OAK, name_en="Elm Tea House")
    world.accepted(elm, BANK)
    world.advance(TERMS_DELAY_S)
    assert certified(world) == elm
    world.accepted(OAK, BANK)
    assert certified(world) == elm
    world.accepted(CANCEL, OWNER)
    world.advance(TERMS_DELAY_S)
    assert certified(world) == elm


@pytest.mark.parametrize("signer", [OWNER, BANK])
def test_what_was_announced_can_be_taken_back_until_it_holds(world: World, signer: str) -> None:
    world.accepted(OAK, BANK)
    assert events_of(world.accepted(CANCEL, signer), "merchants.certificate_cancelled") == [{"merchant": "TEAHOUSE"}]
    world.refused(CANCEL, signer, codes.NO_CERTIFICATE_PENDING)
    world.accepted(OAK, BANK)
    world.advance(TERMS_DELAY_S)
    world.refused(CANCEL, signer, codes.NO_CERTIFICATE_PENDING)
    assert certified(world) == OAK


def test_the_delay_is_the_networks(world: World) -> None:
    decided(world, "merchants.delays", SetDelays(GENESIS_S + 60, 120, 240))
    world.advance(60)
    world.accepted(OAK, BANK)
    world.advance(119)
    assert certified(world) == NOW
    world.advance(1)
    assert certified(world) == OAK


REFUSALS: list[tuple[msgspec.Struct, str, Code]] = [
    (msgspec.structs.replace(OAK, merchant="PALACE"), BANK, codes.UNKNOWN_MERCHANT),
    (OAK, OWNER, NOT_INSTITUTION_KEY),
    (OAK, WALLET, NOT_INSTITUTION_KEY),
    (msgspec.structs.replace(OAK, name_en=""), BANK, codes.BAD_MERCHANT_NAME),
    (msgspec.structs.replace(OAK, name_zh="茶\u202e馆"), BANK, codes.BAD_MERCHANT_NAME),
    (msgspec.structs.replace(OAK, name_en="x" * 65), BANK, codes.BAD_MERCHANT_NAME),
    (msgspec.structs.replace(OAK, category="549"), BANK, codes.BAD_CATEGORY),
    (msgspec.structs.replace(OAK, city=""), BANK, codes.BAD_CITY),
    (msgspec.structs.replace(OAK, fee_class="Small!"), BANK, codes.BAD_FEE_CLASS),
    (NOW, BANK, codes.CERTIFICATE_UNCHANGED),
    (CANCEL, BANK, codes.NO_CERTIFICATE_PENDING),
    (CANCEL, WALLET, codes.NOT_OWNER_OR_ACQUIRER),
    (CancelCertificate("PALACE"), BANK, codes.UNKNOWN_MERCHANT),
]


@pytest.mark.parametrize(("message", "signer", "code"), REFUSALS)
def test_it_is_refused(world: World, message: msgspec.Struct, signer: str, code: Code) -> None:
    world.refused(message, signer, code)


def test_a_closed_shop_is_certified_no_more(world: World) -> None:
    world.accepted(Close("TEAHOUSE"), BANK)
    world.refused(OAK, BANK, codes.MERCHANT_CLOSED)


def test_two_announcements_at_once_are_found(world: World) -> None:
    ctx = world.context()
    twice = (NextCertificate(1, "A", "甲", "5814", "Hefei", "standard"),) * 2
    ctx.put(MERCHANTS, b"TEAHOUSE", msgspec.structs.replace(shop(world), recertified=twice))
    world.commit(ctx)
    assert [each.invariant for each in registry.check_invariants(world.state)] == ["shops_have_terms"]
