"""What lies in a node's home: the chain, its parts, snapshots, evidence, and how much room is left. It reads only."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from chainpos.core.values.text import clean
from chainpos.errors import EXIT_USAGE, UserFacingError
from chainpos.inspect.operating_views import StorePart, StoreView
from chainpos.node.home import Home, require_full
from chainpos.store.chain import ChainReader
from chainpos.store.chain_ranges import table_sizes
from chainpos.store.snapshots import Snapshots

MAX_EVIDENCE: Final = 50
GROWING: Final = ("blocks", "history", "records", "attributes", "transactions")


def look_into(folder: Path, *, measured: bool = False) -> StoreView:
    """The home at `folder`; `measured` reads all of the database to tell its tables' sizes.

    Raises UserFacingError, StoreError.
    """
    require_full(folder)
    home = Home(folder)
    if not home.database.is_file():
        raise UserFacingError(
            f"There is no node's chain in {folder}.",
            next_step="Name one that `chainpos node init` made.",
            money_moved="",
            exit_code=EXIT_USAGE,
        )
    with ChainReader.open(home.database) as reader:
        tip = reader.tip()
        base = reader.base_height()
        transactions = int(reader.connection.execute("SELECT count(*) FROM transactions").get)
        tables = _tables(table_sizes(reader)) if measured else {}
    data = home.database.parent
    parts = [
        StorePart("database", _size(home.database)),
        *(StorePart(f"table_{name}", size) for name, size in tables.items()),
        StorePart("wal", _size(home.database.with_name(home.database.name + "-wal"))),
        StorePart("snapshots", _tree(data / "snapshots")),
        StorePart("evidence", _tree(home.evidence)),
        StorePart("log", _tree(home.log.parent)),
    ]
    kept = sorted(each.name for each in home.evidence.iterdir()) if home.evidence.is_dir() else []
    return StoreView(
        folder=str(folder),
        free_bytes=shutil.disk_usage(data).free,
        base=base,
        first=tip.initial_height,
        tip=tip.height,
        transactions=transactions,
        parts=tuple(parts),
        snapshots=tuple(Snapshots(home.database).heights()),
        evidence=tuple(clean(name) for name in kept[:MAX_EVIDENCE]),
    )


def _tables(sizes: dict[str, int]) -> dict[str, int]:
    """Those that grow with the chain by name, the rest together."""
    found = {name: size for name, size in sizes.items() if name in GROWING}
    return {**found, "other": sum(size for name, size in sizes.items() if name not in GROWING)}


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _tree(folder: Path) -> int:
    return sum(_size(each) for each in folder.rglob("*")) if folder.is_dir() else 0
