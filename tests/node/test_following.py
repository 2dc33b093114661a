"""A validator and peers that follow it, all of them real."""

from __future__ import annotations

import contextlib

import pytest

from chainpos.core.values.timestamps import SECOND_NS
from chainpos.engine.keys import SigningKey, save_validator_key
from chainpos.engine.sign_state import STEP_PRECOMMIT, SignState, save_sign_state
from chainpos.errors import StoreError, UserFacingError
from chainpos.node.clock import SystemClock
from chainpos.node.home import Home
from chainpos.rpc.protocol import RpcError
from chainpos.store.chain import ChainStore
from tests.node import lying
from tests.node.conftest import Nodes, height_of, issue_tx, pay_tx, until
from tests.node.lying import LyingProxy


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

    async def ready() -> bool:
        return (await client.report()).height == 2

    await until(ready)
    answer = await client.broadcast_tx_sync(pay_tx("S1"))
    assert (answer.code, answer.log) == (0, "")

    async def paid() -> bool:
        return (await height_of(client)) >= 4

    await until(paid)
    found = await client.tx(answer.hash, prove=True)
    assert found.result.code == 0
    ahead = await nodes.client(validator)

    async def level() -> bool:
        one, other = await ahead.report(), await client.report()
        return (one.height, one.app_hash) == (other.height, other.app_hash)

    await until(level)


async def test_a_peer_that_hears_of_no_block_finds_the_gap_by_height(nodes: Nodes) -> None:
    validator = await nodes.validator()
    async with LyingProxy(validator.rpc, lying.nothing, events=False) as proxy:
        peer = await nodes.peer(proxy.rpc)
        ahead, behind = await nodes.client(validator), await nodes.client(peer)
        for number in range(3):
            assert (await ahead.broadcast_tx_sync(issue_tx(number))).code == 0

        async def level() -> bool:
            one, other = await ahead.report(), await behind.report()
            return one.height > 2 and (one.height, one.app_hash) == (other.height, other.app_hash)

        await until(level)
        await peer.stop()


async def test_a_peer_follows_another_peer_and_sends_on_through_it(nodes: Nodes) -> None:
    validator = await nodes.validator()
    middle = await nodes.peer(validator.rpc, name="middle")
    last = await nodes.peer(middle.rpc, name="last")
    client = await nodes.client(last)

    async def ready() -> bool:
        return (await client.report()).state == "online" and (await client.report()).height >= 2

    await until(ready)
    answer = await client.broadcast_tx_sync(issue_tx(1))
    assert (answer.code, answer.log) == (0, "")

    async def paid() -> bool:
        return (await client.report()).height >= 4

    await until(paid)
    assert (await client.tx(answer.hash)).result.code == 0


async def test_a_peer_goes_on_with_the_other_upstream_when_one_goes_away(nodes: Nodes) -> None:
    validator = await nodes.validator()
    middle = await nodes.peer(validator.rpc, name="middle")
    last = await nodes.peer(middle.rpc, validator.rpc, name="last")
    client = await nodes.client(last)

    async def both() -> bool:
        return [each.connected for each in (await client.report()).upstreams] == [True, True]

    await until(both)
    await middle.stop()
    answer = await client.broadcast_tx_sync(issue_tx(1))
    assert (answer.code, answer.log) == (0, "")

    async def paid() -> bool:
        return (await client.report()).height >= 4

    await until(paid)
    report = await client.report()
    assert report.state == "online"
    assert [each.connected for each in report.upstreams] == [False, True]


async def test_a_store_that_cannot_be_written_halts_the_node_visibly(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    validator = await nodes.validator()
    client = await nodes.client(validator)

    async def begun() -> bool:
        return (await client.report()).height == 2

    await until(begun)

    def full(*_: object) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(ChainStore, "append", full)
    assert (await client.broadcast_tx_sync(issue_tx(1))).code == 0

    async def halted() -> bool:
        return (await client.report()).state == "halted"

    await until(halted)
    assert (await client.report()).halted_reason == "store_failed at height 3"
    assert (await client.block(2)) is not None
    with pytest.raises(RpcError, match="halted"):
        await client.broadcast_tx_sync(issue_tx(2))
    monkeypatch.undo()
    await validator.stop()
    again = await nodes.validator()
    client = await nodes.client(again)
    answer = await client.broadcast_tx_sync(issue_tx(1))

    async def paid() -> bool:
        return (await client.report()).height >= 4

    await until(paid)
    # The block that was signed before the halt was never appended: its successor is of a later round.
    assert (await client.commit((await client.tx(answer.hash)).height)).commit.round == 1


async def test_a_key_that_signed_more_than_the_chain_knows_signs_nothing(nodes: Nodes) -> None:
    validator = await nodes.validator()
    await validator.stop()
    save_sign_state(Home(validator.folder).sign_state, SignState(height=99, step=STEP_PRECOMMIT))
    client = await nodes.client(await nodes.validator())
    # It may have halted already, over one of its first two blocks.
    with contextlib.suppress(RpcError):
        await client.broadcast_tx_sync(issue_tx(1))

    async def halted() -> bool:
        return (await client.report()).state == "halted"

    await until(halted)
    assert (await client.report()).halted_reason.startswith("signing_refused at height ")


async def test_a_validator_whose_key_is_not_the_networks_does_not_start(nodes: Nodes) -> None:
    validator = await nodes.validator()
    await validator.stop()
    save_validator_key(Home(validator.folder).validator_key, SigningKey(bytes(32)))
    with pytest.raises(UserFacingError, match="not the network's validator"):
        await nodes.validator()


class ShiftedClock(SystemClock):
    """A machine whose clock is wrong by a day."""

    def __init__(self, days: int) -> None:
        self._days = days

    def now_ns(self) -> int:
        return super().now_ns() + self._days * 86_400 * SECOND_NS


@pytest.mark.parametrize("days", [1, -1])
async def test_a_wrong_clock_of_a_peer_refuses_no_payment(nodes: Nodes, days: int) -> None:
    validator = await nodes.validator()
    peer = await nodes.peer(validator.rpc, clock=ShiftedClock(days))
    client = await nodes.client(peer)

    async def ready() -> bool:
        return (await client.report()).height >= 2

    await until(ready)
    answer = await client.broadcast_tx_sync(pay_tx("S1"))
    assert (answer.code, answer.log) == (0, "")

    async def paid() -> bool:
        return (await client.report()).height >= 4

    await until(paid)
    assert (await client.tx(answer.hash)).result.code == 0
