"""What customers' accounts tell."""

from __future__ import annotations

from typing import Final

OPENED: Final = "customers.opened"
KEY_CHANGED: Final = "customers.key_changed"
LOCKED: Final = "customers.locked"
UNLOCKED: Final = "customers.unlocked"
RECOVERY_STARTED: Final = "customers.recovery_started"
RECOVERY_UPHELD: Final = "customers.recovery_upheld"
RECOVERY_CANCELLED: Final = "customers.recovery_cancelled"
CLOSED: Final = "customers.closed"
REOPENED: Final = "customers.reopened"
TIER_CHANGED: Final = "customers.tier_changed"
ATTESTED: Final = "customers.attested"
LIMITS_AGREED: Final = "customers.limits_agreed"
TIER_LIMITS_CHANGED: Final = "customers.tier_limits_changed"
CLASS_CAPS_CHANGED: Final = "customers.class_caps_changed"
RECOVERY_TIME_CHANGED: Final = "customers.recovery_time_changed"
