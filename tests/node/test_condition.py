"""The node's own report."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainpos.node import condition as condition_module
from chainpos.node.condition import Condition
from chainpos.node.minutes import MINUTES_KEPT
from chainpos.rpc.backend import NodeReport
from tests.node.conftest import Clerk

MINUTE_NS = 60 * 10**9
START_NS = 1_000 * MINUTE_NS


@pytest.fixture
def condition(clerk: Clerk) -> Condition:
    return Condition("peer", "testnet-1", "two", clerk.database, START_NS)


def report(condition: Condition, clerk: Clerk, *, now_ns: int = START_NS, target: int = 0, up: int = 0) -> NodeReport:
    return condition.report(
        clerk.ledger.tip,
        now_ns,
        target_height=target,
        connected=up,
        upstreams=(),
        verified_signatures=0,
        mempool=(0, 0),
    )


def test_a_peer_is_what_its_upstreams_are(condition: Condition, clerk: Clerk) -> None:
    assert report(condition, clerk).state == "offline"
    assert report(condition, clerk, up=1, target=9).state == "syncing"
    assert report(condition, clerk, up=1).state == "online"


def test_a_halt_is_never_forgotten_and_its_first_reason_stays(condition: Condition, clerk: Clerk) -> None:
    condition.halt("wrong_app_hash", 7, START_NS)
    condition.halt("store_failed", 8, START_NS)
    found = report(condition, clerk, up=1)
    assert (found.state, found.halted_reason) == ("halted", "wrong_app_hash at height 7")
    assert [(alarm.code, alarm.detail) for alarm in found.alarms] == [("halted", "wrong_app_hash at height 7")]


def test_blocks_are_counted_by_the_minute(condition: Condition, clerk: Clerk) -> None:
    for minute in (0, 0, 2):
        condition.appended(clerk.make(clerk.issue()), START_NS + minute * MINUTE_NS)
    found = report(condition, clerk, now_ns=START_NS + 3 * MINUTE_NS)
    assert found.blocks_per_minute == (2, 0, 1, 0)
    assert (found.verified_blocks, found.executed_transactions) == (3, 3)
    late = report(condition, clerk, now_ns=START_NS + 100 * MINUTE_NS)
    assert late.blocks_per_minute == (0,) * MINUTES_KEPT


def test_alarms_are_bounded_and_can_be_cleared(condition: Condition, clerk: Clerk) -> None:
    for number in range(condition_module.MAX_ALARMS + 5):
        condition.raise_alarm("upstream_dropped", f"{number}", START_NS + number)
    condition.raise_alarm("upstream_dropped", "54", START_NS + 999)
    alarms = report(condition, clerk).alarms
    assert len(alarms) == condition_module.MAX_ALARMS
    assert (alarms[-1].detail, alarms[-1].since_ns) == ("54", START_NS + 54)
    condition.clear_alarm("upstream_dropped", "54")
    assert len(report(condition, clerk).alarms) == condition_module.MAX_ALARMS - 1


def test_the_size_of_the_store_is_what_lies_on_the_disk(condition: Condition, clerk: Clerk) -> None:
    on_disk = [clerk.database, Path(f"{clerk.database}-wal")]
    assert report(condition, clerk).store_bytes == sum(path.stat().st_size for path in on_disk)


def test_a_tip_that_stands_still_while_transactions_wait_is_an_alarm_until_a_block_comes(
    condition: Condition, clerk: Clerk
) -> None:
    second_ns = 10**9

    def watch(waiting: int, height: int, at_s: int) -> bool:
        return condition.watch(waiting, height, at_s * second_ns, START_NS)

    assert not watch(0, 5, 0)
    assert not watch(0, 5, 100), "at rest nothing is amiss"
    assert not watch(1, 5, 109)
    assert watch(1, 5, 110)
    assert not watch(2, 5, 130)
    assert [(alarm.code, alarm.detail) for alarm in report(condition, clerk).alarms] == [("stale_tip", "height 5")]
    assert watch(2, 6, 131)
    assert report(condition, clerk).alarms == ()
