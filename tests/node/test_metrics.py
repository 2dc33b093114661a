"""A running node tells Prometheus how it is, under the names that it answers to and no others."""

from __future__ import annotations

from chainpos.rpc.http_get import http_get
from tests.node.conftest import Nodes


async def test_a_running_node_serves_its_metrics(nodes: Nodes) -> None:
    validator = await nodes.validator()
    answer = await http_get(f"http://{validator.rpc}/metrics", 1_000_000, 5.0)
    assert answer.status == 200
    assert b'chainpos_state{state="online"} 1' in answer.body
