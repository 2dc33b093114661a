"""Keys and standing of an account: rotated, lost, recovered, locked, closed, reopened; each refusal by its code."""

from __future__ import annotations

from typing import Any

import pytest

from chainpos.core.chain.signatures import verify
from chainpos.core.contracts import registry
from chainpos.core.contracts.balances.messages import Redeem
from chainpos.core.contracts.compliance.codes import ACCOUNT_FROZEN
from chainpos.core.contracts.compliance.messages import Freeze
from chainpos.core.contracts.customers import codes, port
from chainpos.core.contracts.customers.changes import SetRecoveryTime
from chainpos.core.contracts.customers.invariants import recoveries_lock
from chainpos.core.contracts.customers.messages import (
    CancelRecovery,
    Close,
    CompleteRecovery,
    Lock,
    Open,
    Reopen,
    RotateKey,
    SetTier,
    StartRecovery,
    Unlock,
    UpholdRecovery,
)
from chainpos.core.contracts.customers.records import (
    CUSTOMERS,
    RECOVERIES,
    RECOVERY_S,
    Customer,
    Recovery,
)
from chainpos.core.contracts.governance.codes import BAD_CHANGE, MISSING_ROLE
from chainpos.core.contracts.institutions.codes import NOT_INSTITUTION_KEY
from chainpos.core.contracts.ports import account_subject
from chainpos.core.contracts.possession import possession_bytes
from chainpos.errors import Code, Rejected
from tests.core.contracts.conftest import (
    BANK,
    CHAIN_ID,
    CNY,
    GENESIS_S,
    WALLET,
    World,
    events_of,
    genesis_values,
    key_of,
)
from tests.core.contracts.deciding import decided, undecidable

ALICE = key_of("alice").address
NEW = key_of("alice's new phone")
PROOF = NEW.sign(possession_bytes(CHAIN_ID, account_subject(ALICE)))
ROTATE = RotateKey(ALICE, NEW.public, PROOF)
RECOVER = StartRecovery(ALICE, NEW.public, PROOF)
UPHOLD = UpholdRecovery(ALICE, "Ruling 7")
PAPERS = bytes([7]) * 32


def customer(world: World) -> Customer:
    record = world.state.get(CUSTOMERS, ALICE)
    assert record is not None
    return record


def pays(world: World, name: str) -> Code | None:
    """Why a key cannot pay, or None."""
    try:
        assert port.payer(world.context(), key_of(name).public).account == ALICE
    except Rejected as refusal:
        return refusal.code
    return None


def emptied(world: World) -> World:
    world.accepted(Redeem(BANK, ALICE, CNY, world.held("alice"), "cash", "R"), BANK)
    return world


def test_a_new_key_takes_over_at_once(world: World) -> None:
    result = world.accepted(ROTATE, "alice")
    (told,) = events_of(result, "customers.key_changed")
    assert told == {"account": ALICE.hex(), "before": key_of("alice").public.hex(), "key": NEW.public.hex()}
    assert pays(world, "alice") == codes.CUSTOMER_KEY_REPLACED
    assert pays(world, "alice's new phone") is None
    # The first key names the account for ever: it can neither come back nor open another one.
    back = RotateKey(ALICE, key_of("alice").public, PROOF)
    world.refused(back, "alice's new phone", codes.CUSTOMER_KEY_IN_USE)


def test_a_key_that_was_given_up_is_nobodys_again(world: World) -> None:
    """Not the first key alone: whoever bought the second phone could else be handed somebody's account."""
    world.accepted(ROTATE, "alice")
    world.accepted(RotateKey(ALICE, key_of("a third phone").public, PROOF), "alice's new phone")
    assert pays(world, "alice's new phone") == codes.CUSTOMER_KEY_REPLACED
    bob = key_of("bob").address
    world.refused(RotateKey(bob, NEW.public, PROOF), "bob", codes.CUSTOMER_KEY_IN_USE)
    world.refused(StartRecovery(bob, NEW.public, PROOF), WALLET, codes.CUSTOMER_KEY_IN_USE)
    world.refused(ROTATE, "a third phone", codes.CUSTOMER_KEY_IN_USE)
    world.refused(Open(BANK, NEW.public, "tier_3", "B", PAPERS), BANK, codes.ACCOUNT_EXISTS)


@pytest.mark.parametrize("kind", ["customers.rotate_key", "customers.start_recovery"])
def test_a_new_key_signs_for_the_account_and_the_chain(kind: str) -> None:
    known = registry.MESSAGES[kind]
    (claim,) = known.signatures(CHAIN_ID, known.type(ALICE, NEW.public, PROOF))
    assert verify(claim.public_key, claim.message, claim.signature)
    for chain_id, account in (("other", ALICE), (CHAIN_ID, key_of("bob").address)):
        (claim,) = known.signatures(chain_id, known.type(account, NEW.public, PROOF))
        assert not verify(claim.public_key, claim.message, claim.signature)


@pytest.mark.parametrize(
    ("message", "signer", "code"),
    [
        (ROTATE, "bob", codes.NOT_CUSTOMER_OR_INSTITUTION),
        (ROTATE, BANK, codes.NOT_CUSTOMER_OR_INSTITUTION),
        (RotateKey(bytes(20), NEW.public, PROOF), "alice", codes.UNKNOWN_CUSTOMER),
        (RotateKey(ALICE, bytes(31), PROOF), "alice", codes.BAD_CUSTOMER_KEY),
        (RotateKey(ALICE, key_of("bob").public, PROOF), "alice", codes.CUSTOMER_KEY_IN_USE),
        (RotateKey(ALICE, key_of("alice").public, PROOF), "alice", codes.CUSTOMER_KEY_IN_USE),
        (RECOVER, WALLET, NOT_INSTITUTION_KEY),
        (RECOVER, "alice", NOT_INSTITUTION_KEY),
        (StartRecovery(ALICE, bytes(31), PROOF), BANK, codes.BAD_CUSTOMER_KEY),
        (StartRecovery(ALICE, key_of("bob").public, PROOF), BANK, codes.CUSTOMER_KEY_IN_USE),
        (Lock(ALICE), "bob", codes.NOT_CUSTOMER_OR_INSTITUTION),
        (Lock(ALICE), WALLET, codes.NOT_CUSTOMER_OR_INSTITUTION),
        (Unlock(ALICE), BANK, codes.ACCOUNT_NOT_LOCKED),
        (Unlock(ALICE), "alice", NOT_INSTITUTION_KEY),
        (CompleteRecovery(ALICE), BANK, codes.NO_RECOVERY),
        (CompleteRecovery(ALICE), "alice", NOT_INSTITUTION_KEY),
        (CancelRecovery(ALICE), "alice", codes.NO_RECOVERY),
        (CancelRecovery(ALICE), "bob", codes.NOT_CUSTOMER_OR_INSTITUTION),
        (Close(ALICE), "alice", codes.ACCOUNT_NOT_EMPTY),
        (Close(ALICE), "bob", codes.NOT_CUSTOMER_OR_INSTITUTION),
        (Reopen(ALICE, "tier_3", "B", PAPERS), BANK, codes.ACCOUNT_NOT_CLOSED),
        (Reopen(ALICE, "tier_3", "B", PAPERS), "alice", NOT_INSTITUTION_KEY),
    ],
)
def test_it_is_refused(world: World, message: RotateKey, signer: str, code: Code) -> None:
    world.refused(message, signer, code)


@pytest.mark.parametrize("signer", ["alice", BANK])
def test_a_lost_phone_is_locked_by_either_and_unlocked_by_the_institution(world: World, signer: str) -> None:
    world.accepted(Lock(ALICE), signer)
    assert pays(world, "alice") == codes.ACCOUNT_LOCKED
    assert port.party(world.context(), ALICE).account == ALICE
    world.refused(Lock(ALICE), "alice", codes.ACCOUNT_LOCKED)
    world.refused(ROTATE, "alice", codes.ACCOUNT_LOCKED)
    world.accepted(Unlock(ALICE), BANK)
    assert pays(world, "alice") is None


def test_a_lost_key_is_replaced_after_its_waiting_time(world: World) -> None:
    result = world.accepted(RECOVER, BANK)
    assert events_of(result, "customers.recovery_started")[0]["ready_s"] == str(GENESIS_S + RECOVERY_S)
    assert pays(world, "alice") == codes.ACCOUNT_LOCKED
    world.refused(RECOVER, BANK, codes.RECOVERY_PENDING)
    world.refused(Unlock(ALICE), BANK, codes.RECOVERY_PENDING)
    world.advance(RECOVERY_S - 1)
    world.refused(CompleteRecovery(ALICE), BANK, codes.RECOVERY_NOT_READY)
    world.advance(1)
    world.accepted(CompleteRecovery(ALICE), BANK)
    assert pays(world, "alice's new phone") is None
    assert pays(world, "alice") == codes.CUSTOMER_KEY_REPLACED
    world.refused(CompleteRecovery(ALICE), BANK, codes.NO_RECOVERY)


def test_the_old_key_objects(world: World) -> None:
    world.accepted(RECOVER, BANK)
    result = world.accepted(CancelRecovery(ALICE), "alice")
    assert events_of(result, "customers.recovery_cancelled") == [{"account": ALICE.hex()}]
    assert pays(world, "alice") is None
    world.advance(RECOVERY_S)
    world.refused(CompleteRecovery(ALICE), BANK, codes.NO_RECOVERY)


def test_the_old_key_does_not_undo_a_lock_that_came_before_the_recovery(world: World) -> None:
    """Who found the phone, which its owner has had locked, holds the old key."""
    world.accepted(Lock(ALICE), BANK)
    world.accepted(RECOVER, BANK)
    world.accepted(CancelRecovery(ALICE), "alice")
    assert pays(world, "alice") == codes.ACCOUNT_LOCKED
    world.accepted(Unlock(ALICE), BANK)
    assert pays(world, "alice") is None


def test_what_the_regulator_upholds_no_thief_can_object_to(world: World) -> None:
    """The thief holds the key, so that he objects each time; institution and regulator together are heard instead."""
    world.accepted(Lock(ALICE), BANK)
    for _ in range(3):
        world.accepted(RECOVER, BANK)
        world.accepted(CancelRecovery(ALICE), "alice")
    world.accepted(RECOVER, BANK)
    result = world.accepted(UPHOLD, "regulator")
    assert events_of(result, "customers.recovery_upheld") == [{"account": ALICE.hex(), "legal_reference": "Ruling 7"}]
    world.refused(CancelRecovery(ALICE), "alice", codes.RECOVERY_UPHELD)
    world.refused(UPHOLD, "regulator", codes.RECOVERY_UPHELD)
    world.advance(RECOVERY_S - 1)
    world.refused(CompleteRecovery(ALICE), BANK, codes.RECOVERY_NOT_READY)
    world.advance(1)
    world.accepted(CompleteRecovery(ALICE), BANK)
    assert pays(world, "alice's new phone") is None


def test_an_institution_may_cancel_what_was_upheld_and_the_next_recovery_can_be_objected_to(world: World) -> None:
    world.accepted(RECOVER, BANK)
    world.accepted(UPHOLD, "regulator")
    world.accepted(CancelRecovery(ALICE), BANK)
    world.accepted(RECOVER, BANK)
    world.accepted(CancelRecovery(ALICE), "alice")


@pytest.mark.parametrize(
    ("message", "signer", "code"),
    [
        (UPHOLD, BANK, MISSING_ROLE),
        (UPHOLD, "operator", MISSING_ROLE),
        (UpholdRecovery(bytes(20), "Ruling 7"), "regulator", codes.UNKNOWN_CUSTOMER),
        (UpholdRecovery(ALICE, ""), "regulator", codes.BAD_RULING_REFERENCE),
        (UpholdRecovery(ALICE, "x" * 65), "regulator", codes.BAD_RULING_REFERENCE),
        (UPHOLD, "regulator", codes.NO_RECOVERY),
    ],
)
def test_a_ruling_is_refused(world: World, message: UpholdRecovery, signer: str, code: Code) -> None:
    world.refused(message, signer, code)


def test_a_recovery_waits_as_governance_had_decided_when_it_began(world: World) -> None:
    decided(world, "customers.recovery", SetRecoveryTime(GENESIS_S + 60, 600))
    world.accepted(RECOVER, BANK)
    world.advance(60)
    world.refused(CompleteRecovery(ALICE), BANK, codes.RECOVERY_NOT_READY)
    world.accepted(CancelRecovery(ALICE), BANK)
    started = world.accepted(RECOVER, BANK)
    assert events_of(started, "customers.recovery_started")[0]["ready_s"] == str(GENESIS_S + 660)
    world.advance(600)
    world.accepted(CompleteRecovery(ALICE), BANK)


@pytest.mark.parametrize("change", [(GENESIS_S + 60, 59), (GENESIS_S + 60, 90 * 86_400 + 1), (2**60, 600)])
def test_a_waiting_time_that_cannot_be_is_refused(world: World, change: tuple[int, int]) -> None:
    undecidable(world, "customers.recovery", SetRecoveryTime(*change), BAD_CHANGE)


def test_waiting_times_follow_each_other(world: World) -> None:
    decided(world, "customers.recovery", SetRecoveryTime(GENESIS_S + 60, 600))
    undecidable(world, "customers.recovery", SetRecoveryTime(GENESIS_S + 60, 900), BAD_CHANGE)


def test_genesis_names_the_waiting_time(app_state: dict[str, Any]) -> None:
    app_state["customers"]["recovery_s"] = 120
    world = World(genesis_values(app_state))
    world.accepted(RECOVER, BANK)
    world.advance(120)
    world.accepted(CompleteRecovery(ALICE), BANK)
    app_state["customers"]["recovery_s"] = 59
    with pytest.raises(ValueError, match="recovery_s"):
        genesis_values(app_state)


def test_an_institution_that_thinks_again_leaves_it_locked(world: World) -> None:
    world.accepted(RECOVER, BANK)
    world.accepted(CancelRecovery(ALICE), BANK)
    assert pays(world, "alice") == codes.ACCOUNT_LOCKED
    world.accepted(Unlock(ALICE), BANK)


def test_a_key_that_was_taken_while_it_waited_is_not_handed_over(world: World) -> None:
    world.accepted(RECOVER, BANK)
    bob = key_of("bob").address
    world.accepted(RotateKey(bob, NEW.public, NEW.sign(b"")), "bob")
    world.advance(RECOVERY_S)
    world.refused(CompleteRecovery(ALICE), BANK, codes.CUSTOMER_KEY_IN_USE)
    world.accepted(CancelRecovery(ALICE), BANK)


@pytest.mark.parametrize("signer", ["alice", BANK])
def test_an_empty_account_is_closed_and_reopened(world: World, signer: str) -> None:
    emptied(world).accepted(Close(ALICE), signer)
    assert pays(world, "alice") == codes.ACCOUNT_CLOSED
    for message, who in (
        (Close(ALICE), "alice"),
        (ROTATE, "alice"),
        (Lock(ALICE), "alice"),
        (RECOVER, BANK),
        (SetTier(ALICE, "tier_2", "A", PAPERS), BANK),
    ):
        world.refused(message, who, codes.ACCOUNT_CLOSED)
    result = world.accepted(Reopen(ALICE, "phone_only", "C", PAPERS), BANK)
    assert events_of(result, "customers.reopened") == [{"account": ALICE.hex(), "tier": "phone_only"}]
    assert pays(world, "alice") is None
    assert (customer(world).tier, customer(world).code_class, customer(world).attestation) == (
        "phone_only",
        "C",
        PAPERS,
    )


def test_an_account_is_not_closed_in_a_recovery_or_a_freeze(world: World) -> None:
    emptied(world)
    world.accepted(RECOVER, BANK)
    world.refused(Close(ALICE), BANK, codes.RECOVERY_PENDING)
    world.accepted(CancelRecovery(ALICE), "alice")
    world.accepted(Freeze(account_subject(ALICE), "Order 1", GENESIS_S + 60), "regulator")
    world.refused(Close(ALICE), "alice", ACCOUNT_FROZEN)


def test_a_tier_is_changed_with_the_papers_it_rests_on(world: World) -> None:
    result = world.accepted(SetTier(ALICE, "tier_2", "A", PAPERS), BANK)
    assert events_of(result, "customers.tier_changed") == [
        {"account": ALICE.hex(), "before": "tier_3", "tier": "tier_2", "code_class": "A"}
    ]
    assert (customer(world).tier, customer(world).code_class, customer(world).attestation) == ("tier_2", "A", PAPERS)


@pytest.mark.parametrize("kind", [SetTier, Reopen])
def test_a_standing_that_the_network_does_not_have_is_refused(world: World, kind: type[SetTier] | type[Reopen]) -> None:
    if kind is Reopen:
        emptied(world).accepted(Close(ALICE), "alice")
    world.refused(kind(ALICE, "tier_9", "B", PAPERS), BANK, codes.UNKNOWN_TIER)
    world.refused(kind(ALICE, "tier_3", "Z", PAPERS), BANK, codes.UNKNOWN_CODE_CLASS)
    world.refused(kind(ALICE, "tier_3", "B", PAPERS[1:]), BANK, codes.BAD_ATTESTATION)
    world.refused(kind(ALICE, "tier_3", "B", PAPERS), WALLET, NOT_INSTITUTION_KEY)
    world.refused(kind(bytes(20), "tier_3", "B", PAPERS), BANK, codes.UNKNOWN_CUSTOMER)


def test_a_recovery_of_an_open_account_is_found(world: World) -> None:
    ctx = world.context()
    ctx.put(RECOVERIES, ALICE, Recovery(NEW.public, 0, RECOVERY_S))
    world.commit(ctx)
    assert [each.invariant for each in recoveries_lock(world.state)] == ["recoveries_lock"]


def test_a_recovery_that_waits_too_little_is_found(world: World) -> None:
    world.accepted(RECOVER, BANK)
    ctx = world.context()
    ctx.put(RECOVERIES, ALICE, Recovery(NEW.public, 0, RECOVERY_S - 1))
    world.commit(ctx)
    assert [each.invariant for each in recoveries_lock(world.state)] == ["recoveries_lock"]


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"status": 3}, "closed_accounts_hold_nothing"),
        ({"tier": "tier_9"}, "customers_have_limits"),
        ({"code_class": "Z"}, "customers_have_limits"),
    ],
)
def test_a_standing_that_cannot_be_is_found(world: World, fields: dict[str, object], name: str) -> None:
    ctx = world.context()
    record = {field: getattr(customer(world), field) for field in Customer.__struct_fields__} | fields
    ctx.put(CUSTOMERS, ALICE, Customer(**record))
    world.commit(ctx)
    assert [each.invariant for each in registry.check_invariants(world.state)] == [name]
