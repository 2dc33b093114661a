"""What a peer does with upstreams that lie: each lie is refused by name, never executed, and others are followed on."""

from __future__ import annotations

import asyncio

import pytest

from chainpos.core import execution
from chainpos.node import ledger
from chainpos.rpc.backend import NodeReport
from chainpos.rpc.client import RpcClient
from tests.node import lying
from tests.node.conftest import Nodes, RunningNode, issue_tx, until
from tests.node.lying import Lie, LyingProxy, at_height


async def a_chain(nodes: Nodes) -> tuple[RunningNode, RpcClient]:
    """A validator at height 4; its block 3 has a transaction."""
    validator = await nodes.validator()
    client = await nodes.client(validator)
    assert (await client.broadcast_tx_sync(issue_tx(1))).code == 0

    async def made() -> bool:
        return (await client.report()).height == 4

    await until(made)
    return validator, client


async def verdict_of(client: RpcClient, upstream: str) -> NodeReport:
    """The peer's report once it has a verdict on an upstream."""
    found: list[NodeReport] = []

    async def judged() -> bool:
        found[:] = [await client.report()]
        return any(each.verdict for each in found[0].upstreams if each.address == upstream)

    await until(judged)
    return found[0]


LIES = [
    pytest.param(at_height(3, lying.forged_header), "forged_header", 2, id="forged header"),
    pytest.param(at_height(3, lying.bad_signature), "bad_signature", 2, id="wrong signature"),
    pytest.param(at_height(3, lying.altered_transaction), "altered_transactions", 2, id="changed transaction"),
    pytest.param(at_height(3, lying.left_out_transaction), "altered_transactions", 2, id="left out transaction"),
    pytest.param(at_height(4, lying.wrong_app_hash), "wrong_app_hash", 3, id="wrong app hash"),
    pytest.param(at_height(3, lying.another_height), "wrong_commit_height", 2, id="another block's commit"),
    pytest.param(at_height(3, lying.nonsense), "malformed_block", 2, id="nonsense"),
    pytest.param(lying.another_network, "other_chain", 0, id="another network"),
    pytest.param(lying.boasting, "missing_block", 4, id="boasting"),
]


@pytest.mark.parametrize(("lie", "verdict", "reached"), LIES)
async def test_a_lie_is_refused_by_name_and_never_executed(nodes: Nodes, lie: Lie, verdict: str, reached: int) -> None:
    validator, honest = await a_chain(nodes)
    async with LyingProxy(validator.rpc, lie) as proxy:
        peer = await nodes.peer(proxy.rpc)
        client = await nodes.client(peer)
        report = await verdict_of(client, proxy.rpc)
        assert proxy.told
        assert [(each.verdict, each.connected) for each in report.upstreams] == [(verdict, False)]
        assert [(alarm.code, alarm.detail) for alarm in report.alarms] == [
            ("upstream_dropped", f"{proxy.rpc} {verdict}")
        ]
        assert (report.state, report.halted_reason) == ("offline", "")
        # The honest node goes on; what the peer has is a part of its chain, below the lie.
        assert report.height <= reached
        if report.height:
            mine, theirs = await client.commit(report.height), await honest.commit(report.height)
            assert mine.commit.block_id == theirs.commit.block_id
        await peer.stop()


@pytest.mark.parametrize(("lie", "verdict", "_"), LIES[:6])
async def test_an_honest_upstream_goes_on_where_another_lied(nodes: Nodes, lie: Lie, verdict: str, _: int) -> None:
    validator, honest = await a_chain(nodes)
    async with LyingProxy(validator.rpc, lie) as proxy:
        peer = await nodes.peer(proxy.rpc)
        client = await nodes.client(peer)
        await verdict_of(client, proxy.rpc)
        await peer.stop()
        peer = await nodes.peer(proxy.rpc, validator.rpc)
        client = await nodes.client(peer)

        async def level() -> bool:
            one, other = await client.report(), await honest.report()
            return (one.height, one.app_hash) == (other.height, other.app_hash)

        await until(level)
        report = await client.report()
        assert [each.connected for each in report.upstreams][1:] == [True]
        assert report.state == "online"
        assert {each.verdict for each in report.upstreams} <= {verdict, ""}
        await peer.stop()


async def test_a_verdict_is_told_to_whoever_listens_and_served_on_the_nodes_own_report(nodes: Nodes) -> None:
    validator, _ = await a_chain(nodes)
    async with LyingProxy(validator.rpc, lying.nothing) as proxy:
        peer = await nodes.peer(proxy.rpc)
        client = await nodes.client(peer)

        async def level() -> bool:
            return (await client.report()).height == 4

        await until(level)
        events = await client.subscribe("chainpos.event='Status'")
        proxy.lie = lying.forged_header
        assert (await (await nodes.client(validator)).broadcast_tx_sync(issue_tx(2))).code == 0
        async with asyncio.timeout(60):
            async for event in events:
                value = getattr(event, "value", None)
                if isinstance(value, NodeReport) and value.upstreams[0].verdict:
                    assert value.upstreams[0].verdict == "forged_header"
                    break
        await peer.stop()


async def test_our_own_divergence_halts_us_visibly_and_keeps_the_evidence(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    validator, honest = await a_chain(nodes)
    peer = await nodes.peer(validator.rpc)
    client = await nodes.client(peer)

    async def level() -> bool:
        return (await client.report()).height == 4

    await until(level)
    await peer.stop()

    # A peer whose rules differ: it believes that block 5's transaction was refused.
    def other_rules(state: object, block: execution.BlockInput, verify: object) -> execution.BlockOutcome:
        if block.height == 5 and other["on"]:
            return execution.execute_block(state, block._replace(txs=(b"junk",) * len(block.txs)), verify)  # type: ignore[arg-type]
        return execution.execute_block(state, block, verify)  # type: ignore[arg-type]

    other = {"on": False}
    monkeypatch.setattr(ledger, "execute_block", other_rules)
    assert (await honest.broadcast_tx_sync(issue_tx(2))).code == 0

    async def made() -> bool:
        return (await honest.report()).height == 6

    await until(made)
    other["on"] = True
    peer = await nodes.peer(validator.rpc)
    client = await nodes.client(peer)

    async def halted() -> bool:
        return (await client.report()).state == "halted"

    await until(halted)
    report = await client.report()
    assert report.halted_reason == "wrong_app_hash at height 6"
    assert report.height == 5
    assert [alarm.code for alarm in report.alarms] == ["halted"]
    assert [each.verdict for each in report.upstreams] == [""]
    evidence = peer.folder / "data" / "evidence" / "6-wrong_app_hash"
    assert sorted(path.name for path in evidence.iterdir()) == ["block.bin", "commit.bin", "finding.json", "tip.bin"]
    # It still answers, and takes nothing more.
    assert (await client.block(5)) is not None
    with pytest.raises(Exception, match="halted"):
        await client.broadcast_tx_sync(issue_tx(3))
