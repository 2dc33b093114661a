"""The schedule on the ledger: quotes by class, presentation, currency and date; genesis and its faults."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from chainpos.core.contracts.fees import invariants, port
from chainpos.core.contracts.fees.codes import NO_FEE_AGREED
from chainpos.core.contracts.fees.records import COMPARISONS, SCHEDULES, FeeRule, FeeSchedule, schedule_key
from chainpos.core.contracts.ports import CUSTOMER_CODE, DYNAMIC_QR, STATIC_QR, FeeSplit
from chainpos.core.values.amount import MAX_MINOR
from chainpos.errors import Rejected
from tests.core.contracts.conftest import CNY, GENESIS_S, World

WorldOf = Callable[[Mapping[str, Any]], World]


def test_a_quote_follows_class_presentation_and_currency(app_state: dict[str, Any], world_of: WorldOf) -> None:
    app_state["fees"]["schedules"] += [
        {"fee_class": "small", "instruments": ["static_qr"], "currencies": ["CNY", "HKD"], "rules": [{"ppm": 1_000}]}
    ]
    ctx = world_of(app_state).context()
    assert port.quote(ctx, "standard", DYNAMIC_QR, CNY, 10_000) == FeeSplit(30, 8)
    assert port.quote(ctx, "small", STATIC_QR, "HKD", 10_000) == FeeSplit(10, 0)
    for fee_class, instrument, currency in [
        ("small", CUSTOMER_CODE, CNY),
        ("large", DYNAMIC_QR, CNY),
        ("standard", DYNAMIC_QR, "HKD"),
    ]:
        with pytest.raises(Rejected) as refusal:
            port.quote(ctx, fee_class, instrument, currency, 10_000)
        assert refusal.value.code == NO_FEE_AGREED


def test_a_later_rule_holds_from_its_second_on(app_state: dict[str, Any], world_of: WorldOf) -> None:
    app_state["fees"]["schedules"][0]["rules"].append({"from_s": GENESIS_S + 60, "ppm": 5_000, "maximum_minor": 40})
    world = world_of(app_state)
    world.advance(59)
    assert port.quote(world.context(), "standard", DYNAMIC_QR, CNY, 10_000).total_minor == 38
    world.advance(1)
    assert port.quote(world.context(), "standard", DYNAMIC_QR, CNY, 10_000).total_minor == 40


def test_before_the_first_rule_no_fee_is_agreed(app_state: dict[str, Any], world_of: WorldOf) -> None:
    app_state["fees"]["schedules"][0]["rules"][0]["from_s"] = GENESIS_S + 1
    with pytest.raises(Rejected) as refusal:
        port.quote(world_of(app_state).context(), "standard", DYNAMIC_QR, CNY, 10_000)
    assert refusal.value.code == NO_FEE_AGREED


def test_genesis_keeps_what_others_charge(app_state: dict[str, Any], world_of: WorldOf) -> None:
    rates = [{"ppm": 3_800}, {"from_s": 5, "ppm": 6_000}]
    app_state["fees"]["comparisons"] = [{"name_en": "Cards", "name_zh": "银行卡", "rates": rates}]
    (found,) = [record for _, record in world_of(app_state).state.records(COMPARISONS)]
    assert (found.name_zh, [rate.ppm for rate in found.rates]) == ("银行卡", [3_800, 6_000])


Change = Callable[[dict[str, Any]], Any]
FAULTS: list[tuple[str, Change, str]] = [
    ("twice", lambda f: f["schedules"].append(f["schedules"][0]), r"twice .*`\$\.fees\.schedules\[1\]`"),
    ("no rules", lambda f: f["schedules"][0].update(rules=[]), r"`\$\.fees\.schedules\[0\]\.rules`"),
    ("over 100 %", lambda f: f["schedules"][0]["rules"][0].update(ppm=1_000_001), r"rules\[0\]\.ppm`"),
    (
        "bounds crossed",
        lambda f: f["schedules"][0]["rules"][0].update(minimum_minor=2, maximum_minor=1),
        r"a minimum above its maximum .*`\$\.fees\.schedules\[0\]`",
    ),
    ("same date", lambda f: f["schedules"][0]["rules"].append({"ppm": 1}), r"do not ascend .*schedules\[0\]`"),
    ("unknown currency", lambda f: f["schedules"][0].update(currencies=["XXX"]), r"unknown currency 'XXX'"),
    ("unknown presentation", lambda f: f["schedules"][0].update(instruments=["cash"]), r"instruments\[0\]`"),
    ("odd class", lambda f: f["schedules"][0].update(fee_class="a b"), r"fee_class`"),
    (
        "hostile name",
        lambda f: f.update(comparisons=[{"name_en": "\u202e", "name_zh": "x", "rates": [{"ppm": 1}]}]),
        r"`\$\.fees\.comparisons\[0\]`",
    ),
    (
        "rates out of order",
        lambda f: f.update(comparisons=[{"name_en": "a", "name_zh": "x", "rates": [{"ppm": 1}, {"ppm": 2}]}]),
        r"do not ascend .*comparisons\[0\]`",
    ),
]


@pytest.mark.parametrize(("change", "message"), [fault[1:] for fault in FAULTS], ids=[fault[0] for fault in FAULTS])
def test_a_fault_in_genesis_is_told(app_state: dict[str, Any], world_of: WorldOf, change: Change, message: str) -> None:
    change(app_state["fees"])
    with pytest.raises(ValueError, match=message):
        world_of(app_state)


@pytest.mark.parametrize(
    "rules",
    [
        (),
        (FeeRule(5, 1, 0, 1, 0), FeeRule(5, 1, 0, 1, 0)),
        (FeeRule(0, 1_000_001, 0, 1, 0),),
        (FeeRule(0, 1, 2, 1, 0),),
    ],
)
def test_the_invariant_finds_a_schedule_that_genesis_would_refuse(world: World, rules: tuple[FeeRule, ...]) -> None:
    assert invariants.schedules_are_dated_in_order(world.state) == []
    ctx = world.context()
    ctx.put(SCHEDULES, schedule_key("odd", DYNAMIC_QR, CNY), FeeSchedule(rules))
    world.commit(ctx)
    (violation,) = invariants.schedules_are_dated_in_order(world.state)
    assert "odd" in violation.detail


def test_no_maximum_means_the_largest_amount(world: World) -> None:
    schedule = world.state.get(SCHEDULES, schedule_key("standard", DYNAMIC_QR, CNY))
    assert schedule is not None
    assert schedule.rules[0].maximum_minor == MAX_MINOR
