"""A node over RPC answers as its own database does, as far as RPC goes."""

from __future__ import annotations

import asyncio

import pytest

from chainpos.errors import UserFacingError
from chainpos.inspect import absence
from chainpos.inspect.case import UNPROVED
from chainpos.inspect.case_file import make_case
from chainpos.inspect.case_open import open_case
from chainpos.inspect.remote import open_node
from chainpos.inspect.search import Search
from chainpos.inspect.source import open_home
from chainpos.inspect.timeline import timeline
from chainpos.inspect.trace import trace_transaction
from tests.node.conftest import Nodes, RunningNode, pay_tx, until


async def test_ux30_search_trace_and_timeline_are_the_same_over_rpc(nodes: Nodes, validator: RunningNode) -> None:
    client = await nodes.client(validator)
    sent = await client.broadcast_tx_sync(pay_tx("S1"))

    async def committed() -> bool:
        return (await client.status()).latest.height > 3

    await until(committed)

    def look() -> None:
        with open_node(validator.rpc) as remote, open_home(validator.folder) as local:
            for source in (remote, local):
                found = Search(source).find(sent.hash.hex())
                assert [hit.kind for hit in found.hits] == ["transaction"]
                assert [each.kind for each in Search(source).find("999999").absences] == [absence.NOT_SYNCED]
            height, index = found.hits[0].height, found.hits[0].index
            assert trace_transaction(remote, height, index) == trace_transaction(local, height, index)
            assert timeline(remote, "S1").moments == timeline(local, "S1").moments
            for value, heights in (("S1", [height]), ("S2", [])):
                for source in (remote, local):
                    assert source.blocks_telling("payments.paid.reference", value, 5) == heights
            assert remote.genesis_json() == local.genesis_json()
            assert remote.record_at(b"me" + b"TEAHOUSE", height) == local.record_at(b"me" + b"TEAHOUSE", height)
            keys = (b"meTEAHOUSE", b"meNOWHERE")
            assert remote.records_of(keys, height) == local.records_of(keys, height)
            assert list(local.records_of(keys, height).values()) == [local.record_at(keys[0], height), None]
            with pytest.raises(UserFacingError):
                remote.records_at(height)

    await asyncio.to_thread(look)


async def test_a_case_made_over_rpc_verifies_with_the_genesis_alone(nodes: Nodes, validator: RunningNode) -> None:
    client = await nodes.client(validator)
    sent = await client.broadcast_tx_sync(pay_tx("S1"))

    async def committed() -> bool:
        places = await client.tx_search(f"tx.hash='{sent.hash.hex().upper()}'", per_page=1)
        return bool(places.transactions) and (await client.status()).latest.height > places.transactions[0].height

    await until(committed)

    def look() -> None:
        with open_node(validator.rpc) as remote, open_home(validator.folder) as local:
            over_rpc = open_case(make_case(remote, "S1"), local.genesis_json())
            at_home = open_case(make_case(local, "S1"), local.genesis_json())
            assert [check for check in over_rpc.checks if not check.holds] == []
            assert over_rpc.case is not None
            assert at_home.case is not None
            assert over_rpc.case.trace == at_home.case.trace
            assert over_rpc.case.timeline.moments == at_home.case.timeline.moments
            # What a node proves of its newest state alone is told of older ones, and the file says so.
            assert UNPROVED in over_rpc.case.left_out
            assert UNPROVED not in at_home.case.left_out
            assert {record.value for record in over_rpc.case.records} != {None}
            with pytest.raises(UserFacingError, match="newest state alone"):
                make_case(remote, "S1", as_of=1)

    await asyncio.to_thread(look)


async def test_a_node_that_does_not_answer_is_one_sentence() -> None:
    def look() -> None:
        with pytest.raises(UserFacingError), open_node("127.0.0.1:1"):
            pass

    await asyncio.to_thread(look)
