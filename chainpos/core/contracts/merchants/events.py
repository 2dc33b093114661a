"""What merchants tell."""

from __future__ import annotations

from typing import Final

REGISTERED: Final = "merchants.registered"
TILL_ADDED: Final = "merchants.till_added"
TILL_REVOKED: Final = "merchants.till_revoked"
OWNER_CHANGED: Final = "merchants.owner_changed"
TERMS_ANNOUNCED: Final = "merchants.terms_announced"
TERMS_CANCELLED: Final = "merchants.terms_cancelled"
CERTIFICATE_ANNOUNCED: Final = "merchants.certificate_announced"
CERTIFICATE_CANCELLED: Final = "merchants.certificate_cancelled"
SUSPENDED: Final = "merchants.suspended"
REOPENED: Final = "merchants.reopened"
CLOSED: Final = "merchants.closed"
TILL_LIMITS_CHANGED: Final = "merchants.till_limits_changed"
OWNER_RECOVERY_STARTED: Final = "merchants.owner_recovery_started"
OWNER_RECOVERY_UPHELD: Final = "merchants.owner_recovery_upheld"
OWNER_RECOVERY_CANCELLED: Final = "merchants.owner_recovery_cancelled"
DELAYS_CHANGED: Final = "merchants.delays_changed"
