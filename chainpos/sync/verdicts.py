"""Whether a block may be executed, and if not, whose fault that is: the upstream's, or our own. No I/O.

It refuses every block that the validators known to us did not sign, byte for byte. What they did sign and we cannot
follow is never the upstream's fault: then we are the ones who disagree.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from chainpos.core.chain.block import Block
from chainpos.core.chain.commit import Commit
from chainpos.core.chain.signatures import VerifyBatch, verify_batch
from chainpos.core.chain.tip import ChainTip
from chainpos.core.chain.validation import BlockRefused, check_block
from chainpos.core.chain.verifier import verify_commit
from chainpos.errors import MalformedBytes

FORGED_HEADER: Final = "forged_header"
BAD_SIGNATURE: Final = "bad_signature"
ALTERED_TRANSACTIONS: Final = "altered_transactions"
WRONG_APP_HASH: Final = "wrong_app_hash"
MALFORMED_BLOCK: Final = "malformed_block"
OTHER_CHAIN: Final = "other_chain"


class Fault(NamedTuple):
    """What is wrong with a block. `ours` says that the validators signed exactly this block, so that we must halt."""

    code: str
    ours: bool


def judge(tip: ChainTip, block: Block, commit: Commit, *, verify: VerifyBatch = verify_batch) -> Fault | None:
    """None where `block` may be executed on `tip`: its commit is the validators', and every rule holds."""
    verdict = verify_commit(
        tip.chain_id, tip.validators, commit.block_id, tip.next_height, commit, verify_signatures=verify
    )
    if not verdict.ok:
        return Fault(_lie(tip, block, commit, verdict.code), ours=False)
    try:
        check_block(tip, block, commit.block_id, verify_signatures=verify)
    except BlockRefused as refused:
        if _is_what_was_signed(block, commit):
            return Fault(refused.code, ours=True)
        return Fault(_lie(tip, block, commit, refused.code), ours=False)
    except MalformedBytes:
        return Fault(MALFORMED_BLOCK, ours=False)
    return None


def _is_what_was_signed(block: Block, commit: Commit) -> bool:
    return block.block_id() == commit.block_id


def _lie(tip: ChainTip, block: Block, commit: Commit, code: str) -> str:
    """The name of what was tampered with: the most telling difference first."""
    header = block.header
    if header.hash() != commit.block_id.hash or code == BAD_SIGNATURE:
        # A forger who changed no more than the app hash wanted us to believe another state.
        if (
            header.height == tip.next_height
            and header.last_block_id == tip.block_id
            and header.app_hash != tip.app_hash
        ):
            return WRONG_APP_HASH
        return BAD_SIGNATURE if header.hash() == commit.block_id.hash else FORGED_HEADER
    return ALTERED_TRANSACTIONS if code == "wrong_data_hash" else code
