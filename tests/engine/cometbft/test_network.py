"""Four real CometBFT validators with our application, and our own peer that follows two of them."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import msgspec
import pytest

from chainpos.core.chain.commit import ABSENT
from chainpos.core.chain.genesis import GenesisDoc, load_genesis
from chainpos.core.chain.merkle import EMPTY_ROOT
from chainpos.core.checkout.receipt_proof import decode_proof, verify_proof
from chainpos.core.contracts.balances.records import ACCOUNTS, account_key, customer_account
from chainpos.core.values.hashes import sha256
from chainpos.node.clock import SystemClock
from chainpos.node.home import Home
from chainpos.pilot.trial import APPLICATION, COMETBFT
from chainpos.rpc.backend import PendingTransaction
from chainpos.rpc.client import ReceivedEvent, RpcClient
from chainpos.store.chain import ChainReader
from chainpos.wallet.network import Network
from tests.core.contracts.conftest import BANK, CNY, key_of
from tests.engine.cometbft.networks import PATIENCE_S, RealNetwork
from tests.measured import target
from tests.node.conftest import Nodes, RunningNode, issue_tx, pay_tx, peer_home, until
from tests.node.test_light import Light

pytestmark = [pytest.mark.cometbft]
# What is promised, and said; that it comes about at all is held to.
RECOVERY_S = 10
ALICE = account_key(customer_account(key_of("alice").address, BANK), CNY)


@pytest.fixture(scope="module")
def network(cometbft: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealNetwork]:
    made = RealNetwork(tmp_path_factory.mktemp("n") / "net", 4)
    try:
        made.trial.up()
        asyncio.run(made.trial.wait_ready(height=2))
        yield made
    finally:
        made.close()


@pytest.fixture
async def peer(network: RealNetwork, tmp_path: Path) -> AsyncIterator[RunningNode]:
    """A peer of two validators, new, in this process."""
    nodes = Nodes(tmp_path)
    peer_home(tmp_path / "peer", network.genesis, network.rpc(0), network.rpc(1))
    yield await nodes.start(tmp_path / "peer")
    await nodes.close()


_numbers = iter(range(1_000_000))


def new_tx() -> bytes:
    return issue_tx(next(_numbers))


async def pay(client: RpcClient, wire: bytes) -> int:
    """The height of the block in which it took effect."""
    answer = await client.broadcast_tx_sync(wire)
    assert answer.code == 0, answer
    return await included(client, wire)


async def included(client: RpcClient, wire: bytes) -> int:
    """Wait until it took effect; the height of the block."""
    found: list[int] = []

    async def is_in() -> bool:
        page = await client.tx_search(f"tx.hash='{sha256(wire).hex().upper()}'")
        found.extend(one.height for one in page.transactions)
        assert all(one.result.code == 0 for one in page.transactions)
        await asyncio.sleep(0.05)
        return bool(found)

    await until(is_in, timeout_s=PATIENCE_S)
    return found[0]


async def reach(peer: RunningNode, height: int) -> None:
    async with await RpcClient.connect(peer.url) as client:

        async def is_there() -> bool:
            report = await client.report()
            assert not report.halted_reason, report
            assert not [each.verdict for each in report.upstreams if each.verdict], report
            return report.height >= height

        await until(is_there, timeout_s=PATIENCE_S)


def _read(doc: GenesisDoc) -> GenesisDoc:
    return msgspec.structs.replace(doc, app_state=json.dumps(json.loads(doc.app_state)).encode())


async def test_our_peer_verifies_and_executes_what_they_decide(network: RealNetwork, peer: RunningNode) -> None:
    async with await network.client() as client:
        heights = [await pay(client, new_tx()) for _ in range(4)]
        await network.wait_above(heights[-1] + 1)
        top = heights[-1] + 1
        await reach(peer, top)
        async with await RpcClient.connect(peer.url) as ours:
            for height in (1, 2, heights[0], heights[0] + 1, top):
                theirs = await client.block(height)
                assert theirs is not None
                assert await ours.block(height) == theirs
                assert (await ours.block_results(height)).results == (await client.block_results(height)).results
                assert (await ours.block_results(height)).app_hash == (await client.block_results(height)).app_hash
                assert await ours.validators(height) == await client.validators(height)
                assert await ours.consensus_params(height) == await client.consensus_params(height)
            after = await client.block(heights[0] + 1)
            assert after is not None
            assert after.block.header.last_results_hash != EMPTY_ROOT
            assert len(after.block.last_commit.signatures) == 4
            # CometBFT writes the application's part anew, without blanks.
            assert _read(await ours.genesis()) == _read(await client.genesis()) == _read(load_genesis(network.genesis))


async def test_a_payment_broadcast_to_the_peer_reaches_a_block_and_twice_is_once(
    network: RealNetwork, peer: RunningNode
) -> None:
    wire = new_tx()
    async with await network.client() as client, await RpcClient.connect(peer.url) as ours:
        await reach(peer, 2)
        assert (await client.broadcast_tx_sync(wire)).code == 0
        answer = await ours.broadcast_tx_sync(wire)
        # The validator holds it already: that is no refusal, and nothing to hold back.
        assert (answer.code, answer.log) == (0, "")

        asked = f"tx.hash='{sha256(wire).hex().upper()}'"

        async def is_in() -> bool:
            # CometBFT indexes a block a moment after it has committed it.
            return all([(await each.tx_search(asked)).transactions for each in (ours, client)])

        await until(is_in, timeout_s=PATIENCE_S)
        assert len((await client.tx_search(asked)).transactions) == 1


async def test_our_peer_hears_of_what_waits_at_a_validator(network: RealNetwork, peer: RunningNode) -> None:
    """SEEN, for a wallet that sends to a validator: CometBFT has no event for that."""
    async with await network.client() as client, await RpcClient.connect(peer.url) as ours:
        await reach(peer, await network.height())
        seen = await ours.subscribe("chainpos.event='PendingTx'")
        wire = new_tx()
        # Just after a block, so that it waits for the next.
        await network.wait_above(await pay(client, new_tx()))
        assert (await client.broadcast_tx_sync(wire)).code == 0
        async with asyncio.timeout(PATIENCE_S):
            async for event in seen:
                value = event.value if isinstance(event, ReceivedEvent) else None
                if isinstance(value, PendingTransaction) and value.transaction == wire:
                    break
        await included(client, wire)


async def test_a_wallet_proves_records_and_payments_against_their_signatures(network: RealNetwork) -> None:
    wallet = Network(load_genesis(network.genesis), (network.rpc(2), network.rpc(3)), SystemClock())
    try:
        async with await network.client() as client:
            await wallet.sync()
            before = (await wallet.record(ACCOUNTS, ALICE)).record
            wire = new_tx()
            height = await pay(client, wire)
            await network.wait_above(height)
            await wallet.sync()
            proved = await wallet.included(sha256(wire))
            assert proved is not None
            assert proved.height == height
            after = (await wallet.record(ACCOUNTS, ALICE)).record
            assert before is not None
            assert after is not None
            assert after.balance_minor == before.balance_minor + 1
            assert (await wallet.record(ACCOUNTS, b"nobody")).record is None
    finally:
        await wallet.close()


async def test_after_a_rest_a_payment_is_judged_by_the_present(network: RealNetwork) -> None:
    """Blocks come seldom at rest, so that the time of the next is old; an empty block brings the present first."""
    async with await network.client() as client:
        await network.wait_above(await network.height())
        for _ in range(3):
            await asyncio.sleep(random.uniform(0.0, 2.0))
            before_ns = time.time_ns()
            height = await pay(client, new_tx())
            found = await client.block(height)
            assert found is not None
            assert found.block.header.time_ns > before_ns - 2_500_000_000


async def test_all_applications_and_the_peer_hold_the_same_records(network: RealNetwork, peer: RunningNode) -> None:
    async with await network.client(1) as client:
        wires = [new_tx() for _ in range(100)]
        answers = await asyncio.gather(*(client.broadcast_tx_sync(wire) for wire in wires))
        assert {answer.code for answer in answers} == {0}
        last = await pay(client, new_tx())
        await network.wait_above(last + 1)
        await reach(peer, last + 1)
    seen = set()
    with ChainReader.open(Home(peer.folder).database) as reader:
        seen.add(tuple(sorted(reader.load_records().items())))
    for number in range(4):
        _, app_hash, records = await asyncio.to_thread(network.records, number)
        assert len(app_hash) == 32
        seen.add(tuple(sorted(records.items())))
    assert len(seen) == 1


async def test_with_one_of_four_down_it_goes_on_and_the_peer_sees_an_absent_vote(
    network: RealNetwork, peer: RunningNode
) -> None:
    await asyncio.to_thread(network.trial.down, ["node3"])
    try:
        async with await network.client() as client:
            height = max([await pay(client, new_tx()) for _ in range(3)])
            await network.wait_above(height, 0, 1, 2)
            await reach(peer, height)
            commit = (await client.commit(height)).commit
            assert sorted(each.flag == ABSENT for each in commit.signatures) == [False, False, False, True]
    finally:
        await network.start(3)
    await network.wait_above(height, 3)


async def test_with_two_of_four_down_it_halts_visibly_and_heals(network: RealNetwork, peer: RunningNode) -> None:
    await reach(peer, await network.height())
    await asyncio.to_thread(network.trial.down, ["node2", "node3"])
    try:
        async with await network.client() as client:
            assert not (await network.trial.status())["can_make_blocks"]
            # What was under way ends, then nothing more comes: twice as long as the network is ever silent.
            stuck = -1
            while (top := await network.height()) != stuck:
                stuck = top
                await asyncio.sleep(3.0)
            wire = new_tx()
            assert (await client.broadcast_tx_sync(wire)).code == 0
            await asyncio.sleep(4.0)
            assert await network.height() == stuck
            async with await RpcClient.connect(peer.url) as ours:

                async def says_so() -> bool:
                    return [each.code for each in (await ours.report()).alarms] == ["stale_tip"]

                await until(says_so, timeout_s=PATIENCE_S)
                assert (await ours.report()).height <= stuck
            began = time.monotonic()
            await network.start(2, 3)
            await network.wait_above(stuck)
            target(time.monotonic() - began, RECOVERY_S, "seconds to recover, with two processes' start")
            height = await pay(client, new_tx())
            found = await client.tx_search(f"tx.hash='{sha256(wire).hex().upper()}'")
            assert len(found.transactions) == 1
        await reach(peer, height)
    finally:
        await network.start(2, 3)
    assert (await network.trial.status())["can_make_blocks"]


async def test_killed_and_paused_at_random_nothing_forks_and_nothing_paid_is_lost(
    network: RealNetwork, peer: RunningNode
) -> None:
    """One validator or its application at a time, payments running; nobody is spared, the peer's upstreams included."""
    chosen = random.Random(20)
    paid: dict[bytes, int] = {}
    for round_ in range(8):
        victim = round_ % 4
        how = chosen.choice(["kill application", "kill engine", "pause"])
        other = (victim + 1) % 4
        if how == "pause":
            network.signal(victim, signal.SIGSTOP)
        else:
            await network.kill(victim, APPLICATION if how == "kill application" else COMETBFT)
        async with await network.client(other) as client:
            wire = new_tx()
            paid[wire] = await pay(client, wire)
        if how == "pause":
            network.signal(victim, signal.SIGCONT)
        began = time.monotonic()
        await network.start(victim)
        await network.wait_above(max(paid.values()), victim)
        target(time.monotonic() - began, RECOVERY_S, f"seconds to recover after: {how}")
    top = max(paid.values()) + 1
    await network.wait_above(top)
    await reach(peer, top)
    async with await RpcClient.connect(peer.url) as ours:
        for wire, height in paid.items():
            assert (await ours.tx(sha256(wire))).height == height
        hashes = [(await ours.commit(top)).header.hash()]
    for number in range(4):
        async with await network.client(number) as client:
            hashes.append((await client.commit(top)).header.hash())
    assert len(set(hashes)) == 1


async def test_a_light_node_tells_a_merchant_of_each_payment_without_executing(
    network: RealNetwork, tmp_path: Path
) -> None:
    nodes = Nodes(tmp_path)
    nodes.genesis = network.genesis
    async with await network.client() as client:
        await pay(client, new_tx())
        references = [f"LIGHT{number}" for number in range(3)]
        light = Light(nodes, network.rpc(0), network.rpc(1))
        for reference in references:
            await pay(client, pay_tx(reference))
        await light.paid(*references)
        await light.stop()
    for payment in light.told:
        statement = verify_proof(decode_proof(payment.receipt), load_genesis(network.genesis))
        assert (statement.total_power, statement.power > 26) == (40, True)
