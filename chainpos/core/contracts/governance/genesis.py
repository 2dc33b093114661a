"""Who holds which role from the first block on, whose approval a change needs, and the first validators.

It refuses roles that do not exist, a key named twice, a quorum by which one key could decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Any, Final

import msgspec

from chainpos.core.contracts.context import Context, HexKey, decode_section, genesis_row
from chainpos.core.contracts.governance.changes import MAX_LIFETIME_S, is_quorum
from chainpos.core.contracts.governance.records import (
    ANY_KIND,
    MAX_HOLDERS,
    MAX_QUORUM_STEPS,
    MAX_QUORUMS,
    MAX_VALIDATORS,
    ONLY,
    QUORUMS,
    ROLE_HOLDERS,
    ROLE_LISTS,
    VALIDATORS,
    Need,
    QuorumRule,
    Quorums,
    QuorumStep,
    RoleHolder,
    RoleList,
    ValidatorPower,
    Validators,
    role_key,
)
from chainpos.core.values.timestamps import DAY_S, MAX_TIME_S

# Where genesis says nothing: the operator and the regulator together, within a week.
DEFAULT_STEP: Final = QuorumStep(0, (Need("operator", 1), Need("regulator", 1)), 7 * DAY_S)


class _Roles(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    central_bank: tuple[HexKey, ...] = ()
    city: tuple[HexKey, ...] = ()
    operator: tuple[HexKey, ...] = ()
    regulator: tuple[HexKey, ...] = ()


class _Need(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    role: str
    approvals: int


class _Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    needs: tuple[_Need, ...]
    effective_from_s: Annotated[int, msgspec.Meta(ge=0, le=MAX_TIME_S)] = 0
    lifetime_s: Annotated[int, msgspec.Meta(ge=1, le=MAX_LIFETIME_S)] = 7 * DAY_S


class _Quorum(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    steps: Annotated[tuple[_Step, ...], msgspec.Meta(min_length=1, max_length=MAX_QUORUM_STEPS)]
    change: str = ANY_KIND


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    roles: _Roles
    quorums: Annotated[tuple[_Quorum, ...], msgspec.Meta(max_length=MAX_QUORUMS)] = ()


def load_genesis(ctx: Context, section: Any) -> None:
    """Writes the holders of each role, and the quorums."""
    read = decode_section(section, _Section)
    for role, keys in msgspec.structs.asdict(read.roles).items():
        if len(keys) > MAX_HOLDERS:
            raise ValueError(f"more than {MAX_HOLDERS} keys hold the role - at `$.roles.{role}`")
        for index, text in enumerate(keys):
            key = role_key(role, bytes.fromhex(text))
            if ctx.get(ROLE_HOLDERS, key) is not None:
                raise ValueError(f"the key is named twice - at `$.roles.{role}[{index}]`")
            ctx.put(ROLE_HOLDERS, key, RoleHolder(ctx.block.time_s))
        ctx.put(ROLE_LISTS, role.encode(), RoleList(tuple(sorted(bytes.fromhex(text) for text in keys))))
    rules = {ANY_KIND: QuorumRule(ANY_KIND, (DEFAULT_STEP,))}
    named: list[str] = []
    for index, row in enumerate(read.quorums):
        with genesis_row(f"quorums[{index}]"):
            if row.change in named:
                raise ValueError("given twice")
            named.append(row.change)
            rules[row.change] = _quorum(ctx, row)
    ctx.put(QUORUMS, ONLY, Quorums(tuple(rules[kind] for kind in sorted(rules))))


def _quorum(ctx: Context, row: _Quorum) -> QuorumRule:
    if row.change != ANY_KIND and ctx.ports.changes.find(row.change) is None:
        raise ValueError(f"governance does not decide {row.change!r}")
    if any(later.effective_from_s <= earlier.effective_from_s for earlier, later in pairwise(row.steps)):
        raise ValueError("the steps do not ascend by date")
    steps = tuple(
        QuorumStep(
            step.effective_from_s, tuple(Need(each.role, each.approvals) for each in step.needs), step.lifetime_s
        )
        for step in row.steps
    )
    if not all(is_quorum(step.needs) for step in steps):
        raise ValueError("not a quorum of known roles, each once, and two approvals or more")
    return QuorumRule(row.change, steps)


def _needs(step: _Step) -> tuple[Need, ...]:
    return tuple(Need(each.role, each.approvals) for each in step.needs)


def load_validators(ctx: Context, validators: Sequence[tuple[bytes, int]]) -> None:
    """Writes the first validators, (public key, power), which genesis names outside of app_state."""
    if len(validators) > MAX_VALIDATORS:
        raise ValueError(f"more than {MAX_VALIDATORS} validators - at `$`")
    if validators:
        ctx.put(VALIDATORS, ONLY, Validators(tuple(ValidatorPower(key, power) for key, power in sorted(validators))))
