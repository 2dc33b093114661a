"""Roles: who holds them, and that nobody else does."""

from __future__ import annotations

import pytest

from chainpos.core.contracts.governance import codes, port
from chainpos.core.contracts.governance.invariants import roles_are_known
from chainpos.core.contracts.governance.records import ROLE_HOLDERS, ROLES, RoleHolder, role_key
from chainpos.errors import Rejected, StateMismatch
from tests.core.contracts.conftest import OFFICES, World, key_of


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_held_by_its_key_and_by_no_other(world: World, role: str) -> None:
    ctx = world.context()
    port.require_role(ctx, role, key_of(role).public)
    for other in (*OFFICES, "alice"):
        if other != role:
            with pytest.raises(Rejected) as refusal:
                port.require_role(ctx, role, key_of(other).public)
            assert refusal.value.code == codes.MISSING_ROLE


def test_a_role_that_does_not_exist_is_a_bug_of_ours(world: World) -> None:
    with pytest.raises(StateMismatch):
        port.require_role(world.context(), "emperor", key_of("operator").public)


@pytest.mark.parametrize("key", [role_key("emperor", bytes(32)), role_key("city", bytes(31)), b"city"])
def test_a_role_held_wrongly_is_found(world: World, key: bytes) -> None:
    assert roles_are_known(world.state) == []
    ctx = world.context()
    ctx.put(ROLE_HOLDERS, key, RoleHolder(0))
    world.commit(ctx)
    assert [violation.invariant for violation in roles_are_known(world.state)] == ["roles_are_known"]
