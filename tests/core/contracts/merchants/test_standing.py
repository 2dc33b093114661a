"""Owners, terms, limits and standing of a shop: changed, announced, suspended, closed; each refusal by its code."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from chainpos.core.chain.signatures import verify
from chainpos.core.contracts import registry
from chainpos.core.contracts.balances import port as balances
from chainpos.core.contracts.balances.records import merchant_account
from chainpos.core.contracts.compliance.codes import MERCHANT_FROZEN
from chainpos.core.contracts.compliance.messages import Freeze
from chainpos.core.contracts.institutions.changes import SetStanding
from chainpos.core.contracts.institutions.codes import INSTITUTION_SUSPENDED, NOT_INSTITUTION_KEY
from chainpos.core.contracts.merchants import codes, port
from chainpos.core.contracts.merchants.messages import (
    AddTill,
    CancelTerms,
    ChangeTerms,
    Close,
    Reopen,
    RevokeTill,
    RotateOwner,
    SetTillLimits,
    Suspend,
)
from chainpos.core.contracts.merchants.records import CLOSED, MERCHANTS, TERMS_DELAY_S, Merchant, NextTerms
from chainpos.core.contracts.ports import merchant_subject
from chainpos.core.contracts.possession import possession_bytes
from chainpos.errors import Code, Rejected
from tests.core.contracts.conftest import BANK, CHAIN_ID, CNY, GENESIS_S, WALLET, World, events_of, key_of
from tests.core.contracts.deciding import decided

OWNER, TILL = "TEAHOUSE.owner", key_of("TEAHOUSE.till").public
NEW = key_of("new owner")
PROOF = NEW.sign(possession_bytes(CHAIN_ID, merchant_subject("TEAHOUSE")))
ROTATE = RotateOwner("TEAHOUSE", NEW.public, PROOF)
TERMS = ChangeTerms("TEAHOUSE", "instant", "CN-NEW-1")
LIMITS = SetTillLimits("TEAHOUSE", TILL, 5_000, 50)


def shop(world: World) -> Merchant:
    record = world.state.get(MERCHANTS, b"TEAHOUSE")
    assert record is not None
    return record


def open_or(world: World) -> Code | None:
    """Why the shop can neither sell nor refund, or None."""
    try:
        port.terms(world.context(), "TEAHOUSE")
    except Rejected as refusal:
        return refusal.code
    return None


def test_an_owner_hands_over_to_another_key(world: World) -> None:
    result = world.accepted(ROTATE, OWNER)
    assert events_of(result, "merchants.owner_changed")[0]["owner"] == NEW.public.hex()
    world.refused(TERMS, OWNER, codes.NOT_OWNER)
    world.accepted(TERMS, NEW)


def test_the_new_owner_signs_for_the_shop_and_the_chain() -> None:
    known = registry.MESSAGES["merchants.rotate_owner"]
    (claim,) = known.signatures(CHAIN_ID, ROTATE)
    assert verify(claim.public_key, claim.message, claim.signature)
    (claim,) = known.signatures(CHAIN_ID, msgspec.structs.replace(ROTATE, merchant="NOODLES"))
    assert not verify(claim.public_key, claim.message, claim.signature)


def test_terms_hold_a_day_after_they_are_announced(world: World) -> None:
    result = world.accepted(TERMS, OWNER)
    assert events_of(result, "merchants.terms_announced") == [
        {
            "merchant": "TEAHOUSE",
            "settlement_mode": "instant",
            "payout_account": "CN-NEW-1",
            "effective_from_s": str(GENESIS_S + TERMS_DELAY_S),
        }
    ]
    world.advance(TERMS_DELAY_S - 1)
    assert port.terms(world.context(), "TEAHOUSE").settlement_mode == "netted"
    world.advance(1)
    assert port.terms(world.context(), "TEAHOUSE").settlement_mode == "instant"
    assert shop(world).at(world.time_s) == ("instant", "CN-NEW-1")
    world.refused(CancelTerms("TEAHOUSE"), OWNER, codes.NO_TERMS_PENDING)
    # The next change begins from what has begun by now.
    world.accepted(ChangeTerms("TEAHOUSE", "netted", "CN-NEW-1"), OWNER)
    assert shop(world).at(world.time_s) == ("instant", "CN-NEW-1")


@pytest.mark.parametrize("signer", [OWNER, BANK])
def test_terms_are_cancelled_by_either_before_they_begin(world: World, signer: str) -> None:
    world.accepted(TERMS, OWNER)
    world.accepted(CancelTerms("TEAHOUSE"), signer)
    world.advance(TERMS_DELAY_S)
    assert shop(world).at(world.time_s) == ("netted", "CN-TEAHOUSE-001")


@pytest.mark.parametrize("status", ["suspended", "acquirer suspended"])
def test_a_suspended_shop_does_nothing_until_it_is_reopened(world: World, status: str) -> None:
    if status == "suspended":
        result = world.accepted(Suspend("TEAHOUSE", "Inspection"), BANK)
        assert events_of(result, "merchants.suspended") == [{"merchant": "TEAHOUSE", "reason": "Inspection"}]
        assert open_or(world) == codes.MERCHANT_NOT_OPEN
        world.refused(Suspend("TEAHOUSE", "Again"), BANK, codes.MERCHANT_NOT_OPEN)
        world.accepted(Reopen("TEAHOUSE"), BANK)
    else:
        decided(world, "institutions.standing", SetStanding(BANK, is_suspended=True, reason="Audit"))
        assert open_or(world) == INSTITUTION_SUSPENDED
        decided(world, "institutions.standing", SetStanding(BANK, is_suspended=False, reason="Done"))
    assert open_or(world) is None


@pytest.mark.parametrize("signer", [OWNER, BANK])
def test_a_closed_shop_stays_closed(world: World, signer: str) -> None:
    world.accepted(Close("TEAHOUSE"), signer)
    assert shop(world).status == CLOSED
    assert open_or(world) == codes.MERCHANT_NOT_OPEN
    for message, who in (
        (Close("TEAHOUSE"), BANK),
        (Reopen("TEAHOUSE"), BANK),
        (Suspend("TEAHOUSE", "x"), BANK),
        (ROTATE, OWNER),
        (TERMS, OWNER),
    ):
        world.refused(message, who, codes.MERCHANT_CLOSED)
    world.refused(AddTill("TEAHOUSE", bytes(32), "Till", 1, 1), OWNER, codes.MERCHANT_NOT_OPEN)


def test_a_shop_with_money_or_under_a_freeze_is_not_closed(world: World) -> None:
    ctx = world.context()
    balances.issue(ctx, BANK, merchant_account("TEAHOUSE", BANK), "HKD", 1)
    world.commit(ctx)
    world.refused(Close("TEAHOUSE"), OWNER, codes.MERCHANT_NOT_EMPTY)
    assert world.run(Freeze(merchant_subject("TEAHOUSE"), "Order 1", GENESIS_S + 60), "regulator").code == 0
    world.refused(Close("TEAHOUSE"), OWNER, MERCHANT_FROZEN)


def test_a_tills_limits_hold_at_once_and_what_it_returned_today_counts(world: World) -> None:
    ctx = world.context()
    port.count_refund(ctx, "TEAHOUSE", TILL, 60)
    world.commit(ctx)
    result = world.accepted(LIMITS, OWNER)
    assert events_of(result, "merchants.till_limits_changed")[0]["refund_daily_minor"] == "50"
    assert port.require_till(world.context(), "TEAHOUSE", TILL) == 5_000
    with pytest.raises(Rejected) as refusal:
        port.count_refund(world.context(), "TEAHOUSE", TILL, 1)
    assert refusal.value.code == codes.OVER_TILL_REFUND_LIMIT
    world.advance(86_400)
    ctx = world.context()
    port.count_refund(ctx, "TEAHOUSE", TILL, 50)
    world.commit(ctx)
    world.check()


def test_a_lower_limit_says_nothing_of_what_was_returned_the_day_before(world: World) -> None:
    """What the long run of all messages found: the invariant asked only for the very day of the change."""
    ctx = world.context()
    port.count_refund(ctx, "TEAHOUSE", TILL, 60)
    world.commit(ctx)
    world.advance(86_400)
    world.accepted(LIMITS, OWNER)


REFUSALS: list[tuple[msgspec.Struct, str, Code]] = [
    (ROTATE, BANK, codes.NOT_OWNER),
    (msgspec.structs.replace(ROTATE, owner=bytes(31)), OWNER, codes.BAD_OWNER_KEY),
    (msgspec.structs.replace(ROTATE, owner=key_of(OWNER).public), OWNER, codes.OWNER_UNCHANGED),
    (msgspec.structs.replace(ROTATE, merchant="PALACE"), OWNER, codes.UNKNOWN_MERCHANT),
    (TERMS, BANK, codes.NOT_OWNER),
    (msgspec.structs.replace(TERMS, settlement_mode="never"), OWNER, codes.BAD_SETTLEMENT_MODE),
    (msgspec.structs.replace(TERMS, payout_account="no"), OWNER, codes.BAD_PAYOUT_ACCOUNT),
    (ChangeTerms("TEAHOUSE", "netted", "CN-TEAHOUSE-001"), OWNER, codes.TERMS_UNCHANGED),
    (CancelTerms("TEAHOUSE"), OWNER, codes.NO_TERMS_PENDING),
    (CancelTerms("TEAHOUSE"), WALLET, codes.NOT_OWNER_OR_ACQUIRER),
    (Suspend("TEAHOUSE", "x"), OWNER, NOT_INSTITUTION_KEY),
    (Suspend("TEAHOUSE", "x"), WALLET, NOT_INSTITUTION_KEY),
    (Suspend("TEAHOUSE", ""), BANK, codes.BAD_SUSPENSION_REASON),
    (Suspend("TEAHOUSE", "x\u202e"), BANK, codes.BAD_SUSPENSION_REASON),
    (Reopen("TEAHOUSE"), BANK, codes.NOT_SUSPENDED),
    (Reopen("TEAHOUSE"), OWNER, NOT_INSTITUTION_KEY),
    (Close("TEAHOUSE"), "alice", codes.NOT_OWNER_OR_ACQUIRER),
    (LIMITS, BANK, codes.NOT_OWNER),
    (msgspec.structs.replace(LIMITS, till=bytes(32)), OWNER, codes.UNKNOWN_TILL),
    (msgspec.structs.replace(LIMITS, till=key_of("NOODLES.till").public), OWNER, codes.UNKNOWN_TILL),
    (msgspec.structs.replace(LIMITS, max_payment_minor=-1), OWNER, codes.BAD_TILL_LIMITS),
    (msgspec.structs.replace(LIMITS, refund_daily_minor=2**63), OWNER, codes.BAD_TILL_LIMITS),
]


@pytest.mark.parametrize(("message", "signer", "code"), REFUSALS)
def test_it_is_refused(world: World, message: msgspec.Struct, signer: str, code: Code) -> None:
    world.refused(message, signer, code)


def test_a_revoked_tills_limits_stay(world: World) -> None:
    world.accepted(RevokeTill("TEAHOUSE", TILL), OWNER)
    world.refused(LIMITS, OWNER, codes.TILL_REVOKED)


@pytest.mark.parametrize("name", ["TEAHOUSE", "", "\x1b[2J", "X" * 17])
def test_a_refusal_is_found_by_the_shops_number_alone(name: str) -> None:
    subject = registry.MESSAGES["merchants.close"].subject(Close(name))
    assert subject == ({"merchant": name} if name == "TEAHOUSE" else {})


@pytest.mark.parametrize(
    ("fields", "invariant"),
    [
        ({"settlement_mode": "never"}, "shops_have_terms"),
        ({"following": (NextTerms(1, "never", "CN-1"),)}, "shops_have_terms"),
        ({"following": (NextTerms(1, "netted", "CN-1"),) * 2}, "shops_have_terms"),
    ],
)
def test_terms_that_cannot_be_are_found(world: World, fields: dict[str, Any], invariant: str) -> None:
    ctx = world.context()
    ctx.put(MERCHANTS, b"TEAHOUSE", msgspec.structs.replace(shop(world), **fields))
    world.commit(ctx)
    assert [each.invariant for each in registry.check_invariants(world.state)] == [invariant]


def test_a_closed_shop_with_money_is_found(world: World) -> None:
    world.accepted(Close("TEAHOUSE"), OWNER)
    ctx = world.context()
    balances.issue(ctx, BANK, merchant_account("TEAHOUSE", BANK), CNY, 1)
    world.commit(ctx)
    assert "closed_shops_hold_nothing" in [each.invariant for each in registry.check_invariants(world.state)]
