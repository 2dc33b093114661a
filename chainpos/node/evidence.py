"""What is kept when the node finds that it disagrees with the network: enough to see who is wrong, and where.

It refuses to overwrite: the first finding at a height is the one that counts.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from chainpos import __version__
from chainpos.core.chain.tip import encode_tip
from chainpos.engine.durable import replace_file, sync_directory
from chainpos.node.ledger import Diverged


def keep_evidence(folder: Path, found: Diverged) -> Path:
    """Write the block, its commit and our own tip before it into a new folder under `folder`, which comes back."""
    header = found.block.header
    place = folder / f"{header.height}-{found.code}"
    if (place / "finding.json").exists():
        return place
    place.mkdir(parents=True, exist_ok=True)
    replace_file(place / "block.bin", found.block.encode())
    replace_file(place / "commit.bin", found.commit.encode())
    replace_file(place / "tip.bin", encode_tip(found.tip))
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
    replace_file(place / "finding.json", msgspec.json.format(msgspec.json.encode(finding), indent=2))
    sync_directory(folder)
    return place
