"""What governance tells: each proposal, approval and decision, and what was changed by it."""

from __future__ import annotations

from typing import Final

PROPOSED: Final = "governance.proposed"
APPROVED: Final = "governance.approved"
ENACTED: Final = "governance.enacted"
WITHDRAWN: Final = "governance.withdrawn"
ROLE_ADDED: Final = "governance.role_added"
ROLE_REMOVED: Final = "governance.role_removed"
VALIDATOR_CHANGED: Final = "governance.validator_changed"
QUORUM_CHANGED: Final = "governance.quorum_changed"
UPGRADE_PLANNED: Final = "governance.upgrade_planned"
