"""`chainpos doctor` beside the running pilot: the node, the clock, and what the ledger says of the till."""

from __future__ import annotations

from pathlib import Path

import msgspec

from chainpos.node.clock import SystemClock
from chainpos.till.doctor import examine_node
from chainpos.till.home import TillHome
from chainpos.till.views import Link
from chainpos.wallet.keys import Key
from tests.acceptance.conftest import Pilot, view_where

DAY_NS = 86_400 * 1_000_000_000


async def test_ux36_a_running_till_is_well_and_a_wrong_clock_or_a_strange_key_is_found(
    pilot: Pilot, tmp_path: Path
) -> None:
    till = await pilot.open_till()
    await view_where(till, lambda view: view.network.link is Link.ONLINE)
    await pilot.close_till(till)
    now_ns = SystemClock().now_ns()
    well = await examine_node(pilot.paths.till, now_ns)
    assert {each.name: each.verdict for each in well} == dict.fromkeys(("node", "clock", "shop", "enrolment"), "good")
    late = await examine_node(pilot.paths.till, now_ns - DAY_NS)
    assert {each.name: each.verdict for each in late}["clock"] == "bad"

    stranger = TillHome(tmp_path / "stranger")
    settings = pilot.paths.till.settings()
    stranger.create(pilot.paths.till.genesis_path.read_bytes(), settings, Key(bytes(range(32))))
    found = {each.name: each for each in await examine_node(stranger, now_ns)}
    assert found["enrolment"].verdict == "bad"
    assert stranger.key().public_key.hex() in found["enrolment"].mend
    stranger.save_settings(msgspec.structs.replace(settings, merchant="NOBODY"))
    assert {each.name: each.verdict for each in await examine_node(stranger, now_ns)}["shop"] == "bad"
