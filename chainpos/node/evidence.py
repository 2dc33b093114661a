"""What is kept when the node finds that it disagrees with the network: enough to see who is wrong, and where.

It refuses to overwrite: the first finding at a height is the one that counts.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from chainpos import __version__
from chainpos.core.chain.tip import encode_tip
from chainpos.node.ledger import Diverged
from chainpos.store.durable import sync_folder, write_durably


def keep_evidence(folder: Path, found: Diverged) -> Path:
    """Write the block, its commit and our own tip before it into a new folder under `folder`, which comes back."""
    header = found.block.header
    place = folder / f"{header.height}-{found.code}"
    if (place / "finding.json").exists():
        return place
    place.mkdir(parents=True, exist_ok=True)
    write_durably(place / "block.bin", found.block.encode())
    write_durably(place / "commit.bin", found.commit.encode())
    write_durably(place / "tip.bin", encode_tip(found.tip))
    finding = {
        "code": found.code,
        "height": header.height,
        "block_hash": found.commit.block_id.hash.hex().upper(),
        "their_app_hash": header.app_hash.hex().upper(),
        "our_app_hash": found.tip.app_hash.hex().upper(),
        "their_last_results_hash": header.last_results_hash.hex().upper(),
        "our_last_results_hash": found.tip.last_results_hash.hex().upper(),
        "version": __version__,
    }
    # Last, because it says that the rest is whole.
    write_durably(place / "finding.json", msgspec.json.format(msgspec.json.encode(finding), indent=2))
    sync_folder(folder)
    return place
