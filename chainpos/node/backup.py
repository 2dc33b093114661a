"""Backup of a node's chain while it runs, and a node's home made anew from one; both are checked before they count.

It refuses to write over anything, and a copy that does not verify. Keys are no part of a backup: a validator's key in
two places is how a network is lost.
"""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec

from chainpos.errors import EXIT_CORRUPT, EXIT_USAGE, UserFacingError
from chainpos.node.config import NodeSettings
from chainpos.node.home import Home, init_peer, require_full
from chainpos.node.ledger import Ledger
from chainpos.store.chain import ChainReader
from chainpos.store.durable import sync_folder


class BackedUp(msgspec.Struct, frozen=True):
    """What a backup holds, or a restored home has: as of which height, and the state's app hash (upper-case hex)."""

    path: str
    chain_id: str
    height: int
    app_hash: str
    size_bytes: int


def back_up(folder: Path, to: Path) -> BackedUp:
    """Copy the chain of the node at `folder` to a new file; the node may be running.

    The copy is checked against itself before it gets its name: a name that is there is a backup that is whole.
    Raises UserFacingError, StoreError.
    """
    require_full(folder)
    database = Home(folder).database
    if not database.is_file():
        raise _refused(f"There is no node's chain in {folder}.", "Name one that `chainpos node init` made.")
    if to.exists():
        raise _refused(f"There is something at {to} already.", "Name a new file.")
    building = to.with_name(f".{to.name}.{secrets.token_hex(8)}")
    try:
        with ChainReader.open(database) as reader:
            reader.backup(building)
        found = check_backup(building)
        building.replace(to)
    finally:
        for part in (building, *(building.with_name(building.name + end) for end in ("-wal", "-shm", ".lock"))):
            part.unlink(missing_ok=True)
    sync_folder(to.parent)
    return msgspec.structs.replace(found, path=str(to))


def check_backup(path: Path) -> BackedUp:
    """What a backup holds, after every row of it was held against the others. Raises UserFacingError, StoreError."""
    with ChainReader.open_still(path) as reader:
        problems = reader.problems()
        if problems:
            raise UserFacingError(
                f"The copy {path.name} is damaged: {problems[0].where}: {problems[0].detail}.",
                next_step="Do not rely on it; run chainpos verify on the node, and take another copy.",
                money_moved="",
                exit_code=EXIT_CORRUPT,
            )
        tip = reader.tip()
    return BackedUp(str(path), tip.chain_id, tip.height, tip.app_hash.hex().upper(), path.stat().st_size)


def restore(
    backup: Path, folder: Path, settings: NodeSettings, *, entropy: Callable[[int], bytes] = secrets.token_bytes
) -> BackedUp:
    """Make the home of a peer at `folder` out of a backup. Raises UserFacingError, StoreError.

    The commitment is computed anew from the records and compared with the tip's before the home is there.
    """
    found = check_backup(backup)
    with ChainReader.open_still(backup) as reader:
        genesis = reader.genesis_json()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise _refused(f"There is something at {folder} already.", "Name a new folder.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        init_peer(building / "home", settings, genesis=genesis, entropy=entropy)
        database = Home(building / "home").database
        database.unlink()
        with ChainReader.open_still(backup) as reader:
            reader.backup(database)
        # Opening compares the records with the tip's app hash, and brings the file up to this version's schema.
        Ledger.open(database).close()
        (building / "home").replace(folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    sync_folder(folder.parent)
    return msgspec.structs.replace(found, path=str(folder))


def _refused(what: str, next_step: str) -> UserFacingError:
    return UserFacingError(what, next_step=next_step, money_moved="", exit_code=EXIT_USAGE)
