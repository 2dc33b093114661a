"""A proposed rule over the recorded day: what it would have stopped or told, counted another way."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chainpos.core.contracts.payments.records import PAYMENTS, Payment
from chainpos.inspect.proposed_rules import preview_alert, preview_limits, trial_rule
from chainpos.inspect.source import StoreSource

# China's midnight is the network's: the whole recorded day is one day of it.


def payments(day: StoreSource) -> list[Payment]:
    found = [
        PAYMENTS.decode(value)
        for key, value in day.records_at(day.span().tip).items()
        if key.startswith(PAYMENTS.prefix)
    ]
    return sorted(found, key=lambda each: each.height)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(single_minor=st.integers(0, 60_000))
def test_a_single_limit_stops_just_what_is_over_it(day: StoreSource, single_minor: int) -> None:
    found = preview_limits(day, "CNY", single_minor=single_minor, daily_minor=None)
    over = [each.paid_minor for each in payments(day) if each.paid_minor > single_minor]
    assert (found.stopped, found.stopped_minor) == (len(over), sum(over))
    assert found.payments == len(payments(day))
    assert all(hit.over_minor == hit.amount_minor - single_minor for hit in found.hits)


def test_under_a_daily_limit_nobody_would_have_paid_more_than_it(day: StoreSource) -> None:
    found = preview_limits(day, "CNY", single_minor=None, daily_minor=20_000)
    spent: dict[bytes, int] = defaultdict(int)
    for each in payments(day):
        spent[each.payer] += each.paid_minor
    assert found.stopped
    assert found.stopped_minor >= sum(max(0, minor - 20_000) for minor in spent.values())
    assert found.accounts == sum(minor > 20_000 for minor in spent.values())
    assert all(earlier.time_s <= later.time_s for earlier, later in pairwise(found.hits))


def test_limits_of_a_tier_concern_its_accounts_alone(day: StoreSource) -> None:
    parts = [
        preview_limits(day, "CNY", single_minor=5_000, daily_minor=None, tier=tier)
        for tier in ("phone_only", "tier_3", "tier_2", "tier_1")
    ]
    whole = preview_limits(day, "CNY", single_minor=5_000, daily_minor=None)
    assert sum(part.stopped for part in parts) == whole.stopped
    assert 0 < parts[0].stopped < whole.stopped


def test_an_alert_rule_tells_once_a_window_and_stops_nothing(day: StoreSource) -> None:
    rule = trial_rule("CNY", window_s=3_600, count=3, total_minor=0, at_least=0, at_most=0)
    counted: dict[tuple[bytes, int], int] = defaultdict(int)
    for each in payments(day):
        counted[each.payer, each.time_s // 3_600] += 1
    found = preview_alert(day, rule)
    assert found.alerts == sum(count >= 3 for count in counted.values()) > 0
    assert found.stopped == 0
