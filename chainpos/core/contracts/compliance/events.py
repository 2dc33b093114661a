"""What compliance tells."""

from __future__ import annotations

from typing import Final

FROZEN: Final = "compliance.frozen"
FREEZE_AGREED: Final = "compliance.freeze_agreed"
RELEASE_ORDERED: Final = "compliance.release_ordered"
RELEASED: Final = "compliance.released"
ALERT: Final = "compliance.alert"
ALERT_RULES_CHANGED: Final = "compliance.alert_rules_changed"
