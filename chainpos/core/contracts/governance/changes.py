"""What governance decides of itself: roles, validators, quorums, the next version. Each a ladder, then the writes.

They refuse whatever would leave the network without anybody to decide or to make blocks.
"""

from __future__ import annotations

from typing import Final

import msgspec

from chainpos.core.contracts.context import Change, Context
from chainpos.core.contracts.dated import followed
from chainpos.core.contracts.governance import codes, port
from chainpos.core.contracts.governance.events import (
    QUORUM_CHANGED,
    ROLE_ADDED,
    ROLE_REMOVED,
    UPGRADE_PLANNED,
    VALIDATOR_CHANGED,
)
from chainpos.core.contracts.governance.records import (
    ANY_KIND,
    APP_VERSION,
    MAX_HOLDERS,
    MAX_POWER,
    MAX_QUORUM_STEPS,
    MAX_QUORUMS,
    MAX_VALIDATORS,
    ONLY,
    QUORUMS,
    ROLE_HOLDERS,
    ROLE_LISTS,
    ROLES,
    UPGRADES,
    VALIDATORS,
    Need,
    QuorumRule,
    Quorums,
    QuorumStep,
    RoleHolder,
    RoleList,
    Upgrade,
    ValidatorPower,
    Validators,
    role_key,
    step_in_force,
)
from chainpos.core.values.hashes import PUBLIC_KEY_BYTES
from chainpos.core.values.text import is_safe
from chainpos.core.values.timestamps import MAX_TIME_S

MAX_LIFETIME_S: Final = 90 * 86_400
MAX_VERSION: Final = 2**31
MAX_HEIGHT: Final = 2**62
MAX_NAME_BYTES: Final = 64
# Operators need time to install what they will run; a demonstration makes this many blocks in some minutes.
MIN_UPGRADE_NOTICE_BLOCKS: Final = 20


class SetRole(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Change "governance.role": a 32-byte key holds a role from now on (`is_held`), or no longer."""

    role: str
    key: bytes
    is_held: bool


class SetValidator(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Change "governance.validator": `power` 1 to 10^9, or 0 to remove it; in force two blocks later."""

    public_key: bytes
    power: int


class SetQuorum(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Change "governance.quorum": who must approve `kind` ("" for all without one of their own) from a second on.

    `needs` are (role, approvals); a proposal may be open for `lifetime_s`, at most 90 days.
    """

    kind: str
    effective_from_s: int
    needs: tuple[tuple[str, int], ...]
    lifetime_s: int


class PlanUpgrade(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Change "governance.upgrade": block `height` is the first of version `app_version`. Height 0 calls it off."""

    height: int
    app_version: int
    name: str


def set_role(ctx: Context, change: SetRole) -> None:
    """The key holds the role, or holds it no longer, from the next transaction on."""
    ctx.require(change.role in ROLES, codes.UNKNOWN_ROLE)
    ctx.require(len(change.key) == PUBLIC_KEY_BYTES, codes.BAD_ROLE_KEY)
    keys, key = port.holders(ctx, change.role), role_key(change.role, change.key)
    if change.is_held:
        ctx.require(change.key not in keys, codes.ROLE_HELD)
        ctx.require(len(keys) < MAX_HOLDERS, codes.TOO_MANY_HOLDERS)
        ctx.put(ROLE_LISTS, change.role.encode(), RoleList(tuple(sorted((*keys, change.key)))))
        ctx.put(ROLE_HOLDERS, key, RoleHolder(ctx.block.time_s))
        ctx.emit(ROLE_ADDED, role=change.role, key=change.key)
        return
    ctx.require(change.key in keys, codes.ROLE_NOT_HELD)
    left = tuple(each for each in keys if each != change.key)
    needed = most_needed(port.quorum_rules(ctx), change.role, ctx.block.time_s)
    ctx.require(len(left) >= needed, codes.QUORUM_UNREACHABLE, f"{needed} needed")
    ctx.put(ROLE_LISTS, change.role.encode(), RoleList(left))
    ctx.delete(ROLE_HOLDERS, key)
    ctx.emit(ROLE_REMOVED, role=change.role, key=change.key)


def most_needed(rules: tuple[QuorumRule, ...], role: str, time_s: int) -> int:
    """The most keys of a role that any quorum asks for, now or later."""
    most = 0
    for rule in rules:
        present = step_in_force(rule, time_s)
        begun_s = 0 if present is None else present.effective_from_s
        for step in rule.steps:
            if step.effective_from_s >= begun_s:
                most = max([most, *(need.approvals for need in step.needs if need.role == role)])
    return most


def set_validator(ctx: Context, change: SetValidator) -> None:
    """The validator has that power, two blocks later."""
    ctx.require(len(change.public_key) == PUBLIC_KEY_BYTES, codes.BAD_VALIDATOR_KEY)
    ctx.require(0 <= change.power <= MAX_POWER, codes.BAD_VALIDATOR_POWER)
    powers = {each.public_key: each.power for each in port.validators(ctx)}
    before = powers.pop(change.public_key, 0)
    if change.power == 0:
        ctx.require(before > 0, codes.UNKNOWN_VALIDATOR)
        ctx.require(len(powers) > 0, codes.LAST_VALIDATOR)
    else:
        ctx.require(change.power != before, codes.BAD_VALIDATOR_POWER)
        ctx.require(len(powers) < MAX_VALIDATORS, codes.TOO_MANY_VALIDATORS)
        powers[change.public_key] = change.power
    ctx.put(VALIDATORS, ONLY, Validators(tuple(ValidatorPower(key, powers[key]) for key in sorted(powers))))
    ctx.emit(VALIDATOR_CHANGED, public_key=change.public_key, before=before, power=change.power)


def set_quorum(ctx: Context, change: SetQuorum) -> None:
    """From the second `effective_from_s` on those must approve."""
    kind, rules = change.kind, {rule.kind: rule for rule in port.quorum_rules(ctx)}
    ctx.require(kind == ANY_KIND or ctx.ports.changes.find(kind) is not None, codes.UNKNOWN_CHANGE)
    needs = tuple(Need(role, approvals) for role, approvals in change.needs)
    ctx.require(is_quorum(needs), codes.BAD_QUORUM)
    ctx.require(0 < change.lifetime_s <= MAX_LIFETIME_S, codes.BAD_QUORUM, "lifetime")
    ctx.require(change.effective_from_s <= MAX_TIME_S, codes.BAD_QUORUM, "date")
    for need in needs:
        ctx.require(len(port.holders(ctx, need.role)) >= need.approvals, codes.QUORUM_UNREACHABLE, need.role)
    steps = rules[kind].steps if kind in rules else ()
    ctx.require(not steps or steps[-1].effective_from_s < change.effective_from_s, codes.QUORUM_NOT_LATER)
    ctx.require(kind in rules or len(rules) < MAX_QUORUMS, codes.BAD_QUORUM, "too many")
    step = QuorumStep(change.effective_from_s, needs, change.lifetime_s)
    begun = sum([each.effective_from_s <= ctx.block.time_s for each in steps])
    rules[kind] = QuorumRule(kind, followed(steps, step, begun=begun, at_most=MAX_QUORUM_STEPS))
    ctx.put(QUORUMS, ONLY, Quorums(tuple(rules[name] for name in sorted(rules))))
    named = ",".join(f"{need.role}:{need.approvals}" for need in needs)
    ctx.emit(QUORUM_CHANGED, change=kind, needs=named, effective_from_s=change.effective_from_s)


def is_quorum(needs: tuple[Need, ...]) -> bool:
    """Whether each role is named once, each is asked for, and no key could decide alone."""
    roles = [need.role for need in needs]
    counted = all(need.role in ROLES and 1 <= need.approvals <= MAX_HOLDERS for need in needs)
    return counted and len(set(roles)) == len(roles) and sum(need.approvals for need in needs) >= 2


def plan_upgrade(ctx: Context, change: PlanUpgrade) -> None:
    """No node of an older version executes that block."""
    named_rightly = is_safe(change.name) and 1 <= len(change.name.encode()) <= MAX_NAME_BYTES
    ctx.require(named_rightly, codes.BAD_UPGRADE, "name")
    planned = ctx.get(UPGRADES, ONLY)
    # What has begun cannot be called off or planned anew below itself.
    begun = APP_VERSION if planned is None or planned.height > ctx.block.height else planned.app_version
    begun = max(begun, APP_VERSION)
    if change.height == 0:
        ctx.require(planned is not None and planned.height > ctx.block.height, codes.BAD_UPGRADE, "nothing planned")
        ctx.require(change.app_version == 0, codes.BAD_UPGRADE, "version")
    else:
        notice = change.height - ctx.block.height
        ctx.require(MIN_UPGRADE_NOTICE_BLOCKS <= notice <= MAX_HEIGHT, codes.BAD_UPGRADE, "height")
        ctx.require(begun < change.app_version <= MAX_VERSION, codes.BAD_UPGRADE, "version")
    ctx.put(UPGRADES, ONLY, Upgrade(change.height, change.app_version, change.name, ctx.block.time_s))
    ctx.emit(UPGRADE_PLANNED, height=change.height, app_version=change.app_version, name=change.name)


def _quorum_from_s(change: SetQuorum) -> int:
    return change.effective_from_s


CHANGES: Final = (
    Change("governance.role", SetRole, set_role),
    Change("governance.validator", SetValidator, set_validator),
    Change("governance.quorum", SetQuorum, set_quorum, _quorum_from_s),
    Change("governance.upgrade", PlanUpgrade, plan_upgrade),
)
