"""A new peer begins from other nodes' snapshot: verified, compared, and the same from there on; every lie refused."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from chainpos.core.chain.genesis import load_genesis
from chainpos.core.contracts.balances.records import ACCOUNTS, account_key, customer_account
from chainpos.core.state.commitment import bucket_name, bucket_of
from chainpos.core.state.snapshots import cut, joined, manifest_of
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.errors import UserFacingError
from chainpos.inspect.search import Search
from chainpos.inspect.source import StoreSource
from chainpos.node.backup import back_up, restore
from chainpos.node.config import NodeSettings
from chainpos.node.export import exported
from chainpos.node.home import Home
from chainpos.node.joining import JoinedFacts, begin_quickly, join, read_trust, trust_text
from chainpos.node.replay import replay
from chainpos.node.verify import verify_home
from chainpos.rpc.client import RpcClient, RpcError
from chainpos.store.chain import ChainReader
from chainpos.store.snapshots import QUERY_PATH, decode_offers, encode_offers
from chainpos.sync.joining import Progress
from tests.core.contracts.conftest import BANK, CNY, key_of
from tests.node.conftest import Nodes, RunningNode, issue_tx, peer_home, until, validator_home
from tests.node.lying import Json, Lie, LyingProxy

EVERY = 4
PAYMENTS = 6


class City(NamedTuple):
    """A validator and a peer that both keep snapshots; the peer executed everything."""

    nodes: Nodes
    validator: RunningNode
    peer: RunningNode
    client: RpcClient

    def fresh(self, name: str = "new") -> Path:
        """A new peer's home, its upstreams both."""
        peer_home(self.nodes.folder / name, self.nodes.genesis, self.validator.rpc, self.peer.rpc)
        return self.nodes.folder / name


async def pay(client: RpcClient, number: int) -> None:
    """One more payment, in a block, and the block after it."""
    before = (await client.report()).height
    assert (await client.broadcast_tx_sync(issue_tx(number))).code == 0

    async def is_in() -> bool:
        return (await client.report()).height >= before + 2

    await until(is_in)


async def reach(city: City, node: RunningNode) -> RpcClient:
    """Wait until a node is where the validator is; a client of it."""
    client = await city.nodes.client(node)

    async def is_there() -> bool:
        return (await client.report()).height == (await city.client.report()).height

    await until(is_there)
    return client


@pytest.fixture
async def city(nodes: Nodes) -> City:
    folder = nodes.folder / "validator"
    nodes.genesis = validator_home(folder)
    validator = await nodes.start(folder, snapshot_every=EVERY)
    peer_home(nodes.folder / "peer", nodes.genesis, validator.rpc)
    peer = await nodes.start(nodes.folder / "peer", snapshot_every=EVERY)
    client = await nodes.client(validator)
    for number in range(PAYMENTS):
        await pay(client, number)
    made = City(nodes, validator, peer, client)
    await reach(made, peer)

    async def has_snapshot() -> bool:
        found = decode_offers((await client.abci_query(QUERY_PATH, b"")).value or b"\x90")
        return bool(found) and found[0][0] > EVERY

    await until(has_snapshot)
    return made


async def test_a_peer_begins_from_a_snapshot_and_is_the_same_as_who_executed_everything(city: City) -> None:
    told: list[Progress] = []
    folder = city.fresh()
    facts = await join(folder, progress=told.append)
    assert facts.height > EVERY
    assert facts.distrusted == {}
    assert {each.stage for each in told} == {"headers", "chunks", "records", "storing"}
    new = await city.nodes.start(folder)
    await pay(city.client, 100)
    ours = await reach(city, new)
    assert (await ours.report()).app_hash == (await city.client.report()).app_hash
    assert (await ours.report()).verified_blocks < (await city.client.report()).height - EVERY
    status = await ours.status()
    assert status.earliest.height == facts.height + 1
    for height in (facts.height + 1, status.latest.height):
        assert await ours.block(height) == await city.client.block(height)
        assert await ours.validators(height) == await city.client.validators(height)
        assert await ours.consensus_params(height) == await city.client.consensus_params(height)
        assert (await ours.block_results(height)) == (await city.client.block_results(height))
    await new.stop()
    verified = verify_home(folder)
    assert verified.whole, verified.findings
    assert verified.blocks == status.latest.height - facts.height
    with pytest.raises(UserFacingError, match=f"began with a snapshot of height {facts.height}"):
        replay(folder)
    again = await city.nodes.start(folder)
    assert (await (await reach(city, again)).report()).app_hash == (await city.client.report()).app_hash
    with ChainReader.open(Home(folder).database) as mine, ChainReader.open(Home(city.peer.folder).database) as theirs:
        assert mine.load_records() == theirs.load_records()


async def test_a_peer_that_began_from_a_snapshot_can_be_backed_up_restored_and_exported(city: City) -> None:
    folder = city.fresh()
    facts = await join(folder)
    new = await city.nodes.start(folder)
    await pay(city.client, 100)
    app_hash = (await (await reach(city, new)).report()).app_hash
    backup = city.nodes.folder / "backup.db"
    assert (await asyncio.to_thread(back_up, folder, backup)).app_hash == app_hash
    settings = NodeSettings(mode="peer", moniker="restored", listen="127.0.0.1:0", upstreams=(city.validator.rpc,))
    again = city.nodes.folder / "again"
    assert restore(backup, again, settings).app_hash == app_hash
    assert verify_home(again).whole
    await pay(city.client, 101)
    ours = await reach(city, await city.nodes.start(again))
    assert (await ours.status()).earliest.height == facts.height + 1
    await new.stop()
    assert exported(folder).initial_height > facts.height


async def test_what_lies_below_a_snapshot_is_said_to_be_pruned_and_what_lies_above_is_found(city: City) -> None:
    folder = city.fresh()
    facts = await join(folder)
    new = await city.nodes.start(folder)
    await pay(city.client, 100)
    client = await reach(city, new)
    above = (await client.status()).latest.height - 1
    with pytest.raises(RpcError, match=f"lowest height is {facts.height + 1}"):
        await client.block(facts.height)
    account = ACCOUNTS.full_key(account_key(customer_account(key_of("alice").address, BANK), CNY))
    path = f"/store/{bucket_name(bucket_of(account)).decode()}/key"
    assert (await client.abci_query(path, account, facts.height - 1)).code != 0
    before = ACCOUNTS.decode((await client.abci_query(path, account, facts.height)).value)
    after = ACCOUNTS.decode((await client.abci_query(path, account, above)).value)
    assert after.balance_minor > before.balance_minor
    await new.stop()
    with ChainReader.open(Home(folder).database) as reader:
        (absent,) = Search(StoreSource(reader, "joined")).find(str(facts.height)).absences
    assert (absent.kind, f"from height {facts.height + 1} on" in absent.sentence_en) == ("pruned", True)


async def test_trust_in_a_block_that_was_confirmed_by_hand_reaches_up_and_down_from_it(city: City) -> None:
    latest = (await city.client.status()).latest
    text = trust_text((await city.client.report()).chain_id, latest.height, latest.hash)
    from_above = await join(city.fresh("above"), trust=text)
    # A snapshot lies below the newest block: down to it each header is taken by its hash in the next.
    assert from_above.height < latest.height
    second = (await city.client.commit(2)).header
    from_below = await join(city.fresh("below"), trust=f"2:{second.hash().hex()}")
    assert from_below == from_above


async def test_another_hash_than_was_confirmed_is_refused_and_nothing_is_taken_over(city: City) -> None:
    folder = city.fresh()
    with pytest.raises(UserFacingError, match="forged_header"):
        await join(folder, trust=f"2:{'AB' * 32}")
    with ChainReader.open(Home(folder).database) as reader:
        assert reader.tip().is_genesis
    assert (await join(folder)).height > EVERY


async def test_one_node_alone_is_not_believed(city: City) -> None:
    with pytest.raises(UserFacingError, match="takes two nodes"):
        await join(city.fresh(), upstreams=[city.validator.rpc, "127.0.0.1:1"])


async def test_only_a_peer_without_a_block_can_begin_from_a_snapshot(city: City) -> None:
    folder = city.fresh()
    await join(folder)
    for refused in (folder, city.validator.folder):
        await city.validator.stop()
        with pytest.raises(UserFacingError, match="Only a peer that has no block yet"):
            await join(refused, upstreams=[city.peer.rpc, city.validator.rpc])


async def test_a_new_node_begins_quickly_where_it_can_and_else_executes_the_chain_itself(city: City) -> None:
    folder = city.fresh()
    begun = await begin_quickly(folder)
    assert begun is not None
    assert begun.height > EVERY
    assert await begin_quickly(folder) is None, "it has begun"
    alone = city.nodes.folder / "alone"
    peer_home(alone, city.nodes.genesis, city.validator.rpc)
    assert await begin_quickly(alone) is None, "nobody to compare with"
    silent = answered(QUERY_PATH, lambda _, __: b"")
    async with LyingProxy(city.validator.rpc, silent) as one, LyingProxy(city.peer.rpc, silent) as other:
        peer_home(city.nodes.folder / "young", city.nodes.genesis, one.rpc, other.rpc)
        assert await begin_quickly(city.nodes.folder / "young") is None, "no snapshot yet"


async def test_a_genesis_too_old_to_begin_from_asks_for_a_block_to_trust(city: City) -> None:
    class Later:
        def now_ns(self) -> int:
            return load_genesis(city.nodes.genesis).genesis_time_ns + 366 * 86_400 * SECOND_NS

        def monotonic_ns(self) -> int:
            return 0

    with pytest.raises(UserFacingError, match="trust_expired") as refused:
        await join(city.fresh(), clock=Later())
    assert "--trust" in refused.value.next_step


async def join_beside(city: City, lie: Lie, name: str = "new") -> tuple[JoinedFacts, str]:
    """Join from two honest nodes and one whose answers are changed; also the liar's address."""
    async with LyingProxy(city.validator.rpc, lie) as liar:
        upstreams = [liar.rpc, city.peer.rpc, city.validator.rpc]
        return await join(city.fresh(name), upstreams=upstreams), liar.rpc


def answered(path: str, change: Any) -> Lie:
    """A lie about one path of `abci_query`."""

    def lie(method: str, params: Json, result: Json) -> Json:
        if method == "abci_query" and str(params["path"]).startswith(path):
            value = base64.b64decode(result["response"]["value"] or "")
            result["response"]["value"] = base64.b64encode(change(value, str(params["path"]))).decode()
        return result

    return lie


async def test_a_chunk_that_is_not_the_one_offered_is_fetched_from_another(city: City) -> None:
    facts, liar = await join_beside(city, answered(f"{QUERY_PATH}/", lambda value, _: value[:-1] + b"\x00"))
    assert facts.height > EVERY
    # Both offer the same: he is only found out where he was asked.
    assert facts.distrusted in ({}, {liar: "forged_chunk"})
    with pytest.raises(UserFacingError, match="forged_chunk"):
        await join_with_liar_alone_offering(city, answered(f"{QUERY_PATH}/", lambda _, __: b"\x90"))


async def join_with_liar_alone_offering(city: City, lie: Lie, name: str = "alone") -> None:
    """The honest node has no snapshot to offer: it is only the witness."""
    silent = answered(QUERY_PATH, lambda value, path: b"" if path == QUERY_PATH else value)
    async with LyingProxy(city.validator.rpc, lie) as liar, LyingProxy(city.peer.rpc, silent) as witness:
        await join(city.fresh(name), upstreams=[liar.rpc, witness.rpc])


async def test_records_that_the_validators_never_signed_are_refused_however_well_they_are_wrapped(city: City) -> None:
    """The liar's chunks are what his offer says. Only the app hash of the verified header tells."""
    forged: dict[int, list[bytes]] = {}
    for height, manifest in decode_offers((await city.client.abci_query(QUERY_PATH, b"")).value):
        parts = [
            (await city.client.abci_query(f"{QUERY_PATH}/{height}/{index}", b"")).value
            for index in range(len(manifest.chunks))
        ]
        records = joined(parts)
        key = max(records, key=lambda each: len(records[each]))
        forged[height] = cut({**records, key: records[key] + b"\x00"})

    def change(value: bytes, path: str) -> bytes:
        if path == QUERY_PATH:
            return encode_offers([(height, manifest_of(parts, 0)) for height, parts in forged.items()])
        height, index = path.removeprefix(f"{QUERY_PATH}/").split("/")
        return forged[int(height)][int(index)]

    with pytest.raises(UserFacingError, match="forged_snapshot"):
        await join_with_liar_alone_offering(city, answered(QUERY_PATH, change))
    facts, liar = await join_beside(city, answered(QUERY_PATH, change), "beside")
    assert facts.height > EVERY
    assert facts.distrusted in ({}, {liar: "forged_snapshot"})


async def test_two_nodes_that_tell_different_things_stop_everything(city: City) -> None:
    def another_app_hash(method: str, _: Json, result: Json) -> Json:
        if method == "commit":
            result["signed_header"]["header"]["app_hash"] = "AB" * 32
        return result

    async with LyingProxy(city.validator.rpc, another_app_hash) as liar:
        # The honest one is asked first; the other is its witness.
        with pytest.raises(UserFacingError, match="tells another thing of height") as stopped:
            await join(city.fresh(), upstreams=[city.peer.rpc, liar.rpc])
    assert stopped.value.exit_code == 4


async def test_nonsense_in_place_of_offers_is_no_offer(city: City) -> None:
    for number, nonsense in enumerate((b"nonsense", b"\xc0", b"\x91\x92\x01\xc4\x01a")):
        with pytest.raises(UserFacingError, match="forged_snapshot"):
            await join_with_liar_alone_offering(
                city, answered(QUERY_PATH, lambda _, __, said=nonsense: said), f"alone{number}"
            )


async def test_unknown_snapshots_are_answered_as_empty(city: City) -> None:
    for path in ("/7/0", "/4/99", "/../0", "/4", "/", "/x/y", "/-4/0", "/4/0/0", "/" + "9" * 400):
        assert (await city.client.abci_query(QUERY_PATH + path, b"")).value == b""


@pytest.mark.parametrize("text", ["", "12", "12:AB", "x:" + "AB" * 32, f"chainpos:trust/other/12/{'AB' * 32}"])
def test_what_is_no_block_to_trust_is_refused(text: str) -> None:
    with pytest.raises(UserFacingError):
        read_trust(text, "pilot")


def test_a_block_to_trust_survives_a_line_of_text() -> None:
    assert read_trust(f" {trust_text('pilot', 12, bytes(range(32)))}\n", "pilot") == (12, bytes(range(32)))
