"""What governance decides of itself: roles, validators, the next version; and what of it reaches consensus."""

from __future__ import annotations

from typing import Any

import pytest

from chainpos.core.chain.params import DEFAULT
from chainpos.core.chain.validators import Validator, make_validator_set
from chainpos.core.contracts.governance import codes, port
from chainpos.core.contracts.governance.changes import MIN_UPGRADE_NOTICE_BLOCKS, PlanUpgrade, SetRole, SetValidator
from chainpos.core.contracts.governance.genesis import load_validators
from chainpos.core.contracts.governance.invariants import roles_are_known, somebody_makes_blocks
from chainpos.core.contracts.governance.records import (
    MAX_HOLDERS,
    MAX_POWER,
    MAX_VALIDATORS,
    ONLY,
    ROLE_LISTS,
    UPGRADES,
    VALIDATORS,
    RoleList,
    ValidatorPower,
    Validators,
)
from chainpos.core.execution import BlockInput, UpgradeNeeded, execute_block, validator_updates
from chainpos.core.state.state import State
from chainpos.core.values.hashes import sha256
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.errors import Code
from tests.core.contracts.conftest import CHAIN_ID, World, events_of, key_of
from tests.core.contracts.deciding import approval, decided, proposed, undecidable

ROLE, VALIDATOR, UPGRADE = "governance.role", "governance.validator", "governance.upgrade"
ONE, TWO, THREE = sorted(sha256(b"validator %d" % number) for number in range(3))


@pytest.fixture
def guarded(world: World) -> World:
    """The world with two validators."""
    ctx = world.context()
    load_validators(ctx, [(TWO, 10), (ONE, 30)])
    world.commit(ctx)
    return world


def powers(world: World) -> dict[bytes, int]:
    return {each.public_key: each.power for each in port.validators(world.context())}


def test_a_role_is_taken_away(world: World) -> None:
    new = key_of("new").public
    decided(world, ROLE, SetRole("city", new, is_held=True))
    assert new in port.holders(world.context(), "city")
    result = decided(world, ROLE, SetRole("city", new, is_held=False))
    assert events_of(result, "governance.role_removed") == [{"role": "city", "key": new.hex()}]
    assert not port.holds(world.context(), "city", new)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (SetRole("emperor", bytes(32), is_held=True), codes.UNKNOWN_ROLE),
        (SetRole("city", bytes(31), is_held=True), codes.BAD_ROLE_KEY),
        (SetRole("city", key_of("city").public, is_held=True), codes.ROLE_HELD),
        (SetRole("city", bytes(32), is_held=False), codes.ROLE_NOT_HELD),
        (SetRole("regulator", key_of("regulator").public, is_held=False), codes.QUORUM_UNREACHABLE),
    ],
)
def test_a_change_of_roles_is_refused(world: World, change: SetRole, code: Code) -> None:
    undecidable(world, ROLE, change, code)


def test_a_role_has_so_many_holders_and_no_more(world: World) -> None:
    for number in range(1, MAX_HOLDERS):
        decided(world, ROLE, SetRole("city", sha256(b"%d" % number), is_held=True))
    undecidable(world, ROLE, SetRole("city", bytes(32), is_held=True), codes.TOO_MANY_HOLDERS)


def test_a_list_that_differs_from_its_holders_is_found(world: World) -> None:
    ctx = world.context()
    ctx.put(ROLE_LISTS, b"city", RoleList())
    world.commit(ctx)
    assert [each.invariant for each in roles_are_known(world.state)] == ["roles_are_known"]


def test_validators_are_added_changed_and_removed(guarded: World) -> None:
    result = decided(guarded, VALIDATOR, SetValidator(THREE, 5))
    (told,) = events_of(result, "governance.validator_changed")
    assert told == {"public_key": THREE.hex(), "before": "0", "power": "5"}
    decided(guarded, VALIDATOR, SetValidator(TWO, 11))
    decided(guarded, VALIDATOR, SetValidator(ONE, 0))
    assert powers(guarded) == {TWO: 11, THREE: 5}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (SetValidator(bytes(31), 1), codes.BAD_VALIDATOR_KEY),
        (SetValidator(ONE, -1), codes.BAD_VALIDATOR_POWER),
        (SetValidator(ONE, MAX_POWER + 1), codes.BAD_VALIDATOR_POWER),
        (SetValidator(ONE, 30), codes.BAD_VALIDATOR_POWER),
        (SetValidator(THREE, 0), codes.UNKNOWN_VALIDATOR),
    ],
)
def test_a_change_of_validators_is_refused(guarded: World, change: SetValidator, code: Code) -> None:
    undecidable(guarded, VALIDATOR, change, code)


def test_the_last_validator_stays(guarded: World) -> None:
    decided(guarded, VALIDATOR, SetValidator(ONE, 0))
    undecidable(guarded, VALIDATOR, SetValidator(TWO, 0), codes.LAST_VALIDATOR)


def test_there_are_so_many_validators_and_no_more(world: World) -> None:
    ctx = world.context()
    load_validators(ctx, [(sha256(b"%d" % number), 1) for number in range(MAX_VALIDATORS)])
    world.commit(ctx)
    undecidable(world, VALIDATOR, SetValidator(ONE, 1), codes.TOO_MANY_VALIDATORS)
    with pytest.raises(ValueError, match="validators"):
        load_validators(world.context(), [(sha256(b"%d" % number), 1) for number in range(MAX_VALIDATORS + 1)])


def test_a_blocks_decisions_reach_consensus_as_one_list_of_differences(guarded: World) -> None:
    """Added and removed within one block is nothing; a key is named once; the set takes the list as it is."""
    ctx = guarded.context()
    for change in (SetValidator(THREE, 5), SetValidator(ONE, 7), SetValidator(THREE, 0), SetValidator(ONE, 8)):
        known = ctx.ports.changes.find(VALIDATOR)
        assert known is not None
        known.apply(ctx, change)
    updates = validator_updates(ctx.journal.changes())
    assert updates == ((ONE, 8),)
    before = make_validator_set([Validator(ONE, 30), Validator(TWO, 10)])
    after = before.updated(list(updates))
    assert {each.public_key: each.power for each in after.validators} == {ONE: 8, TWO: 10}
    assert validator_updates([]) == ()


@pytest.mark.parametrize(
    "record",
    [(), (ValidatorPower(ONE, 0),), (ValidatorPower(TWO, 1), ValidatorPower(ONE, 1)), (ValidatorPower(ONE, 2**61),)],
)
def test_validators_that_cannot_be_are_found(world: World, record: tuple[ValidatorPower, ...]) -> None:
    ctx = world.context()
    ctx.put(VALIDATORS, ONLY, Validators(record))
    world.commit(ctx)
    assert [each.invariant for each in somebody_makes_blocks(world.state)] == ["somebody_makes_blocks"]


def executed(state: State, height: int) -> Any:
    return execute_block(state, BlockInput(CHAIN_ID, height, 2_000_000_000 * SECOND_NS, (), params=DEFAULT))


def test_an_older_version_stops_before_the_upgrades_height(world: World) -> None:
    height = world.height + 100
    result = decided(world, UPGRADE, PlanUpgrade(height, 2, "Autumn"))
    assert events_of(result, "governance.upgrade_planned")[0]["height"] == str(height)
    assert executed(world.state, height - 2).param_updates is None
    announced = executed(world.state, height - 1).param_updates
    assert announced.app_version == 2
    for later in (height, height + 1):
        with pytest.raises(UpgradeNeeded, match=r"needs version 2 \(Autumn\)"):
            executed(world.state, later)


def test_an_upgrade_is_called_off_before_its_height(world: World) -> None:
    undecidable(world, UPGRADE, PlanUpgrade(0, 0, "Never mind"), codes.BAD_UPGRADE)
    height = world.height + 50
    decided(world, UPGRADE, PlanUpgrade(height, 2, "Autumn"))
    undecidable(world, UPGRADE, PlanUpgrade(0, 2, "Never mind"), codes.BAD_UPGRADE)
    decided(world, UPGRADE, PlanUpgrade(0, 0, "Never mind"))
    executed(world.state, height)
    record = world.state.get(UPGRADES, ONLY)
    assert record is not None
    assert record.height == 0


@pytest.mark.parametrize(
    ("ahead", "version", "name"),
    [
        (MIN_UPGRADE_NOTICE_BLOCKS - 1, 2, "n"),
        (50, 1, "n"),
        (50, 2**40, "n"),
        (50, 2, ""),
        (50, 2, "\x1b"),
        (-5, 2, "n"),
    ],
)
def test_an_upgrade_is_refused(world: World, ahead: int, version: int, name: str) -> None:
    world.height = 10
    undecidable(world, UPGRADE, PlanUpgrade(11 + ahead, version, name), codes.BAD_UPGRADE)


def test_an_upgrade_that_came_too_near_is_not_decided(world: World) -> None:
    change = PlanUpgrade(world.height + 1 + MIN_UPGRADE_NOTICE_BLOCKS, 2, "Autumn")
    number = proposed(world, UPGRADE, change)
    world.refused(approval(number, UPGRADE, change), "regulator", codes.BAD_UPGRADE)
