"""Node: what an operator must see at once (ux 28, first form)."""

from __future__ import annotations

from pathlib import Path

import msgspec

from chainpos.till.views import Alarm, Link
from tests.console.looking import go, opened, settle, text_of
from tests.console.prepared_figures import SECOND
from tests.console.prepared_till import NODE, PreparedTill, network_of


async def test_ux28_height_age_peers_validators_mempool_and_pace_are_shown(till: PreparedTill, tmp_path: Path) -> None:
    till.time_ns += 7 * SECOND
    async with opened(till, tmp_path) as (app, pilot):
        await go(pilot, "node")
        shown = text_of(app)
        for part in (
            "● ONLINE · 1,234", "7 s ago", "1,234 blocks, 4,936", "3 transactions, 1.4 kB", "BLOCKS A MINUTE · now 12",
            "█", "127.0.0.1:26657", "in order", "no answer", "dropped: wrong app hash", "✓ A9F1 03C2 77",
            "○ 7C40 EE81 1A", "did not sign", "wang-counter",
        ):  # fmt: skip
            assert part in shown


async def test_ux28_an_alarm_says_what_to_do(till: PreparedTill, tmp_path: Path) -> None:
    till.node_view = msgspec.structs.replace(
        NODE, alarms=(Alarm("disk_low", "1.2 GB left", till.time_ns - 60 * SECOND), Alarm("never_heard_of", ""))
    )
    async with opened(till, tmp_path) as (app, pilot):
        await go(pilot, "node")
        shown = text_of(app)
        for part in (
            "⚠ Less than one gigabyte",
            "disk_low 1.2 GB left",
            "1 min ago",
            "Free some space",
            "⚠ never_heard_of",
            "call support",
        ):
            assert part in shown


async def test_a_node_that_nobody_answers_is_not_said_to_have_no_alarms(till: PreparedTill, tmp_path: Path) -> None:
    till.node_view = msgspec.structs.replace(NODE, network=network_of(Link.OFFLINE), alarms=())
    async with opened(till, tmp_path) as (app, pilot):
        await go(pilot, "node")
        assert "No alarms" not in text_of(app)
        assert "No node that this one follows answers yet" in text_of(app)


async def test_ux28_a_halted_node_says_so_first(till: PreparedTill, tmp_path: Path) -> None:
    till.node_view = msgspec.structs.replace(
        NODE, network=network_of(Link.HALTED, halted_reason="app hash differs at 1,235"), alarms=()
    )
    async with opened(till, tmp_path) as (app, pilot):
        await go(pilot, "node")
        rows = text_of(app).splitlines()
        assert "■ HALTED: app hash differs at 1,235" in rows[3]


async def test_ux28_sync_progress_is_a_share(till: PreparedTill, tmp_path: Path) -> None:
    syncing = network_of(Link.SYNCING, 500, target_height=2_000)
    till.node_view = msgspec.structs.replace(NODE, network=syncing, alarms=())
    async with opened(till, tmp_path) as (app, pilot):
        await go(pilot, "node")
        assert "━━──────── 25 % / 2,000" in text_of(app)
        assert "No alarms." in text_of(app)


async def test_the_node_is_asked_again_while_it_is_looked_at(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await go(pilot, "node")
        till.node_view = msgspec.structs.replace(NODE, mempool_transactions=77)
        await settle(pilot, 2.3)
        assert "77 transactions" in text_of(app)


async def test_who_is_frozen_and_whom_a_rule_told_of_is_shown_in_either_language(
    till: PreparedTill, tmp_path: Path
) -> None:
    for language, parts in (
        ("en", ("ALERTS AND FREEZES", "told by rule four_in_ten_minutes", "frozen by Order 2026-17", "released by")),
        ("zh", ("预警与冻结", "触发规则 four_in_ten_minutes", "因 Order 2026-17 被冻结", "解冻")),
    ):
        async with opened(till, tmp_path / language, language=language, size=(120, 40)) as (app, pilot):
            await go(pilot, "node")
            shown = text_of(app)
            for part in parts:
                assert part in shown
            assert [row.split()[0] for row in shown.splitlines() if "Order 2026" in row] == ["⚠", "○"]


async def test_where_nobody_is_frozen_no_room_is_taken(till: PreparedTill, tmp_path: Path) -> None:
    till.node_view = msgspec.structs.replace(NODE, watched=())
    async with opened(till, tmp_path, size=(120, 40)) as (app, pilot):
        await go(pilot, "node")
        assert "ALERTS AND FREEZES" not in text_of(app)


async def test_on_a_small_screen_the_node_itself_comes_first(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await go(pilot, "node")
        assert "ALERTS AND FREEZES" not in text_of(app)
        assert "BLOCKS A MINUTE" in text_of(app)
