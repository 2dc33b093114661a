"""A shop whose owner lost the key: another one by its acquirer, after a time in which the old one may object."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from chainpos.core.contracts import registry
from chainpos.core.contracts.governance.codes import BAD_CHANGE, MISSING_ROLE
from chainpos.core.contracts.institutions.codes import NOT_INSTITUTION_KEY
from chainpos.core.contracts.merchants import codes, port
from chainpos.core.contracts.merchants.changes import SetDelays
from chainpos.core.contracts.merchants.messages import (
    CancelOwnerRecovery,
    ChangeTerms,
    Close,
    CompleteOwnerRecovery,
    RevokeTill,
    RotateOwner,
    StartOwnerRecovery,
    UpholdOwnerRecovery,
)
from chainpos.core.contracts.merchants.records import OWNER_RECOVERIES, OWNER_RECOVERY_S, OwnerRecovery
from chainpos.core.contracts.ports import merchant_subject
from chainpos.core.contracts.possession import possession_bytes
from chainpos.errors import Code
from tests.core.contracts.conftest import (
    BANK,
    CHAIN_ID,
    GENESIS_S,
    WALLET,
    World,
    events_of,
    genesis_values,
    key_of,
)
from tests.core.contracts.deciding import decided, undecidable

OWNER, TILL, NEW = "TEAHOUSE.owner", key_of("TEAHOUSE.till").public, key_of("new owner")
PROOF = NEW.sign(possession_bytes(CHAIN_ID, merchant_subject("TEAHOUSE")))
START = StartOwnerRecovery("TEAHOUSE", NEW.public, PROOF)
COMPLETE, CANCEL = CompleteOwnerRecovery("TEAHOUSE"), CancelOwnerRecovery("TEAHOUSE")
UPHOLD = UpholdOwnerRecovery("TEAHOUSE", "Ruling 7")
TERMS = ChangeTerms("TEAHOUSE", "instant", "CN-THIEF-1")


def test_a_lost_owners_key_is_replaced_after_its_waiting_time(world: World) -> None:
    result = world.accepted(START, BANK)
    assert events_of(result, "merchants.owner_recovery_started") == [
        {"merchant": "TEAHOUSE", "owner": NEW.public.hex(), "ready_s": str(GENESIS_S + OWNER_RECOVERY_S)}
    ]
    world.refused(START, BANK, codes.OWNER_RECOVERY_PENDING)
    world.advance(OWNER_RECOVERY_S - 1)
    world.refused(COMPLETE, BANK, codes.OWNER_RECOVERY_NOT_READY)
    world.advance(1)
    result = world.accepted(COMPLETE, BANK)
    assert events_of(result, "merchants.owner_changed")[0]["owner"] == NEW.public.hex()
    world.refused(TERMS, OWNER, codes.NOT_OWNER)
    world.accepted(TERMS, NEW)
    world.refused(COMPLETE, BANK, codes.NO_OWNER_RECOVERY)


def test_until_then_the_shop_sells_and_the_old_key_does_nothing_but_object(world: World) -> None:
    world.accepted(START, BANK)
    assert port.require_till(world.context(), "TEAHOUSE", TILL) == 10_000_000
    assert not port.is_owner(world.context(), "TEAHOUSE", key_of(OWNER).public)
    for message in (TERMS, RevokeTill("TEAHOUSE", TILL), Close("TEAHOUSE"), RotateOwner("TEAHOUSE", NEW.public, PROOF)):
        world.refused(message, OWNER, codes.OWNER_RECOVERY_PENDING)
    world.refused(Close("TEAHOUSE"), BANK, codes.OWNER_RECOVERY_PENDING)
    result = world.accepted(CANCEL, OWNER)
    assert events_of(result, "merchants.owner_recovery_cancelled") == [{"merchant": "TEAHOUSE"}]
    world.accepted(TERMS, OWNER)
    world.advance(OWNER_RECOVERY_S)
    world.refused(COMPLETE, BANK, codes.NO_OWNER_RECOVERY)


def test_what_the_regulator_upholds_no_thief_can_object_to(world: World) -> None:
    world.accepted(START, BANK)
    result = world.accepted(UPHOLD, "regulator")
    assert events_of(result, "merchants.owner_recovery_upheld")[0]["legal_reference"] == "Ruling 7"
    world.refused(CANCEL, OWNER, codes.OWNER_RECOVERY_UPHELD)
    world.refused(UPHOLD, "regulator", codes.OWNER_RECOVERY_UPHELD)
    world.refused(COMPLETE, BANK, codes.OWNER_RECOVERY_NOT_READY)
    world.accepted(CANCEL, BANK)


REFUSALS: list[tuple[msgspec.Struct, str, Code]] = [
    (START, OWNER, NOT_INSTITUTION_KEY),
    (START, WALLET, NOT_INSTITUTION_KEY),
    (msgspec.structs.replace(START, merchant="PALACE"), BANK, codes.UNKNOWN_MERCHANT),
    (msgspec.structs.replace(START, owner=bytes(31)), BANK, codes.BAD_OWNER_KEY),
    (msgspec.structs.replace(START, owner=key_of(OWNER).public), BANK, codes.OWNER_UNCHANGED),
    (COMPLETE, BANK, codes.NO_OWNER_RECOVERY),
    (COMPLETE, OWNER, NOT_INSTITUTION_KEY),
    (CANCEL, BANK, codes.NO_OWNER_RECOVERY),
    (CANCEL, OWNER, codes.NO_OWNER_RECOVERY),
    (CANCEL, "alice", codes.NOT_OWNER_OR_ACQUIRER),
    (UPHOLD, BANK, MISSING_ROLE),
    (UPHOLD, "regulator", codes.NO_OWNER_RECOVERY),
    (msgspec.structs.replace(UPHOLD, legal_reference=""), "regulator", codes.BAD_OWNER_RULING),
    (msgspec.structs.replace(UPHOLD, legal_reference="x\u202e"), "regulator", codes.BAD_OWNER_RULING),
]


@pytest.mark.parametrize(("message", "signer", "code"), REFUSALS)
def test_it_is_refused(world: World, message: msgspec.Struct, signer: str, code: Code) -> None:
    world.refused(message, signer, code)


def test_a_closed_shop_gets_no_other_owner(world: World) -> None:
    world.accepted(Close("TEAHOUSE"), OWNER)
    world.refused(START, BANK, codes.MERCHANT_CLOSED)


def test_the_new_owner_signs_for_the_shop() -> None:
    (claim,) = registry.MESSAGES["merchants.start_owner_recovery"].signatures(CHAIN_ID, START)
    assert claim.message == possession_bytes(CHAIN_ID, merchant_subject("TEAHOUSE"))


def test_delays_are_as_governance_had_decided_when_something_was_announced(world: World) -> None:
    result = decided(world, "merchants.delays", SetDelays(GENESIS_S + 60, 300, 600))
    assert events_of(result, "merchants.delays_changed") == [
        {"effective_from_s": str(GENESIS_S + 60), "terms_s": "300", "owner_recovery_s": "600"}
    ]
    world.advance(60)
    told = events_of(world.accepted(TERMS, OWNER), "merchants.terms_announced")
    assert told[0]["effective_from_s"] == str(GENESIS_S + 360)
    world.accepted(START, BANK)
    world.advance(600)
    world.accepted(COMPLETE, BANK)


@pytest.mark.parametrize("delays", [(59, 600), (600, 59), (90 * 86_400 + 1, 600), (600, 90 * 86_400 + 1)])
def test_delays_that_cannot_be_are_refused(world: World, delays: tuple[int, int]) -> None:
    undecidable(world, "merchants.delays", SetDelays(GENESIS_S + 60, *delays), BAD_CHANGE)


def test_delays_follow_each_other(world: World) -> None:
    undecidable(world, "merchants.delays", SetDelays(2**60, 300, 600), BAD_CHANGE)
    decided(world, "merchants.delays", SetDelays(GENESIS_S + 60, 300, 600))
    undecidable(world, "merchants.delays", SetDelays(GENESIS_S + 60, 300, 900), BAD_CHANGE)


def test_genesis_names_the_delays(app_state: dict[str, Any]) -> None:
    app_state["merchants"]["delays"] = {"owner_recovery_s": 120}
    world = World(genesis_values(app_state))
    world.accepted(START, BANK)
    world.advance(120)
    world.accepted(COMPLETE, BANK)
    app_state["merchants"]["delays"] = {"terms_s": 59}
    with pytest.raises(ValueError, match="terms_s"):
        genesis_values(app_state)


@pytest.mark.parametrize(
    ("key", "recovery"),
    [
        (b"TEAHOUSE", OwnerRecovery(NEW.public, 0, OWNER_RECOVERY_S - 1)),
        (b"TEAHOUSE", OwnerRecovery(key_of(OWNER).public, 0, OWNER_RECOVERY_S)),
        (b"PALACE", OwnerRecovery(NEW.public, 0, OWNER_RECOVERY_S)),
    ],
)
def test_a_recovery_that_cannot_be_is_found(world: World, key: bytes, recovery: OwnerRecovery) -> None:
    ctx = world.context()
    ctx.put(OWNER_RECOVERIES, key, recovery)
    world.commit(ctx)
    assert [each.invariant for each in registry.check_invariants(world.state)] == ["owner_recoveries_wait"]
