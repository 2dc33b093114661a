"""A node that halts in earnest: on a full disk, and on a record that is not the network's. What the operator sees, and
the way out.
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import apsw
import msgspec
import pytest

from chainpos.console.screens.explained import ExplainScreen
from chainpos.core.chain.tip import encode_tip
from chainpos.core.contracts.balances.records import ACCOUNTS, Account, account_key, customer_account
from chainpos.core.contracts.registry import TABLES
from chainpos.core.state.state import State
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.inspect.divergence import RECORD, diverge
from chainpos.inspect.source import StoreSource
from chainpos.node import watching
from chainpos.node.home import Home
from chainpos.node.verify import verify_home
from chainpos.rpc.client import RpcClient
from chainpos.rpc.protocol import RpcError
from chainpos.store.chain import ChainReader
from chainpos.store.chain_ranges import records_at
from chainpos.store.chain_sealing import TIP, sealed
from tests.console.looking import key_in
from tests.console.operating_on import operating, shows
from tests.core.contracts.conftest import BANK, CNY, key_of
from tests.node.conftest import Nodes, Processes, issue_tx, processes, until, validator_home

__all__ = ["processes"]
pytestmark = pytest.mark.slow


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 16 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount") or "mount"
    tried = subprocess.run([mount, "-t", "tmpfs", "-o", "size=16m", "none", place], capture_output=True, check=False)
    if tried.returncode:
        pytest.skip("a file system of its own cannot be mounted here")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


async def test_a_full_disk_halts_the_node_its_page_says_so_and_with_room_it_goes_on(
    small_disk: Path, processes: Processes, tmp_path: Path
) -> None:
    home = small_disk / "validator"
    validator_home(home)
    node = processes.start("disk/validator")
    async with await RpcClient.connect(node.url) as client:
        kept = await client.broadcast_tx_sync(issue_tx(0))

        async def included() -> bool:
            return (await client.report()).height > 0

        await until(included)
        filler = small_disk / "filler"
        fill(filler)
        # What the node has open may have some room yet.
        with pytest.raises(RpcError, match="halted"):
            await send_on(client)
        reached = await client.report()
        reason = reached.halted_reason.partition(" ")[0]
        assert reached.halted_reason == f"{reason} at height {reached.height + 1}"
        # Which write fails first is chance: the validator's own state, or the block.
        what, why = {
            "disk_failed": ("The system refused a write, and the node stopped.", "The disk is full or failing, or"),
            "store_failed": ("A block could not be written, and the node stopped.", "The disk is full, failing, or"),
        }[reason]
        async with operating(node.rpc, tmp_path / "me", size=(80, 24)) as (app, pilot):
            await shows(pilot, "HALTED", f"■ {what}", f"halted {reached.halted_reason}", "→ Make room or change the")
            await key_in(pilot, "e")
            assert isinstance(app.screen, ExplainScreen)
            await shows(pilot, why, "then start the node again")
    assert node.stop() == 0
    filler.unlink()
    assert verify_home(home).findings == ()
    node = processes.start("disk/validator")
    async with await RpcClient.connect(node.url) as client:
        assert (await client.tx(kept.hash)).result.code == 0
        assert (await client.broadcast_tx_sync(issue_tx(1000))).code == 0

        async def goes_on() -> bool:
            return (await client.report()).height > reached.height

        await until(goes_on)


async def send_on(client: RpcClient) -> None:
    """Send until the node says no."""
    for number in range(1, 200):
        await client.broadcast_tx_sync(issue_tx(number))
        await asyncio.sleep(0.05)


def fill(place: Path) -> None:
    """Take all the room that there is."""
    for size in (1 << 16, 1):
        with place.open("ab", buffering=0) as file:
            try:
                while file.write(bytes(size)) == size:
                    pass
            except OSError:
                continue


def plant(database: Path) -> int:
    """Give Alice one cent more than the network does, and the tip a hash that fits it; the tip's height."""
    key = ACCOUNTS.full_key(account_key(customer_account(key_of("alice").address, BANK), CNY))
    with ChainReader.open(database) as reader:
        tip, records = reader.tip(), records_at(reader, reader.tip_height())
    records[key] = ACCOUNTS.encode(Account(ACCOUNTS.decode(records[key]).balance_minor + 1))
    lying = msgspec.structs.replace(tip, app_hash=State(TABLES, records).app_hash)
    with apsw.Connection(str(database)) as planted:
        planted.execute("UPDATE records SET value = ?2 WHERE key = ?1", (key, records[key]))
        planted.execute("UPDATE history SET value = ?2 WHERE key = ?1 AND height > 0", (key, records[key]))
        planted.execute("UPDATE sealed SET value = ? WHERE name = ?", (sealed(encode_tip(lying)), TIP))
    return tip.height


async def test_a_record_that_is_not_the_networks_halts_the_peer_and_is_found_beside_a_healthy_node(
    nodes: Nodes, tmp_path: Path
) -> None:
    validator = await nodes.validator()
    client = await nodes.client(validator)
    await client.broadcast_tx_sync(issue_tx(1))
    peer = await nodes.peer(validator.rpc)
    follower = await nodes.client(peer)

    async def level() -> bool:
        here, there = await follower.report(), await client.report()
        return bool(here.height) and (here.height, here.app_hash) == (there.height, there.app_hash)

    await until(level)
    await peer.stop()
    height = plant(Home(peer.folder).database)
    peer = await nodes.peer(validator.rpc)
    follower = await nodes.client(peer)
    await client.broadcast_tx_sync(issue_tx(2))

    async def halted() -> bool:
        return (await follower.report()).state == "halted"

    await until(halted)
    async with operating(peer.rpc, tmp_path / "me", home=peer.folder, size=(80, 24)) as (app, pilot):
        await shows(
            pilot,
            "HALTED",
            "■ The network came to another state than this node.",
            f"halted wrong_app_hash at height {height + 1}",
            "→ Sell nothing here; keep data/evidence. Run chainpos verify, then",
        )
        # It left the others by itself.
        await asyncio.sleep((watching.ALONE_NS + SECOND_NS) / SECOND_NS)
        assert [alarm.code for alarm in (await follower.report()).alarms] == ["halted"]
        await key_in(pilot, "e")
        assert isinstance(app.screen, ExplainScreen)
        await shows(pilot, "The next header commits to other records")
    await peer.stop()
    assert verify_home(peer.folder).findings
    # The way out that the page names.
    with (
        ChainReader.open(Home(peer.folder).database) as ours,
        ChainReader.open(Home(validator.folder).database) as theirs,
    ):
        found = diverge(StoreSource(ours, "peer"), StoreSource(theirs, "validator"))
    assert (found.kind, found.wrong) == (RECORD, "left")
