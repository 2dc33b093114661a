"""Whether a block is the right next one: every rule of CometBFT's state/validation.go, each with a code of its own.

It refuses the block as a whole, before anything of it is executed. Not asked here: whether its own commit is good
(`verifier.verify_commit`), and whether evidence in it is true, which its signers vouch for.
"""

from __future__ import annotations

from chainpos.core.chain.block import Block, data_hash, evidence_hash, part_set_of
from chainpos.core.chain.commit import Commit, commit_fault, median_time
from chainpos.core.chain.evidence import decode_evidence
from chainpos.core.chain.header import BlockId, Header, header_fault
from chainpos.core.chain.params import MAX_BLOCK_BYTES
from chainpos.core.chain.protobuf import put_message
from chainpos.core.chain.signatures import VerifyBatch, verify_batch
from chainpos.core.chain.tip import ChainTip, next_tip
from chainpos.core.chain.verifier import verify_commit
from chainpos.errors import ChainposError, MalformedBytes

__all__ = ["BlockRefused", "ChainTip", "check_block", "next_tip"]


class BlockRefused(ChainposError):
    """A block that may not follow the tip. `code` is a name from the README's table."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


def check_block(
    tip: ChainTip, block: Block, block_id: BlockId, *, verify_signatures: VerifyBatch = verify_batch
) -> None:
    """Returns when `block` may follow `tip` under the ID `block_id`; else raises BlockRefused.

    The app hash comes before the costly checks, and after those that show whose block it is.
    Source: CometBFT state/validation.go `validateBlock`, types/block.go `Block.ValidateBasic`.
    """
    _check_content(block, block_id)
    _check_parts(tip, block, block_id)
    _check_place(tip, block.header)
    _check_state(tip, block.header)
    _check_last_commit(tip, block, verify_signatures)
    _check_time(tip, block)


def _require(condition: bool, code: str, detail: str = "") -> None:  # noqa: FBT001 - the condition is the sentence
    if not condition:
        raise BlockRefused(code, detail)


def _check_content(block: Block, block_id: BlockId) -> None:
    header = block.header
    if code := header_fault(header):
        raise BlockRefused(code)
    _require(bool(header.validators_hash) and header.hash() == block_id.hash, "forged_header")
    if code := commit_fault(block.last_commit):
        raise BlockRefused(code)
    _require(header.last_commit_hash == block.last_commit.hash(), "wrong_last_commit_hash")
    _require(header.data_hash == data_hash(block.txs), "wrong_data_hash")
    for item in block.evidence:
        try:
            decode_evidence(item)
        except MalformedBytes as error:
            raise BlockRefused("malformed_evidence", str(error)) from error
    _require(header.evidence_hash == evidence_hash(block.evidence), "wrong_evidence_hash")


def _check_parts(tip: ChainTip, block: Block, block_id: BlockId) -> None:
    encoded = block.encode()
    limit = MAX_BLOCK_BYTES if tip.params.max_bytes == -1 else tip.params.max_bytes
    _require(len(encoded) <= limit, "block_too_large", f"{len(encoded)} of {limit} bytes")
    _require(part_set_of(encoded).header == block_id.parts, "wrong_part_set")
    evidence_bytes = sum(len(put_message(1, item)) for item in block.evidence)
    _require(evidence_bytes <= tip.params.evidence_max_bytes, "too_much_evidence")


def _check_place(tip: ChainTip, header: Header) -> None:
    _require(header.version_app == tip.app_version, "wrong_app_version", f"{header.version_app}, not {tip.app_version}")
    _require(header.chain_id == tip.chain_id, "wrong_chain", header.chain_id)
    _require(header.height == tip.next_height, "wrong_height", f"{header.height}, not {tip.next_height}")
    _require(header.last_block_id == tip.block_id, "wrong_last_block_id")


def _check_state(tip: ChainTip, header: Header) -> None:
    _require(header.app_hash == tip.app_hash, "wrong_app_hash", f"{header.app_hash.hex()}, not {tip.app_hash.hex()}")
    _require(header.consensus_hash == tip.params.hash(), "wrong_consensus_hash")
    _require(header.last_results_hash == tip.last_results_hash, "wrong_last_results_hash")
    _require(header.validators_hash == tip.validators.hash(), "wrong_validators_hash")
    _require(header.next_validators_hash == tip.next_validators.hash(), "wrong_next_validators_hash")
    _require(tip.validators.by_address(header.proposer_address) is not None, "unknown_proposer")


def _check_last_commit(tip: ChainTip, block: Block, verify_signatures: VerifyBatch) -> None:
    commit = block.last_commit
    if tip.is_genesis:
        _require(not commit.signatures, "unexpected_last_commit")
        return
    if tip.commit is not None and commit == tip.commit:
        # The very commit that made the last block final, verified then.
        return
    verdict = verify_commit(
        tip.chain_id, tip.last_validators, tip.block_id, tip.height, commit, verify_signatures=verify_signatures
    )
    _require(verdict.ok, f"last_commit_{verdict.code}")


def _check_time(tip: ChainTip, block: Block) -> None:
    time_ns = block.header.time_ns
    if tip.is_genesis:
        _require(time_ns == tip.time_ns, "wrong_genesis_time")
        return
    _require(time_ns > tip.time_ns, "time_not_greater")
    _require(time_ns in _agreed_times(block.last_commit, tip), "wrong_time")


def _agreed_times(commit: Commit, tip: ChainTip) -> tuple[int, int]:
    # CometBFT v0.38 counts votes for nil in the median and v0.40 does not; blocks of both lines must be followed.
    counted = median_time(commit, tip.last_validators)
    return counted, median_time(commit, tip.last_validators, count_nil=False)
