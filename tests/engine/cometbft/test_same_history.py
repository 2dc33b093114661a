"""One history, either engine: whoever ordered the blocks, both executions give the same results, records and app hash.

CHAINPOS_HISTORY says how many payments; 10,000 is what is promised.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from chainpos.core.chain.block import Block
from chainpos.core.chain.genesis import load_genesis
from chainpos.core.chain.merkle import EMPTY_ROOT
from chainpos.core.chain.results import results_hash
from chainpos.engine.cometbft import messages as abci
from chainpos.engine.cometbft.application import Application, create_application
from chainpos.node.clock import SystemClock
from chainpos.node.home import Home
from chainpos.rpc.client import RpcClient
from chainpos.store.application import ApplicationReader
from chainpos.store.chain import ChainReader
from chainpos.store.chain_packing import StoredResults
from tests.bench.test_engines import behind_cometbft, embedded, load, payments
from tests.engine.cometbft.networks import PATIENCE_S
from tests.node.conftest import Nodes, peer_home, until

pytestmark = [pytest.mark.slow]
PAYMENTS = int(os.environ.get("CHAINPOS_HISTORY", "10000"))
# Signed in parts: a request is good for minutes.
AT_ONCE = 2_000


async def pay(address: str) -> None:
    """All the payments, each taken and in a block."""
    for begin in range(0, PAYMENTS, AT_ONCE):
        await load(address, await asyncio.to_thread(payments, min(AT_ONCE, PAYMENTS - begin)))


def blocks_of(reader: ChainReader) -> Iterator[tuple[Block, StoredResults]]:
    for stored in reader.blocks(reader.base_height(), reader.tip_height()):
        yield Block.decode(stored.block), StoredResults.decode(stored.results)


async def test_what_the_embedded_engine_ordered_the_application_behind_cometbft_executes_to_the_same_end(
    tmp_path: Path,
) -> None:
    async with embedded(tmp_path) as address:
        await pay(address)
    home = Home(tmp_path / "e")
    create_application(tmp_path / "application.db", home.genesis.read_bytes())
    application = Application.open(tmp_path / "application.db", SystemClock())
    with ChainReader.open(home.database) as reader:
        transactions = await asyncio.to_thread(_executed_again, application, reader)
        assert transactions >= PAYMENTS * 0.95
        assert application.point.app_hash == reader.tip().app_hash
        application.close()
        with ApplicationReader.open(tmp_path / "application.db") as ours:
            assert ours.load_records() == reader.load_records()


def _executed_again(application: Application, reader: ChainReader) -> int:
    doc = load_genesis(reader.genesis_json())
    validators = tuple(abci.ValidatorUpdate(abci.PublicKey(row.public_key), row.power) for row in doc.validators)
    application.answer(
        abci.InitChainRequest(
            doc.genesis_time_ns, doc.chain_id, doc.params.encode(), validators, doc.app_state, doc.initial_height
        )
    )
    transactions = 0
    previous: abci.FinalizeBlockResponse | None = None
    for block, results in blocks_of(reader):
        header = block.header
        if previous is not None:
            assert header.app_hash == previous.app_hash
            assert header.last_results_hash == results_hash(previous.results)
        proposal = abci.ProcessProposalRequest(block.txs, height=header.height, time_ns=header.time_ns)
        assert application.answer(proposal).status is abci.Verdict.ACCEPT
        previous = application.answer(
            abci.FinalizeBlockRequest(
                block.txs, height=header.height, time_ns=header.time_ns, proposer_address=header.proposer_address
            )
        )
        assert (tuple(previous.results), previous.app_hash) == (results.results, results.app_hash)
        application.answer(abci.CommitRequest())
        transactions += len(block.txs)
    return transactions


@pytest.mark.cometbft
async def test_what_cometbft_ordered_our_own_node_executes_to_the_same_end(cometbft: Path, tmp_path: Path) -> None:
    del cometbft
    nodes = Nodes(tmp_path)
    async with behind_cometbft(tmp_path, key_value_store=False) as address:
        theirs = Home(tmp_path / "c" / "node0")
        peer_home(tmp_path / "peer", theirs.genesis.read_bytes(), address)
        peer = await nodes.start(tmp_path / "peer")
        await pay(address)
        async with await RpcClient.connect(f"ws://{address}/websocket") as client:
            top = (await client.status()).latest.height
            async with await RpcClient.connect(peer.url) as ours:

                async def has_all() -> bool:
                    report = await ours.report()
                    assert not report.halted_reason, report
                    return report.height > top

                await until(has_all, timeout_s=PATIENCE_S)
            await nodes.close()
            with ChainReader.open(Home(peer.folder).database) as reader:
                compared = await _compared(client, reader, top)
                by_peer = (reader.tip().height, reader.tip().app_hash, reader.load_records())
    assert compared >= PAYMENTS * 0.95
    with ApplicationReader.open(theirs.application) as reader_of_theirs:
        point, records = reader_of_theirs.point(), reader_of_theirs.load_records()
    # Empty blocks came after the peer ended; they change nothing.
    assert point.height >= by_peer[0]
    assert (point.app_hash, records) == by_peer[1:]


async def _compared(client: RpcClient, reader: ChainReader, top: int) -> int:
    """How many transactions there are, after each block's results and hashes were held against CometBFT's own."""
    transactions, filled, previous = 0, 0, b""
    for block, results in blocks_of(reader):
        header = block.header
        if header.height > top:
            break
        if previous:
            assert header.last_results_hash == previous
        told = await client.block_results(header.height)
        assert (told.results, told.app_hash) == (results.results, results.app_hash)
        previous = results_hash(results.results)
        filled += previous != EMPTY_ROOT
        transactions += len(block.txs)
    assert filled > 3
    return transactions
