"""A light node keeps headers and its merchant's payments with proofs, misses none, and believes nobody."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from chainpos.core.chain.genesis import load_genesis
from chainpos.core.chain.header import Header
from chainpos.core.checkout.receipt_proof import decode_proof, verify_proof
from chainpos.errors import UserFacingError
from chainpos.inspect.node_home import look_into
from chainpos.inspect.operating import address_of_home
from chainpos.inspect.source import open_home
from chainpos.node.backup import back_up
from chainpos.node.home import Home
from chainpos.node.joining import trust_text
from chainpos.node.light import run_light
from chainpos.rpc.client import RpcClient, websocket_url
from chainpos.store.chain import ChainReader
from chainpos.store.light import LightPayment, LightStore
from tests.node.conftest import Clerk, Nodes, issue_tx, pay_tx, peer_home, until
from tests.node.lying import Lie, LyingProxy, altered_transaction, left_out_transaction

MERCHANT = "TEAHOUSE"


class Light:
    """A light node in this process."""

    def __init__(self, nodes: Nodes, *upstreams: str, merchant: str = MERCHANT, trust: str = "") -> None:
        self.folder = nodes.folder / f"light-{merchant}"
        if not self.folder.exists():
            peer_home(self.folder, nodes.genesis, *upstreams)
        self.told: list[LightPayment] = []
        self.ready: dict[str, object] = {}
        self._stop = asyncio.Event()
        self._task = asyncio.create_task(
            run_light(
                self.folder,
                merchant,
                trust=trust,
                upstreams=upstreams,
                ready=self.ready.update,
                told=self.told.append,
                stop=self._stop,
            )
        )

    async def paid(self, *references: str) -> None:
        """Wait until it told of these payments, in this order and no others."""

        async def has_told() -> bool:
            if self._task.done():
                await self._task
            return len(self.told) >= len(references)

        await until(has_told)
        assert [each.reference for each in self.told] == list(references)

    async def fail(self) -> UserFacingError:
        """Wait for its end, which is a failure."""
        with pytest.raises(UserFacingError) as failed:
            async with asyncio.timeout(90):
                await self._task
        return failed.value

    async def stop(self) -> None:
        self._stop.set()
        await self._task


async def send(client: RpcClient, *wires: bytes) -> int:
    """Transactions, in a block and confirmed by the next; its height."""
    for wire in wires:
        assert (await client.broadcast_tx_sync(wire)).code == 0
    before = (await client.report()).executed_transactions

    async def is_in() -> bool:
        report = await client.report()
        return report.mempool_transactions == 0 and report.executed_transactions >= before

    await until(is_in)
    return (await client.report()).height


async def city(nodes: Nodes) -> tuple[RpcClient, str, str]:
    """A client of the validator; the addresses of it and of a peer of it."""
    validator = await nodes.validator()
    peer = await nodes.peer(validator.rpc)
    return await nodes.client(validator), validator.rpc, peer.rpc


async def test_it_tells_and_keeps_each_payment_with_a_receipt_that_proves_itself(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, first, second = await city(nodes)
    await send(client, pay_tx("BEFORE"))
    connected: list[str] = []
    connect = RpcClient.connect

    async def counted(url: str, timeout_s: float) -> RpcClient:
        connected.append(url)
        return await connect(url, timeout_s)

    monkeypatch.setattr(RpcClient, "connect", counted)
    light = Light(nodes, first, second)
    await light.paid("BEFORE")
    await send(client, pay_tx("ONE"), issue_tx(1), pay_tx("TWO", payer="alice"))
    await light.paid("BEFORE", "ONE", "TWO")
    await light.stop()
    # Whoever is followed or compared is connected to once, however many blocks come.
    assert connected.count(websocket_url(second)) == 1
    genesis = load_genesis(nodes.genesis)
    with closing(LightStore.open(Home(light.folder).light)) as store:
        kept = list(store.payments())
        assert kept == light.told
        for each in kept:
            statement = verify_proof(decode_proof(each.receipt), genesis)
            assert (statement.merchant, statement.reference, statement.height) == (
                MERCHANT,
                each.reference,
                each.height,
            )
            assert statement.paid.minor == each.paid_minor == 100
        about = store.about()
        headers = store._rows("SELECT header FROM headers ORDER BY height")
    assert (about.began, about.done) == (1, len(headers))
    for height, (encoded,) in enumerate(headers, 1):
        assert Header.decode(encoded) == (await client.commit(height)).header
    # What it keeps of a chain is small: no state, no other's payments.
    assert not [each for each in kept if each.reference not in ("BEFORE", "ONE", "TWO")]


def test_whoever_looks_into_a_light_nodes_folder_is_told_what_it_is_and_where_to_look(clerk: Clerk) -> None:
    folder = clerk.database.parent / "home"
    peer_home(folder, clerk.genesis, "127.0.0.1:1", "127.0.0.1:2")
    home = Home(folder)
    looks: tuple[Callable[[], object], ...] = (
        lambda: open_home(folder).__enter__(),
        lambda: address_of_home(folder),
        lambda: look_into(folder),
        lambda: back_up(folder, clerk.database.parent / "copy.db"),
    )
    LightStore.create(home.light, clerk.ledger.tip.chain_id, MERCHANT, 1, b"trusted")
    for look in looks:
        with pytest.raises(UserFacingError, match="is a light one") as refused:
            look()
        assert "chainpos node payments --home" in refused.value.next_step
        assert "--node HOST:PORT" in refused.value.next_step
    # Who runs a peer in the same folder later has a ledger to look into.
    clerk.make(clerk.issue())
    home.database.unlink()
    with ChainReader.open(clerk.database) as reader:
        reader.backup(home.database)
    with open_home(folder) as source:
        assert source.span().tip == 1


async def test_it_goes_on_where_it_was_and_misses_nothing_that_came_meanwhile(nodes: Nodes) -> None:
    client, first, second = await city(nodes)
    light = Light(nodes, first, second)
    await send(client, pay_tx("ONE"))
    await light.paid("ONE")
    await light.stop()
    await send(client, pay_tx("AWAY"))
    again = Light(nodes, second, first)
    await again.paid("AWAY")
    await again.stop()


async def test_it_begins_at_a_block_that_someone_vouches_for(nodes: Nodes) -> None:
    client, first, second = await city(nodes)
    await send(client, pay_tx("BEFORE"))
    latest = (await client.status()).latest
    trust = trust_text((await client.report()).chain_id, latest.height, latest.hash)
    light = Light(nodes, first, second, trust=trust)
    await until(lambda: _is_ready(light))
    await send(client, pay_tx("AFTER"))
    await light.paid("AFTER")
    await light.stop()


async def _is_ready(light: Light) -> bool:
    return bool(light.ready)


@pytest.mark.parametrize("lie", [altered_transaction, left_out_transaction])
async def test_an_upstream_that_alters_or_leaves_out_a_payment_is_left(nodes: Nodes, lie: Lie) -> None:
    client, first, second = await city(nodes)
    await send(client, pay_tx("ONE"), pay_tx("TWO", payer="alice"))
    async with LyingProxy(first, lie) as liar:
        light = Light(nodes, liar.rpc, second)
        await light.paid("ONE", "TWO")
        assert liar.told
        await light.stop()


async def test_a_merchant_that_the_ledger_does_not_know_is_refused(nodes: Nodes) -> None:
    _, first, second = await city(nodes)
    failed = await Light(nodes, first, second, merchant="NOBODY").fail()
    assert "knows no merchant 'NOBODY'" in failed.what


async def test_one_upstream_alone_is_refused_and_so_is_another_merchants_home(nodes: Nodes) -> None:
    client, first, second = await city(nodes)
    assert "two nodes" in (await Light(nodes, first).fail()).what
    light = Light(nodes, first, second)
    await send(client, pay_tx("ONE"))
    await light.paid("ONE")
    await light.stop()
    with pytest.raises(UserFacingError, match="keeps the payments of TEAHOUSE"):
        await run_light(
            light.folder,
            "BOOKSHOP",
            upstreams=(first, second),
            ready=lambda _: None,
            told=lambda _: None,
            stop=asyncio.Event(),
        )


@pytest.mark.slow
async def test_the_commands_follow_list_and_write_receipts(nodes: Nodes, tmp_path: Path) -> None:
    client, first, second = await city(nodes)
    peer_home(tmp_path / "shop", nodes.genesis, first, second)
    command = [sys.executable, "-m", "chainpos", "node"]
    process = await asyncio.create_subprocess_exec(
        *command, "start", "--light", "--merchant", MERCHANT, "--home", str(tmp_path / "shop"), "--until-stdin-ends",
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdin is not None
    async with asyncio.timeout(90):
        assert json.loads(await process.stdout.readline())["mode"] == "light"
        await send(client, pay_tx("ONE"))
        assert json.loads(await process.stdout.readline())["paid"]["reference"] == "ONE"
        process.stdin.close()
        assert await process.wait() == 0
    listing = await asyncio.create_subprocess_exec(
        *command, "payments", "--home", str(tmp_path / "shop"), "--receipts", str(tmp_path / "receipts"), "--json",
        stdout=subprocess.PIPE,
    )  # fmt: skip
    answer, _ = await listing.communicate()
    assert [each["reference"] for each in json.loads(answer)["payments"]] == ["ONE"]
    (receipt,) = (tmp_path / "receipts").iterdir()
    assert verify_proof(decode_proof(receipt.read_bytes()), load_genesis(nodes.genesis)).reference == "ONE"
