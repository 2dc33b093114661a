"""What a running node answers over RPC."""

from __future__ import annotations

import asyncio
import time

import pytest

from chainpos import __version__
from chainpos.core.chain.block import verify_tx
from chainpos.core.chain.envelope import decode_envelope
from chainpos.core.contracts.merchants.records import MERCHANTS, merchant_key
from chainpos.core.state.commitment import bucket_name, bucket_of
from chainpos.core.state.proofs import ProofOp, proof_from_ops, verify_presence
from chainpos.core.values.hashes import address_of, sha256
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.engine.keys import load_node_key, load_validator_key
from chainpos.node.home import Home
from chainpos.rpc.backend import PendingTransaction
from chainpos.rpc.client import RpcClient
from chainpos.rpc.protocol import RpcError
from tests.core.contracts.conftest import CHAIN_ID, key_of
from tests.node.conftest import Nodes, issue_tx, pay_tx, signed_request, until

MERCHANT = MERCHANTS.full_key(merchant_key("TEAHOUSE"))


async def at_height(client: RpcClient, height: int) -> None:
    async def reached() -> bool:
        return (await client.report()).height >= height

    await until(reached)


async def test_status_says_who_the_validator_is(nodes: Nodes) -> None:
    node = await nodes.validator()
    client = await nodes.client(node)
    await at_height(client, 2)
    status = await client.status()
    home = Home(node.folder)
    assert status.node_id == load_node_key(home.node_key).address.hex()
    assert status.public_key == load_validator_key(home.validator_key).public_key
    assert (status.network, status.moniker, status.voting_power) == (CHAIN_ID, "validator", 10)
    assert (status.latest.height, status.earliest.height, status.catching_up) == (2, 1, False)
    assert status.rpc_address == f"tcp://{node.rpc}"


async def test_a_peer_is_not_a_validator_and_names_whom_it_follows(nodes: Nodes) -> None:
    validator = await nodes.validator()
    peer = await nodes.peer(validator.rpc)
    client = await nodes.client(peer)
    await at_height(client, 2)
    status = await client.status()
    assert (status.voting_power, status.catching_up) == (0, False)
    report = await client.report()
    assert [(each.address, each.connected) for each in report.upstreams] == [(validator.rpc, True)]
    assert [(each.power, each.signed) for each in report.validators] == [(10, True)]


async def test_a_transaction_in_a_block_is_found_by_hash_and_by_its_events_with_its_proof(nodes: Nodes) -> None:
    client = await nodes.client(await nodes.validator())
    wire = pay_tx("R-77")
    answer = await client.broadcast_tx_sync(wire)
    assert answer.code == 0
    await at_height(client, 4)
    found = await client.tx(answer.hash, prove=True)
    assert found.transaction == wire
    assert found.proof is not None
    header = (await client.commit(found.height)).header
    assert found.proof.root_hash == header.data_hash
    assert verify_tx(header.data_hash, wire, found.proof.proof)
    by_event = await client.tx_search("payments.paid.reference='R-77'")
    assert [each.hash for each in by_event.transactions] == [answer.hash]
    results = await client.block_results(found.height)
    assert results.results[0].code == 0


async def test_a_record_is_proved_against_the_header_above_the_answers_height(nodes: Nodes) -> None:
    client = await nodes.client(await nodes.validator())
    await at_height(client, 2)
    path = f"/store/{bucket_name(bucket_of(MERCHANT)).decode()}/key"
    answer = await client.abci_query(path, MERCHANT, prove=True)
    assert answer.proof is not None
    header = (await client.commit(answer.height + 1)).header
    proof = proof_from_ops([ProofOp(op.type, op.key, op.data) for op in answer.proof])
    assert verify_presence(header.app_hash, MERCHANT, answer.value, proof)


async def test_a_refused_transaction_is_refused_at_the_door_by_its_code(nodes: Nodes) -> None:
    client = await nodes.client(await nodes.validator())
    assert (await client.broadcast_tx_sync(b"junk")).log == "malformed"
    assert (await client.broadcast_tx_sync(bytes(5_000))).log == "oversized"
    good = issue_tx(1)
    assert (await client.broadcast_tx_sync(bytes(64) + good[64:])).log == "bad_signature"
    assert (await client.broadcast_tx_sync(issue_tx(2, now_s=int(time.time()) - 700))).log == "transaction_expired"
    assert (await client.broadcast_tx_sync(good)).code == 0
    await at_height(client, 4)
    assert (await client.broadcast_tx_sync(good)).log == "replayed"
    assert (await client.unconfirmed_txs()).total == 0


async def test_a_transaction_sent_to_the_validator_is_seen_at_the_peer_before_its_block(nodes: Nodes) -> None:
    validator = await nodes.validator()
    peer = await nodes.peer(validator.rpc)
    ahead, behind = await nodes.client(validator), await nodes.client(peer)
    await at_height(behind, 2)
    # A first block, so that the second transaction waits for the rest of the interval.
    assert (await ahead.broadcast_tx_sync(issue_tx(1))).code == 0
    await at_height(behind, 3)
    events = await behind.subscribe("chainpos.event='PendingTx'")
    wire = issue_tx(2)
    assert (await ahead.broadcast_tx_sync(wire)).code == 0
    async with asyncio.timeout(60):
        event = await anext(events)
    value = getattr(event, "value", None)
    assert isinstance(value, PendingTransaction)
    assert value.transaction == wire


async def test_a_tills_request_is_served_under_its_link(nodes: Nodes) -> None:
    client = await nodes.client(await nodes.validator())
    encoded, signature = signed_request("S9")
    link_id = await client.publish_request(encoded, signature)
    assert await client.publish_request(encoded, signature) == link_id
    assert [(each.id, each.request, each.signature) for each in await client.requests()] == [
        (link_id, encoded, signature)
    ]


async def test_a_request_that_may_not_be_served_is_refused(nodes: Nodes) -> None:
    client = await nodes.client(await nodes.validator())
    encoded, signature = signed_request("S9")
    late, late_signature = signed_request("S9", ago_s=400)
    strange, strange_signature = signed_request("S9", till_name="nobody.till")
    for request, signed, reason in (
        (encoded, key_of("alice").sign(b""), "request_not_signed"),
        (b"junk", signature, "request_not_signed"),
        (bytes(3_000), signature, "request_too_large"),
        (late, late_signature, "request_expired"),
        (strange, strange_signature, "till_not_authorised"),
    ):
        with pytest.raises(RpcError) as caught:
            await client.publish_request(request, signed)
        assert caught.value.data == reason


async def test_a_payment_after_a_rest_is_made_in_a_block_of_the_present(nodes: Nodes) -> None:
    client = await nodes.client(await nodes.validator())
    await at_height(client, 2)
    await asyncio.sleep(2.2)
    before_ns = time.time_ns()
    answer = await client.broadcast_tx_sync(issue_tx(1))
    await at_height(client, 5)
    found = await client.tx(answer.hash)
    assert found.height == 4
    header = (await client.commit(4)).header
    assert before_ns - SECOND_NS < header.time_ns <= time.time_ns()
    assert (await client.block(3)) is not None


async def test_every_height_can_be_asked_for(nodes: Nodes) -> None:
    client = await nodes.client(await nodes.validator())
    for number in range(3):
        assert (await client.broadcast_tx_sync(issue_tx(number))).code == 0
        await at_height(client, 4 + 2 * number)
    tip = (await client.report()).height
    for height in range(1, tip + 1):
        stored, signed = await client.block(height), await client.commit(height)
        assert stored is not None
        assert stored.block_id == signed.commit.block_id == stored.block.block_id()
        assert signed.canonical == (height < tip)
        assert (await client.validators(height)).hash() == signed.header.validators_hash
        assert (await client.consensus_params(height)).hash() == signed.header.consensus_hash
        assert (await client.block_results(height)).height == height
    assert len(await client.block_metas(1, tip)) == tip
    assert (await client.abci_info()).height == tip
    assert sha256(await client.genesis_document()) == sha256(nodes.genesis)


async def test_what_waits_is_told_by_account_and_age_while_no_upstream_is_there(nodes: Nodes) -> None:
    validator = await nodes.validator()
    peer = await nodes.peer(validator.rpc)
    client = await nodes.client(peer)
    await at_height(client, 2)
    assert [each.version for each in (await client.report()).upstreams] == [f"chainpos {__version__}"]
    await validator.stop()
    before_ns = time.time_ns()
    first, second = issue_tx(1), issue_tx(2)
    for wire in (first, second):
        await client.broadcast_tx_sync(wire)
    told = await client.mempool()
    address = address_of(decode_envelope(first).body.signer).hex()
    assert (told.total, told.total_bytes) == (2, len(first) + len(second))
    assert [(each.address, each.transactions) for each in told.signers] == [(address, 2)]
    assert [(each.hash, each.kind) for each in told.oldest] == [
        (sha256(wire).hex(), "balances.issue") for wire in (first, second)
    ]
    assert all(before_ns <= each.since_ns <= time.time_ns() for each in told.oldest)


async def test_how_long_a_payment_waited_for_its_block_is_part_of_the_report(nodes: Nodes) -> None:
    client = await nodes.client(await nodes.validator())
    await at_height(client, 2)
    await client.broadcast_tx_sync(issue_tx(1))
    await at_height(client, 3)
    report = await client.report()
    assert sum(report.transactions_per_minute) == 1
    assert 0 < max(report.finality_ms) < 20_000
    assert len(report.finality_ms) == len(report.blocks_per_minute) == len(report.transactions_per_minute)


async def test_whom_a_node_is_connected_to_is_read_as_it_was_answered(nodes: Nodes) -> None:
    validator = await nodes.validator()
    client = await nodes.client(await nodes.peer(validator.rpc))
    await at_height(client, 2)
    network = await client.net_info()
    assert [(each.remote_ip, each.is_outbound) for each in network.peers] == [(validator.rpc, True)]
