"""What governance offers: whether a key holds a role. It refuses a key that does not."""

from __future__ import annotations

from chainpos.core.contracts.context import Context
from chainpos.core.contracts.governance import codes
from chainpos.core.contracts.governance.records import ROLE_HOLDERS, ROLES, role_key
from chainpos.errors import StateMismatch


def require_role(ctx: Context, role: str, public_key: bytes) -> None:
    """Raises Rejected(MISSING_ROLE) unless the key holds the role; StateMismatch for a role that does not exist."""
    if role not in ROLES:
        raise StateMismatch(f"no role is named {role!r}")
    ctx.require(ctx.get(ROLE_HOLDERS, role_key(role, public_key)) is not None, codes.MISSING_ROLE, role)
