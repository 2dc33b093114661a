"""A backup is whole or not there, is taken while the node runs, and makes a peer that goes on from its height."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from chainpos.errors import StoreError, UserFacingError
from chainpos.node.backup import back_up, check_backup, restore
from chainpos.node.config import NodeSettings
from chainpos.node.home import Home
from chainpos.node.verify import verify_home
from tests.node.conftest import Nodes, RunningNode, issue_tx, until, validator_home


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


async def _grown(nodes: Nodes) -> RunningNode:
    """A running validator that has made a block with a transaction."""
    validator = await nodes.validator()
    client = await nodes.client(validator)
    await client.broadcast_tx_sync(issue_tx(1))

    async def grown() -> bool:
        return (await client.status()).latest.height > 1

    await until(grown)
    return validator


async def test_a_running_nodes_backup_becomes_a_peer_that_goes_on(nodes: Nodes, tmp_path: Path) -> None:
    validator = await nodes.validator()
    client = await nodes.client(validator)

    async def height() -> int:
        return (await client.status()).latest.height

    for number in range(3):
        await client.broadcast_tx_sync(issue_tx(number))

    async def grown() -> bool:
        return await height() > 2

    await until(grown)
    file, folder = tmp_path / "chain.backup", tmp_path / "restored"
    found = await asyncio.to_thread(back_up, validator.folder, file)
    assert found.height >= 3
    assert check_backup(file).app_hash == found.app_hash
    assert not any(name.startswith(".chain") for name in _names(tmp_path))
    settings = NodeSettings(mode="peer", moniker="restored", listen="127.0.0.1:0", upstreams=(validator.rpc,))
    made = await asyncio.to_thread(restore, file, folder, settings)
    assert (made.height, made.app_hash) == (found.height, found.app_hash)
    assert not Home(folder).validator_key.exists()
    assert verify_home(folder).whole
    await client.broadcast_tx_sync(issue_tx(99))
    peer = await nodes.start(folder)
    following = await nodes.client(peer)

    async def caught_up() -> bool:
        return (await following.status()).latest.height >= await height() > found.height

    await until(caught_up)


def test_nothing_is_written_over(tmp_path: Path) -> None:
    with pytest.raises(UserFacingError, match="no node's chain"):
        back_up(tmp_path, tmp_path / "x")
    (tmp_path / "data").mkdir()
    Home(tmp_path).database.write_bytes(b"x")
    (tmp_path / "x").write_bytes(b"kept")
    with pytest.raises(UserFacingError, match="already"):
        back_up(tmp_path, tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == b"kept"


async def test_a_damaged_backup_is_refused(nodes: Nodes, tmp_path: Path) -> None:
    validator = await _grown(nodes)
    file = tmp_path / "chain.backup"
    await asyncio.to_thread(back_up, validator.folder, file)
    content = bytearray(file.read_bytes())
    at = content.find(b"TEAHOUSE")
    content[at] ^= 1
    file.write_bytes(bytes(content))
    settings = NodeSettings(mode="peer", moniker="restored", listen="127.0.0.1:0")
    with pytest.raises((UserFacingError, StoreError)):
        restore(file, tmp_path / "restored", settings)
    assert not (tmp_path / "restored").exists()
    assert [name for name in _names(tmp_path) if name.startswith("chain.backup")] == ["chain.backup"]


def test_a_backup_is_read_where_nothing_can_be_written_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    validator_home(tmp_path / "node")
    folder = tmp_path / "a disc #1?"
    folder.mkdir()
    file = folder / "chain.backup"
    found = back_up(tmp_path / "node", file)
    file.chmod(0o444)
    folder.chmod(0o555)
    try:
        assert check_backup(file).app_hash == found.app_hash
        restore(file, tmp_path / "restored", NodeSettings(mode="peer", moniker="restored", listen="127.0.0.1:0"))
        assert _names(folder) == {"chain.backup"}
    finally:
        folder.chmod(0o755)


async def test_the_log_of_a_chain_that_was_copied_by_hand_is_read_with_it(nodes: Nodes, tmp_path: Path) -> None:
    validator = await _grown(nodes)
    database, copied = Home(validator.folder).database, tmp_path / "copied.db"
    for end in ("-wal", ""):
        copied.with_name(copied.name + end).write_bytes(database.with_name(database.name + end).read_bytes())
    assert copied.with_name("copied.db-wal").stat().st_size
    assert check_backup(copied).height > 1
