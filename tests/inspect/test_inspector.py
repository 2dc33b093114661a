"""The inspector against a real node: its report, its blocks, its transactions with the money they moved."""

from __future__ import annotations

import asyncio
import time

import pytest

from chainpos.core.chain.results import Event, EventAttribute, TxResult
from chainpos.core.contracts import codes
from chainpos.core.contracts.compliance.messages import Freeze, Release
from chainpos.core.contracts.merchants.records import MERCHANTS
from chainpos.core.contracts.payments import codes as payment_codes
from chainpos.core.contracts.ports import merchant_subject
from chainpos.core.values.amount import Amount
from chainpos.errors import UserFacingError
from chainpos.inspect.connection import NodeConnection
from chainpos.inspect.inspector import Inspector
from chainpos.inspect.records import NoSuchState, record_at
from chainpos.inspect.transactions import transaction_row
from chainpos.inspect.views import Link
from chainpos.rpc.client import Disconnected, RpcClient
from tests.core.blocks import charge, pay, transaction
from tests.node.conftest import Nodes, RunningNode, issue_tx, pay_tx, until


async def _paid(client: RpcClient, *wires: bytes) -> int:
    hashes = [(await client.broadcast_tx_sync(wire)).hash for wire in wires]

    async def committed() -> bool:
        return (await client.status()).latest.height > 3

    await until(committed)
    return (await client.tx(hashes[0])).height


async def test_a_node_its_blocks_and_their_transactions(nodes: Nodes, validator: RunningNode) -> None:
    client = await nodes.client(validator)
    height = await _paid(client, pay_tx("S1"))
    inspector = Inspector(lambda: client)
    node = await inspector.node()
    assert (node.mode, node.network.link, node.moniker) == ("validator", Link.ONLINE, "validator")
    assert [row.signed for row in node.validators] == [True]
    blocks = await inspector.blocks()
    assert [row.height for row in blocks] == list(range(blocks[0].height, 0, -1))
    block = next(row for row in blocks if row.height == height)
    assert block.transactions == 1
    (row,) = await inspector.transactions(height)
    assert (row.kind, row.code, row.summary) == ("payments.pay", 0, "TEAHOUSE S1")
    assert sum(leg.minor for leg in row.legs) == 0
    assert {kind for kind, _ in row.events} >= {"payments.paid", "balances.posted"}
    assert row.problem is None


async def test_blocks_are_listed_over_several_pages(nodes: Nodes, validator: RunningNode) -> None:
    client = await nodes.client(validator)

    async def grown() -> bool:
        await client.broadcast_tx_sync(issue_tx((await client.status()).latest.height))
        return (await client.status()).latest.height >= 45

    await until(grown)
    inspector = Inspector(lambda: client)
    assert [row.height for row in await inspector.blocks(before=44, limit=43)] == list(range(43, 0, -1))
    assert [row.height for row in await inspector.blocks(before=30, limit=25)] == list(range(29, 4, -1))
    assert await inspector.blocks(before=1) == ()


async def test_what_cannot_be_answered_is_one_sentence(nodes: Nodes, validator: RunningNode) -> None:
    client = await nodes.client(validator)
    inspector = Inspector(lambda: client)
    with pytest.raises(UserFacingError, match="could not answer"):
        await inspector.transactions(10**9)
    await validator.stop()
    with pytest.raises(UserFacingError):
        await inspector.node()


def test_transactions_of_every_kind_have_a_row() -> None:
    refused = TxResult(code=payment_codes.ALREADY_PAID.number)
    row = transaction_row(transaction(pay("S7", 900), "alice"), refused, 9, 3)
    assert (row.kind, row.summary, row.amount, row.height, row.index) == (
        "payments.pay", "TEAHOUSE S7", Amount(900, "CNY"), 9, 3,
    )  # fmt: skip
    assert row.problem is not None
    assert row.problem.name == "already_paid"
    row = transaction_row(transaction(charge("S8", nonce=1), "TEAHOUSE.till"), TxResult(), 1, 0)
    assert (row.kind, row.summary, row.amount) == ("payments.charge", "TEAHOUSE S8", Amount(1_000, "CNY"))
    junk = transaction_row(b"junk" * 40, TxResult(code=codes.MALFORMED.number), 1, 0)
    assert (junk.kind, junk.summary, junk.amount) == ("?", "", None)
    unknown = transaction_row(transaction(pay(), "alice", kind="new.kind"), TxResult(code=8), 1, 0)
    assert (unknown.kind, unknown.amount) == ("new.kind", None)


def test_hostile_text_in_events_is_cleaned() -> None:
    event = Event("evil\x1b[2J", (EventAttribute("k\u202e", "v\r\n" + "x" * 500),))
    posted = Event("balances.posted", (EventAttribute("currency", "C\x07NY"), EventAttribute("legs", "a:+1;nonsense")))
    row = transaction_row(b"", TxResult(events=(event, posted)), 1, 0)
    assert row.legs == ()
    shown = repr(row.events)
    assert "\\x1b" not in shown
    assert "\\u202e" not in shown
    assert "\\r" not in shown
    assert len(row.events[0][1][0][1]) <= 120


async def test_records_are_read_at_their_height(nodes: Nodes, validator: RunningNode) -> None:
    client = await nodes.client(validator)
    height = await _paid(client, pay_tx("S1"))
    merchant = await record_at(client, MERCHANTS, b"TEAHOUSE", height)
    assert merchant is not None
    assert merchant.name_en == "Willow Tea House"
    assert await record_at(client, MERCHANTS, b"NOWHERE", height) is None
    with pytest.raises(NoSuchState):
        await record_at(client, MERCHANTS, b"TEAHOUSE", height + 1_000)


async def test_a_connection_comes_back_by_itself(nodes: Nodes, validator: RunningNode) -> None:
    connection = NodeConnection(validator.rpc)
    with pytest.raises(UserFacingError, match="does not answer"):
        connection.require()
    served, losses = [], []

    async def serve(calls: RpcClient, events: RpcClient) -> None:
        connection.succeeded()
        served.append(connection.require() is calls)
        async for _ in await events.subscribe("tm.event='NewBlockHeader'"):
            pass

    keeping = asyncio.create_task(connection.keep(serve, lambda: losses.append(1)))

    async def is_served(times: int) -> None:
        async def reached() -> bool:
            return len(served) >= times

        await until(reached)

    await is_served(1)
    await validator.stop()

    async def lost() -> bool:
        return len(losses) >= 2

    await until(lost)
    await nodes.start(validator.folder, listen=validator.rpc)
    await is_served(2)
    assert all(served)
    keeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await keeping


async def test_one_connection_for_a_few_questions(nodes: Nodes, validator: RunningNode) -> None:
    connection = NodeConnection(validator.rpc)
    await connection.open()
    assert (await Inspector(connection.require).node()).mode == "validator"
    await connection.close()
    nowhere = NodeConnection("127.0.0.1:1")
    with pytest.raises(UserFacingError):
        await nowhere.open()
    assert issubclass(NoSuchState, Disconnected)


async def test_a_freeze_and_its_release_are_watched_newest_first(nodes: Nodes, validator: RunningNode) -> None:
    client = await nodes.client(validator)
    inspector, subject = Inspector(lambda: client), merchant_subject("NOODLES")
    assert (await inspector.node()).watched == ()
    now_s = int(time.time())
    for number, order in enumerate((Freeze(subject, "Order 1", now_s + 3_600), Release(subject, "Order 2")), 1):
        answer = await client.broadcast_tx_sync(transaction(order, "regulator", expires_s=now_s + 600))
        assert answer.code == 0

        async def told(number: int = number) -> bool:
            return len((await inspector.node()).watched) == number

        await until(told)
    assert [(row.kind, row.name) for row in (await inspector.node()).watched] == [
        ("released", "Order 2"),
        ("frozen", "Order 1"),
    ]
