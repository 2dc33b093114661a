"""A small chain with a real validator, made by the same rules as a real one; its application changes nothing."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest

from chainpos.core.chain.block import Block
from chainpos.core.chain.commit import COMMIT, EMPTY_COMMIT, Commit, CommitSig, vote_sign_bytes
from chainpos.core.chain.genesis import GenesisDoc, GenesisValidator
from chainpos.core.chain.params import DEFAULT
from chainpos.core.chain.results import TxResult
from chainpos.core.chain.tip import ChainTip, build_block, make_genesis_tip, next_tip
from chainpos.engine.keys import SigningKey

GENESIS_NS = 1_800_000_000 * 1_000_000_000
APP_HASH = b"\x01" * 32


class ChainMaker:
    """Builds and signs blocks one after the other."""

    def __init__(self) -> None:
        self.key = SigningKey(bytes(range(32)))
        doc = GenesisDoc(
            "test-chain", GENESIS_NS, 1, DEFAULT, (GenesisValidator(self.key.public_key, 10),), app_state=b"{}"
        )
        self.tip: ChainTip = make_genesis_tip(doc, APP_HASH)
        self.last_commit = EMPTY_COMMIT

    def sign(self, block: Block, *, round_: int = 0) -> Commit:
        """The validator's commit for a block."""
        header, block_id = block.header, block.block_id()
        time_ns = header.time_ns + 1_000_000
        message = vote_sign_bytes(header.chain_id, header.height, round_, block_id, time_ns)
        vote = CommitSig(COMMIT, self.key.address, time_ns, self.key.sign(message))
        return Commit(header.height, round_, block_id, (vote,))

    def propose(self, txs: Sequence[bytes] = ()) -> Block:
        """The next block, unsigned."""
        return build_block(self.tip, txs, self.last_commit, self.key.address)

    def extend(self, txs: Sequence[bytes] = ()) -> tuple[Block, Commit]:
        """The next block with its commit; the tip moves on."""
        block = self.propose(txs)
        commit = self.sign(block)
        results = [TxResult()] * len(txs)
        self.tip = next_tip(self.tip, block, block.block_id(), self.tip.app_hash, results, commit=commit)
        self.last_commit = commit
        return block, commit

    def altered(self, block: Block, **changes: object) -> Block:
        """The block with another header, its hashes otherwise left alone."""
        return msgspec.structs.replace(block, header=msgspec.structs.replace(block.header, **changes))


@pytest.fixture
def chain() -> ChainMaker:
    """A chain of three blocks."""
    made = ChainMaker()
    for height in range(3):
        made.extend([b"tx %d" % height])
    return made
