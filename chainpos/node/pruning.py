"""A node's chain without its oldest blocks and their history: made anew beside it, checked, then swapped.

It refuses while the node runs, to keep hardly any blocks, and a chain whose records do not come
out as they were. Until the very end nothing of the old chain is touched.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from chainpos.core.chain.block import Block
from chainpos.core.chain.commit import Commit
from chainpos.core.chain.genesis import load_genesis
from chainpos.core.chain.tip import ChainTip, joined_tip
from chainpos.errors import EXIT_CORRUPT, EXIT_USAGE, MalformedBytes, StateMismatch, StoreError, UserFacingError
from chainpos.node.home import Home
from chainpos.node.ledger import BlockRefused, Ledger, create_ledger
from chainpos.store.chain import ChainReader, ChainStore, acquire_writer
from chainpos.store.chain_ranges import records_at
from chainpos.store.durable import sync_folder

# What an operator looks at first when something went wrong just now should still be here.
LEAST_KEPT: Final = 100
_BESIDE: Final = ("-wal", "-shm", ".lock")
READING: Final = "reading"
EXECUTING: Final = "executing"
# Called with the stage, how far it is, and of how much, 0 where nobody knows.
Progress = Callable[[str, int, int], None]


class Pruned(msgspec.Struct, frozen=True):
    """What came of it: the heights that are there now, and the file's size before and after."""

    base: int
    tip: int
    before_bytes: int
    after_bytes: int


def prune(folder: Path, keep: int, *, progress: Progress = lambda *_: None) -> Pruned:
    """Keep the last `keep` blocks of the chain of the node at `folder`, which must not run.

    The blocks that stay are judged and executed again, on the records as they were before them; the app hash must come
    out the same. `progress` is told of how many of them that is done. Raises UserFacingError, StoreError.
    """
    if keep < LEAST_KEPT:
        raise _refused(f"At least {LEAST_KEPT} blocks stay.", f"Take --keep {LEAST_KEPT} or more.", EXIT_USAGE)
    database = Home(folder).database
    # Opening to write takes in what a killed process left in the log; only the main file is swapped.
    ChainStore.open(database).close()
    lock = acquire_writer(database)
    building = database.with_name(f".{database.name}.{secrets.token_hex(8)}")
    try:
        with ChainReader.open(database) as reader:
            found = _rebuilt(reader, building, keep, progress)
        for end in _BESIDE[:2]:
            database.with_name(database.name + end).unlink(missing_ok=True)
        building.replace(database)
        sync_folder(database.parent)
    finally:
        for part in (building, *(building.with_name(building.name + end) for end in _BESIDE)):
            part.unlink(missing_ok=True)
        lock.release()
    return found


def _rebuilt(reader: ChainReader, building: Path, keep: int, progress: Progress) -> Pruned:
    tip, base = reader.tip(), reader.base_height()
    # The height whose records the kept blocks begin on.
    began = tip.height - keep
    if began < base:
        raise _refused(
            f"There are {max(tip.height - base + 1, 0)} blocks here: nothing to prune.", "Keep fewer.", EXIT_USAGE
        )
    genesis = reader.genesis_json()
    create_ledger(building, genesis)
    store = ChainStore.open(building)
    progress(READING, began, 0)
    try:
        store.restore(_tip_after(reader, genesis, began), records_at(reader, began))
    finally:
        store.close()
    ledger = Ledger.open(building)
    try:
        for stored in reader.blocks(began + 1, tip.height):
            ledger.append(Block.decode(stored.block), Commit.decode(stored.commit))
            progress(EXECUTING, stored.height - began, keep)
        same = (ledger.tip.height, ledger.tip.app_hash, ledger.tip.block_id) == (tip.height, tip.app_hash, tip.block_id)
    except (MalformedBytes, BlockRefused, StateMismatch) as error:
        raise _damaged() from error
    finally:
        ledger.close()
    if not same:
        raise _damaged()
    return Pruned(began + 1, tip.height, reader.path.stat().st_size, building.stat().st_size)


def _tip_after(reader: ChainReader, genesis: bytes, height: int) -> ChainTip:
    heads = reader.heads(height, height + 1)
    following = reader.block(height + 1)
    sets = [reader.validators(height + above) for above in range(3)]
    if len(heads) != 2 or following is None:
        raise StoreError(f"block {height} is not stored")
    present = [each for each in sets if each is not None]
    try:
        commit = Block.decode(following.block).last_commit
        return joined_tip(load_genesis(genesis), heads[0].header, heads[1].header, commit, present)
    except (MalformedBytes, ValueError) as error:
        raise _damaged() from error


def _damaged() -> UserFacingError:
    return _refused(
        "The blocks that would stay do not lead to the records that are here: nothing was pruned.",
        "Run chainpos verify on this node.",
        EXIT_CORRUPT,
    )


def _refused(what: str, next_step: str, exit_code: int) -> UserFacingError:
    return UserFacingError(what, next_step=next_step, money_moved="", exit_code=exit_code)
