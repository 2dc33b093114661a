"""The regulator orders, the institution agrees: how long either holds alone, and what neither may do."""

from __future__ import annotations

import msgspec
import pytest

from chainpos.core.contracts.compliance import codes, port
from chainpos.core.contracts.compliance.messages import Agree, Freeze, Release
from chainpos.core.contracts.compliance.records import INTERIM_REST_S, INTERIM_S
from chainpos.core.contracts.customers.codes import UNKNOWN_CUSTOMER
from chainpos.core.contracts.institutions.codes import NOT_INSTITUTION_KEY
from chainpos.core.contracts.ports import account_subject, merchant_subject
from chainpos.errors import Code
from tests.core.contracts.conftest import BANK, GENESIS_S, WALLET, World, events_of, key_of

ALICE = account_subject(key_of("alice").address)
NOODLES = merchant_subject("NOODLES")
YEAR_S = 365 * 86_400
ORDER = Freeze(ALICE, "Order 17", GENESIS_S + YEAR_S)
AGREE = Agree(ALICE, "Order 17")
RELEASE, AGREE_RELEASE = Release(ALICE, "Order 18"), Agree(ALICE, "Order 18")


def is_frozen(world: World, subject: bytes = ALICE) -> bool:
    return port.freeze_in_force(world.context(), subject) is not None


def test_an_order_alone_holds_for_72_hours(world: World) -> None:
    result = world.accepted(ORDER, "regulator")
    assert events_of(result, "compliance.frozen")[0]["until_s"] == str(GENESIS_S + INTERIM_S)
    world.advance(INTERIM_S - 1)
    assert is_frozen(world)
    world.advance(1)
    assert not is_frozen(world)


@pytest.mark.parametrize(("subject", "institution"), [(ALICE, BANK), (NOODLES, WALLET)], ids=["account", "merchant"])
def test_agreed_it_holds_to_its_ordered_end(world: World, subject: bytes, institution: str) -> None:
    world.accepted(msgspec.structs.replace(ORDER, subject=subject), "regulator")
    result = world.accepted(Agree(subject, "Order 17"), institution)
    assert events_of(result, "compliance.freeze_agreed")[0]["until_s"] == str(ORDER.until_s)
    world.advance(YEAR_S - 1)
    assert is_frozen(world, subject)
    world.advance(1)
    assert not is_frozen(world, subject)


def test_an_agreed_freeze_is_released_by_both(world: World) -> None:
    world.accepted(ORDER, "regulator")
    world.accepted(AGREE, BANK)
    world.refused(AGREE_RELEASE, BANK, codes.NOTHING_TO_AGREE)
    result = world.accepted(RELEASE, "regulator")
    assert events_of(result, "compliance.release_ordered") == [
        {"subject": key_of("alice").address.hex(), "legal_reference": "Order 18"}
    ]
    assert is_frozen(world)
    world.refused(AGREE, BANK, codes.NOTHING_TO_AGREE)
    world.accepted(AGREE_RELEASE, BANK)
    assert not is_frozen(world)
    world.refused(AGREE_RELEASE, BANK, codes.NOTHING_TO_AGREE)
    # What both had agreed to does not use up the regulator's own three days.
    world.accepted(ORDER, "regulator")
    assert is_frozen(world)


def test_what_nobody_agreed_to_is_released_at_once(world: World) -> None:
    world.accepted(ORDER, "regulator")
    world.accepted(RELEASE, "regulator")
    assert not is_frozen(world)
    world.refused(AGREE, BANK, codes.AGREEMENT_LATE)


def test_an_order_alone_holds_once_in_thirty_days(world: World) -> None:
    world.accepted(ORDER, "regulator")
    world.advance(INTERIM_S)
    world.accepted(ORDER, "regulator")
    assert not is_frozen(world)
    world.accepted(AGREE, BANK)
    assert is_frozen(world)


def test_after_thirty_days_an_order_alone_holds_again(world: World) -> None:
    world.accepted(ORDER, "regulator")
    world.advance(INTERIM_REST_S - 1)
    world.accepted(ORDER, "regulator")
    assert not is_frozen(world)
    world.advance(1)
    world.accepted(ORDER, "regulator")
    assert is_frozen(world)


def test_a_withdrawn_order_uses_up_the_interim(world: World) -> None:
    world.accepted(ORDER, "regulator")
    world.accepted(RELEASE, "regulator")
    world.accepted(ORDER, "regulator")
    assert not is_frozen(world)


def test_an_agreement_comes_in_time(world: World) -> None:
    world.accepted(ORDER, "regulator")
    world.advance(INTERIM_S)
    world.refused(AGREE, BANK, codes.AGREEMENT_LATE)


def test_an_agreement_comes_before_the_ordered_end(world: World) -> None:
    world.accepted(msgspec.structs.replace(ORDER, until_s=GENESIS_S + 60), "regulator")
    world.advance(60)
    world.refused(AGREE, BANK, codes.AGREEMENT_LATE)


@pytest.mark.parametrize(
    ("message", "signer", "code"),
    [
        (AGREE, WALLET, NOT_INSTITUTION_KEY),
        (AGREE, "regulator", NOT_INSTITUTION_KEY),
        (Agree(ALICE, "Order 16"), BANK, codes.NOTHING_TO_AGREE),
        (Agree(ALICE, ""), BANK, codes.BAD_LEGAL_REFERENCE),
        (Agree(NOODLES, "Order 17"), WALLET, codes.NOTHING_TO_AGREE),
        (Agree(b"a" + bytes(20), "Order 17"), BANK, UNKNOWN_CUSTOMER),
        (Agree(b"x", "Order 17"), BANK, codes.BAD_SUBJECT),
    ],
)
def test_an_agreement_is_refused(world: World, message: Agree, signer: str, code: Code) -> None:
    world.accepted(ORDER, "regulator")
    world.refused(message, signer, code)
