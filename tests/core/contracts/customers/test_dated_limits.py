"""Limits that governance dates, and those that an institution agrees where the network leaves them open."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from chainpos.core.contracts import registry
from chainpos.core.contracts.balances.codes import UNKNOWN_CURRENCY
from chainpos.core.contracts.customers import codes, port
from chainpos.core.contracts.customers.changes import SetClassCaps, SetTierLimits
from chainpos.core.contracts.customers.messages import AgreeLimits
from chainpos.core.contracts.customers.records import (
    CODE_CLASSES,
    TIERS,
    ClassCap,
    ClassSchedule,
    ClassStep,
    TierLimits,
)
from chainpos.core.contracts.governance.codes import CHANGE_NOT_AHEAD
from chainpos.core.contracts.institutions.codes import NOT_INSTITUTION_KEY
from chainpos.core.contracts.ports import CUSTOMER_CODE, DYNAMIC_QR, STATIC_QR
from chainpos.errors import Code, Rejected
from tests.core.contracts.conftest import BANK, CNY, GENESIS_S, WALLET, World, events_of, genesis_values, key_of
from tests.core.contracts.deciding import decided, proposal

ALICE, ERIN = key_of("alice").address, key_of("erin").address
TIER = SetTierLimits("tier_3", GENESIS_S + 60, (TierLimits(CNY, 100, 250, 2_000_000),))
CLASS = SetClassCaps("B", GENESIS_S + 60, (ClassCap(CNY, 60_000),))


def spent(world: World, account: bytes, amount_minor: int, instrument: str = DYNAMIC_QR) -> Code | None:
    """Why the account cannot pay so much, or None; then it is counted."""
    ctx = world.context()
    try:
        port.spend(ctx, account, amount_minor, CNY, instrument)
    except Rejected as refusal:
        return refusal.code
    world.commit(ctx)
    return None


def test_a_tiers_new_limits_hold_from_their_second(world: World) -> None:
    result = decided(world, "customers.tier", TIER)
    assert events_of(result, "customers.tier_limits_changed") == [
        {"tier": "tier_3", "effective_from_s": str(GENESIS_S + 60)}
    ]
    world.advance(59)
    assert spent(world, ALICE, 101) is None
    world.advance(1)
    assert spent(world, ALICE, 101) == codes.OVER_SINGLE_LIMIT
    assert spent(world, ALICE, 100) is None
    # What was paid before on that day counts.
    assert spent(world, ALICE, 50) == codes.OVER_DAILY_LIMIT
    assert spent(world, ALICE, 49) is None


def test_a_class_new_caps_hold_from_their_second(world: World) -> None:
    decided(world, "customers.code_class", CLASS)
    world.advance(60)
    assert spent(world, ALICE, 60_001, CUSTOMER_CODE) == codes.OVER_CODE_CAP
    assert spent(world, ALICE, 60_000, CUSTOMER_CODE) is None


def test_a_new_tier_and_a_new_class_can_be_made(world: World) -> None:
    decided(world, "customers.tier", msgspec.structs.replace(TIER, tier="tier_0"))
    decided(world, "customers.code_class", msgspec.structs.replace(CLASS, code_class="E"))
    assert world.state.get(TIERS, b"tier_0") is not None


ROW = TIER.limits[0]
BAD: list[tuple[str, msgspec.Struct, Code]] = [
    ("customers.tier", msgspec.structs.replace(TIER, **fields), code)
    for fields, code in (
        ({"tier": ""}, codes.BAD_LIMITS_NAME),
        ({"tier": "Tier"}, codes.BAD_LIMITS_NAME),
        ({"limits": (ROW, ROW)}, codes.BAD_LIMITS),
        ({"limits": (msgspec.structs.replace(ROW, single_minor=-1),)}, codes.BAD_LIMITS),
        ({"limits": (msgspec.structs.replace(ROW, daily_minor=2**63),)}, codes.BAD_LIMITS),
        ({"limits": (msgspec.structs.replace(ROW, currency="XXX"),)}, UNKNOWN_CURRENCY),
        ({"effective_from_s": GENESIS_S}, CHANGE_NOT_AHEAD),
        ({"effective_from_s": 2**60}, codes.BAD_LIMITS),
    )
] + [
    ("customers.code_class", msgspec.structs.replace(CLASS, **fields), code)
    for fields, code in (
        ({"code_class": "BB"}, codes.BAD_LIMITS_NAME),
        ({"caps": (ClassCap(CNY, 1), ClassCap(CNY, 1))}, codes.BAD_LIMITS),
        ({"caps": (ClassCap(CNY, -1),)}, codes.BAD_LIMITS),
        ({"caps": (ClassCap("XXX", 1),)}, UNKNOWN_CURRENCY),
        ({"effective_from_s": 0}, CHANGE_NOT_AHEAD),
    )
]


@pytest.mark.parametrize(("kind", "change", "code"), BAD)
def test_limits_are_refused(world: World, kind: str, change: msgspec.Struct, code: Code) -> None:
    world.refused(proposal(world, kind, change), "operator", code)


@pytest.mark.parametrize(("kind", "change"), [("customers.tier", TIER), ("customers.code_class", CLASS)])
def test_limits_follow_the_last_that_are_scheduled(world: World, kind: str, change: Any) -> None:
    decided(world, kind, change)
    world.refused(proposal(world, kind, change), "operator", codes.LIMITS_NOT_LATER)
    decided(world, kind, msgspec.structs.replace(change, effective_from_s=change.effective_from_s + 1))


@pytest.mark.parametrize(
    ("code_class", "cap_minor", "where"),
    [("D", 100_001, "C CNY"), ("D", None, "B CNY, C CNY"), ("C", 49_999, "C CNY"), ("E", 0, "E CNY")],
)
def test_printed_codes_keep_the_lowest_cap(world: World, code_class: str, cap_minor: int | None, where: str) -> None:
    change = SetClassCaps(code_class, GENESIS_S + 60, (ClassCap(CNY, cap_minor),))
    result = world.run(proposal(world, "customers.code_class", change), "operator")
    assert (result.log, result.info) == (codes.STATIC_CAP_NOT_LOWEST.name, where)
    equal = {"D": 100_000}.get(code_class, 50_000)
    decided(world, "customers.code_class", msgspec.structs.replace(change, caps=(ClassCap(CNY, equal),)))


def test_the_lowest_cap_is_asked_for_at_every_date_that_is_scheduled(world: World) -> None:
    decided(world, "customers.code_class", SetClassCaps("D", GENESIS_S + 600, (ClassCap(CNY, 90_000),)))
    below = SetClassCaps("C", GENESIS_S + 60, (ClassCap(CNY, 80_000),))
    world.refused(proposal(world, "customers.code_class", below), "operator", codes.STATIC_CAP_NOT_LOWEST)


def test_a_cap_above_another_class_is_found(world: World) -> None:
    ctx = world.context()
    ctx.put(CODE_CLASSES, b"D", ClassSchedule((ClassStep(GENESIS_S, (ClassCap(CNY, 100_001),)),)))
    world.commit(ctx)
    assert [(each.invariant, each.detail) for each in registry.check_invariants(world.state)] == [
        ("printed_codes_have_the_lowest_cap", "C CNY")
    ]


def test_genesis_refuses_printed_codes_above_another_class(app_state: dict[str, Any]) -> None:
    app_state["customers"]["code_classes"][3]["steps"][0]["caps"][0]["daily_minor"] = 100_001
    with pytest.raises(ValueError, match=r"static_cap_not_lowest: C CNY - at `\$\.customers\.code_classes`"):
        genesis_values(app_state)


AGREED = AgreeLimits(ERIN, CNY, 1_000, 1_500, 100_000_100, 600)


def test_what_the_network_leaves_open_is_agreed(world: World) -> None:
    """Erin is of tier I and class A, which the network leaves to her bank."""
    assert spent(world, ERIN, 50_000_000) is None
    world.advance(86_400)
    result = world.accepted(AGREED, BANK)
    assert events_of(result, "customers.limits_agreed") == [{"account": ERIN.hex(), "currency": CNY}]
    assert spent(world, ERIN, 1_001) == codes.OVER_SINGLE_LIMIT
    assert spent(world, ERIN, 601, CUSTOMER_CODE) == codes.OVER_CODE_CAP
    assert spent(world, ERIN, 600, CUSTOMER_CODE) is None
    assert spent(world, ERIN, 901) == codes.OVER_DAILY_LIMIT
    ctx = world.context()
    port.require_room(ctx, ERIN, 100_000_100, CNY)
    with pytest.raises(Rejected) as refusal:
        port.require_room(ctx, ERIN, 100_000_101, CNY)
    assert refusal.value.code == codes.OVER_BALANCE_LIMIT


def test_printed_codes_keep_the_networks_cap_whatever_was_agreed(world: World) -> None:
    world.accepted(msgspec.structs.replace(AGREED, single_minor=None, daily_minor=None, code_daily_minor=None), BANK)
    assert spent(world, ERIN, 50_001, STATIC_QR) == codes.OVER_STATIC_CAP


def test_an_agreement_cannot_lift_what_the_network_sets(world: World) -> None:
    world.accepted(AgreeLimits(ALICE, CNY, None, None, None, None), BANK)
    assert spent(world, ALICE, 500_001) == codes.OVER_SINGLE_LIMIT


def test_agreements_are_kept_by_currency(world: World) -> None:
    world.accepted(AGREED, BANK)
    world.accepted(msgspec.structs.replace(AGREED, currency="HKD", single_minor=5), BANK)
    world.accepted(msgspec.structs.replace(AGREED, single_minor=7), BANK)
    rows = port.agreed_limits(world.context(), ERIN)
    assert [(row.currency, row.single_minor) for row in rows] == [(CNY, 7), ("HKD", 5)]


@pytest.mark.parametrize(
    ("fields", "signer", "code"),
    [
        ({}, WALLET, NOT_INSTITUTION_KEY),
        ({}, "erin", NOT_INSTITUTION_KEY),
        ({"account": bytes(20)}, BANK, codes.UNKNOWN_CUSTOMER),
        ({"currency": "XXX"}, BANK, UNKNOWN_CURRENCY),
        ({"single_minor": -1}, BANK, codes.BAD_LIMITS),
        ({"code_daily_minor": 2**63}, BANK, codes.BAD_LIMITS),
    ],
)
def test_an_agreement_is_refused(world: World, fields: dict[str, Any], signer: str, code: Code) -> None:
    world.refused(msgspec.structs.replace(AGREED, **fields), signer, code)
