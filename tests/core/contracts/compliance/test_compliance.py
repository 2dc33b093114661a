"""Freezes: accepted, refused by each code, leaving no trace; in force to the second."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from chainpos.core.contracts.compliance import codes, port, records
from chainpos.core.contracts.compliance.invariants import freezes_have_an_order_and_an_end
from chainpos.core.contracts.compliance.messages import Freeze, Release
from chainpos.core.contracts.compliance.records import INTERIM_S
from chainpos.core.contracts.compliance.rules import MAX_FREEZE_S
from chainpos.core.contracts.customers.codes import UNKNOWN_CUSTOMER
from chainpos.core.contracts.governance.codes import MISSING_ROLE
from chainpos.core.contracts.merchants.codes import UNKNOWN_MERCHANT
from chainpos.core.contracts.ports import account_subject, merchant_subject
from chainpos.errors import Code, Rejected
from tests.core.contracts.conftest import GENESIS_S, World, events_of, key_of

ALICE = account_subject(key_of("alice").address)
TEAHOUSE = merchant_subject("TEAHOUSE")
UNTIL_S = GENESIS_S + 1_000
FREEZE = Freeze(ALICE, "Order 2026-17", UNTIL_S)
RELEASE = Release(ALICE, "Order 2026-18")


def is_free(world: World, subject: bytes) -> Code | None:
    """The code of the freeze in force, or None."""
    try:
        port.require_free(world.context(), subject)
    except Rejected as refusal:
        return refusal.code
    return None


def test_a_refusal_names_the_order(world: World) -> None:
    world.accepted(FREEZE, "regulator")
    with pytest.raises(Rejected) as refusal:
        port.require_free(world.context(), ALICE)
    assert refusal.value.detail == "Order 2026-17"


@pytest.mark.parametrize(
    ("subject", "named", "code"),
    [
        (ALICE, key_of("alice").address.hex(), codes.ACCOUNT_FROZEN),
        (TEAHOUSE, "TEAHOUSE", codes.MERCHANT_FROZEN),
    ],
    ids=["account", "merchant"],
)
def test_a_regulator_freezes_and_releases(world: World, subject: bytes, named: str, code: Code) -> None:
    assert is_free(world, subject) is None
    result = world.accepted(Freeze(subject, "Order 2026-17", UNTIL_S), "regulator")
    assert events_of(result, "compliance.frozen") == [
        {
            "subject": named,
            "legal_reference": "Order 2026-17",
            "until_s": str(UNTIL_S),
            "ordered_until_s": str(UNTIL_S),
        }
    ]
    assert is_free(world, subject) == code
    result = world.accepted(Release(subject, "Order 2026-18"), "regulator")
    assert events_of(result, "compliance.released") == [{"subject": named, "legal_reference": "Order 2026-18"}]
    assert is_free(world, subject) is None


def test_others_stay_free(world: World) -> None:
    world.accepted(FREEZE, "regulator")
    assert is_free(world, account_subject(key_of("bob").address)) is None
    assert is_free(world, TEAHOUSE) is None


def test_a_freeze_holds_to_its_last_second_and_no_longer(world: World) -> None:
    world.accepted(FREEZE, "regulator")
    world.advance(999)
    assert is_free(world, ALICE) == codes.ACCOUNT_FROZEN
    world.advance(1)
    assert is_free(world, ALICE) is None
    world.refused(RELEASE, "regulator", codes.NOT_FROZEN)


def test_the_record_says_by_whose_order(world: World) -> None:
    world.accepted(FREEZE, "regulator")
    record = world.state.get(records.FREEZES, ALICE)
    assert record == records.Freeze(
        "Order 2026-17", GENESIS_S, UNTIL_S, key_of("regulator").public, UNTIL_S, interim_s=GENESIS_S
    )


def test_a_frozen_subject_is_not_frozen_twice(world: World) -> None:
    world.accepted(FREEZE, "regulator")
    world.refused(FREEZE, "regulator", codes.ALREADY_FROZEN)


def test_a_free_subject_is_not_released(world: World) -> None:
    world.refused(RELEASE, "regulator", codes.NOT_FROZEN)


BOTH: list[tuple[str, dict[str, object], str, Code]] = [
    ("an operator", {}, "operator", MISSING_ROLE),
    ("the frozen themselves", {}, "alice", MISSING_ROLE),
    ("no order", {"legal_reference": ""}, "regulator", codes.BAD_LEGAL_REFERENCE),
    ("an order that hides", {"legal_reference": "17\x1b[2J"}, "regulator", codes.BAD_LEGAL_REFERENCE),
    ("nothing", {"subject": b""}, "regulator", codes.BAD_SUBJECT),
    ("a short address", {"subject": b"a" + bytes(19)}, "regulator", codes.BAD_SUBJECT),
    ("another kind of subject", {"subject": b"x" + bytes(20)}, "regulator", codes.BAD_SUBJECT),
    ("a shop's name that is no text", {"subject": b"m\xff\xff"}, "regulator", codes.BAD_SUBJECT),
    ("nobody's account", {"subject": b"a" + bytes(20)}, "regulator", UNKNOWN_CUSTOMER),
    ("nobody's shop", {"subject": b"mPALACE"}, "regulator", UNKNOWN_MERCHANT),
]


@pytest.mark.parametrize("message", [FREEZE, RELEASE], ids=["freeze", "release"])
@pytest.mark.parametrize(("change", "signer", "code"), [row[1:] for row in BOTH], ids=[row[0] for row in BOTH])
def test_it_is_refused(world: World, message: msgspec.Struct, change: dict[str, Any], signer: str, code: Code) -> None:
    world.refused(msgspec.structs.replace(message, **change), signer, code)


@pytest.mark.parametrize("until_s", [-1, GENESIS_S, GENESIS_S + MAX_FREEZE_S + 1])
def test_a_freeze_ends_in_time(world: World, until_s: int) -> None:
    world.refused(msgspec.structs.replace(FREEZE, until_s=until_s), "regulator", codes.BAD_FREEZE_EXPIRY)
    world.accepted(msgspec.structs.replace(FREEZE, until_s=GENESIS_S + MAX_FREEZE_S), "regulator")


SOUND = records.Freeze("o", 10, 20, bytes(32), 20, interim_s=10)
AGREED = msgspec.structs.replace(SOUND, agreed_by=bytes(32), agreed_s=11, interim_s=0)


@pytest.mark.parametrize("freeze", [SOUND, AGREED, msgspec.structs.replace(SOUND, until_s=10)])
def test_a_sound_freeze_is_none_to_be_found(world: World, freeze: records.Freeze) -> None:
    assert found(world, ALICE, freeze) == []


@pytest.mark.parametrize(
    ("subject", "freeze"),
    [
        (b"x", SOUND),
        (ALICE[:-1], SOUND),
        (ALICE, msgspec.structs.replace(SOUND, legal_reference="")),
        (ALICE, msgspec.structs.replace(SOUND, until_s=9)),
        (ALICE, msgspec.structs.replace(SOUND, until_s=21)),
        (ALICE, msgspec.structs.replace(SOUND, interim_s=0)),
        (ALICE, msgspec.structs.replace(SOUND, until_s=11 + INTERIM_S, ordered_until_s=11 + INTERIM_S)),
        (ALICE, msgspec.structs.replace(AGREED, agreed_s=20)),
    ],
)
def test_a_freeze_without_order_or_end_or_agreement_is_found(
    world: World, subject: bytes, freeze: records.Freeze
) -> None:
    assert found(world, subject, freeze) == ["freezes_have_an_order_and_an_end"]


def found(world: World, subject: bytes, freeze: records.Freeze) -> list[str]:
    """The invariants of freezes that do not hold once this is on record."""
    ctx = world.context()
    ctx.put(records.FREEZES, subject, freeze)
    world.commit(ctx)
    return [violation.invariant for violation in freezes_have_an_order_and_an_end(world.state)]
