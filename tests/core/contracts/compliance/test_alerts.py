"""Alert rules: decided, dated, counted; they tell and stop nothing. And previews, which say what they would tell."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainpos.core.contracts.balances.codes import UNKNOWN_CURRENCY
from chainpos.core.contracts.compliance import codes
from chainpos.core.contracts.compliance.changes import SetAlertRules
from chainpos.core.contracts.compliance.invariants import alert_rules_ascend_by_date, alerts_are_on_record
from chainpos.core.contracts.compliance.preview import (
    DAILY,
    SINGLE,
    PaidFact,
    TrialLimits,
    would_alert,
    would_stop,
)
from chainpos.core.contracts.compliance.records import (
    ACTIVITY,
    ALERT_RULES,
    ALERTS,
    ONLY,
    Activity,
    AlertRule,
    AlertSchedule,
    AlertStep,
    Mark,
    alert_key,
)
from chainpos.core.contracts.customers import port as customers
from chainpos.core.contracts.ports import DYNAMIC_QR
from chainpos.core.values.amount import MAX_MINOR
from chainpos.errors import Code
from tests.core.contracts.conftest import CNY, GENESIS_S, World, attributes_of, key_of, make_app_state
from tests.core.contracts.deciding import decided, proposal

KIND = "compliance.alert_rules"
HOUR_S = 3_600
THREE = AlertRule("three_in_an_hour", CNY, HOUR_S, 0, MAX_MINOR, 3, 0)
JUST_BELOW = AlertRule("just_below", CNY, 86_400, 4_000, 4_999, 2, 0)
MUCH = AlertRule("much", CNY, HOUR_S, 0, MAX_MINOR, 0, 10_000)
RULES = (THREE, JUST_BELOW, MUCH)
CAROL = key_of("carol").address
CHANGE = SetAlertRules(GENESIS_S + 10, RULES)
# The window in which genesis lies began 800 seconds before.
WINDOW_S = GENESIS_S - GENESIS_S % HOUR_S


def spend(world: World, amount_minor: int, currency: str = CNY) -> list[dict[str, str]]:
    """One payment of carol's day; the alerts it told."""
    ctx = world.context()
    customers.spend(ctx, CAROL, amount_minor, currency, DYNAMIC_QR)
    world.commit(ctx)
    world.check()
    return [attributes_of(event) for event in ctx.events if event.type == "compliance.alert"]


@pytest.fixture
def watched(world: World) -> World:
    decided(world, KIND, CHANGE)
    world.advance(10)
    return world


def test_nothing_is_watched_before_its_date(world: World) -> None:
    decided(world, KIND, CHANGE)
    world.advance(9)
    assert spend(world, 20_000) == []
    world.advance(1)
    assert [told["rule"] for told in spend(world, 20_000)] == ["much"]


def test_the_third_payment_in_an_hour_is_told_once(watched: World) -> None:
    assert [spend(watched, 1) for _ in range(2)] == [[], []]
    (told,) = spend(watched, 1)
    assert told == {
        "rule": "three_in_an_hour",
        "account": CAROL.hex(),
        "currency": CNY,
        "window_from_s": str(WINDOW_S),
        "count": "3",
        "total_minor": "3",
    }
    assert spend(watched, 1) == []
    alert = watched.state.get(ALERTS, alert_key(CAROL, "three_in_an_hour", WINDOW_S))
    assert alert is not None
    assert (alert.count, alert.total_minor, alert.time_s) == (3, 3, watched.time_s)
    watched.advance(HOUR_S)
    assert [len(spend(watched, 1)) for _ in range(3)] == [0, 0, 1]


def test_payments_just_below_a_limit_are_told(watched: World) -> None:
    assert [[told["rule"] for told in spend(watched, amount)] for amount in (4_999, 5_000, 3_999)] == [
        [],
        [],
        ["three_in_an_hour", "much"],
    ]
    assert [told["rule"] for told in spend(watched, 4_000)] == ["just_below"]


def test_what_stops_being_watched_is_no_longer_counted(watched: World) -> None:
    spend(watched, 1)
    decided(watched, KIND, SetAlertRules(watched.time_s + 5, (MUCH,)))
    watched.advance(5)
    assert [spend(watched, 1) for _ in range(3)] == [[], [], []]
    activity = watched.state.get(ACTIVITY, CAROL)
    assert activity is not None
    assert [mark.rule for mark in activity.marks] == ["much"]


def test_a_sum_beyond_what_a_record_holds_stays_at_the_most_it_can_hold(world: World) -> None:
    # One institution alone can have a wallet pay and be refunded so much, day after day: it must not stop the chain.
    decided(world, KIND, SetAlertRules(GENESIS_S + 10, (AlertRule("long", CNY, 31 * 86_400, 0, MAX_MINOR, 3, 0),)))
    world.advance(10)
    ctx = world.context()
    for _ in range(3):
        ctx.ports.compliance.observe(ctx, CAROL, MAX_MINOR, CNY)
    world.commit(ctx)
    world.check()
    activity = world.state.get(ACTIVITY, CAROL)
    assert activity is not None
    (mark,) = activity.marks
    assert (mark.count, mark.total_minor, mark.is_told) == (3, MAX_MINOR, True)


def test_a_rule_that_comes_back_within_its_window_counts_anew_beside_the_alert_of_before(watched: World) -> None:
    assert len(spend(watched, 20_000)) == 1
    for rules in ((), (msgspec.structs.replace(MUCH, total_minor=90_000),)):
        decided(watched, KIND, SetAlertRules(watched.time_s + 5, rules))
        watched.advance(5)
        # `spend` looks at every invariant.
        assert spend(watched, 20_000) == []


def test_another_currency_is_not_counted(watched: World) -> None:
    ctx = watched.context()
    watched_before = ctx.get(ACTIVITY, CAROL)
    ctx.ports.compliance.observe(ctx, CAROL, 1_000_000, "HKD")
    assert ctx.events == []
    assert ctx.get(ACTIVITY, CAROL) == watched_before


BAD: list[tuple[AlertRule, Code]] = [
    (msgspec.structs.replace(THREE, **fields), codes.BAD_ALERT_RULE)
    for fields in (
        {"name": ""},
        {"name": "Three"},
        {"name": "x" * 33},
        {"window_s": 0},
        {"window_s": 32 * 86_400},
        {"at_least_minor": -1},
        {"at_least_minor": 5, "at_most_minor": 4},
        {"at_most_minor": 2**63},
        {"count": 0},
        {"count": -1, "total_minor": 1},
        {"total_minor": 2**63},
        {"name": "much"},
    )
]


@pytest.mark.parametrize(("rule", "code"), [*BAD, (msgspec.structs.replace(THREE, currency="XXX"), UNKNOWN_CURRENCY)])
def test_alert_rules_are_refused(world: World, rule: AlertRule, code: Code) -> None:
    world.refused(proposal(world, KIND, SetAlertRules(GENESIS_S + 10, (MUCH, rule))), "operator", code)


def test_there_are_no_more_than_sixteen(world: World) -> None:
    many = tuple(msgspec.structs.replace(THREE, name=f"rule_{number}") for number in range(17))
    world.refused(proposal(world, KIND, SetAlertRules(GENESIS_S + 10, many)), "operator", codes.BAD_ALERT_RULE)
    decided(world, KIND, SetAlertRules(GENESIS_S + 10, many[:16]))


def test_alert_rules_follow_the_last_that_are_scheduled(world: World) -> None:
    decided(world, KIND, CHANGE)
    world.refused(proposal(world, KIND, CHANGE), "operator", codes.ALERT_RULES_NOT_LATER)
    late = SetAlertRules(2**60, RULES)
    world.refused(proposal(world, KIND, late), "operator", codes.BAD_ALERT_RULE)


def test_genesis_may_watch_from_the_first_block(world_of: Any) -> None:
    state = make_app_state()
    rule = {"name": "three", "currency": CNY, "window_s": HOUR_S, "count": 3}
    state["compliance"] = {"alert_rules": [rule]}
    world = world_of(state)
    assert [len(spend(world, 1)) for _ in range(3)] == [0, 0, 1]
    state["compliance"] = {"alert_rules": [rule, rule]}
    with pytest.raises(ValueError, match=r"bad_alert_rule.* - at `\$\.compliance\.alert_rules`"):
        world_of(state)


@pytest.mark.parametrize(
    "marks",
    [
        (Mark("three", 0, 3, 3, is_told=True),),
        (Mark("three", 0, 1, 3, is_told=False), Mark("three", 0, 1, 3, is_told=False)),
        (Mark("three", 0, 0, 0, is_told=False),),
        (Mark("three", 0, 3, 2, is_told=False),),
    ],
)
def test_marks_that_cannot_be_are_found(world: World, marks: tuple[Mark, ...]) -> None:
    ctx = world.context()
    ctx.put(ACTIVITY, CAROL, Activity(marks))
    world.commit(ctx)
    assert "alerts_are_on_record" in [violation.invariant for violation in alerts_are_on_record(world.state)]


@pytest.mark.parametrize("seconds", [(5, 5), (5, 4)])
def test_rules_out_of_order_are_found(world: World, seconds: tuple[int, ...]) -> None:
    ctx = world.context()
    ctx.put(ALERT_RULES, ONLY, AlertSchedule(tuple(AlertStep(second, RULES) for second in seconds)))
    world.commit(ctx)
    assert [each.invariant for each in alert_rules_ascend_by_date(world.state)] == ["alert_rules_ascend_by_date"]


def fact(number: int, time_s: int, amount_minor: int, account: bytes = CAROL, currency: str = CNY) -> PaidFact:
    return PaidFact(number.to_bytes(2, "big"), time_s, account, currency, amount_minor)


@given(
    st.lists(st.tuples(st.integers(0, 4_000), st.sampled_from([1, 3_999, 4_500, 9_000]), st.booleans()), max_size=12)
)
def test_a_preview_tells_what_a_plain_count_tells(steps: list[tuple[int, int, bool]]) -> None:
    """Beside a count that keeps every payment and looks at all of them each time."""
    facts, time_s = [], WINDOW_S
    for number, (later_s, amount_minor, is_carol) in enumerate(steps):
        time_s += later_s
        facts.append(fact(number, time_s, amount_minor, CAROL if is_carol else bytes(20)))
    expected = []
    seen: list[tuple[str, bytes, int]] = []
    for position, each in enumerate(facts):
        for rule in RULES:
            window = each.time_s // rule.window_s
            alike = [
                other
                for other in facts[: position + 1]
                if other.account == each.account
                and other.time_s // rule.window_s == window
                and rule.at_least_minor <= other.amount_minor <= rule.at_most_minor
            ]
            name = rule.name, each.account, window
            enough = len(alike) >= rule.count and sum(other.amount_minor for other in alike) >= rule.total_minor
            if each in alike and enough and name not in seen:
                seen.append(name)
                expected.append((each.payment_id, rule.name, len(alike)))
    told = [(alert.fact.payment_id, alert.rule, alert.payments) for alert in would_alert(RULES, facts)]
    assert told == expected


def test_a_preview_says_what_limits_would_have_stopped() -> None:
    day = 86_400 * 20_000
    facts = [
        fact(1, day, 600),
        fact(2, day + 1, 500),
        fact(3, day + 2, 1_001),
        fact(4, day + 3, 400),
        fact(5, day + 3, 9_999, currency="HKD"),
        fact(6, day + 86_400, 1_000),
    ]
    stopped = list(would_stop(TrialLimits(CNY, 1_000, 1_000), facts, utc_offset_s=0))
    assert [(each.fact.payment_id[-1], each.limit, each.over_minor) for each in stopped] == [
        (2, DAILY, 100),
        (3, SINGLE, 1),
    ]
    # Where days begin a second later, the first payment is of the day before, and the last of the same day.
    later = list(would_stop(TrialLimits(CNY, None, 1_000), facts, utc_offset_s=-1))
    assert [each.fact.payment_id[-1] for each in later] == [3, 6]
    assert list(would_stop(TrialLimits(CNY, None, None), facts, utc_offset_s=0)) == []


def test_facts_that_go_back_in_time_are_refused() -> None:
    facts = [fact(1, 10, 1), fact(2, 9, 1)]
    with pytest.raises(ValueError, match="back in time"):
        list(would_alert(RULES, facts))
