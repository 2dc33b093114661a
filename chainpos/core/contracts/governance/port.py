"""What governance offers: whether a key holds a role. It refuses a key that does not."""

from __future__ import annotations

from chainpos.core.contracts.context import Context
from chainpos.core.contracts.governance import codes
from chainpos.core.contracts.governance.records import (
    ANY_KIND,
    ONLY,
    QUORUMS,
    ROLE_HOLDERS,
    ROLE_LISTS,
    ROLES,
    VALIDATORS,
    Approval,
    QuorumRule,
    Quorums,
    QuorumStep,
    ValidatorPower,
    role_key,
    step_in_force,
)
from chainpos.errors import Rejected, StateMismatch


def require_role(ctx: Context, role: str, public_key: bytes) -> None:
    """Raises Rejected(MISSING_ROLE) unless the key holds the role; StateMismatch for a role that does not exist."""
    if role not in ROLES:
        raise StateMismatch(f"no role is named {role!r}")
    ctx.require(holds(ctx, role, public_key), codes.MISSING_ROLE, role)


def holds(ctx: Context, role: str, public_key: bytes) -> bool:
    """Whether the key holds the role."""
    return ctx.get(ROLE_HOLDERS, role_key(role, public_key)) is not None


def holders(ctx: Context, role: str) -> tuple[bytes, ...]:
    """The keys that hold the role, ascending."""
    listed = ctx.get(ROLE_LISTS, role.encode())
    return () if listed is None else listed.keys


def quorum_rules(ctx: Context) -> tuple[QuorumRule, ...]:
    """All quorums, by ascending kind."""
    return (ctx.get(QUORUMS, ONLY) or Quorums()).rules


def quorum(ctx: Context, kind: str) -> QuorumStep:
    """Who must approve a change of this kind now. Raises Rejected(NO_QUORUM_SET)."""
    by_kind = {rule.kind: rule for rule in quorum_rules(ctx)}
    for name in (kind, ANY_KIND):
        rule = by_kind.get(name)
        step = None if rule is None else step_in_force(rule, ctx.block.time_s)
        if step is not None:
            return step
    raise Rejected(codes.NO_QUORUM_SET, kind)


def is_met(ctx: Context, step: QuorumStep, approvals: tuple[Approval, ...]) -> bool:
    """Whether enough of those who approved still hold the role in whose name they did."""
    counted: dict[str, int] = {}
    for approval in approvals:
        if holds(ctx, approval.role, approval.key):
            counted[approval.role] = counted.get(approval.role, 0) + 1
    return all(counted.get(need.role, 0) >= need.approvals for need in step.needs)


def validators(ctx: Context) -> tuple[ValidatorPower, ...]:
    """Who makes blocks once all that was decided is in force, by ascending key."""
    record = ctx.get(VALIDATORS, ONLY)
    return () if record is None else record.validators
