"""A process that writes a chain until it is killed; it says each height once that block is durable.

Run as `python -m tests.store.appender CHAIN_DB FIRST_HEIGHT BLOCKS`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from chainpos.store import chain_connection
from chainpos.store.chain import ChainStore
from tests.store.conftest import SampleLedger


def append(path: Path, first: int, blocks: int) -> None:
    chain_connection.CHECKPOINT_PAGES = 30  # type: ignore[misc] # often, so that kills meet a checkpoint too
    ledger = SampleLedger()
    for height in range(1, first + blocks):
        ledger.add(height % 4)
    with ChainStore.open(path) as store:
        os.write(1, b"ready\n")
        for written in ledger.blocks[first - 1 :]:
            store.append(written.packed)
            os.write(1, b"%d\n" % written.packed.height)


if __name__ == "__main__":
    append(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
