"""A chain's last state as a new genesis, from which the network goes on elsewhere: with more validators, say.

It refuses a store whose records are not those of its tip, and a chain without blocks.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from chainpos.core.chain.genesis import GenesisDoc
from chainpos.core.contracts.moving import NAME, Origin, dump
from chainpos.core.state.commitment import Commitment
from chainpos.errors import EXIT_CORRUPT, EXIT_USAGE, UserFacingError
from chainpos.node.home import Home
from chainpos.node.ledger import next_time_ns
from chainpos.store.chain import ChainReader

_TRIES: Final = 20


def exported(folder: Path, *, chain_id: str = "") -> GenesisDoc:
    """A genesis that begins where the chain of this home ended, without validators; `chain_id` "" keeps the name.

    Raises UserFacingError, StoreError. The node should have ended: what it appends later stays behind.
    """
    with ChainReader.open(Home(folder).database) as reader:
        for _ in range(_TRIES):
            tip, records = reader.tip(), reader.load_records()
            if reader.tip_height() == tip.height:
                break
    if tip.is_genesis:
        raise UserFacingError(
            "The chain has no blocks yet.", next_step="Begin anew from its genesis file.", exit_code=EXIT_USAGE
        )
    if Commitment(records).root != tip.app_hash:
        raise UserFacingError(
            f"The records in {folder} are not those of height {tip.height}.",
            next_step="End the node and export again; if this stays, run: chainpos verify --home DIR.",
            exit_code=EXIT_CORRUPT,
        )
    origin = Origin(tip.chain_id, tip.height, tip.block_id.hash, tip.app_hash)
    app_state = msgspec.json.encode({NAME: dump(origin, records)})
    return GenesisDoc(
        chain_id=chain_id or tip.chain_id,
        genesis_time_ns=next_time_ns(tip) + 1,
        initial_height=tip.next_height,
        params=tip.params,
        validators=(),
        app_state=app_state,
    )
