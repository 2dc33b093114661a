"""Commits: the votes that made a block final, the bytes that those votes sign, and the time they agree on.

It refuses nothing but malformed bytes; whether the signatures are right is `verifier.py`'s question.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from chainpos.core.chain import merkle
from chainpos.core.chain.header import ZERO_BLOCK_ID, BlockId
from chainpos.core.chain.protobuf import (
    Reader,
    delimited,
    put_bytes,
    put_message,
    put_sfixed64,
    put_text,
    put_uint,
    read_timestamp,
    timestamp,
)
from chainpos.core.values.hashes import ADDRESS_BYTES, SIGNATURE_BYTES
from chainpos.core.values.timestamps import ZERO_TIME_NS

if TYPE_CHECKING:
    from chainpos.core.chain.validators import ValidatorSet

ABSENT: Final = 1
COMMIT: Final = 2
NIL: Final = 3
PREVOTE: Final = 1
PRECOMMIT: Final = 2
# CometBFT types/vote_set.go MaxVotesCount.
MAX_VOTES: Final = 10_000
_FLAGS: Final = (ABSENT, COMMIT, NIL)

__all__ = [
    "ABSENT",
    "COMMIT",
    "EMPTY_COMMIT",
    "MAX_VOTES",
    "NIL",
    "PRECOMMIT",
    "PREVOTE",
    "ZERO_TIME_NS",
    "Commit",
    "CommitSig",
    "commit_fault",
    "median_time",
    "vote_sign_bytes",
]


class CommitSig(msgspec.Struct, frozen=True):
    """One validator's vote in a commit: its flag, address (20 bytes), time and signature (64 bytes).

    An absent vote has nothing but the flag, and Go's zero time.
    """

    flag: int = ABSENT
    address: bytes = b""
    time_ns: int = ZERO_TIME_NS
    signature: bytes = b""

    def encode(self) -> bytes:
        """CometBFT's tendermint.types.CommitSig, which is also its leaf in the commit's hash."""
        return (
            put_uint(1, self.flag)
            + put_bytes(2, self.address)
            + put_message(3, timestamp(self.time_ns))
            + put_bytes(4, self.signature)
        )

    @classmethod
    def read(cls, reader: Reader) -> CommitSig:
        """The vote in a message's field. Raises MalformedBytes."""
        found = cls(
            flag=reader.uint(1, max_value=NIL),
            address=reader.bytes_(2, ADDRESS_BYTES),
            time_ns=read_timestamp(reader.message(3)),
            signature=reader.bytes_(4, SIGNATURE_BYTES),
        )
        reader.end()
        return found


class Commit(msgspec.Struct, frozen=True):
    """The votes for one block, in the validator set's order: one entry for each validator."""

    height: int = 0
    round: int = 0
    block_id: BlockId = ZERO_BLOCK_ID
    signatures: tuple[CommitSig, ...] = ()

    def hash(self) -> bytes:
        """32 bytes: the next header's last_commit_hash. Source: CometBFT types/block.go `Commit.Hash`."""
        return merkle.root([vote.encode() for vote in self.signatures])

    def encode(self) -> bytes:
        """CometBFT's tendermint.types.Commit."""
        votes = b"".join(put_message(4, vote.encode()) for vote in self.signatures)
        return put_uint(1, self.height) + put_uint(2, self.round) + put_message(3, self.block_id.encode()) + votes

    @classmethod
    def read(cls, reader: Reader) -> Commit:
        """The commit in a message's field. Raises MalformedBytes."""
        height, round_ = reader.int64(1), reader.int32(2)
        block_id = BlockId.read(reader.message(3))
        votes = tuple(CommitSig.read(vote) for vote in reader.repeated_messages(4, MAX_VOTES))
        reader.end()
        return cls(height, round_, block_id, votes)

    @classmethod
    def decode(cls, data: bytes) -> Commit:
        """The inverse of `encode`. Raises MalformedBytes."""
        return cls.read(Reader(data))

    def sign_bytes(self, chain_id: str, index: int) -> bytes:
        """What the validator at `index` signed. Only the time differs between two votes for the same block."""
        vote = self.signatures[index]
        block_id = self.block_id if vote.flag == COMMIT else None
        return vote_sign_bytes(chain_id, self.height, self.round, block_id, vote.time_ns)


# The initial block has no block before it; its last commit is this, and its hash is sha256("").
EMPTY_COMMIT: Final = Commit()


def vote_sign_bytes(
    chain_id: str, height: int, round_: int, block_id: BlockId | None, time_ns: int, kind: int = PRECOMMIT
) -> bytes:
    """What a validator signs: a length-delimited CanonicalVote. `block_id` None is a vote for nil.

    Source: CometBFT types/canonical.go `CanonicalizeVote`, types/vote.go `VoteSignBytes`.
    """
    voted = b"" if block_id is None or block_id.is_zero else put_message(4, block_id.encode())
    return delimited(
        put_uint(1, kind)
        + put_sfixed64(2, height)
        + put_sfixed64(3, round_)
        + voted
        + put_message(5, timestamp(time_ns))
        + put_text(6, chain_id)
    )


def commit_fault(commit: Commit) -> str:
    """What is wrong with a commit on its own, as a code, or "". Signatures are not verified.

    Source: CometBFT types/block.go `Commit.ValidateBasic`, `CommitSig.ValidateBasic`.
    """
    if commit.height < 0 or commit.round < 0:
        return "malformed_commit"
    if commit.height == 0:
        return ""
    if commit.block_id.is_zero or not commit.signatures or len(commit.signatures) > MAX_VOTES:
        return "malformed_commit"
    for vote in commit.signatures:
        if not _is_well_formed(vote):
            return "malformed_vote"
    return ""


def _is_well_formed(vote: CommitSig) -> bool:
    if vote.flag == ABSENT:
        return not vote.address and not vote.signature and vote.time_ns == ZERO_TIME_NS
    return vote.flag in _FLAGS and len(vote.address) == ADDRESS_BYTES and 0 < len(vote.signature) <= SIGNATURE_BYTES


def median_time(commit: Commit, validators: ValidatorSet, *, count_nil: bool = True) -> int:
    """The block time (ns) that a commit's votes agree on: the median of their times, weighted by power.

    `count_nil` says whether votes for nil have a say: they do in CometBFT v0.38 and do not in v0.40.
    Raises KeyError for a vote of someone outside `validators`. Source: CometBFT state/state.go `MedianTime`.
    """
    powers = {validator.address: validator.power for validator in validators.validators}
    weighted = sorted(
        (vote.time_ns, powers[vote.address])
        for vote in commit.signatures
        if vote.flag == COMMIT or (count_nil and vote.flag == NIL)
    )
    left = sum(power for _, power in weighted) >> 1
    for time_ns, power in weighted:
        if left <= power:
            return time_ns
        left -= power
    return ZERO_TIME_NS
