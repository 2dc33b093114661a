"""A validator and peers that follow it, all of them real."""

from __future__ import annotations

import asyncio
import time

from tests.node.conftest import Nodes, height_of, issue_tx, pay_tx, until


async def test_a_new_network_makes_two_blocks_and_its_peer_has_them(nodes: Nodes) -> None:
    validator = await nodes.validator()
    peer = await nodes.peer(validator.rpc)
    ahead, behind = await nodes.client(validator), await nodes.client(peer)

    async def level() -> bool:
        return await height_of(behind) == 2

    await until(level)
    one, other = await ahead.report(), await behind.report()
    assert one.app_hash == other.app_hash
    assert (one.state, other.state) == ("online", "online")


async def test_a_payment_reaches_the_peers_ledger(nodes: Nodes) -> None:
    validator = await nodes.validator()
    peer = await nodes.peer(validator.rpc)
    client = await nodes.client(peer)
    answer = await client.broadcast_tx_sync(pay_tx("S1"))
    assert (answer.code, answer.log) == (0, "")
    started = time.monotonic()

    async def paid() -> bool:
        return (await height_of(client)) >= 4

    await until(paid)
    found = await client.tx(answer.hash, prove=True)
    assert found.result.code == 0
    print("seconds", time.monotonic() - started)
    await asyncio.sleep(0.2)
    one, other = await (await nodes.client(validator)).report(), await client.report()
    assert (one.height, one.app_hash) == (other.height, other.app_hash)
    assert issue_tx(1)
