"""The light client's judgement: whether a signed header may be believed, from what is believed already. Pure.

It refuses, by named codes, headers that are forged, stale, from the future, of another chain, or signed by too few;
"not enough trust" is no refusal: a header in between may bridge the gap (`bisection.py`). Time is always passed in.
What is trusted and what is not are different types, and only a verdict turns one into the other.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

import msgspec

from chainpos.core.chain.commit import ABSENT, COMMIT, Commit, commit_fault
from chainpos.core.chain.genesis import GenesisDoc
from chainpos.core.chain.header import BlockId, Header, header_fault
from chainpos.core.chain.signatures import Signature, VerifyBatch, verify_batch
from chainpos.core.chain.validators import MAX_TOTAL_POWER, Validator, ValidatorSet
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.errors import MalformedBytes

DEFAULT_CLOCK_DRIFT_NS: Final = 10 * SECOND_NS
DEFAULT_TRUST_LEVEL: Final = (1, 3)


class Outcome(Enum):
    """What a verdict comes to."""

    SUCCESS = "success"
    NOT_ENOUGH_TRUST = "not_enough_trust"
    INVALID = "invalid"


class TrustedState(msgspec.Struct, frozen=True):
    """What is believed of one height. `header` is None before the first block.

    `validators` are those of this height or of the next; None where only a hash link vouches for the header.
    """

    chain_id: str
    height: int
    time_ns: int
    header: Header | None
    validators: ValidatorSet | None
    next_validators_hash: bytes

    def with_next_validators(self, validators: ValidatorSet) -> TrustedState:
        """The same, knowing the next height's validators. Raises MalformedBytes for others than the header names."""
        if validators.hash() != self.next_validators_hash:
            raise MalformedBytes("not the validators that the header names")
        return msgspec.structs.replace(self, validators=validators)


class UntrustedBlock(msgspec.Struct, frozen=True):
    """What some node says of one height: a header, the commit for it, and the height's validators."""

    header: Header
    commit: Commit
    validators: ValidatorSet


class Verdict(msgspec.Struct, frozen=True):
    """`code` names what is wrong ("" on success); `trusted` is what may be believed now, on success."""

    outcome: Outcome
    code: str = ""
    trusted: TrustedState | None = None

    @property
    def ok(self) -> bool:
        """Whether it is a success."""
        return self.outcome is Outcome.SUCCESS


class TrustOptions(msgspec.Struct, frozen=True):
    """How far trust goes: for `trusting_period_ns` (below the evidence age), on `trust_level` of the old power.

    Raises ValueError for a level outside [1/3, 1] and for times below zero.
    """

    trusting_period_ns: int
    clock_drift_ns: int = DEFAULT_CLOCK_DRIFT_NS
    trust_level: tuple[int, int] = DEFAULT_TRUST_LEVEL

    def __post_init__(self) -> None:
        numerator, denominator = self.trust_level
        if denominator <= 0 or numerator * 3 < denominator or numerator > denominator:
            raise ValueError("the trust level must be within 1/3 and 1")
        if self.trusting_period_ns <= 0 or self.clock_drift_ns < 0:
            raise ValueError("the trusting period and the clock drift must not be below zero")


def _invalid(code: str) -> Verdict:
    return Verdict(Outcome.INVALID, code)


_SUCCESS: Final = Verdict(Outcome.SUCCESS)


def trust_genesis(doc: GenesisDoc) -> TrustedState:
    """What a genesis file makes believable: that its validators sign the first block.

    Its height is one, and its time one nanosecond, before the first block's, so that the first block is adjacent.
    """
    validators = doc.validator_set()
    return TrustedState(
        chain_id=doc.chain_id,
        height=doc.initial_height - 1,
        time_ns=doc.genesis_time_ns - 1,
        header=None,
        validators=validators,
        next_validators_hash=validators.hash(),
    )


def trust_block(
    chain_id: str, block: UntrustedBlock, expected_hash: bytes, *, verify_signatures: VerifyBatch = verify_batch
) -> Verdict:
    """Believe the block whose hash someone gave by hand. It must still be signed by its own validators.

    Source: CometBFT light/client.go `initializeWithTrustOptions`.
    """
    if not expected_hash or block.header.hash() != expected_hash:
        return _invalid("forged_header")
    if code := _block_fault(chain_id, block) or _validators_fault(block):
        return _invalid(code)
    if code := _enough_signed(chain_id, block, verify_signatures):
        return _invalid(code)
    return _believed(block)


def verify_adjacent(
    trusted: TrustedState,
    block: UntrustedBlock,
    options: TrustOptions,
    now_ns: int,
    *,
    verify_signatures: VerifyBatch = verify_batch,
) -> Verdict:
    """Whether the very next header may be believed. Source: CometBFT light/verifier.go `VerifyAdjacent`."""
    if block.header.height != trusted.height + 1:
        return _invalid("not_adjacent")
    if code := _new_block_fault(trusted, block, options, now_ns):
        return _invalid(code)
    if block.header.validators_hash != trusted.next_validators_hash:
        return _invalid("wrong_validators_hash")
    if code := _enough_signed(trusted.chain_id, block, verify_signatures):
        return _invalid(code)
    return _believed(block)


def verify_non_adjacent(
    trusted: TrustedState,
    block: UntrustedBlock,
    options: TrustOptions,
    now_ns: int,
    *,
    verify_signatures: VerifyBatch = verify_batch,
) -> Verdict:
    """Whether a later header may be believed at once. Source: CometBFT light/verifier.go `VerifyNonAdjacent`."""
    if block.header.height == trusted.height + 1:
        return _invalid("adjacent")
    if trusted.validators is None:
        return _invalid("no_trusted_validators")
    if code := _new_block_fault(trusted, block, options, now_ns):
        return _invalid(code)
    verdict = _trusted_enough_signed(trusted, trusted.validators, block.commit, options, verify_signatures)
    if not verdict.ok:
        return verdict
    # This check comes last: the new set can be made very large on purpose.
    if code := _enough_signed(trusted.chain_id, block, verify_signatures):
        return _invalid(code)
    return _believed(block)


def verify(
    trusted: TrustedState,
    block: UntrustedBlock,
    options: TrustOptions,
    now_ns: int,
    *,
    verify_signatures: VerifyBatch = verify_batch,
) -> Verdict:
    """`verify_adjacent` or `verify_non_adjacent`, by the heights. Source: CometBFT light/verifier.go `Verify`."""
    rule = verify_adjacent if block.header.height == trusted.height + 1 else verify_non_adjacent
    return rule(trusted, block, options, now_ns, verify_signatures=verify_signatures)


def verify_backwards(newer: TrustedState, older: Header) -> Verdict:
    """Whether the header just below a trusted one may be believed: the trusted one links to its hash.

    Source: CometBFT light/verifier.go `VerifyBackwards`.
    """
    if newer.header is None:
        return _invalid("nothing_before_genesis")
    if code := header_fault(older):
        return _invalid(code)
    if older.chain_id != newer.chain_id:
        return _invalid("wrong_chain")
    if older.time_ns >= newer.time_ns:
        return _invalid("time_not_before")
    if older.hash() != newer.header.last_block_id.hash:
        return _invalid("forged_header")
    return Verdict(Outcome.SUCCESS, trusted=_state(older, None))


def compare_with_witness(trusted: TrustedState, witness: Header) -> Verdict:
    """Whether another node tells the same of a trusted height. If not, one of the two nodes lies.

    Source: CometBFT light/detector.go `compareNewHeaderWithWitness`.
    """
    if trusted.header is None or witness.height != trusted.height:
        return _invalid("wrong_height")
    return _SUCCESS if witness.hash() == trusted.header.hash() else _invalid("conflicting_headers")


def verify_commit(
    chain_id: str,
    validators: ValidatorSet,
    block_id: BlockId,
    height: int,
    commit: Commit,
    *,
    verify_signatures: VerifyBatch = verify_batch,
) -> Verdict:
    """Whether over two thirds of the power signed `block_id`, and every signature present, for nil too, holds.

    Source: CometBFT types/validation.go `VerifyCommit`.
    """
    if code := commit_fault(commit) or _mismatch(validators, block_id, height, commit):
        return _invalid(code)
    claims: list[Signature] = []
    tally = 0
    for index, vote in enumerate(commit.signatures):
        if vote.flag == ABSENT:
            continue
        validator = validators.validators[index]
        if validator.address != vote.address:
            return _invalid("wrong_vote_address")
        claims.append(_claim(chain_id, commit, index, validator))
        if vote.flag == COMMIT:
            tally += validator.power
    if tally <= validators.total_power * 2 // 3:
        return _invalid("not_enough_power")
    return _SUCCESS if all(verify_signatures(claims)) else _invalid("bad_signature")


def _state(header: Header, validators: ValidatorSet | None) -> TrustedState:
    return TrustedState(header.chain_id, header.height, header.time_ns, header, validators, header.next_validators_hash)


def _believed(block: UntrustedBlock) -> Verdict:
    return Verdict(Outcome.SUCCESS, trusted=_state(block.header, block.validators))


def _block_fault(chain_id: str, block: UntrustedBlock) -> str:
    # CometBFT types/light.go `SignedHeader.ValidateBasic`.
    header, commit = block.header, block.commit
    if code := header_fault(header) or commit_fault(commit):
        return code
    if header.chain_id != chain_id:
        return "wrong_chain"
    if commit.height != header.height:
        return "wrong_commit_height"
    if not header.validators_hash or header.hash() != commit.block_id.hash:
        return "forged_header"
    return ""


def _validators_fault(block: UntrustedBlock) -> str:
    members = block.validators.validators
    if not members or any(member.power < 0 for member in members) or block.validators.total_power > MAX_TOTAL_POWER:
        return "malformed_validators"
    return "" if block.header.validators_hash == block.validators.hash() else "wrong_validators"


def _new_block_fault(trusted: TrustedState, block: UntrustedBlock, options: TrustOptions, now_ns: int) -> str:
    if trusted.time_ns + options.trusting_period_ns <= now_ns:
        return "trust_expired"
    if code := _block_fault(trusted.chain_id, block):
        return code
    header = block.header
    if header.height <= trusted.height:
        return "height_not_greater"
    if header.time_ns <= trusted.time_ns:
        return "time_not_greater"
    if header.time_ns >= now_ns + options.clock_drift_ns:
        return "header_from_future"
    return _validators_fault(block)


def _mismatch(validators: ValidatorSet, block_id: BlockId, height: int, commit: Commit) -> str:
    if len(validators.validators) != len(commit.signatures):
        return "wrong_vote_count"
    if commit.height != height:
        return "wrong_commit_height"
    return "" if commit.block_id == block_id else "wrong_commit_block_id"


def _enough_signed(chain_id: str, block: UntrustedBlock, verify_signatures: VerifyBatch) -> str:
    """A code, or "". Votes for the block, in order, until over two thirds. Source: `VerifyCommitLight`."""
    commit, validators = block.commit, block.validators
    if code := _mismatch(validators, commit.block_id, block.header.height, commit):
        return code
    needed = validators.total_power * 2 // 3
    claims: list[Signature] = []
    tally = 0
    for index, vote in enumerate(commit.signatures):
        if vote.flag != COMMIT:
            continue
        validator = validators.validators[index]
        if validator.address != vote.address:
            return "wrong_vote_address"
        claims.append(_claim(chain_id, commit, index, validator))
        tally += validator.power
        if tally > needed:
            return "" if all(verify_signatures(claims)) else "bad_signature"
    return "not_enough_power"


def _trusted_enough_signed(
    trusted: TrustedState,
    validators: ValidatorSet,
    commit: Commit,
    options: TrustOptions,
    verify_signatures: VerifyBatch,
) -> Verdict:
    """Votes of validators that are trusted already, found by address. Source: `VerifyCommitLightTrusting`."""
    known: dict[bytes, Validator | None] = {validator.address: validator for validator in validators.validators}
    numerator, denominator = options.trust_level
    needed = validators.total_power * numerator // denominator
    claims: list[Signature] = []
    tally = 0
    for index, vote in enumerate(commit.signatures):
        if vote.flag != COMMIT or vote.address not in known:
            continue
        validator = known[vote.address]
        if validator is None:
            return _invalid("double_vote")
        known[vote.address] = None
        claims.append(_claim(trusted.chain_id, commit, index, validator))
        tally += validator.power
        if tally > needed:
            return _SUCCESS if all(verify_signatures(claims)) else _invalid("bad_signature")
    return Verdict(Outcome.NOT_ENOUGH_TRUST, "not_enough_trust")


def _claim(chain_id: str, commit: Commit, index: int, validator: Validator) -> Signature:
    return Signature(validator.public_key, commit.sign_bytes(chain_id, index), commit.signatures[index].signature)
