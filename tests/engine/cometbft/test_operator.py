"""The operator's desk on CometBFT's own RPC: four validators, none of which knows a method of ours."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chainpos.engine.cometbft.queries import ALARMS_PATH, decode_alarms
from chainpos.inspect.operating import OperatorDesk
from chainpos.rpc.client import RpcClient, websocket_url
from tests.engine.cometbft.networks import RealNetwork

pytestmark = [pytest.mark.cometbft]


@pytest.fixture(scope="module")
def network(cometbft: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealNetwork]:
    made = RealNetwork(tmp_path_factory.mktemp("n") / "net", 4)
    try:
        made.trial.up()
        asyncio.run(made.trial.wait_ready(height=3))
        yield made
    finally:
        made.close()


async def test_validators_peers_pace_and_versions_are_told_by_what_every_node_answers(network: RealNetwork) -> None:
    desk = OperatorDesk(network.rpc(0), time.time_ns)
    try:
        view = await desk.node()
        assert view.generic
        assert (view.mode, len(view.validators), len(view.peers)) == ("validator", 4, 3)
        assert sum(row.signed for row in view.validators) >= 3
        assert view.version.startswith("CometBFT 0.")
        assert "chainpos" in view.version
        assert sum(view.blocks_per_minute) >= 3
        assert view.network.known_height >= 3
        assert (await desk.waiting()).total == 0
        assert view.alarms == ()
        async with await RpcClient.connect(websocket_url(network.rpc(0)), 10.0) as client:
            answer = await client.abci_query(ALARMS_PATH, b"")
        assert (answer.code, decode_alarms(answer.value)) == (0, ())
    finally:
        await desk.close()
