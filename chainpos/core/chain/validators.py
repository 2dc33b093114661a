"""Validator sets: who may sign blocks, with what power, and whose turn it is to propose, by CometBFT's rules.

It refuses duplicates, negative powers, totals beyond CometBFT's limit, removing strangers, and an empty result.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

import msgspec

from chainpos.core.chain import merkle
from chainpos.core.chain.protobuf import (
    MAX_INT64,
    MIN_INT64,
    Reader,
    put_bytes,
    put_message,
    put_uint,
)
from chainpos.core.values.hashes import ADDRESS_BYTES, PUBLIC_KEY_BYTES, address_of
from chainpos.errors import ChainposError, MalformedBytes

# CometBFT types/validator_set.go MaxTotalVotingPower, PriorityWindowSizeFactor.
MAX_TOTAL_POWER: Final = MAX_INT64 // 8
_PRIORITY_WINDOW: Final = 2
MAX_VALIDATORS: Final = 10_000

_cached_address = lru_cache(maxsize=4096)(address_of)


class InvalidValidators(ChainposError):
    """A change of validators that may not be made; whoever proposes one must be told, not the network."""


class Validator(msgspec.Struct, frozen=True):
    """`public_key` is Ed25519's 32 bytes, `power` 0..2^60, `priority` how near its turn to propose is."""

    public_key: bytes
    power: int
    priority: int = 0

    @property
    def address(self) -> bytes:
        """20 bytes."""
        return _cached_address(self.public_key)

    def simple(self) -> bytes:
        """The leaf in the set's hash: SimpleValidator. Source: CometBFT types/validator.go `Validator.Bytes`."""
        return put_message(1, put_bytes(1, self.public_key)) + put_uint(2, self.power)

    def encode(self) -> bytes:
        """CometBFT's tendermint.types.Validator."""
        return (
            put_bytes(1, self.address)
            + put_message(2, put_bytes(1, self.public_key))
            + put_uint(3, self.power)
            + put_uint(4, self.priority)
        )

    @classmethod
    def read(cls, reader: Reader) -> Validator:
        """The validator in a message's field. Raises MalformedBytes, also where address and key do not belong."""
        address = reader.bytes_(1, ADDRESS_BYTES)
        key = reader.message(2)
        public_key = key.bytes_(1, PUBLIC_KEY_BYTES)
        key.end()
        found = cls(public_key, reader.int64(3), reader.int64(4))
        reader.end()
        if len(public_key) != PUBLIC_KEY_BYTES or found.power < 0 or found.address != address:
            raise MalformedBytes("not a validator")
        return found


class ValidatorSet(msgspec.Struct, frozen=True):
    """Validators by power descending, then address. `chosen` is the address of the proposer last chosen, if any."""

    validators: tuple[Validator, ...] = ()
    chosen: bytes = b""

    def hash(self) -> bytes:
        """32 bytes; priorities do not enter. Source: CometBFT types/validator_set.go `ValidatorSet.Hash`."""
        return merkle.root([validator.simple() for validator in self.validators])

    @property
    def total_power(self) -> int:
        """The sum of powers."""
        return sum(validator.power for validator in self.validators)

    def by_address(self, address: bytes) -> tuple[int, Validator] | None:
        """Index and validator, or None."""
        for index, validator in enumerate(self.validators):
            if validator.address == address:
                return index, validator
        return None

    def proposer(self) -> Validator:
        """Who proposes in this set's round. Raises InvalidValidators when it is empty.

        Source: CometBFT types/validator_set.go `GetProposer`.
        """
        found = self.by_address(self.chosen) if self.chosen else None
        if found is not None:
            return found[1]
        if not self.validators:
            raise InvalidValidators("nobody to propose")
        return self.validators[_foremost(self.validators, [validator.priority for validator in self.validators])]

    def advanced(self, times: int = 1) -> ValidatorSet:
        """The set `times` (1 or more) rounds later. Raises InvalidValidators when it is empty.

        Source: CometBFT types/validator_set.go `IncrementProposerPriority`.
        """
        if not self.validators or times < 1:
            raise InvalidValidators("an empty set cannot advance")
        total = self.total_power
        priorities = _centred(_rescaled([v.priority for v in self.validators], _PRIORITY_WINDOW * total))
        foremost = 0
        for _ in range(times):
            priorities = [_clip(p + v.power) for p, v in zip(priorities, self.validators, strict=True)]
            foremost = _foremost(self.validators, priorities)
            priorities[foremost] = _clip(priorities[foremost] - total)
        return ValidatorSet(_with_priorities(self.validators, priorities), self.validators[foremost].address)

    def updated(self, updates: Sequence[tuple[bytes, int]]) -> ValidatorSet:
        """The set after (public key, power) changes, power 0 removing. It is not advanced.

        Raises InvalidValidators. Source: CometBFT types/validator_set.go `UpdateWithChangeSet`.
        """
        if not updates:
            return self
        return _changed(self, updates)

    def encode(self) -> bytes:
        """CometBFT's tendermint.types.ValidatorSet."""
        members = b"".join(put_message(1, validator.encode()) for validator in self.validators)
        return members + (put_message(2, self.proposer().encode()) if self.validators else b"")

    @classmethod
    def read(cls, reader: Reader) -> ValidatorSet:
        """The set in a message's field. Raises MalformedBytes."""
        members, proposer = read_members(reader)
        if proposer is None:
            if members:
                raise MalformedBytes("a validator set without its proposer")
            return cls()
        if proposer not in members or sum(member.power for member in members) > MAX_TOTAL_POWER:
            raise MalformedBytes("not a validator set")
        return cls(members, proposer.address)

    @classmethod
    def decode(cls, data: bytes) -> ValidatorSet:
        """The inverse of `encode`. Raises MalformedBytes."""
        return cls.read(Reader(data))


def read_members(reader: Reader) -> tuple[tuple[Validator, ...], Validator | None]:
    """The validators of an encoded set, and the proposer as it is written there. Raises MalformedBytes."""
    members = tuple(Validator.read(member) for member in reader.repeated_messages(1, MAX_VALIDATORS))
    proposer = reader.optional_message(2)
    found = None if proposer is None else Validator.read(proposer)
    reader.end()
    return members, found


def make_validator_set(validators: Iterable[Validator]) -> ValidatorSet:
    """A new set, sorted, its priorities as at the start of a chain. Raises InvalidValidators.

    Source: CometBFT types/validator_set.go `NewValidatorSet`.
    """
    members = [(validator.public_key, validator.power) for validator in validators]
    if not members:
        return ValidatorSet()
    if any(power == 0 for _, power in members):
        raise InvalidValidators("a validator without power")
    return _changed(ValidatorSet(), members).advanced()


def _clip(value: int) -> int:
    return max(MIN_INT64, min(MAX_INT64, value))


def _with_priorities(validators: Sequence[Validator], priorities: Sequence[int]) -> tuple[Validator, ...]:
    return tuple(Validator(v.public_key, v.power, p) for v, p in zip(validators, priorities, strict=True))


def _foremost(validators: Sequence[Validator], priorities: Sequence[int]) -> int:
    # The highest priority; between equals the lowest address.
    highest = max(priorities)
    equals = [index for index, priority in enumerate(priorities) if priority == highest]
    return min(equals, key=lambda index: validators[index].address)


def _rescaled(priorities: Sequence[int], window: int) -> list[int]:
    spread = max(priorities) - min(priorities)
    if window <= 0 or spread <= window:
        return list(priorities)
    ratio = (spread + window - 1) // window
    # Go's division rounds towards zero.
    return [p // ratio if p >= 0 else -(-p // ratio) for p in priorities]


def _centred(priorities: Sequence[int]) -> list[int]:
    # big.Int.Div rounds down for a positive divisor, as // does.
    average = sum(priorities) // len(priorities)
    return [_clip(p - average) for p in priorities]


def _checked_powers(updates: Sequence[tuple[bytes, int]]) -> dict[bytes, int]:
    powers: dict[bytes, int] = {}
    for public_key, power in updates:
        if len(public_key) != PUBLIC_KEY_BYTES:
            raise InvalidValidators("not an Ed25519 public key")
        if public_key in powers:
            raise InvalidValidators("a validator is named twice")
        if not 0 <= power <= MAX_TOTAL_POWER:
            raise InvalidValidators(f"power {power} is outside 0..{MAX_TOTAL_POWER}")
        powers[public_key] = power
    return powers


def _changed(current: ValidatorSet, updates: Sequence[tuple[bytes, int]]) -> ValidatorSet:
    powers = _checked_powers(updates)
    known = {validator.public_key: validator for validator in current.validators}
    removed = [key for key, power in powers.items() if power == 0]
    if any(key not in known for key in removed):
        raise InvalidValidators("a validator to remove is not in the set")
    kept = {key: validator for key, validator in known.items() if powers.get(key) != 0}
    after = {key: validator.power for key, validator in kept.items()} | {k: p for k, p in powers.items() if p}
    if not after:
        raise InvalidValidators("no validator would be left")
    total = sum(after.values())
    if total > MAX_TOTAL_POWER or len(after) > MAX_VALIDATORS:
        raise InvalidValidators("the set would be too large")
    # A newcomer starts far behind, so that leaving and coming back does not win a turn. The total before removals
    # counts, as in CometBFT `computeNewPriorities`.
    before_removals = total + sum(known[key].power for key in removed)
    newcomer = -(before_removals + (before_removals >> 3))
    members = [Validator(key, power, known[key].priority if key in known else newcomer) for key, power in after.items()]
    priorities = _centred(_rescaled([member.priority for member in members], _PRIORITY_WINDOW * total))
    ordered = sorted(_with_priorities(members, priorities), key=lambda member: (-member.power, member.address))
    return ValidatorSet(tuple(ordered), current.chosen)
