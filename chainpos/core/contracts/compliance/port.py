"""What compliance offers: whether a freeze is in force. It refuses while one is."""

from __future__ import annotations

from chainpos.core.contracts.compliance import codes
from chainpos.core.contracts.compliance.records import FREEZES, Freeze
from chainpos.core.contracts.context import Context
from chainpos.errors import Rejected


def freeze_in_force(ctx: Context, subject: bytes) -> Freeze | None:
    """The freeze that holds at the time of this block, or None."""
    freeze = ctx.get(FREEZES, subject)
    return freeze if freeze is not None and ctx.block.time_s < freeze.until_s else None


def require_free(ctx: Context, subject: bytes) -> None:
    """Raises Rejected: ACCOUNT_FROZEN or MERCHANT_FROZEN, with the legal reference as its detail."""
    freeze = freeze_in_force(ctx, subject)
    if freeze is not None:
        code = codes.MERCHANT_FROZEN if subject.startswith(b"m") else codes.ACCOUNT_FROZEN
        raise Rejected(code, freeze.legal_reference)
