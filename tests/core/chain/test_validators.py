"""Validator sets: CometBFT's own proposer sequences, and what must hold of priorities whatever happens."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainpos.core.chain.merkle import EMPTY_ROOT
from chainpos.core.chain.validators import (
    MAX_TOTAL_POWER,
    InvalidValidators,
    Validator,
    ValidatorSet,
    make_validator_set,
)
from chainpos.core.values.hashes import address_of
from chainpos.errors import MalformedBytes
from tests.core.chain.conftest import public_key
from tests.seeds import rounds

# Test keys in the order of their addresses, so that ties fall as in CometBFT's tests, which make addresses up.
BY_ADDRESS = sorted((public_key(n) for n in range(30)), key=address_of)
powers_strategy = st.lists(st.integers(1, 1000), min_size=1, max_size=12)


def made(*powers: int) -> ValidatorSet:
    return make_validator_set(Validator(BY_ADDRESS[n], power) for n, power in enumerate(powers))


def sequence(current: ValidatorSet, rounds: int) -> list[bytes]:
    found = []
    for _ in range(rounds):
        found.append(current.proposer().public_key)
        current = current.advanced()
    return found


def test_proposers_follow_each_other_as_in_cometbfts_own_test() -> None:
    # CometBFT types/validator_set_test.go TestProposerSelection1; addresses there are "bar" < "baz" < "foo".
    names = dict(zip(BY_ADDRESS, ("bar", "baz", "foo"), strict=False))
    expected = (
        "foo baz foo bar foo foo baz foo bar foo foo baz foo foo bar foo baz foo foo bar"
        " foo foo baz foo bar foo foo baz foo bar foo foo baz foo foo bar foo baz foo foo bar"
        " foo baz foo foo bar foo baz foo foo bar foo baz foo foo foo baz bar foo foo foo baz"
        " foo bar foo foo baz foo bar foo foo baz foo bar foo foo baz foo bar foo foo baz foo"
        " foo bar foo baz foo foo bar foo baz foo foo bar foo baz foo foo"
    )
    assert " ".join(names[key] for key in sequence(made(300, 330, 1000), 99)) == expected


def test_equal_powers_take_turns_by_address() -> None:
    # TestProposerSelection2
    assert sequence(made(100, 100, 100), 15) == BY_ADDRESS[:3] * 5


def test_power_enough_for_two_turns_in_a_row_takes_them() -> None:
    # TestProposerSelection2
    assert sequence(made(100, 100, 400), 2) == [BY_ADDRESS[2], BY_ADDRESS[0]]
    assert sequence(made(100, 100, 401), 3) == [BY_ADDRESS[2], BY_ADDRESS[2], BY_ADDRESS[0]]


@pytest.mark.parametrize(
    ("times", "priorities", "proposer"),
    [
        # TestAveragingInIncrementProposerPriorityWithVotingPower
        (1, (-2, 1, 1), 0),
        (2, (-4, 2, 2), 0),
        (4, (-8, 4, 4), 0),
        (5, (2, -7, 5), 1),
        (6, (0, -6, 6), 0),
        (8, (-4, -4, 8), 0),
        (9, (6, -3, -3), 2),
        (11, (2, -1, -1), 0),
    ],
)
def test_advancing_many_times_at_once_is_as_in_cometbfts_own_test(
    times: int, priorities: tuple[int, ...], proposer: int
) -> None:
    current = ValidatorSet(tuple(Validator(BY_ADDRESS[n], power) for n, power in enumerate((10, 1, 1))))
    advanced = current.advanced(times)
    assert tuple(row.priority for row in advanced.validators) == priorities
    assert advanced.proposer().public_key == BY_ADDRESS[proposer]


@pytest.mark.slow
@given(powers_strategy)
def test_everyone_proposes_in_proportion_to_power(powers: list[int]) -> None:
    total = sum(powers)
    turns = Counter(sequence(made(*powers), total))
    assert [turns[BY_ADDRESS[n]] for n in range(len(powers))] == powers


@given(powers_strategy, st.integers(1, 60))
def test_priorities_stay_centred_and_within_their_window(powers: list[int], times: int) -> None:
    current = made(*powers).advanced(times)
    priorities = [row.priority for row in current.validators]
    assert abs(sum(priorities)) < len(priorities)
    assert max(priorities) - min(priorities) <= 2 * current.total_power


updates_strategy = st.lists(
    st.lists(st.tuples(st.integers(0, 11), st.integers(0, 500)), max_size=4, unique_by=lambda row: row[0]), max_size=8
)


@given(powers_strategy, updates_strategy)
def test_any_change_leaves_a_sorted_centred_set_of_the_right_powers(
    powers: list[int], changes: list[list[tuple[int, int]]]
) -> None:
    current = made(*powers)
    expected = dict(zip(BY_ADDRESS, powers, strict=False))
    for change in changes:
        update = [(BY_ADDRESS[n], power) for n, power in change]
        after = {key: power for key, power in (expected | dict(update)).items() if power}
        if any(power == 0 and key not in expected for key, power in update) or not after:
            with pytest.raises(InvalidValidators):
                current.updated(update)
            continue
        expected = after
        current = current.updated(update).advanced()
        assert {row.public_key: row.power for row in current.validators} == expected
        assert all((-a.power, a.address) < (-b.power, b.address) for a, b in pairwise(current.validators))
        assert abs(sum(row.priority for row in current.validators)) < len(current.validators)
        assert ValidatorSet.decode(current.encode()) == current


def test_a_newcomer_proposes_last() -> None:
    current = made(10, 10, 10).updated([(BY_ADDRESS[7], 10)])
    newcomer = current.by_address(address_of(BY_ADDRESS[7]))
    assert newcomer is not None
    assert newcomer[1].priority == min(row.priority for row in current.validators)
    assert BY_ADDRESS[7] not in sequence(current.advanced(), 3)


@pytest.mark.parametrize(
    "update",
    [
        [(BY_ADDRESS[0], 1), (BY_ADDRESS[0], 2)],
        [(BY_ADDRESS[0], -1)],
        [(BY_ADDRESS[0], MAX_TOTAL_POWER + 1)],
        [(BY_ADDRESS[5], 0)],
        [(BY_ADDRESS[0], 0), (BY_ADDRESS[1], 0)],
        [(BY_ADDRESS[5], MAX_TOTAL_POWER)],
        [(b"short", 1)],
    ],
)
def test_a_change_that_may_not_be_made_is_refused(update: list[tuple[bytes, int]]) -> None:
    with pytest.raises(InvalidValidators):
        made(10, 20).updated(update)


def test_no_change_is_no_change() -> None:
    assert made(1, 2).updated([]) == made(1, 2)


def test_a_replacement_may_reach_the_total_that_an_addition_may_not() -> None:
    full = made(MAX_TOTAL_POWER)
    swapped = full.updated([(BY_ADDRESS[0], 0), (BY_ADDRESS[1], MAX_TOTAL_POWER)])
    assert swapped.total_power == MAX_TOTAL_POWER
    assert swapped.advanced(3).proposer().public_key == BY_ADDRESS[1]


def test_an_empty_set_hashes_to_nothing_and_has_nobody_to_propose() -> None:
    empty = make_validator_set([])
    assert empty == ValidatorSet()
    assert empty.hash() == EMPTY_ROOT
    assert ValidatorSet.decode(empty.encode()) == empty
    for broken in (empty.proposer, empty.advanced):
        with pytest.raises(InvalidValidators):
            broken()


def test_a_new_set_has_no_powerless_member() -> None:
    with pytest.raises(InvalidValidators):
        made(1, 0)


def test_the_order_in_which_members_are_named_does_not_matter() -> None:
    rows = [Validator(BY_ADDRESS[n], power) for n, power in enumerate((5, 9, 5, 1))]
    assert make_validator_set(rows) == make_validator_set(rows[::-1])


def test_who_is_not_in_the_set_is_not_found() -> None:
    assert made(1).by_address(address_of(BY_ADDRESS[3])) is None


@pytest.mark.parametrize(
    "bend",
    [
        lambda data: data.replace(address_of(BY_ADDRESS[0]), bytes(20)),
        lambda data: data[:-2],
        lambda data: data + b"\x18\x01",
        lambda data: data[: len(data) * 2 // 3],
    ],
)
def test_a_set_that_does_not_fit_together_is_refused(bend: object) -> None:
    data = made(3, 2).encode()
    with pytest.raises(MalformedBytes):
        ValidatorSet.decode(bend(data))  # type: ignore[operator]


def test_a_proposer_who_is_no_member_is_refused() -> None:
    stranger = ValidatorSet((Validator(BY_ADDRESS[9], 1),), address_of(BY_ADDRESS[9])).encode()
    data = made(3).encode()
    members, proposer = data[: data.index(b"\x12", 60)], stranger[stranger.index(b"\x12", 60) :]
    with pytest.raises(MalformedBytes):
        ValidatorSet.decode(members + proposer)


@pytest.mark.slow
@settings(max_examples=rounds(20), deadline=None)
@given(powers_strategy, updates_strategy)
def test_after_any_change_turns_are_in_proportion_again(
    powers: list[int], changes: list[list[tuple[int, int]]]
) -> None:
    current = made(*powers)
    for change in changes:
        update = [(BY_ADDRESS[n], power) for n, power in change if power]
        current = current.updated(update).advanced() if update else current
    # A newcomer waits at most this long; then its share is exact over any whole cycle, give or take one turn.
    settled = current.advanced(4 * len(current.validators) + 4)
    turns = Counter(sequence(settled, 20 * settled.total_power))
    for row in settled.validators:
        assert abs(turns[row.public_key] - 20 * row.power) <= len(settled.validators) * 3
